//! Conclusions from a portal that is wrong, or lies.

use serde_json::json;
use test_portal::{Effect, Fault, Matcher, ProcessIdFilter};

use crate::{scene::row, world::World};

async fn with_one_untidy() -> World {
    let world = World::new().await.bound().await;
    world.portal.add_contact("anna", "", "SMITH");
    world.advance(5.0);
    world
}

/// Catches a list that stops the drain although it only looks for what might have been lost.
#[tokio::test]
async fn a_queue_that_cannot_be_listed_is_drained_all_the_same() {
    for filter in [ProcessIdFilter::SqlError, ProcessIdFilter::BadGateway] {
        let world = World::with(|settings| settings.process_id_filter = filter)
            .await
            .bound()
            .await;
        world.portal.add_contact("anna", "", "SMITH");
        world.advance(5.0);
        let summary = world.pass().await.unwrap();
        assert_eq!(summary.totals.changed, 1, "{filter:?}");
        world.assert_clean();
    }
}

/// Catches guards that are given up because a list fails now and then.
#[tokio::test]
async fn guards_that_fail_do_not_refuse() {
    let world = with_one_untidy().await;
    for _ in 0..5 {
        world.portal.add_contact("anna", "", "SMITH");
    }
    world.advance(5.0);
    world.pass().await.unwrap();
    for _ in 0..6 {
        world.portal.add_contact("boris", "", "PETROV");
    }
    world.advance(5.0);
    let failing = Effect::CommandError {
        method: "crm.contact.list".to_owned(),
        nth: 0,
        code: String::new(),
        description: "General error".to_owned(),
    };
    // Reading is left alone.
    let updates = Matcher::calling("crm.contact.update").times(4);
    world.portal.fault(Fault::new(updates, failing));
    let mut drain = world.drain();
    for _ in 0..6 {
        let _ = drain.pass(&mut |_| {}).await;
        world.advance(20.0);
    }
    assert_ne!(world.record().facts.guards_work, Some(false));
    world.assert_clean();
}

/// Catches rows that are forgotten because somebody else has cleared them.
#[tokio::test]
async fn rows_that_vanish_are_looked_at_all_the_same() {
    let world = with_one_untidy().await;
    // The process dies between its reservation and its first read.
    world.portal.fault(Fault::new(
        Matcher::calling("crm.contact.list").always(),
        Effect::CloseBeforeProcessing,
    ));
    let _ = world.pass().await;
    world.portal.clear_faults();
    let rows: Vec<u64> = world.portal.queue().iter().map(|row| row.id).collect();
    world.portal.clear_rows_elsewhere(&rows);
    world.advance(60.0);
    for _ in 0..3 {
        world.pass().await.unwrap();
        world.advance(60.0);
    }
    assert_eq!(world.names(1), ["Anna", "", "Smith"]);
}

/// Catches an answer that is no confirmation and counts as one.
#[tokio::test]
async fn odd_answers_to_an_update_are_looked_at_again() {
    for odd in [json!(null), json!([]), json!(false), json!("")] {
        for processed in [false, true] {
            let world = with_one_untidy().await;
            world.portal.fault(Fault::new(
                Matcher::calling("crm.contact.update"),
                Effect::CommandAnswer {
                    method: "crm.contact.update".to_owned(),
                    nth: 0,
                    result: odd.clone(),
                    processed,
                },
            ));
            let mut drain = world.drain();
            for _ in 0..3 {
                drain.pass(&mut |_| {}).await.unwrap();
                world.advance(30.0);
            }
            assert_eq!(world.names(1), ["Anna", "", "Smith"], "{odd} {processed}");
            world.assert_clean();
        }
    }
}

/// Catches a walk that tells nothing of what a lost answer has written.
#[tokio::test]
async fn what_a_lost_answer_has_written_is_counted() {
    let world = World::new().await.bound().await;
    for _ in 0..10 {
        world.portal.seed_contact("anna", "", "SMITH");
    }
    world.advance(5.0);
    let lost = || Fault::new(Matcher::calling("crm.contact.update"), Effect::LoseAnswer);
    world.portal.fault(lost());
    let answer = world.says("sweep --apply --json").await;
    assert_eq!(answer.summary()["written"], 10);

    world.advance(5.0);
    world.portal.fault(lost());
    let answer = world.says("undo --since 1h --apply --json").await;
    assert_eq!(answer.summary()["contacts"], 10);
    assert_eq!(world.names(1), ["anna", "", "SMITH"]);
}

