//! Plans without confirmation: rows are taken away one by one; and the plan may change while we work.

use b24_tidyd::drain::Outcome;
use serde_json::json;
use test_portal::{Effect, Fault, Matcher, QueueRow};

use crate::world::World;

/// A bound world on a plan without confirmation.
async fn unconfirmed() -> World {
    World::with(|settings| settings.plan_confirms = false)
        .await
        .bound()
        .await
}

pub(crate) fn messy(world: &World, count: u64) -> Vec<u64> {
    let ids = (0..count)
        .map(|_| world.portal.add_contact("anna", "", "SMITH"))
        .collect();
    world.advance(5.0);
    ids
}

pub(crate) fn all_tidy(world: &World) {
    for contact in world.portal.contacts() {
        assert_eq!(contact.name.as_deref(), Some("Anna"), "{}", contact.id);
        assert_eq!(contact.update_count, 1, "{}", contact.id);
    }
    world.assert_clean();
}

/// The commands sent so far, as method and parameters.
fn commands(world: &World) -> Vec<(String, serde_json::Value)> {
    let requests = world.portal.requests();
    let commands = requests.iter().flat_map(|request| &request.commands);
    commands
        .map(|command| {
            let params = serde_json::Value::Object(command.params.clone());
            (command.method.clone(), params)
        })
        .collect()
}

#[tokio::test]
async fn a_plan_without_confirmation_is_drained_row_by_row() {
    let world = unconfirmed().await;
    messy(&world, 130);
    let summary = world.pass().await.unwrap();
    assert_eq!(summary.outcome, Outcome::Done);
    assert_eq!((summary.totals.events, summary.totals.changed), (130, 130));
    all_tidy(&world);
    for (method, params) in commands(&world) {
        assert_ne!(method, "event.offline.clear", "nothing was reserved");
        if method == "event.offline.get" {
            // Exactly one row each: anything wider would take what is not stored.
            assert_eq!(params["limit"], "1");
            assert!(params["filter"]["ID"].as_str().is_some_and(|id| id != "0"));
        }
    }
}

#[tokio::test]
async fn an_empty_queue_costs_a_running_daemon_one_request_there_too() {
    let world = unconfirmed().await;
    let mut drain = world.drain();
    drain.pass(&mut |_| {}).await.unwrap();
    world.advance(10.0);
    let summary = drain.pass(&mut |_| {}).await.unwrap();
    assert_eq!(summary.totals.requests, 1);
}

#[tokio::test]
async fn foreign_rows_stay_untouched_on_every_plan() {
    for confirms in [true, false] {
        let world = World::with(|settings| settings.plan_confirms = confirms)
            .await
            .bound()
            .await;
        let foreign = |event: &str, connector: &str| QueueRow {
            event_name: event.to_owned(),
            event_data: json!({"FIELDS": {"ID": "9"}}),
            connector_id: connector.to_owned(),
            ..QueueRow::default()
        };
        for row in [
            foreign("ONCRMDEALADD", ""),
            foreign("ONCRMCONTACTDELETE", ""),
            foreign("ONCRMCONTACTADD", "other"),
            QueueRow {
                error: true,
                ..foreign("ONCRMLEADADD", "")
            },
            QueueRow {
                process_id: "0123456789abcdef0123456789abcdef".to_owned(),
                ..foreign("ONCRMCOMPANYADD", "")
            },
        ] {
            world.portal.push_row(row);
        }
        let before = world.portal.queue();
        messy(&world, 3);
        world.pass().await.unwrap();
        assert_eq!(world.portal.queue(), before, "confirms: {confirms}");
        assert_eq!(world.portal.violations(), [] as [String; 0]);
        let name = world.portal.contacts()[0].name.clone();
        assert_eq!(name.as_deref(), Some("Anna"));
    }
}

