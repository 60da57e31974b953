//! Reservations: stored before anything else, resumed after a death, adopted where their answer never
//! came, and never widened by something empty.

use std::{collections::HashSet, sync::Arc};

use b24_tidyd::{
    drain::Drain,
    portal::{Patience, Portal as Authorised},
    store::{QueueKey, StoredEvent},
};

use serde_json::{Value, json};
use test_portal::{Command, Effect, Fault, Matcher, ProcessIdFilter, QueueRow};

use crate::{
    scene::{Mode, Scene, row},
    world::World,
};

const GET: &str = "event.offline.get";
const LIST: &str = "event.offline.list";
const CLEAR: &str = "event.offline.clear";

/// Every command, in or outside of a batch.
fn commands(world: &World) -> Vec<Command> {
    let mut commands = Vec::new();
    for request in world.portal.requests() {
        commands.push(Command {
            key: String::new(),
            method: request.method,
            params: request.params,
            error: None,
            processed: request.processed,
        });
        commands.extend(request.commands);
    }
    commands
}

fn number(value: Option<&Value>) -> Option<i64> {
    let value = value?;
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

/// A reservation whose answer was lost, on portals that know the filter by process id and on such
/// that do not, with pending rows beside it and more of both than a page holds.
#[tokio::test]
async fn lost_reservations_are_adopted() {
    for filter in [
        ProcessIdFilter::Works,
        ProcessIdFilter::Ignored,
        ProcessIdFilter::Refused,
        ProcessIdFilter::FindsNothing,
    ] {
        for mode in [Mode::Daemon, Mode::Fresh] {
            let mut scene = Scene::empty(|settings| {
                settings.process_id_filter = filter;
                settings.get_cap = Some(60);
            })
            .await;
            scene.run(Mode::Fresh).await;
            for _ in 0..130 {
                let id = scene.world.portal.add_contact("anna", "", "smith");
                scene.expect(id, ["Anna", "", "Smith"], 1);
            }
            scene.world.advance(5.0);
            scene.world.portal.clear_requests();
            let lost = Fault::new(Matcher::calling(GET), Effect::LoseAnswer);
            scene.world.portal.fault(lost);
            scene.run(mode).await;
            assert_eq!(scene.complaints(), [] as [String; 0], "{filter:?} {mode:?}");
            let listed = commands(&scene.world);
            // Beside the first page that each look at everything takes.
            let whole = listed.iter().filter(|command| {
                command.method == LIST
                    && command.key != "some"
                    && !command.params.contains_key("filter")
            });
            assert_eq!(whole.count() > 0, filter != ProcessIdFilter::Works);
        }
    }
}

/// Rows of other handlers of our application are none of our business, reserved or not.
#[tokio::test]
async fn reserved_rows_of_other_events_are_left_alone() {
    let mut scene = Scene::empty(|_| {}).await;
    scene.ordinary();
    let foreign = scene.world.portal.push_row(QueueRow {
        process_id: "somebody".to_owned(),
        ..row("ONCRMDEALADD", json!({"FIELDS": {"ID": "7"}}))
    });
    scene.run(Mode::Daemon).await;
    let left: Vec<u64> = scene
        .world
        .portal
        .queue()
        .iter()
        .map(|row| row.id)
        .collect();
    assert_eq!(left, [foreign]);
    assert_eq!(scene.world.portal.violations(), [] as [String; 0]);
}

/// A process dies with reservations of both kinds in the store: the next one reads them again with
/// their process id, without clearing, error rows as error rows.
/// Break: drop `clear: 0` in `events::resume`; do not ask for error rows there.
#[tokio::test]
async fn stored_reservations_are_resumed_at_the_start() {
    let mut scene = Scene::empty(|_| {}).await;
    scene.run(Mode::Fresh).await;
    scene.ordinary();
    let erred = scene.world.portal.seed_contact("boris", "", "petrov");
    let data = json!({"FIELDS": {"ID": erred.to_string()}});
    scene.world.portal.push_row(QueueRow {
        error: true,
        ..row("ONCRMCONTACTUPDATE", data)
    });
    scene.expect(erred, ["Boris", "", "Petrov"], 1);
    // It reserves, then nothing answers any more.
    let fails = Effect::CloseBeforeProcessing;
    let reads = Matcher::calling("crm.contact.list").always();
    scene.world.portal.fault(Fault::new(reads, fails));
    scene.world.pass().await.unwrap_err();
    scene.world.portal.clear_faults();
    let queue = scene.world.portal.queue();
    let held: HashSet<(String, bool)> = queue
        .iter()
        .map(|row| (row.process_id.clone(), row.error))
        .collect();
    assert_eq!((queue.len(), held.len()), (3, 2), "{queue:?}");
    scene.world.portal.clear_requests();
    scene.world.advance(60.0);

    scene.run(Mode::Fresh).await;
    let resumed: HashSet<(String, bool)> = commands(&scene.world)
        .iter()
        .filter(|command| command.method == GET && command.params.contains_key("process_id"))
        .map(|command| {
            assert_eq!(number(command.params.get("clear")), Some(0));
            let process = command.params["process_id"].as_str().unwrap();
            (
                process.to_owned(),
                number(command.params.get("error")) == Some(1),
            )
        })
        .collect();
    assert_eq!(resumed, held);
    assert_eq!(scene.complaints(), [] as [String; 0]);
}

/// Whatever happens, no get, clear or error is ever sent with an empty process id or an empty list, no
/// reservation without `clear: 0`, and `event.offline.error` not at all.
#[tokio::test]
async fn nothing_empty_and_nothing_destructive_is_ever_sent() {
    let mut scene = Scene::empty(|settings| settings.echo = true).await;
    scene.run(Mode::Fresh).await;
    scene.everything();
    for nth in [1, 4, 7, 10] {
        let lost = Fault::new(Matcher::portal().nth(nth), Effect::LoseAnswer);
        scene.world.portal.fault(lost);
    }
    scene.run(Mode::Daemon).await;
    assert_eq!(scene.complaints(), [] as [String; 0]);
    for command in commands(&scene.world) {
        let process = command
            .params
            .get("process_id")
            .map(|id| id.as_str().unwrap());
        assert_ne!(process, Some(""), "{command:?}");
        assert_ne!(command.method, "event.offline.error");
        if command.method == GET {
            assert_eq!(number(command.params.get("clear")), Some(0), "{command:?}");
        }
        if command.method == CLEAR {
            assert!(process.is_some() && !command.params.contains_key("message_id"));
            let ids = command.params["id"].as_object().map(|ids| ids.len());
            assert!(ids.is_some_and(|ids| ids > 0), "{command:?}");
        }
    }
}

/// Thousands of rows of one reservation go in portions that any PHP reads whole, below 64 KiB.
#[tokio::test]
async fn acknowledgements_are_split() {
    let world = World::new().await.bound().await;
    for _ in 0..4000 {
        world.portal.add_contact("Anna", "", "Smith");
    }
    world.advance(5.0);
    let config = Arc::new(world.config.clone());
    let patience = Patience { longest_wait: 60.0 };
    let portal = Authorised::open(world.context.clone(), config, &world.record(), patience)
        .await
        .unwrap();
    Drain::new(portal, 5000).pass(&mut |_| {}).await.unwrap();
    world.assert_clean();
    let portions: Vec<usize> = commands(&world)
        .iter()
        .filter(|command| command.method == CLEAR)
        .map(|command| command.params["id"].as_object().unwrap().len())
        .collect();
    assert_eq!(portions.iter().sum::<usize>(), 4000);
    assert!(
        portions.iter().all(|portion| *portion <= 900),
        "{portions:?}"
    );
}

/// A portal that was restored from a backup gives the numbers of rows again: the row counts as it is now.
#[tokio::test]
async fn a_number_that_comes_again_is_another_row() {
    let world = World::new().await.bound().await;
    let (store, now) = (&world.context.store, jiff::Timestamp::UNIX_EPOCH);
    let queue = QueueKey {
        portal: world.id(),
        connector: String::new(),
    };
    let event = |contact_id: u64| StoredEvent {
        row_id: 1701,
        process_id: Some("p".to_owned()),
        taken: true,
        error: false,
        event_name: "ONCRMCONTACTADD".to_owned(),
        contact_id: Some(contact_id),
        changed_at: None,
        attempts: 0,
        next_try_at: now,
    };
    store.store_events(&queue, &[event(5)], now).await.unwrap();
    store
        .defer_events(&queue, &[1701], jiff::Timestamp::MAX)
        .await
        .unwrap();
    store.store_events(&queue, &[event(5)], now).await.unwrap();
    assert_eq!(store.open_events(&queue).await.unwrap()[0].attempts, 1);
    store.store_events(&queue, &[event(9)], now).await.unwrap();
    assert_eq!(store.open_events(&queue).await.unwrap(), [event(9)]);
    // What was put off for the old one is not forgotten.
    let parked = store.parked(world.id()).await.unwrap();
    let parked: Vec<u64> = parked.iter().map(|it| it.contact_id).collect();
    assert_eq!(parked, [5]);
}
