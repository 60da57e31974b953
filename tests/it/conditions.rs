//! What is not as it should be, breakage by breakage: each with the words that `status` shows, what the
//! monitor makes of it, and what there is to do.

use b24_tidyd::cli::exit::Exit;
use serde_json::Value;
use test_portal::{Effect, Fault, Matcher, Portal, QueueRow, Settings};

use crate::{command::outcome, world::World};

/// What `status --json` says of the portal: kind, who acts, text and remedy of each condition.
async fn conditions(world: &World) -> Vec<[String; 4]> {
    conditions_by(world, &["status", "--json"]).await
}

async fn conditions_by(world: &World, line: &[&str]) -> Vec<[String; 4]> {
    let (_, text) = outcome(world, line).await.unwrap();
    let json: Value = serde_json::from_str(&text).unwrap();
    let list = json["portals"][0]["conditions"].as_array().unwrap();
    let words = |it: &Value| {
        ["kind", "acts", "text", "remedy"].map(|key| it[key].as_str().unwrap().to_owned())
    };
    list.iter().map(words).collect()
}

/// The one condition that there is.
async fn only(world: &World) -> [String; 4] {
    let found = conditions(world).await;
    assert_eq!(found.len(), 1, "{found:?}");
    found.into_iter().next().unwrap()
}

async fn check(world: &World) -> (Exit, String) {
    outcome(world, &["status", "--check"]).await.unwrap()
}

async fn doctor(world: &World) -> Exit {
    outcome(world, &["doctor"]).await.unwrap().0
}

fn deny_writes(portal: &Portal, contacts: &[u64]) {
    let refusal = (String::new(), "Access denied.".to_owned());
    portal.settings(|settings| {
        for contact in contacts {
            settings.refused.insert(*contact, refusal.clone());
        }
    });
}

fn always(world: &World, effect: Effect) {
    world
        .portal
        .fault(Fault::new(Matcher::portal().always(), effect));
}

/// An account that may not write any more asks for a person until a write succeeds: that nothing was
/// tried for a while proves nothing.
#[tokio::test]
async fn lost_rights_to_write_stay_said_until_a_write_succeeds() {
    let world = World::new().await.bound().await;
    let contacts: Vec<u64> = (0..6)
        .map(|_| world.portal.add_contact("anna", "", "smith"))
        .collect();
    deny_writes(&world.portal, &contacts);
    world.advance(5.0);
    world.once().await;
    let told = only(&world).await;
    assert_eq!(told[0], "no-write-right");
    assert_eq!(told[2], "the account may not change any contact");
    assert_eq!(told[1], "person");
    // Nothing is due for a while, and a pass finds nothing to do.
    world.advance(4.0);
    world.once().await;
    let kinds: Vec<String> = conditions(&world)
        .await
        .into_iter()
        .map(|it| it[0].clone())
        .collect();
    assert!(kinds.contains(&"no-write-right".to_owned()), "{kinds:?}");
    assert_eq!(check(&world).await.0, Exit::Critical);
    assert_eq!(doctor(&world).await, Exit::NotAuthorised);

    world.portal.settings(|settings| settings.refused.clear());
    world.advance(400.0);
    world.once().await;
    assert_eq!(conditions(&world).await, [] as [[String; 4]; 0]);
    assert_eq!(check(&world).await.0, Exit::Done);
}

/// Breaks a portal by its settings.
type Breakage = Box<dyn Fn(&mut Settings)>;

/// Each refusal by its name, with the remedy that fits; and all is well after it was mended.
#[tokio::test]
async fn what_the_portal_refuses_is_told_apart() {
    let refusing = |status: u16, code: &str| {
        let refusal = Some((status, code.to_owned(), "No".to_owned()));
        move |settings: &mut Settings| settings.refuse_rest.clone_from(&refusal)
    };
    let breakages: Vec<(&str, &str, Breakage)> = vec![
        (
            "not-admin",
            "administrator",
            Box::new(|it| it.admin = false),
        ),
        (
            "scope",
            "crm",
            Box::new(|it| it.scopes = vec!["user".to_owned()]),
        ),
        (
            "account-dismissed",
            "another",
            Box::new(|it| it.dismissed = true),
        ),
        (
            "app-removed",
            "anew",
            Box::new(refusing(401, "APPLICATION_NOT_FOUND")),
        ),
        ("plan", "renew", Box::new(refusing(401, "PAYMENT_REQUIRED"))),
        (
            "portal-gone",
            "remove",
            Box::new(refusing(403, "PORTAL_DELETED")),
        ),
        ("app-removed", "open", Box::new(|it| it.installed = false)),
    ];
    for (kind, remedy, breakage) in breakages {
        let world = World::new().await.bound().await;
        world.portal.settings(|settings| breakage(settings));
        // The hourly look finds what a poll does not.
        world.advance(3700.0);
        world.once().await;
        let told = conditions(&world).await;
        assert_eq!(
            (told[0][0].as_str(), told[0][1].as_str()),
            (kind, "person"),
            "{told:?}"
        );
        assert!(told[0][3].contains(remedy), "{told:?}");
        assert_eq!(check(&world).await.0, Exit::Critical, "{kind}");
        assert_eq!(doctor(&world).await, Exit::NotAuthorised, "{kind}");
        world
            .portal
            .settings(|settings| *settings = Settings::default());
        world.advance(3700.0);
        world.once().await;
        let told = conditions(&world).await;
        assert!(!told.iter().any(|it| it[0] == kind), "{told:?}");
    }
}

