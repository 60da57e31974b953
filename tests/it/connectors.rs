//! The connector: where the plan lacks it the queue without one stands in, and both are drained when it
//! comes back.

use b24_tidyd::{config::Connector, drain::Outcome, store::QueueKey};
use serde_json::json;
use test_portal::{Effect, Fault, Matcher, QueueRow};

use crate::{
    command::said,
    plans::{all_tidy, messy},
    world::{Awaited, World},
};

/// A world with the connector `tidy`, bound and drained.
async fn connected() -> World {
    let mut world = World::new().await;
    world.config.connector = Connector::new("tidy");
    world.bound().await
}

fn bindings(world: &World) -> Vec<String> {
    let mut connectors: Vec<String> = world
        .portal
        .bindings()
        .into_iter()
        .map(|binding| binding.connector)
        .collect();
    connectors.sort();
    connectors
}

#[tokio::test]
async fn without_the_feature_the_queue_without_a_connector_stands_in() {
    let mut world = World::with(|settings| settings.plan_connector = false).await;
    world.config.connector = Connector::new("tidy");
    let world = world.bound().await;
    assert_eq!(bindings(&world), ["", ""]);
    messy(&world, 5);
    world.pass().await.unwrap();
    all_tidy(&world);
    assert_eq!(world.record().facts.plan_connector, Some(false));
    let probes = world.portal.requests();
    let probes = probes
        .iter()
        .filter(|request| request.params.contains_key("auth_connector"));
    assert_eq!(probes.count(), 0, "known by now: nobody runs into it again");
}

/// The portal says that the plan has connectors, and refuses them: what it does counts, for later surveys and
/// for commands as well.
/// Break: ask with the connector again at every survey; let commands fail on it.
#[tokio::test]
async fn a_connector_that_is_claimed_and_refused_is_remembered() {
    let lying = |settings: &mut test_portal::Settings| {
        settings.plan_connector = false;
        settings.claims_features = true;
    };
    let mut world = World::with(lying).await;
    world.config.connector = Connector::new("tidy");
    // Commands before the first drain: they go on without it.
    assert!(
        said(&world, &["queue", "list"])
            .await
            .contains("no auth_connector")
    );
    said(&world, &["events", "list"]).await;
    said(&world, &["status", "--live"]).await;
    let with_connector = |world: &World| {
        let requests = world.portal.requests();
        let with = requests
            .iter()
            .filter(|request| request.params.contains_key("auth_connector"));
        with.count()
    };
    assert_eq!(with_connector(&world), 1, "known to the next command");
    let world = world.bound().await;
    messy(&world, 3);
    // Hours of surveys, in one process and in others.
    let mut drain = world.drain();
    for _ in 0..4 {
        drain.pass(&mut |_| {}).await.unwrap();
        world.pass().await.unwrap();
        world.advance(3600.0);
    }
    all_tidy(&world);
    assert_eq!(with_connector(&world), 0);
    assert_eq!(world.record().facts.plan_connector, Some(false));
    assert_eq!(bindings(&world), ["", ""]);
}

#[tokio::test]
async fn the_connector_goes_and_comes_back_and_nothing_passes_by() {
    let world = connected().await;
    assert_eq!(bindings(&world), ["tidy", "tidy"]);
    let mut drain = world.drain();
    drain.pass(&mut |_| {}).await.unwrap();
    // Queued under the connector, and out of reach a moment later.
    let hidden = world.portal.add_contact("anna", "", "SMITH");
    world
        .portal
        .settings(|settings| settings.plan_connector = false);
    world.advance(60.0);
    drain.pass(&mut |_| {}).await.unwrap();
    assert_eq!(world.names(hidden)[0], "Anna", "found by the sweep");
    assert_eq!(bindings(&world), ["", "", "tidy", "tidy"]);
    assert!(world.record().stand_in);
    messy(&world, 3);
    drain.pass(&mut |_| {}).await.unwrap();

    // Back again, with rows waiting in both queues.
    let last = world.portal.add_contact("anna", "", "SMITH");
    world
        .portal
        .settings(|settings| settings.plan_connector = true);
    world.advance(3600.0);
    let summary = drain.pass(&mut |_| {}).await.unwrap();
    assert_eq!(summary.outcome, Outcome::Done);
    assert_eq!(world.names(last)[0], "Anna");
    assert_eq!(
        bindings(&world),
        ["tidy", "tidy"],
        "or it would fill for ever"
    );
    all_tidy(&world);

    // A change from before whose row comes late is not left lying there.
    assert!(world.record().stand_in);
    let late = world.portal.queue().len();
    world.portal.push_row(QueueRow {
        event_name: "ONCRMCONTACTUPDATE".to_owned(),
        event_data: json!({"FIELDS": {"ID": last.to_string()}}),
        ..QueueRow::default()
    });
    assert_eq!(world.portal.queue().len(), late + 1);
    world.advance(60.0);
    messy(&world, 2);
    drain.pass(&mut |_| {}).await.unwrap();
    assert!(!world.record().stand_in);
    all_tidy(&world);
    let summary = drain.pass(&mut |_| {}).await.unwrap();
    assert_eq!(summary.totals.requests, 1, "one queue is polled again");
}

