//! Gaps: what the portal did not record is found by walking, and nothing else is walked.

use b24_tidyd::{
    drain::{DrainFailure, Outcome},
    store::{Cursor, QueueKey},
};
use test_portal::{Effect, Fault, GuardMode, Matcher};

use crate::world::{Awaited, World};

const DAY: f64 = 86_400.0;

pub(crate) fn key(world: &World) -> QueueKey {
    let connector = world.config.connector.as_ref();
    QueueKey {
        portal: world.id(),
        connector: connector.map(|c| c.as_str().to_owned()).unwrap_or_default(),
    }
}

fn cursor(world: &World) -> Cursor {
    world.context.store.cursor(&key(world)).awaited().unwrap()
}

/// How often contacts were walked by their date of change.
fn walks(world: &World) -> usize {
    let requests = world.portal.requests();
    requests
        .iter()
        .flat_map(|request| &request.commands)
        .filter(|command| command.key == "w0")
        .count()
}

/// A world that was drained once, so that there is something to be complete until.
async fn drained() -> World {
    let world = World::new().await.bound().await;
    world.advance(5.0);
    world.pass().await.unwrap();
    assert!(cursor(&world).complete_until.is_some());
    world
}

#[tokio::test]
async fn edits_made_while_the_bindings_were_gone_are_tidied() {
    let world = drained().await;
    let old = world.portal.seed_contact("old one", "", "");
    let mut drain = world.drain();
    drain.pass(&mut |_| {}).await.unwrap();

    world.portal.unbind_all();
    let edited = world.portal.seed_contact("Anna", "", "Smith");
    world.advance(60.0);
    world.portal.edit_contact(edited, &[("NAME", "ANNA")]);
    let created = world.portal.add_contact("bob", "", "");
    assert_eq!(world.portal.queue(), [], "nobody recorded that");

    // The process that is running finds out within the hour, a new one at once.
    world.advance(30.0);
    drain.pass(&mut |_| {}).await.unwrap();
    assert_eq!(world.names(created)[0], "bob");
    world.advance(3600.0);
    let summary = drain.pass(&mut |_| {}).await.unwrap();

    assert_eq!(summary.outcome, Outcome::Done);
    assert_eq!(world.portal.bindings().len(), 2);
    assert_eq!(world.names(edited)[0], "Anna");
    assert_eq!(world.names(created)[0], "Bob");
    assert_eq!(world.names(old)[0], "old one", "not changed in the gap");
    assert_eq!(cursor(&world).gap_since, None);
    world.assert_clean();
}

#[tokio::test]
async fn a_first_installation_sweeps_nothing() {
    let world = World::new().await;
    world.portal.add_contact("anna", "", "");
    world.advance(5.0);
    world.pass().await.unwrap();
    world.pass().await.unwrap();
    assert_eq!(walks(&world), 0);
    assert_eq!(world.portal.contact(1).unwrap().update_count, 0);
    assert_eq!(cursor(&world).gap_since, None);
}

#[tokio::test]
async fn the_cursor_follows_the_portals_clock_and_proof_only() {
    let world = World::new().await.bound().await;
    let first = cursor(&world).complete_until.unwrap();
    assert_eq!(first.as_second(), 1_767_596_400, "when it was bound");

    // Drained again within the hour, but nothing was proven anew.
    let mut drain = world.drain();
    world.advance(10.0);
    drain.pass(&mut |_| {}).await.unwrap();
    world.advance(600.0);
    drain.pass(&mut |_| {}).await.unwrap();
    let second = cursor(&world).complete_until.unwrap();
    assert_eq!(second.as_second(), first.as_second() + 10);

    // Proven, but the queue could not be emptied: the cursor stays.
    world.advance(3600.0);
    world.portal.add_contact("anna", "", "");
    let refused = Effect::CommandError {
        method: "event.offline.get".to_owned(),
        nth: 0,
        code: "INTERNAL_SERVER_ERROR".to_owned(),
        description: "no".to_owned(),
    };
    world.portal.fault(Fault::new(
        Matcher::calling("event.offline.get").always(),
        refused,
    ));
    assert!(drain.pass(&mut |_| {}).await.is_err());
    assert_eq!(cursor(&world).complete_until, Some(second));
}