/// Each request of a pass loses its answer, or never arrives, or the process dies with it: the next
/// run makes up for it. (Catches: taking before storing, reading before taking.)
#[tokio::test]
async fn a_lost_answer_at_any_step_loses_nothing() {
    let cases = [
        (Effect::LoseAnswer, false),
        (Effect::LoseAnswer, true),
        (Effect::CloseBeforeProcessing, true),
        (Effect::TruncatedJson, false),
    ];
    for (effect, keeps_failing) in cases {
        for nth in 1..=7 {
            let world = unconfirmed().await;
            messy(&world, 8);
            let matching = Matcher::portal().nth(nth);
            let matching = if keeps_failing {
                matching.always()
            } else {
                matching
            };
            world.portal.fault(Fault::new(matching, effect.clone()));
            let first = world.pass().await;
            assert!(first.is_ok() || keeps_failing, "{effect:?} {nth}");
            world.portal.clear_faults();
            world.advance(60.0);
            let summary = world.pass().await.unwrap();
            assert_eq!(summary.outcome, Outcome::Done, "{effect:?} {nth}");
            all_tidy(&world);
        }
    }
}

#[tokio::test]
async fn rows_listed_by_a_dead_process_are_taken_before_anything_is_read() {
    let world = unconfirmed().await;
    let ids = messy(&world, 2);
    // Dies between listing and taking.
    world.portal.fault(Fault::new(
        Matcher::calling("event.offline.get").always(),
        Effect::CloseBeforeProcessing,
    ));
    world.pass().await.unwrap_err();
    assert_eq!(world.portal.queue().len(), 2);
    world.portal.clear_faults();
    world.advance(60.0);
    // The listed row takes up this change as well.
    world.portal.edit_contact(ids[0], &[("NAME", "BERTA")]);
    world.advance(5.0);
    world.portal.clear_requests();
    world.pass().await.unwrap();
    assert_eq!(world.names(ids[0])[0], "Berta");
    let methods: Vec<String> = commands(&world)
        .into_iter()
        .map(|(method, _)| method)
        .collect();
    let first = |name: &str| methods.iter().position(|method| method == name).unwrap();
    assert!(first("event.offline.get") < first("crm.contact.list"));
    world.assert_clean();
}

#[tokio::test]
async fn a_row_that_was_taken_in_vain_is_listed_and_taken_again() {
    let world = unconfirmed().await;
    let ids = messy(&world, 1);
    let row = world.portal.queue()[0].clone();
    // We believe it is ours and put it off; the portal has it still, or again.
    let event = b24_tidyd::store::StoredEvent {
        row_id: row.id,
        process_id: None,
        taken: true,
        error: false,
        event_name: row.event_name.clone(),
        contact_id: Some(ids[0]),
        changed_at: None,
        attempts: 1,
        next_try_at: world.context.clock.now() + jiff::SignedDuration::from_secs(1800),
    };
    let queue = crate::gaps::key(&world);
    let store = &world.context.store;
    store
        .store_events(&queue, &[event], world.context.clock.now())
        .await
        .unwrap();
    world.pass().await.unwrap();
    all_tidy(&world);
}

#[tokio::test]
async fn one_row_that_cannot_be_taken_holds_up_no_other() {
    let world = unconfirmed().await;
    let stuck = world.portal.add_contact("anna", "", "SMITH");
    world.advance(1.0);
    let others = messy(&world, 60);
    let refused = Effect::CommandError {
        method: "event.offline.get".to_owned(),
        nth: 1,
        code: "INTERNAL_SERVER_ERROR".to_owned(),
        description: "no".to_owned(),
    };
    world
        .portal
        .fault(Fault::new(Matcher::calling("event.offline.get"), refused));
    let summary = world.pass().await.unwrap();
    assert!(matches!(summary.outcome, Outcome::WorkLeft { .. }));
    assert_eq!(world.names(others[59])[0], "Anna");
    assert_eq!(world.names(stuck)[0], "anna");
    world.advance(60.0);
    world.pass().await.unwrap();
    all_tidy(&world);
}

