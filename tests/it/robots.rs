//! Other robots that change names back, the brake, and error rows that others left.

use b24_tidyd::{
    drain::{Drain, Outcome},
    store::Contested,
};
use serde_json::json;
use test_portal::{Effect, Fault, Matcher, QueueRow};

use crate::world::{Awaited, World};

/// A robot of the CRM; not the person who edits by hand, and not us.
const ROBOT: u64 = 7;

fn writes(world: &World, id: u64) -> u32 {
    world.portal.contact(id).unwrap().update_count
}

fn contested(world: &World) -> Vec<Contested> {
    world.context.store.contested(world.id()).awaited().unwrap()
}

/// The robot writes what it wants, and we get our turn: `rounds` times, half a minute apart.
async fn fight(world: &World, drain: &mut Drain, id: u64, spellings: &[&str], rounds: usize) {
    for round in 0..rounds {
        let fields = json!({"NAME": spellings[round % spellings.len()]});
        world.portal.edit_contact_as(ROBOT, id, &fields);
        world.advance(30.0);
        drain.pass(&mut |_| {}).await.unwrap();
    }
}

#[tokio::test]
async fn a_tug_of_war_ends_after_the_configured_number_of_writes() {
    // A robot that shouts, and one that swaps whole names.
    for spellings in [&["ANNA"][..], &["ANNA", "bob", "CLAIRE"][..]] {
        let world = World::new().await.bound().await;
        let id = world.portal.seed_contact("Anna", "", "Smith");
        let mut drain = world.drain();
        fight(&world, &mut drain, id, spellings, 12).await;
        assert_eq!(writes(&world, id), world.config.contest.writes);
        let list = contested(&world);
        assert_eq!(list.len(), 1);
        let ours = ["Anna", "Bob", "Claire"];
        let at = 5 % spellings.len();
        assert_eq!(list[0].contact_id, id);
        assert_eq!(
            (list[0].ours.as_str(), list[0].theirs.as_str()),
            (ours[at], spellings[at])
        );
        // Its events are acknowledged all the same.
        world.assert_clean();
        // Other contacts are not affected.
        let other = world.portal.add_contact("eve", "", "");
        world.advance(5.0);
        drain.pass(&mut |_| {}).await.unwrap();
        assert_eq!(world.names(other)[0], "Eve");
    }
}

#[tokio::test]
async fn the_count_outlives_the_process() {
    let world = World::new().await.bound().await;
    let id = world.portal.seed_contact("Anna", "", "");
    for _ in 0..12 {
        fight(&world, &mut world.drain(), id, &["ANNA"], 1).await;
    }
    assert_eq!(writes(&world, id), world.config.contest.writes);
    assert_eq!(contested(&world).len(), 1);
}

#[tokio::test]
async fn slow_changes_are_no_tug_of_war() {
    let world = World::new().await.bound().await;
    let id = world.portal.seed_contact("Anna", "", "");
    let mut drain = world.drain();
    for _ in 0..12 {
        fight(&world, &mut drain, id, &["ANNA"], 1).await;
        world.advance(750.0);
    }
    assert_eq!(writes(&world, id), 12);
    assert_eq!(contested(&world), []);
}

#[tokio::test]
async fn after_the_truce_the_contact_is_looked_at_once_more() {
    let world = World::new().await.bound().await;
    let id = world.portal.seed_contact("Anna", "", "");
    let mut drain = world.drain();
    fight(&world, &mut drain, id, &["ANNA"], 8).await;
    assert_eq!(world.names(id)[0], "ANNA");
    // The robot rests; no event tells that the truce is over.
    world.advance(3300.0);
    drain.pass(&mut |_| {}).await.unwrap();
    assert_eq!(world.names(id)[0], "ANNA");
    world.advance(300.0);
    drain.pass(&mut |_| {}).await.unwrap();
    assert_eq!(world.names(id)[0], "Anna");
    assert_eq!(contested(&world), []);
    // It fights on: we do our writes and stop again.
    let before = writes(&world, id);
    fight(&world, &mut drain, id, &["ANNA"], 12).await;
    assert_eq!(writes(&world, id) - before, world.config.contest.writes - 1);
    assert_eq!(contested(&world).len(), 1);
    world.assert_clean();
}

#[tokio::test]
async fn a_retry_by_hand_ends_the_truce_at_once() {
    let world = World::new().await.bound().await;
    let id = world.portal.seed_contact("Anna", "", "");
    let mut drain = world.drain();
    fight(&world, &mut drain, id, &["ANNA"], 8).await;
    world
        .context
        .store
        .settle_contest(world.id(), &[id])
        .await
        .unwrap();
    drain.pass(&mut |_| {}).await.unwrap();
    assert_eq!(world.names(id)[0], "Anna");
    assert_eq!(contested(&world), []);
}

/// A world with a small limit, and `count` messy contacts queued.
async fn braked(limit: u32, count: u64) -> World {
    let mut world = World::new().await;
    world.config.max_changes_per_hour = limit;
    let world = world.bound().await;
    for _ in 0..count {
        world.portal.add_contact("anna", "", "");
    }
    world.advance(5.0);
    world
}