/// A failed drain is no drain: an outage that lasts raises the alarm.
#[tokio::test]
async fn an_outage_becomes_critical_with_the_age_of_the_last_success() {
    let world = World::new().await.bound().await;
    world.once().await;
    always(&world, Effect::CloseBeforeProcessing);
    world.advance(60.0);
    world.once().await;
    let told = only(&world).await;
    assert_eq!(
        (told[0].as_str(), told[1].as_str()),
        ("unreachable", "program")
    );
    assert_eq!(told[3], "");
    assert_eq!(check(&world).await.0, Exit::Done);
    world.advance(1000.0);
    world.once().await;
    assert_eq!(check(&world).await.0, Exit::Warning);
    world.advance(3000.0);
    world.once().await;
    assert_eq!(check(&world).await.0, Exit::Critical);
    // After a day it is a person's.
    world.advance(86_400.0);
    world.once().await;
    let told = only(&world).await;
    assert_eq!(
        (told[0].as_str(), told[1].as_str()),
        ("unreachable", "person")
    );
    assert!(
        told[3].contains("b24-tidyd --portal acme doctor"),
        "{told:?}"
    );
}

/// Rows that wait have a reason, an age, and an alarm without asking the portal.
#[tokio::test]
async fn rows_that_wait_are_behind_and_have_an_age() {
    let world = World::new().await.bound().await;
    world.once().await;
    world.portal.add_contact("anna", "", "smith");
    world.advance(5.0);
    world.portal.occupy_operating("crm.contact.update", 480.0);
    world.once().await;
    let told = conditions(&world).await;
    assert!(
        told.iter()
            .any(|it| ["behind", "time-blocked"].contains(&it[0].as_str())),
        "{told:?}"
    );
    assert_eq!(check(&world).await.0, Exit::Done);
    // By what was last seen, without asking the portal.
    world.advance(1000.0);
    let (exit, text) = check(&world).await;
    assert_eq!(exit, Exit::Warning, "{text}");
    assert!(text.contains("acme: oldest 17 min ago"), "{text}");
    world.advance(7200.0);
    assert_eq!(check(&world).await.0, Exit::Critical);
}

/// Rows that others reserve are seen by those who ask.
#[tokio::test]
async fn rows_that_others_reserve_are_said() {
    let world = World::new().await.bound().await;
    world.portal.push_row(QueueRow {
        event_name: "ONCRMCONTACTADD".to_owned(),
        process_id: "stranger".repeat(4),
        ..QueueRow::default()
    });
    let told = conditions_by(&world, &["status", "--live", "--json"]).await;
    assert_eq!(told[0][0], "foreign-rows");
    assert!(
        told[0][3].contains("b24-tidyd --portal acme queue list"),
        "{told:?}"
    );
}

/// One measure for events that are not bound: a person's where nobody is at work who binds them again.
#[tokio::test]
async fn events_that_others_unbind_are_measured_alike_everywhere() {
    let world = World::new().await.bound().await;
    world.once().await;
    world.portal.unbind_all();
    let told = conditions_by(&world, &["status", "--live", "--json"]).await;
    assert_eq!(told[0][0], "unbound");
    assert_eq!(told[0][3], "b24-tidyd --portal acme events bind");
    let (exit, _) = outcome(&world, &["status", "--check", "--live"])
        .await
        .unwrap();
    assert_eq!(exit, Exit::Warning);
    assert_eq!(doctor(&world).await, Exit::NotAuthorised);
    let lock = world.context.store.lock_drain("b24-tidyd run").unwrap();
    let told = conditions_by(&world, &["status", "--live", "--json"]).await;
    assert_eq!(
        (told[0][0].as_str(), told[0][1].as_str()),
        ("unbound", "program")
    );
    assert_eq!(doctor(&world).await, Exit::Done);
    drop(lock);
}
