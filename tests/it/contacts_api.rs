//! The two families of methods for contacts: `crm.item.*` where the portal has it, else
//! `crm.contact.*`; contacts of every category, and portals that change.

use b24_tidyd::{
    config::ContactsApi,
    drain::{DrainFailure, Outcome},
};
use serde_json::{Value, json};
use test_portal::{Effect, Fault, Matcher, Universal};

use crate::{command::said, world::World};

/// The ways in which an old portal does not have `crm.item.*` for contacts.
const OLD: [Universal; 3] = [
    Universal::NoMethods,
    Universal::TypeNotFound,
    Universal::TypeNotSupported,
];

const APIS: [ContactsApi; 3] = [
    ContactsApi::Auto,
    ContactsApi::Universal,
    ContactsApi::Classic,
];

/// How often methods were called whose name begins like that, alone or in a batch.
fn calls(world: &World, prefix: &str) -> usize {
    let requests = world.portal.requests();
    let alone = requests
        .iter()
        .filter(|request| request.method.starts_with(prefix));
    let commands = requests.iter().flat_map(|request| &request.commands);
    let inside = commands.filter(|command| command.method.starts_with(prefix));
    alone.count() + inside.count()
}

/// So many new contacts, every fifth of another category.
fn populate(world: &World, contacts: u64) -> Vec<u64> {
    let add = |number| match number % 5 {
        0 => world.portal.add_contact_in(7, "anna", "", "SMITH"),
        _ => world.portal.add_contact("anna", "", "SMITH"),
    };
    (0..contacts).map(add).collect()
}

fn assert_tidy(world: &World, ids: &[u64]) {
    for id in ids {
        assert_eq!(world.names(*id), ["Anna", "", "Smith"], "contact {id}");
    }
}

async fn in_use(world: &World) -> Value {
    let report = said(world, &["status", "--json"]).await;
    let report: Value = serde_json::from_str(&report).unwrap();
    report["portals"][0]["contacts_api"].clone()
}

/// Catches contacts of another category that are taken for deleted, whatever the configuration says.
#[tokio::test]
async fn contacts_of_every_category_are_tidied_while_people_edit() {
    for api in APIS {
        let mut world = World::universal().await;
        world.config.contacts_api = api;
        let world = world.bound().await;
        let ids = populate(&world, 120);
        let deleted = world.portal.add_contact_in(7, "gone", "", "GONE");
        world.portal.delete_contact(deleted);
        world.advance(5.0);
        // Somebody edits one contact of each category right ahead of the first write.
        let (edited, mut done) = ([ids[0], ids[1]], false);
        world.portal.before_request(move |portal, request| {
            let writes = ["crm.item.update", "crm.contact.update"];
            if writes.iter().any(|method| request.calls(method)) && !done {
                done = true;
                for id in edited {
                    portal.edit_contact(id, &[("LAST_NAME", "JONES")]);
                }
            }
        });
        let mut drain = world.drain();
        let summary = drain.pass(&mut |_| {}).await.unwrap();
        world.advance(5.0);
        drain.pass(&mut |_| {}).await.unwrap();

        assert_eq!(summary.outcome, Outcome::Done, "{api:?}");
        assert_tidy(&world, &ids[2..]);
        for id in edited {
            assert_eq!(world.names(id), ["Anna", "", "Jones"], "{api:?}");
        }
        world.assert_clean();
        let classic = calls(&world, "crm.contact.");
        assert_eq!(
            classic > 0,
            api == ContactsApi::Classic,
            "{api:?}: {classic}"
        );
    }
}

#[tokio::test]
async fn an_old_portal_works_as_before() {
    for universal in OLD {
        for api in [ContactsApi::Auto, ContactsApi::Classic] {
            let mut world = World::with(|settings| settings.universal = universal).await;
            world.config.contacts_api = api;
            let world = world.bound().await;
            let ids: Vec<u64> = (0..60)
                .map(|_| world.portal.add_contact("anna", "", "SMITH"))
                .collect();
            let deleted = world.portal.add_contact("gone", "", "");
            world.portal.delete_contact(deleted);
            world.advance(5.0);
            world.pass().await.unwrap();
            assert_tidy(&world, &ids);
            world.assert_clean();
            assert_eq!(in_use(&world).await, json!("classic"));
            assert_eq!(world.record().facts.guards_work, Some(true));
            // It is asked whether it has learnt anything new, and for nothing else.
            assert_eq!(calls(&world, "crm.item."), 1, "{universal:?} {api:?}");
        }
    }
}

/// Catches a fixed choice that is not said to be the reason.
#[tokio::test]
async fn a_choice_that_the_portal_does_not_offer_is_named() {
    for universal in OLD {
        let mut world = World::with(|settings| settings.universal = universal).await;
        world.config.contacts_api = ContactsApi::Universal;
        let id = world.portal.add_contact("anna", "", "");
        let world = world.bound().await;
        world.portal.edit_contact(id, &[("NAME", "anna")]);
        world.advance(5.0);
        let failure = world.pass().await.unwrap_err();
        assert!(matches!(failure, DrainFailure::ContactsNotOffered(_)));
        assert!(failure.to_string().contains("contacts_api"), "{failure}");
        assert_eq!(world.names(id)[0], "anna");

        // The configuration is put right, and nothing is lost.
        let mut world = world.restarted();
        world.config.contacts_api = ContactsApi::Auto;
        world.advance(60.0);
        world.pass().await.unwrap();
        assert_eq!(world.names(id)[0], "Anna");
        world.assert_clean();
    }
}

