//! Gaps: what the portal did not record is found by walking, and nothing else is walked.

use std::sync::Arc;

use b24_tidyd::{
    clock::{Clock, Pause, after},
    drain::{DrainFailure, Outcome},
    store::{Cursor, QueueKey},
};
use jiff::Timestamp;
use test_portal::{Effect, Fault, GuardMode, Matcher, Purge, Universal};

use crate::world::{Awaited, TestClock, World};

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

/// Every row of the queue is gone by then, and so is what was still open when the daemon stopped.
#[tokio::test]
async fn forty_days_away_lose_nothing() {
    for (purge, universal) in [
        (Purge::AllRows, Universal::Complete),
        (Purge::AllRows, Universal::NoMethods),
        (Purge::ReservedRows, Universal::NoMethods),
    ] {
        let world = World::with(|settings| {
            settings.purge = purge;
            settings.universal = universal;
        });
        let world = world.await.bound().await;
        let old = world.portal.seed_contact("old one", "", "");
        let mut drain = world.drain();
        drain.pass(&mut |_| {}).await.unwrap();
        // The pass ends at a failure, with one edit reserved and one only queued.
        world.advance(600.0);
        let mut edited = vec![world.portal.add_contact("anna", "", "")];
        world.advance(5.0);
        let list = match universal {
            Universal::Complete => "crm.item.list",
            _ => "crm.contact.list",
        };
        let away = Fault::new(
            Matcher::calling(list).always(),
            Effect::CloseBeforeProcessing,
        );
        world.portal.fault(away);
        drain.pass(&mut |_| {}).await.unwrap_err();
        edited.push(world.portal.add_contact("anna", "", ""));
        // Then the daemon is stopped for forty days.
        for days in [1.0, 4.0, 15.0, 19.0, 1.0] {
            world.advance(days * DAY);
            edited.push(world.portal.add_contact("anna", "", ""));
        }
        world.portal.clear_faults();
        world.advance(60.0);
        world.pass().await.unwrap();
        for id in edited {
            assert_eq!(world.names(id)[0], "Anna", "contact {id}, {purge:?}");
        }
        assert_eq!(world.names(old)[0], "old one", "not changed meanwhile");
        assert_eq!(cursor(&world).gap_since, None);
        world.assert_clean();
    }
}

/// Who has bound the events of a queue that was never emptied.
#[derive(Debug, Clone, Copy)]
enum Binder {
    Daemon,
    Command,
    Somebody,
}

/// Catches a queue that is trusted because nothing is known of it.
#[tokio::test]
async fn what_waits_behind_passes_that_never_end_is_found() {
    for binder in [Binder::Daemon, Binder::Command, Binder::Somebody] {
        let world = World::with(|settings| settings.purge = Purge::AllRows).await;
        let never = Fault::new(
            Matcher::calling("event.offline.get").always(),
            Effect::CloseBeforeProcessing,
        );
        match binder {
            Binder::Daemon => {}
            Binder::Command => {
                crate::command::said(&world, &["events", "bind"]).await;
            }
            Binder::Somebody => {
                for event in ["ONCRMCONTACTADD", "ONCRMCONTACTUPDATE"] {
                    world.portal.bind_offline(event, "");
                }
            }
        }
        // Whoever binds by a command may start the service much later.
        if !matches!(binder, Binder::Command) {
            world.portal.fault(never);
            world.pass().await.unwrap_err();
        }
        let id = world.portal.add_contact("anna", "", "");
        world.advance(20.0 * DAY);
        if !matches!(binder, Binder::Command) {
            world.pass().await.unwrap_err();
        }
        world.advance(20.0 * DAY);
        world.portal.clear_faults();
        world.pass().await.unwrap();
        assert_eq!(world.names(id)[0], "Anna", "{binder:?}");
        assert_eq!(cursor(&world).gap_since, None);
        world.assert_clean();
    }
}

/// Catches a sweep that goes on where it was, after what it has passed was edited and purged.
#[tokio::test]
async fn a_sweep_that_was_cut_off_forty_days_ago_begins_anew() {
    let world = drained().await;
    world
        .portal
        .settings(|settings| settings.purge = Purge::AllRows);
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
    world.advance(DAY);
    world.portal.edit_contact(first, &[("NAME", "ANNA")]);
    world.advance(39.0 * DAY);
    world.portal.clear_faults();
    world.pass().await.unwrap();
    assert_eq!(world.names(first)[0], "Anna");
    world.assert_clean();
}

/// A clock that is so many seconds ahead of the right one.
struct Ahead(TestClock, f64);

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        after(self.0.now(), self.1)
    }

    fn sleep_until(&self, moment: Timestamp) -> Pause<'_> {
        self.0.sleep_until(after(moment, -self.1))
    }

    fn alarm_at(&self, moment: Timestamp) -> Pause<'_> {
        self.0.alarm_at(after(moment, -self.1))
    }
}

/// Catches an absence that is reckoned from a moment which never was. Where both clocks are wrong by the
/// same, and put right while nobody looks, nothing can tell.
#[tokio::test]
async fn a_clock_that_was_wrong_hides_no_absence() {
    let cases = [
        // Days that the portal's clock and ours were ahead for one drain, and days away after it.
        (0.0, 20.0, 41.0),
        (0.0, -20.0, 41.0),
        (0.0, 100.0, 40.0),
        (0.0, -100.0, 40.0),
        (20.0, 0.0, 41.0),
        (-20.0, 0.0, 41.0),
        (100.0, 0.0, 40.0),
        (100.0, 100.0, 40.0),
        (-100.0, -100.0, 40.0),
        (100.0, 100.0, 1.0),
    ];
    for (theirs, ours, away) in cases {
        let world = World::with(|settings| settings.purge = Purge::AllRows).await;
        let mut world = world.bound().await;
        let right = world.context.clock.clone();
        world
            .portal
            .settings(|settings| settings.clock_offset = theirs * DAY);
        world.context.clock = Arc::new(Ahead(world.clock.clone(), ours * DAY));
        world.pass().await.unwrap();
        world
            .portal
            .settings(|settings| settings.clock_offset = 0.0);
        world.context.clock = right;
        world.advance(600.0);
        let id = world.portal.add_contact("anna", "", "");
        world.advance(away * DAY);
        world.pass().await.unwrap();
        let case = format!("{theirs} and {ours} days ahead");
        assert_eq!(world.names(id)[0], "Anna", "{case}");
        let cursor = cursor(&world);
        assert_eq!(cursor.gap_since, None, "{case}");
        let until = cursor.complete_until.unwrap().as_second() as f64;
        let behind = world.clock_seconds() - until;
        assert!((0.0..60.0).contains(&behind), "{behind} s, {case}");
        world.assert_clean();
    }
}

/// Catches a sweep at every look while a queue cannot be emptied.
#[tokio::test]
async fn a_long_backlog_is_swept_once_in_a_month() {
    let world = drained().await;
    let mut drain = world.drain();
    drain.pass(&mut |_| {}).await.unwrap();
    let never = Fault::new(
        Matcher::calling("event.offline.get").always(),
        Effect::CloseBeforeProcessing,
    );
    world.portal.fault(never);
    let mut reset = 0;
    for _ in 0..65 {
        world.advance(DAY);
        let _ = drain.pass(&mut |_| {}).await;
        let mut cursor = cursor(&world);
        if cursor.gap_since.is_some() {
            reset += u32::from(cursor.swept_to == 0);
            cursor.swept_to = 7;
            world
                .context
                .store
                .set_cursor(&key(&world), cursor)
                .await
                .unwrap();
        }
    }
    assert_eq!(reset, 2);
}
