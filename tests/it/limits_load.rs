//! Twenty simulated minutes of load: the portal's limits are used up, and never met.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use b24_tidyd::{
    clock::Clock,
    drain::{Drain, Outcome},
    portal::{Patience, Portal as Authorised},
};
use serde_json::json;
use test_portal::{Billing, Contact};

use crate::world::{LIMIT, World};

/// Contacts in a full write request.
const A_REQUEST: f64 = 24.0;

/// A world whose updates take `cost` seconds and are booked by `billing`.
async fn world(cost: f64, billing: Billing) -> World {
    World::with(|settings| {
        settings.billing = billing;
        settings.keep_requests = 2;
        settings.cost.insert("crm.contact.update".to_owned(), cost);
    })
    .await
    .bound()
    .await
}

/// People make so many new contacts that need a change.
fn edit(world: &World, contacts: u64) {
    for _ in 0..contacts {
        let contact = Contact {
            date_modify: 1_767_500_000,
            ..Contact::default()
        };
        let id = world.portal.seed(contact);
        let fields = json!({"NAME": "anna", "LAST_NAME": "smith"});
        assert!(world.portal.edit_contact_as(3, id, &fields));
    }
    world.advance(2.0);
}

/// Drains as the daemon does, poked every ten seconds. Returns the seconds it took.
async fn drain(world: &World) -> f64 {
    let start = world.clock.now();
    let config = Arc::new(world.config.clone());
    let patience = Patience { longest_wait: 30.0 };
    let portal = Authorised::open(world.context.clone(), config, &world.record(), patience)
        .await
        .unwrap();
    let mut drain = Drain::new(portal, LIMIT);
    loop {
        let summary = drain.pass(&mut |_| {}).await.unwrap();
        let now = world.clock.now();
        match summary.outcome {
            Outcome::Done => return now.duration_since(start).as_secs_f64(),
            Outcome::WorkLeft { until, .. } => {
                let poke = now + Duration::from_secs(10);
                world.clock.sleep_until(until.min(poke)).await;
            }
            other => panic!("{other:?}"),
        }
    }
}

/// Counts from now on how often the portal's limits are met: requests and commands refused by them.
/// Looks at each request when the next one comes, so that the log may stay short.
fn count_refusals(world: &World) -> Arc<AtomicUsize> {
    let met = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&met);
    let limited = |code: &str| matches!(code, "QUERY_LIMIT_EXCEEDED" | "OPERATION_TIME_LIMIT");
    world.portal.before_request(move |portal, _| {
        for request in portal.requests() {
            let commands = request.commands.iter();
            let errors = commands.filter_map(|command| Some(command.error.as_ref()?.0.as_str()));
            let refused = errors
                .chain(request.error.as_deref())
                .filter(|code| limited(code));
            count.fetch_add(refused.count(), Ordering::Relaxed);
        }
    });
    met
}

/// The shortest time in which the limits allow so many changes: the portal works on one request at a
/// time; two requests leave the bucket a second, after a burst of fifty; a method may use 480 seconds
/// in any ten minutes, where its calls are counted at all.
fn theory(contacts: f64, cost: f64, billing: Billing) -> f64 {
    let work = contacts * cost;
    let requests = (contacts / A_REQUEST).ceil();
    let by_rate = (requests - 50.0).max(0.0) / 2.0;
    let counted = match billing {
        Billing::Inner => cost >= 0.1,
        Billing::Batch => cost * A_REQUEST >= 0.1,
    };
    let by_execution = if counted {
        (work / 480.0).ceil().max(1.0).mul_add(120.0, work) - 120.0
    } else {
        0.0
    };
    by_rate.max(by_execution).max(work)
}

async fn twenty_minutes(cost: f64, billing: Billing, contacts: u64) {
    let mut world = world(cost, billing).await;
    // The portal's limits are meant here, not our own.
    world.config.max_changes_per_hour = 0;
    let refusals = count_refusals(&world);
    // A first drain teaches the model; its traces have left the window when the load comes.
    edit(&world, 60);
    drain(&world).await;
    world.advance(700.0);
    edit(&world, contacts);
    let taken = drain(&world).await;
    let least = theory(contacts as f64, cost, billing);
    eprintln!(
        "{billing:?} {cost}: {taken:.0} s, {least:.0} s in theory, {:.3}",
        taken / least
    );
    assert!(least > 1000.0, "too little load: {least} s");
    assert!(taken <= least * 1.15, "{taken} s instead of {least} s");
    world.pass().await.unwrap();
    assert_eq!(refusals.load(Ordering::Relaxed), 0);
    world.assert_clean();
}

#[tokio::test]
async fn slow_updates_booked_one_by_one() {
    twenty_minutes(2.0, Billing::Inner, 470).await;
}

#[tokio::test]
async fn slow_updates_booked_by_the_batch() {
    twenty_minutes(2.0, Billing::Batch, 470).await;
}

#[tokio::test]
async fn usual_updates_booked_one_by_one() {
    twenty_minutes(0.2, Billing::Inner, 4700).await;
}

#[tokio::test]
async fn usual_updates_booked_by_the_batch() {
    twenty_minutes(0.2, Billing::Batch, 4700).await;
}

#[tokio::test]
#[ignore = "takes minutes unoptimised: .ci/run load"]
async fn quick_updates_booked_one_by_one() {
    twenty_minutes(0.02, Billing::Inner, 56_000).await;
}

#[tokio::test]
#[ignore = "takes minutes unoptimised: .ci/run load"]
async fn quick_updates_booked_by_the_batch() {
    twenty_minutes(0.02, Billing::Batch, 47_000).await;
}