/// Catches a tool that binds what somebody has just unbound.
#[tokio::test]
async fn taking_everything_back_binds_nothing() {
    let world = with_one_untidy().await;
    world.pass().await.unwrap();
    world.portal.unbind_all();
    world.portal.seed_contact("boris", "", "PETROV");
    world.advance(5.0);
    world.says("undo --since 1h --apply").await.assert_fits();
    world.says("sweep --apply").await.assert_fits();
    assert_eq!(world.names(2), ["Boris", "", "Petrov"]);
    assert_eq!(world.portal.bindings(), []);
}

/// Catches marks in the future that end the detection of gaps without a word.
#[tokio::test]
async fn a_portal_clock_that_was_wrong_once_hides_no_gap() {
    let month = 30.0 * 86400.0;
    for offset in [month, 4.0 * 365.0 * 86400.0] {
        let world = World::new().await.bound().await;
        world
            .portal
            .settings(|settings| settings.clock_offset = offset);
        world.pass().await.unwrap();
        world
            .portal
            .settings(|settings| settings.clock_offset = 0.0);
        world.advance(3700.0);
        world.pass().await.unwrap();

        world.advance(60.0);
        world.portal.unbind_all();
        let missed = world.portal.add_contact("anna", "", "SMITH");
        world.advance(3700.0);
        let mut drain = world.drain();
        for _ in 0..3 {
            drain.pass(&mut |_| {}).await.unwrap();
            world.advance(30.0);
        }
        assert_eq!(world.names(missed), ["Anna", "", "Smith"], "{offset}");
    }
}

/// Catches rows of another handler that are acted on because the portal ignores a filter.
#[tokio::test]
async fn rows_of_other_events_are_left_alone() {
    for confirms in [true, false] {
        let world = World::with(|settings| {
            settings.plan_confirms = confirms;
            settings.ignores_event_filter = true;
        })
        .await
        .bound()
        .await;
        for _ in 0..16 {
            world.portal.seed_contact("Anna", "", "Smith");
        }
        let seventeen = world.portal.seed_contact("anna", "", "SMITH");
        let deal = row(
            "ONCRMDEALUPDATE",
            json!({"FIELDS": {"ID": seventeen.to_string()}}),
        );
        world.portal.push_row(deal);
        world.portal.add_contact("boris", "", "PETROV");
        world.advance(5.0);
        for _ in 0..2 {
            world.pass().await.unwrap();
            world.advance(5.0);
        }
        assert_eq!(world.names(seventeen), ["anna", "", "SMITH"]);
        assert_eq!(world.names(18), ["Boris", "", "Petrov"]);
        let left: Vec<String> = world
            .portal
            .queue()
            .into_iter()
            .map(|it| it.event_name)
            .collect();
        assert_eq!(left, ["ONCRMDEALUPDATE"]);
        assert_eq!(world.portal.violations(), [] as [String; 0]);
    }
}

/// Catches a walk without end where the portal ignores the condition it goes on by.
#[tokio::test]
async fn a_walk_that_does_not_advance_is_an_error() {
    let world = World::with(|settings| settings.ignores_above_id = true)
        .await
        .bound()
        .await;
    for _ in 0..120 {
        world.portal.seed_contact("anna", "", "SMITH");
    }
    world.portal.clear_requests();
    let answer = world.command("sweep").await;
    assert!(answer.is_err(), "{answer:?}");
    assert!(world.portal.requests().len() <= 5);
}

/// The answer of a get with a row that nobody can read holds up nobody.
#[tokio::test]
async fn a_malformed_row_does_not_hold_up_its_portal() {
    let world = with_one_untidy().await;
    world.portal.fault(Fault::new(
        Matcher::calling("event.offline.get"),
        Effect::CommandAnswer {
            method: "event.offline.get".to_owned(),
            nth: 1,
            result: json!({"process_id": "p", "events": [{"ID": "none", "EVENT_NAME": 7}]}),
            processed: false,
        },
    ));
    for _ in 0..2 {
        world.pass().await.unwrap();
        world.advance(5.0);
    }
    assert_eq!(world.names(1), ["Anna", "", "Smith"]);
    world.assert_clean();
}