#[tokio::test]
async fn a_portal_that_learns_is_followed_within_the_hour() {
    for universal in OLD {
        let world = World::with(|settings| settings.universal = universal).await;
        assert_eq!(in_use(&world).await, Value::Null);
        let world = world.bound().await;
        let mut drain = world.drain();
        let first = populate(&world, 10);
        let first: Vec<u64> = first.into_iter().skip(1).filter(|id| id % 5 != 1).collect();
        world.advance(5.0);
        drain.pass(&mut |_| {}).await.unwrap();
        assert_tidy(&world, &first);
        assert_eq!(in_use(&world).await, json!("classic"));

        world
            .portal
            .settings(|settings| settings.universal = Universal::Complete);
        world.advance(3600.0);
        let ids = populate(&world, 60);
        world.advance(5.0);
        world.portal.clear_requests();
        drain.pass(&mut |_| {}).await.unwrap();
        assert_tidy(&world, &ids);
        assert_eq!(in_use(&world).await, json!("universal"));
        assert_eq!(calls(&world, "crm.contact."), 0);
        world.assert_clean();
    }
}

/// Catches a refusal that ends the work, or a contact that counts as gone with the methods.
#[tokio::test]
async fn a_portal_that_goes_back_is_followed_at_the_first_refusal() {
    for universal in OLD {
        // Before the pass; and ahead of the first read, write or get of one.
        for moment in ["", "crm.item.list", "crm.item.update", "crm.item.get"] {
            let world = World::universal().await.bound().await;
            let mut drain = world.drain();
            let ids: Vec<u64> = (0..60)
                .map(|_| world.portal.add_contact("anna", "", "SMITH"))
                .collect();
            world.portal.settings(|settings| {
                settings.hidden_from_list.insert(ids[0]);
                if moment.is_empty() {
                    settings.universal = universal;
                }
            });
            world.advance(5.0);
            let mut gone = moment.is_empty();
            let survey = std::cell::Cell::new(true);
            world.portal.before_request(move |portal, request| {
                // The survey asks by a list, too.
                let first = survey.replace(false);
                if !gone && !first && request.calls(moment) {
                    gone = true;
                    portal.settings(|settings| settings.universal = universal);
                }
            });
            let summary = drain.pass(&mut |_| {}).await;
            let summary = summary.unwrap_or_else(|failure| panic!("{moment}: {failure}"));
            assert_eq!(summary.outcome, Outcome::Done, "{universal:?} {moment}");
            assert_tidy(&world, &ids);
            world.assert_clean();
            assert_eq!(in_use(&world).await, json!("classic"), "{moment}");
            assert_eq!(world.record().facts.guards_work, Some(true));
        }
    }
}

/// Catches a write that is taken for made, and one whose answer is taken for a refusal.
#[tokio::test]
async fn an_update_whose_answer_says_nothing_is_looked_at_again() {
    for api in [ContactsApi::Universal, ContactsApi::Classic] {
        let mut world = World::universal().await;
        world.config.contacts_api = api;
        let world = world.bound().await;
        let id = world.portal.add_contact("anna", "", "");
        world.advance(5.0);
        world.portal.fault(Fault::new(
            Matcher::any().nth(3),
            Effect::DropBatchKeys(vec![format!("u{id}")]),
        ));
        world.pass().await.unwrap();
        assert_eq!(world.names(id)[0], "Anna");
        world.assert_clean();
    }
}

#[tokio::test]
async fn every_command_reads_and_writes_by_the_methods_in_use() {
    let world = World::universal().await.bound().await;
    let old = world.portal.seed(test_portal::Contact {
        id: 900,
        name: Some("old".to_owned()),
        category: 7,
        date_modify: 1_767_500_000,
        ..test_portal::Contact::default()
    });
    let id = world.portal.add_contact_in(7, "anna", "", "");
    world.advance(5.0);
    world.portal.clear_requests();
    let shown = world.says("preview --json").await;
    assert_eq!(shown.changes().len(), 1);
    world.pass().await.unwrap();
    world.advance(5.0);
    let swept = world.says("sweep --apply --json").await;
    assert_eq!(swept.changes().len(), 1);
    assert_eq!(
        [world.names(id)[0].as_str(), &world.names(old)[0]],
        ["Anna", "Old"]
    );
    world.advance(5.0);
    world.says("undo --contact 900 --apply").await;
    assert_eq!(world.names(old)[0], "old");
    let doctor = said(&world, &["doctor"]).await;
    assert!(
        doctor.contains("universal (crm.item.list, crm.item.update)"),
        "{doctor}"
    );
    assert!(doctor.contains("they work"), "{doctor}");
    assert_eq!(calls(&world, "crm.contact."), 0);
    assert_eq!(world.portal.violations(), [] as [String; 0]);
}
