//! Requests, time and memory of a drain, by the number of events: `cargo bench --bench drain`.
//!
//! Three measurements for each number of events, every contact in need of a change:
//!
//! - under the usual limits (burst 50, 2 requests a second, 480 s of execution in ten minutes), an
//!   update taking 0.1 s and a read 0.01 s of the portal's time; the time is simulated
//! - without limits, with the real program and a portal that answers at once; time, processor time
//!   and peak memory are the program's own
//! - for 1,000 events, what one would use instead: a plain client that does the same one call after
//!   another, and a script on the official Python SDK (where Python and the SDK are to be had)
//!
//! Numbers of events on the command line replace 1,000, 10,000 and 100,000. Linux only.
#![allow(clippy::unwrap_used, clippy::expect_used, dead_code)]

#[path = "../it/installed.rs"]
mod installed;
#[path = "drain/measured.rs"]
mod measured;
#[path = "drain/one_by_one.rs"]
mod one_by_one;
#[path = "drain/sdk.rs"]
mod sdk;
#[path = "../it/world.rs"]
mod world;

use std::{sync::Arc, time::Duration};

use b24_tidyd::{clock::Clock, service::drain_once};
use serde_json::json;
use test_portal::{Contact, Portal, Settings};

use installed::Installed;
use measured::Measured;
use world::{LIMIT, World};

/// People create so many contacts that need a change.
pub(crate) fn edit(portal: &Portal, contacts: u64) {
    for _ in 0..contacts {
        let contact = Contact {
            date_modify: 1_767_500_000,
            ..Contact::default()
        };
        let id = portal.seed(contact);
        let fields = json!({"NAME": "anna-maria", "SECOND_NAME": "", "LAST_NAME": "o'neill"});
        assert!(portal.edit_contact_as(3, id, &fields));
    }
}

/// The portal of the simulated measurements.
pub(crate) fn usual(settings: &mut Settings) {
    settings.keep_requests = 2;
    for (method, seconds) in [
        ("crm.contact.update", 0.1),
        ("crm.contact.list", 0.01),
        ("crm.contact.get", 0.01),
    ] {
        settings.cost.insert(method.to_owned(), seconds);
    }
}

/// Requests and simulated seconds of `run --once` under the usual limits.
async fn under_limits(events: u64) -> (u64, f64) {
    let mut world = World::with(usual).await.bound().await;
    world.config.max_changes_per_hour = 0;
    edit(&world.portal, events);
    world.advance(5.0);
    let (start, before) = (world.clock.now(), world.portal.request_count());
    let forever = Duration::from_secs(86_400);
    let config = Arc::new(world.config.clone());
    let report = drain_once(&world.context, config, LIMIT, forever, &mut |_| {}).await;
    assert_eq!(report.totals.changed, events, "{report:?}");
    let seconds = world.clock.now().duration_since(start).as_secs_f64();
    (world.portal.request_count() - before, seconds)
}

/// What the program is told of a portal without limits, on which any number may be changed.
const MORE: &str = "burst = 1000000\nrate = 1000000.0\nmax_changes_per_hour = 0\n";

/// The portal of the other measurements.
pub(crate) fn unlimited(settings: &mut Settings) {
    settings.keep_requests = 2;
    (settings.burst, settings.rate) = (1e6, 1e6);
    settings.operating_limit = None;
}

/// The real program against a portal without limits.
async fn without_limits(events: u64) -> Measured {
    let installed = Installed::authorised(unlimited, MORE).await;
    Measured::run(&installed).await;
    edit(&installed.portal, events);
    // The edits must lie in an earlier second, as they mostly do.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let measured = Measured::run(&installed).await;
    assert_eq!(installed.portal.queue().len(), 0, "not drained");
    measured
}

#[tokio::main]
async fn main() {
    let given: Vec<u64> = std::env::args()
        .filter_map(|text| text.parse().ok())
        .collect();
    let numbers = if given.is_empty() {
        vec![1_000, 10_000, 100_000]
    } else {
        given
    };
    println!(
        "| events, all to change | requests | under limits (simulated) | without limits | processor | peak memory |"
    );
    println!("| ---: | ---: | ---: | ---: | ---: | ---: |");
    for events in numbers {
        let (requests, seconds) = under_limits(events).await;
        row(
            &events.to_string(),
            requests,
            seconds,
            Some(&without_limits(events).await),
        );
    }
    let (requests, seconds) = one_by_one::drain(OTHERS).await;
    row("1000, one call after another", requests, seconds, None);
    if let Some(python) = sdk::python() {
        let (requests, seconds) = sdk::under_limits(&python, OTHERS).await;
        let real = sdk::without_limits(&python, OTHERS).await;
        row(
            "1000, a script on the Python SDK",
            requests,
            seconds,
            Some(&real),
        );
    }
    println!(
        "\nan idle daemon with one portal: {:.1} MB",
        measured::idle_megabytes().await
    );
}

/// Events for what one would use instead.
const OTHERS: u64 = 1000;

/// A line of the table: requests, seconds under limits, and what was measured without.
fn row(name: &str, requests: u64, seconds: f64, without: Option<&Measured>) {
    let real = without.map_or("| |".to_owned(), |real| {
        format!(
            "{:.2} s | {:.2} s | {:.1} MB",
            real.seconds, real.processor_seconds, real.peak_megabytes
        )
    });
    println!("| {name} | {requests} | {seconds:.0} s | {real} |");
}