#[tokio::test]
async fn the_cursor_waits_while_the_brake_leaves_work_in_the_queue() {
    let mut world = World::new().await.bound().await;
    world.config.max_changes_per_hour = 1;
    let before = cursor(&world).complete_until;
    for name in ["anna", "bob"] {
        world.portal.add_contact(name, "", "");
    }
    world.advance(60.0);
    let summary = world.pass().await.unwrap();
    assert!(matches!(summary.outcome, Outcome::WorkLeft { .. }));
    assert_eq!(cursor(&world).complete_until, before);
}

#[tokio::test]
async fn an_application_that_was_switched_off_leaves_a_gap() {
    for unpaid in [false, true] {
        let world = drained().await;
        let mut drain = world.drain();
        drain.pass(&mut |_| {}).await.unwrap();
        world.portal.settings(|settings| {
            settings.installed = unpaid;
            settings.paid = !unpaid;
        });
        let id = world.portal.add_contact("anna", "", "");
        world.advance(3700.0);
        let failure = drain.pass(&mut |_| {}).await.unwrap_err();
        assert!(matches!(failure, DrainFailure::NeedsPerson(_)), "{failure}");
        assert!(cursor(&world).gap_since.is_some());

        world.portal.settings(|settings| {
            settings.installed = true;
            settings.paid = true;
        });
        world.advance(600.0);
        // Nobody waits for the hourly look after such a failure.
        drain.pass(&mut |_| {}).await.unwrap();
        assert_eq!(world.names(id)[0], "Anna");
        assert_eq!(cursor(&world).gap_since, None);
        world.assert_clean();
    }
}

#[tokio::test]
async fn a_refusal_between_two_looks_leaves_a_gap_too() {
    let world = drained().await;
    let mut drain = world.drain();
    drain.pass(&mut |_| {}).await.unwrap();
    world.portal.settings(|settings| {
        settings.paid = false;
        settings.refuse_rest = Some((401, "PAYMENT_REQUIRED".to_owned(), String::new()));
    });
    let id = world.portal.add_contact("anna", "", "");
    // Installed anew, it has lost its bindings.
    world.portal.unbind_all();
    world.advance(60.0);
    drain.pass(&mut |_| {}).await.unwrap_err();
    world.portal.settings(|settings| {
        settings.paid = true;
        settings.refuse_rest = None;
    });
    world.advance(60.0);
    drain.pass(&mut |_| {}).await.unwrap();
    assert_eq!(world.names(id)[0], "Anna");
    assert_eq!(world.portal.bindings().len(), 2, "nobody waits an hour");
    world.assert_clean();
}

#[tokio::test]
async fn after_a_month_away_the_queue_alone_is_not_trusted() {
    for (days, swept) in [(29.0, false), (31.0, true)] {
        let world = drained().await;
        world.portal.clear_requests();
        // Reserved by a run that died, and purged meanwhile: no sign of it is left.
        let id = world.portal.seed_contact("Anna", "", "");
        world.advance(600.0);
        world.portal.edit_contact(id, &[("NAME", "ANNA")]);
        world.portal.unbind_all();
        for event in ["ONCRMCONTACTADD", "ONCRMCONTACTUPDATE"] {
            world.portal.bind_offline(event, "");
        }
        let lost = world.portal.queue()[0].clone();
        world.portal.push_row(test_portal::QueueRow {
            process_id: "0123456789abcdef0123456789abcdef".to_owned(),
            ..lost
        });
        world.advance(days * DAY);
        if swept {
            world.advance(4.0 * DAY);
        }
        world.pass().await.unwrap();
        assert_eq!(walks(&world) > 0, swept, "{days} days");
        assert_eq!(world.names(id)[0], "Anna");
        world.assert_clean();
    }
}