fn tidy(world: &World) -> usize {
    let contacts = world.portal.contacts();
    contacts
        .iter()
        .filter(|contact| contact.name.as_deref() == Some("Anna"))
        .count()
}

#[tokio::test]
async fn the_brake_stops_writing_and_lets_it_go_on_after_its_rest() {
    let world = braked(30, 70).await;
    let mut drain = world.drain();
    let summary = drain.pass(&mut |_| {}).await.unwrap();
    let Outcome::WorkLeft { until, why } = summary.outcome else {
        panic!("{:?}", summary.outcome);
    };
    assert!(why.contains("max_changes_per_hour"), "{why}");
    assert_eq!(tidy(&world), 30);
    assert_eq!(world.record().braked_until, Some(until));

    // What comes now stays in the portal's queue, and is not even reserved.
    world.advance(60.0);
    world.portal.add_contact("anna", "", "");
    world.advance(60.0);
    world.portal.clear_requests();
    // A new process is held by the same brake.
    for drain in [&mut drain, &mut world.drain()] {
        let summary = drain.pass(&mut |_| {}).await.unwrap();
        assert!(matches!(summary.outcome, Outcome::WorkLeft { until: same, .. } if same == until));
    }
    let waiting = world.portal.queue();
    assert!(waiting.iter().any(|row| row.process_id.is_empty()));
    assert_eq!(tidy(&world), 30);

    for expected in [60, 71] {
        world.advance(3600.0);
        drain.pass(&mut |_| {}).await.unwrap();
        assert_eq!(tidy(&world), expected);
    }
    assert_eq!(world.record().braked_until, None);
    world.assert_clean();
}

#[tokio::test]
async fn no_limit_and_a_raised_limit_are_felt_at_once() {
    let world = braked(0, 60).await;
    world.pass().await.unwrap();
    assert_eq!(tidy(&world), 60);

    let mut world = braked(20, 60).await;
    world.pass().await.unwrap();
    assert_eq!(tidy(&world), 20);
    world.config.max_changes_per_hour = 1000;
    world.advance(60.0);
    // The rows in hand were put off until the rest is over; what is queued goes on.
    let fresh = world.portal.add_contact("bob", "", "");
    world.advance(5.0);
    world.pass().await.unwrap();
    assert_eq!(world.names(fresh)[0], "Bob");
    assert_eq!(world.record().braked_until, None);
}

fn error_row(world: &World, id: u64) {
    world.portal.push_row(QueueRow {
        event_name: "ONCRMCONTACTUPDATE".to_owned(),
        event_data: json!({"FIELDS": {"ID": id.to_string()}}),
        error: true,
        ..QueueRow::default()
    });
}

#[tokio::test]
async fn error_rows_are_drained_at_the_start_and_now_and_then() {
    let world = World::new().await.bound().await;
    let id = world.portal.seed_contact("Anna", "", "");
    error_row(&world, id);
    // Swallowed by the error row: no other row tells of it.
    world.portal.edit_contact(id, &[("NAME", "BERTA")]);
    world.advance(5.0);
    assert_eq!(world.portal.queue().len(), 1);
    let mut drain = world.drain();
    drain.pass(&mut |_| {}).await.unwrap();
    assert_eq!(world.names(id)[0], "Berta");
    world.assert_clean();

    error_row(&world, id);
    world.portal.edit_contact(id, &[("NAME", "CLAIRE")]);
    world.advance(3600.0);
    drain.pass(&mut |_| {}).await.unwrap();
    assert_eq!(world.names(id)[0], "CLAIRE", "not yet");
    world.advance(5.5 * 3600.0);
    drain.pass(&mut |_| {}).await.unwrap();
    assert_eq!(world.names(id)[0], "Claire");
    world.assert_clean();
}

#[tokio::test]
async fn a_reservation_of_error_rows_is_resumed_as_such() {
    let world = World::new().await.bound().await;
    let id = world.portal.seed_contact("anna", "", "");
    error_row(&world, id);
    world.advance(5.0);
    let reads = Matcher::calling("crm.contact.list").always();
    world
        .portal
        .fault(Fault::new(reads, Effect::CloseBeforeProcessing));
    world.pass().await.unwrap_err();
    let open = world
        .context
        .store
        .open_events(&crate::gaps::key(&world))
        .await;
    let open = open.unwrap();
    assert!(open.len() == 1 && open[0].error && open[0].process_id.is_some());

    world.portal.clear_faults();
    world.portal.clear_requests();
    world.advance(60.0);
    world.pass().await.unwrap();
    let requests = world.portal.requests();
    let mut commands = requests.iter().flat_map(|request| &request.commands);
    let resumed = commands
        .find(|command| command.params.contains_key("process_id"))
        .unwrap();
    // Without it the answer would be empty, and the row forgotten.
    assert_eq!(resumed.params["error"], "1");
    assert_eq!(world.names(id)[0], "Anna");
    let all = requests.iter().flat_map(|request| &request.commands);
    assert!(
        all.clone()
            .all(|command| command.method != "event.offline.error")
    );
    world.assert_clean();
}
