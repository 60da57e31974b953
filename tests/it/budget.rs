//! How many requests the work may take: whole runs of `run --once` on an already bound portal, start
//! and final empty get included.

use b24_tidyd::{drain::Outcome, service::Ending};
use serde_json::json;
use test_portal::{Contact, Universal};

use crate::world::World;

/// Both families of methods for contacts.
const FAMILIES: [Universal; 2] = [Universal::Complete, Universal::NoMethods];

/// Contacts that stand on the portal before anybody edits them, every fifth of another category where
/// the portal has any.
async fn world_with(contacts: u64, universal: Universal) -> World {
    let world = World::with(|settings| settings.universal = universal).await;
    let world = world.bound().await;
    let past = 1_767_500_000;
    let categories = universal == Universal::Complete;
    for id in 1..=contacts {
        world.portal.seed(Contact {
            id,
            name: Some("Anna".to_owned()),
            last_name: Some("Smith".to_owned()),
            category: if categories && id % 5 == 0 { 7 } else { 0 },
            date_create: past,
            date_modify: past,
            ..Contact::default()
        });
    }
    world
}

/// Edits every contact: those that `untidy` chooses get names that need a change.
fn edit(world: &World, contacts: u64, untidy: impl Fn(u64) -> bool) {
    for id in 1..=contacts {
        let name = if untidy(id) { "anna" } else { "Anne" };
        let fields = json!({"NAME": name, "LAST_NAME": "Šmíd"});
        assert!(world.portal.edit_contact_as(3, id, &fields));
    }
}

/// Runs `run --once` and returns how many requests that took, tokens included.
async fn requests(world: &World, events: u64, changed: u64) -> u64 {
    let before = world.portal.request_count();
    let report = world.once().await;
    assert!(
        matches!(report.ending, Ending::Ended(Outcome::Done)),
        "{report:?}"
    );
    assert_eq!(
        (report.totals.events, report.totals.changed),
        (events, changed)
    );
    world.assert_clean();
    assert!(longest_batch(world) <= 50);
    world.portal.request_count() - before
}

fn longest_batch(world: &World) -> usize {
    let requests = world.portal.requests();
    requests
        .iter()
        .map(|request| request.commands.len())
        .max()
        .unwrap_or(0)
}

/// Whether the edits lie in an earlier second than the run, or right before it, in either family.
fn moments() -> impl Iterator<Item = (f64, Universal)> {
    let of = |universal| [(5.0, universal), (0.0, universal)];
    FAMILIES.into_iter().flat_map(of)
}

#[tokio::test]
async fn a_thousand_changes_take_48_requests() {
    for (pause, universal) in moments() {
        let world = world_with(1000, universal).await;
        edit(&world, 1000, |_| true);
        world.advance(pause);
        let requests = requests(&world, 1000, 1000).await;
        assert!(
            requests <= 48,
            "{requests} requests, {pause} s after the edits"
        );
        // Every write stood behind a guard.
        let plain = world.portal.requests().into_iter();
        let plain = plain.filter(|request| request.method.ends_with(".update"));
        assert_eq!(plain.count(), 0);
    }
}

#[tokio::test]
async fn a_thousand_events_without_a_change_take_6_requests() {
    for (pause, universal) in moments() {
        let world = world_with(1000, universal).await;
        edit(&world, 1000, |_| false);
        world.advance(pause);
        let requests = requests(&world, 1000, 0).await;
        assert!(
            requests <= 6,
            "{requests} requests, {pause} s after the edits"
        );
    }
}

#[tokio::test]
async fn ten_thousand_events_with_a_tenth_to_change_take_70_requests() {
    for (pause, universal) in moments() {
        let world = world_with(10_000, universal).await;
        edit(&world, 10_000, |id| id % 10 == 0);
        world.advance(pause);
        let requests = requests(&world, 10_000, 1000).await;
        assert!(
            requests <= 70,
            "{requests} requests, {pause} s after the edits"
        );
    }
}

#[tokio::test]
async fn an_empty_queue_takes_4_requests_and_a_poll_of_the_daemon_one() {
    let world = World::new().await.bound().await;
    assert!(requests(&world, 0, 0).await <= 4);

    let mut drain = world.drain();
    drain.pass(&mut |_| {}).await.unwrap();
    for _ in 0..3 {
        world.advance(10.0);
        let before = world.portal.request_count();
        drain.pass(&mut |_| {}).await.unwrap();
        assert_eq!(world.portal.request_count() - before, 1);
    }
}

/// A portal may give fewer events than were asked for: what comes back counts, until nothing does.
#[tokio::test]
async fn a_portal_that_gives_fewer_events_than_asked_is_drained_to_the_end() {
    let world = world_with(1000, Universal::Complete).await;
    world
        .portal
        .settings(|settings| settings.get_cap = Some(50));
    edit(&world, 1000, |id| id % 10 == 0);
    world.advance(5.0);
    let requests = requests(&world, 1000, 100).await;
    assert!(requests <= 48, "{requests} requests");
}

/// The longest names and ids that fit: the referee sees requests of 64 KiB or more.
#[tokio::test]
async fn long_names_and_ids_stay_below_64_kib() {
    for universal in FAMILIES {
        let world = World::with(|settings| settings.universal = universal).await;
        let world = world.bound().await;
        let first = 9_007_199_254_000_000;
        for id in first..first + 500 {
            world.portal.seed(Contact {
                id,
                date_modify: 1_767_500_000,
                ..Contact::default()
            });
            let name = "эюя".repeat(16);
            let fields = json!({"NAME": name, "SECOND_NAME": name, "LAST_NAME": name});
            assert!(world.portal.edit_contact_as(3, id, &fields));
        }
        world.advance(5.0);
        requests(&world, 500, 500).await;
    }
}

/// A long drain learns without a further request how much is left.
#[tokio::test]
async fn a_long_drain_knows_what_is_left() {
    let world = world_with(3000, Universal::Complete).await;
    edit(&world, 3000, |_| false);
    world.advance(5.0);
    let mut left = Vec::new();
    let before = world.portal.request_count();
    let summary = world
        .drain()
        .pass(&mut |now| left.extend(now.waiting))
        .await;
    assert_eq!(summary.unwrap().totals.events, 3000);
    left.dedup();
    assert_eq!(left, [1000, 0]);
    assert!(world.portal.request_count() - before <= 8);
    world.assert_clean();
}