#[tokio::test]
async fn a_long_sweep_goes_on_where_it_was_cut_off() {
    let world = drained().await;
    world.portal.unbind_all();
    world.advance(60.0);
    let ids: Vec<u64> = (0..1300)
        .map(|_| world.portal.add_contact("Anna", "", "Smith"))
        .collect();
    let last = world.portal.add_contact("ZOE", "", "");
    world.advance(60.0);
    // The process dies after its second stretch.
    let gone = Fault::new(
        Matcher::calling("crm.contact.list").nth(3).always(),
        Effect::CloseBeforeProcessing,
    );
    world.portal.fault(gone);
    world.portal.clear_requests();
    assert!(world.pass().await.is_err());
    assert_eq!(world.names(last)[0], "ZOE");
    assert_eq!(cursor(&world).swept_to, ids[999]);

    world.portal.clear_faults();
    world.portal.clear_requests();
    world.advance(60.0);
    world.pass().await.unwrap();
    assert_eq!(world.names(last)[0], "Zoe");
    let rest = (ids.len() + 1 - 1000).div_ceil(500);
    assert_eq!(
        walks(&world),
        rest,
        "where it was cut off, not from the start"
    );
    assert_eq!(
        cursor(&world),
        Cursor {
            gap_since: None,
            swept_to: 0,
            ..cursor(&world)
        }
    );
    world.assert_clean();
}

#[tokio::test]
async fn a_portal_that_does_not_follow_references_is_walked_page_by_page() {
    let world = drained().await;
    world.portal.unbind_all();
    world.advance(60.0);
    for _ in 0..170 {
        world.portal.add_contact("anna", "", "");
    }
    // Every page but the first answers what is not asked for.
    world.advance(60.0);
    world.portal.before_request(|portal, request| {
        if request.commands.iter().any(|command| command.key == "w1") {
            let keys = (1..10).map(|at| format!("w{at}")).collect();
            portal.fault(Fault::new(Matcher::any(), Effect::DropBatchKeys(keys)));
        }
    });
    world.pass().await.unwrap();
    assert!(
        world
            .portal
            .contacts()
            .iter()
            .all(|contact| contact.name.as_deref() == Some("Anna"))
    );
    world.assert_clean();
}

#[tokio::test]
async fn an_empty_page_behind_a_reference_is_asked_for_once_more() {
    let world = drained().await;
    world.portal.unbind_all();
    world.advance(60.0);
    for _ in 0..50 {
        world.portal.add_contact("anna", "", "");
    }
    world.advance(60.0);
    world.portal.clear_requests();
    world.pass().await.unwrap();
    assert_eq!(walks(&world), 2);
    world.assert_clean();
}

#[tokio::test]
async fn a_second_gap_during_a_sweep_begins_it_anew() {
    let world = drained().await;
    world.portal.unbind_all();
    world.advance(60.0);
    let first = world.portal.add_contact("Anna", "", "");
    for _ in 0..600 {
        world.portal.add_contact("Bob", "", "");
    }
    world.advance(60.0);
    let gone = Fault::new(
        Matcher::calling("crm.contact.list").nth(2).always(),
        Effect::CloseBeforeProcessing,
    );
    world.portal.fault(gone);
    world.pass().await.unwrap_err();
    assert!(cursor(&world).swept_to > first);
    world.portal.unbind_all();
    world.advance(60.0);
    world.portal.edit_contact(first, &[("NAME", "ANNA")]);
    world.advance(60.0);
    world.portal.clear_faults();
    world.pass().await.unwrap();
    assert_eq!(world.names(first)[0], "Anna");
    world.assert_clean();
}

#[tokio::test]
async fn a_portal_that_drops_the_filter_is_not_tidied_as_a_whole() {
    let world = drained().await;
    let settings = |settings: &mut test_portal::Settings| settings.guard = GuardMode::FilterIgnored;
    world.portal.settings(settings);
    let old = world.portal.seed_contact("old one", "", "");
    world.portal.unbind_all();
    world.advance(60.0);
    let fresh = world.portal.add_contact("anna", "", "");
    world.advance(60.0);
    world.pass().await.unwrap();
    assert_eq!(world.names(fresh)[0], "Anna");
    assert_eq!(world.names(old)[0], "old one");
    world.assert_clean();
}

#[tokio::test]
async fn people_who_edit_during_a_sweep_are_not_overwritten() {
    let world = drained().await;
    world.portal.unbind_all();
    world.advance(60.0);
    let id = world.portal.add_contact("anna", "", "");
    world.advance(60.0);
    let mut edited = false;
    world.portal.before_request(move |portal, request| {
        if request.calls("crm.contact.update") && !edited {
            edited = true;
            portal.edit_contact(id, &[("NAME", "berta")]);
        }
    });
    world.pass().await.unwrap();
    world.advance(5.0);
    world.pass().await.unwrap();
    assert_eq!(world.names(id)[0], "Berta");
    world.assert_clean();
}