#[tokio::test]
async fn bindings_that_others_made_are_not_removed_with_ours() {
    let both = ["ONCRMCONTACTADD", "ONCRMCONTACTUPDATE"];
    for theirs in [&both[..], &both[..1]] {
        let world = connected().await;
        let hidden = messy(&world, 1)[0];
        for event in theirs {
            world.portal.bind_offline(event, "");
        }
        world
            .portal
            .settings(|settings| settings.plan_connector = false);
        world.advance(60.0);
        world.pass().await.unwrap();
        // Nothing was missing, and still the connector's queue is out of reach.
        assert_eq!(world.names(hidden)[0], "Anna", "found by the sweep");
        world
            .portal
            .settings(|settings| settings.plan_connector = true);
        world.advance(60.0);
        world.pass().await.unwrap();
        assert_eq!(bindings(&world), ["", "", "tidy", "tidy"]);
    }
}

/// A world with the connector `tidy` in which four contacts are reserved and not read.
async fn reserved() -> World {
    let world = connected().await;
    messy(&world, 4);
    let reads = Matcher::calling("crm.contact.list").always();
    world
        .portal
        .fault(Fault::new(reads, Effect::CloseBeforeProcessing));
    world.pass().await.unwrap_err();
    world.portal.clear_faults();
    world
}

fn open_rows(world: &World) -> u64 {
    world
        .context
        .store
        .open_totals(world.id())
        .awaited()
        .unwrap()
        .rows
}

fn tidied(world: &World) -> usize {
    let contacts = world.portal.contacts();
    contacts.iter().filter(|it| it.update_count == 1).count()
}

#[tokio::test]
async fn rows_reserved_under_a_lost_connector_are_finished_without_it() {
    let world = reserved().await;
    world
        .portal
        .settings(|settings| settings.plan_connector = false);
    world.advance(60.0);
    world.pass().await.unwrap();
    assert_eq!((tidied(&world), open_rows(&world)), (4, 0));
    // Out of reach, they can be acknowledged only when it is back.
    let queue = world.portal.queue();
    let reserved = queue.iter().filter(|row| !row.process_id.is_empty());
    assert_eq!(reserved.count(), 4);

    world
        .portal
        .settings(|settings| settings.plan_connector = true);
    world.advance(60.0);
    world.pass().await.unwrap();
    all_tidy(&world);
}

#[tokio::test]
async fn rows_reserved_under_a_connector_that_is_renamed_are_finished() {
    for name in ["clean", ""] {
        let mut world = reserved().await;
        world.config.connector = Connector::new(name);
        world.advance(60.0);
        world.pass().await.unwrap();
        assert_eq!((tidied(&world), open_rows(&world)), (4, 0), "{name:?}");
    }
}

/// The cursor is the configured queue's, whichever queue is in use.
#[tokio::test]
async fn status_and_bind_know_the_cursor_while_the_plan_lacks_the_connector() {
    let world = connected().await;
    world
        .portal
        .settings(|settings| settings.plan_connector = false);
    world.advance(60.0);
    world.pass().await.unwrap();
    let complete_until = |text: String| {
        let status: serde_json::Value = serde_json::from_str(&text).unwrap();
        let portal = &status["portals"][0];
        (
            portal["complete_until"].is_string(),
            portal["gap_since"].is_string(),
        )
    };
    let status = said(&world, &["status", "--json"]).await;
    assert_eq!(complete_until(status), (true, false));

    world.portal.unbind_all();
    said(&world, &["events", "bind"]).await;
    let status = said(&world, &["status", "--json"]).await;
    assert_eq!(
        complete_until(status),
        (true, true),
        "changes went unrecorded"
    );
}

/// Another entry of the configuration serves that queue: it is not ours to touch.
#[tokio::test]
async fn rows_of_another_entry_are_left_to_it() {
    let mut world = reserved().await;
    world.config.connector = Connector::new("clean");
    world.config.other_connectors = vec!["tidy".to_owned()];
    world.advance(60.0);
    world.pass().await.unwrap();
    let theirs = QueueKey {
        portal: world.id(),
        connector: "tidy".to_owned(),
    };
    let rows = world.context.store.open_events(&theirs).await.unwrap();
    assert_eq!(
        rows.iter().filter(|row| row.process_id.is_some()).count(),
        4
    );
}