#[tokio::test]
async fn the_plan_loses_confirmation_and_regains_it_while_we_run() {
    let world = World::new().await.bound().await;
    let mut drain = world.drain();
    messy(&world, 20);
    drain.pass(&mut |_| {}).await.unwrap();
    for confirms in [false, true] {
        world
            .portal
            .settings(|settings| settings.plan_confirms = confirms);
        messy(&world, 20);
        if confirms {
            // Nothing fails when it comes back: the hourly look finds out.
            world.advance(3600.0);
        }
        world.portal.clear_requests();
        let summary = drain.pass(&mut |_| {}).await.unwrap();
        assert_eq!(summary.outcome, Outcome::Done);
        let reserves = commands(&world)
            .iter()
            .any(|(method, params)| method == "event.offline.get" && params["clear"] == "0");
        assert!(reserves || !confirms);
        assert_eq!(world.record().facts.plan_confirms, Some(confirms));
        all_tidy(&world);
    }
}

/// What the portal does counts more than what it says of its plan.
#[tokio::test]
async fn a_plan_that_claims_to_confirm_and_refuses_is_worked_with() {
    let world = World::with(|settings| {
        settings.plan_confirms = false;
        settings.claims_features = true;
    })
    .await
    .bound()
    .await;
    messy(&world, 20);
    world.pass().await.unwrap();
    all_tidy(&world);
    assert_eq!(world.record().facts.plan_confirms, Some(false));
    // It is not asked each time whether it means it.
    let mut drain = world.drain();
    drain.pass(&mut |_| {}).await.unwrap();
    world.portal.clear_requests();
    messy(&world, 5);
    drain.pass(&mut |_| {}).await.unwrap();
    all_tidy(&world);
    let refused = world.portal.requests();
    let refused = refused.iter().flat_map(|request| &request.commands);
    assert_eq!(refused.filter(|command| command.error.is_some()).count(), 0);
}

/// Rows reserved before the plan was lost cannot be read again, but they can be cleared.
#[tokio::test]
async fn what_was_reserved_before_the_plan_was_lost_is_finished() {
    for stored in [true, false] {
        let world = World::new().await.bound().await;
        messy(&world, 20);
        // The process dies after reserving: with the rows in its store, or before it had them.
        let effect = Effect::CloseBeforeProcessing;
        if stored {
            let reads = Matcher::calling("crm.contact.list").always();
            world.portal.fault(Fault::new(reads, effect));
        } else {
            let get = Matcher::calling("event.offline.get");
            world.portal.fault(Fault::new(get, Effect::LoseAnswer));
            let list = Matcher::calling("event.offline.list").nth(2).always();
            world.portal.fault(Fault::new(list, effect.clone()));
        }
        world.pass().await.unwrap_err();
        let reserved = world.portal.queue();
        assert!(reserved.iter().all(|row| !row.process_id.is_empty()));
        world.portal.clear_faults();
        world
            .portal
            .settings(|settings| settings.plan_confirms = false);
        world.advance(60.0);
        let summary = world.pass().await.unwrap();
        assert_eq!(summary.outcome, Outcome::Done, "stored: {stored}");
        all_tidy(&world);
    }
}

/// A portal that ignores a part of the list's filter shows reserved rows among the pending ones: they
/// cannot be taken away, only cleared.
#[tokio::test]
async fn reserved_rows_are_not_mistaken_for_pending_ones() {
    let world = unconfirmed().await;
    let ids = messy(&world, 2);
    let pending = world.portal.queue()[0].clone();
    world.portal.push_row(QueueRow {
        process_id: "0123456789abcdef0123456789abcdef".to_owned(),
        ..pending
    });
    world
        .portal
        .settings(|settings| settings.process_id_filter = test_portal::ProcessIdFilter::Ignored);
    world.pass().await.unwrap();
    assert_eq!(world.names(ids[0])[0], "Anna");
    all_tidy(&world);
}

#[tokio::test]
async fn error_rows_are_taken_with_their_flag() {
    let world = unconfirmed().await;
    let id = world.portal.seed_contact("anna", "", "SMITH");
    world.portal.push_row(QueueRow {
        event_name: "ONCRMCONTACTUPDATE".to_owned(),
        event_data: json!({"FIELDS": {"ID": id.to_string()}}),
        error: true,
        ..QueueRow::default()
    });
    world.advance(5.0);
    world.pass().await.unwrap();
    all_tidy(&world);
}
