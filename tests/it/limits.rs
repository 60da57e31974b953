//! The portal's limits, met or in sight: what waits, what goes on, what is said.

use b24_tidyd::{
    drain::{DrainFailure, Outcome},
    service::Ending,
};
use test_portal::{Billing, Effect, Fault, Matcher, RequestRecord};

use crate::{auth_import::imported, world::World};

async fn messy(world: &World, contacts: usize) -> Vec<u64> {
    let ids = (0..contacts)
        .map(|_| world.portal.add_contact("anna", "", "smith"))
        .collect();
    world.advance(5.0);
    ids
}

fn requests_with(world: &World, method: &str) -> Vec<RequestRecord> {
    let runs = |request: &RequestRecord| request.commands.iter().any(|c| c.method == method);
    world.portal.requests().into_iter().filter(runs).collect()
}

/// Contacts per write request, in order.
fn write_sizes(world: &World) -> Vec<usize> {
    let requests = requests_with(world, "crm.contact.update");
    let updates = requests.iter().map(|request| {
        let commands = request.commands.iter();
        commands
            .filter(|command| command.method == "crm.contact.update")
            .count()
    });
    updates.collect()
}

fn refused(world: &World, code: &str) -> usize {
    let requests = world.portal.requests();
    let by_limit = |request: &&RequestRecord| request.error.as_deref() == Some(code);
    requests.iter().filter(by_limit).count()
}

#[tokio::test]
async fn buckets_of_any_size_are_used_and_never_overflow() {
    for (burst, rate) in [
        (1.0, 1.0),
        (1.0, 2.0),
        (2.0, 2.0),
        (5.0, 2.0),
        (1000.0, 2.0),
    ] {
        let mut world = World::with(|settings| {
            settings.burst = burst;
            settings.rate = rate;
        })
        .await;
        (world.config.burst, world.config.rate) = (burst, rate);
        for phase in [0.0, 0.3, 0.9] {
            world.advance(1.0 - (world.clock_seconds() + phase).fract());
            messy(&world, 200).await;
            let report = world.once().await;
            assert!(
                matches!(report.ending, Ending::Ended(Outcome::Done)),
                "{report:?}"
            );
        }
        assert_eq!(
            refused(&world, "QUERY_LIMIT_EXCEEDED"),
            0,
            "{burst} and {rate}"
        );
        world.assert_clean();
    }
}

/// Others behind the same address fill the bucket: that is news, not a reason to hammer.
#[tokio::test]
async fn a_full_bucket_is_backed_off_from() {
    let world = World::new().await.bound().await;
    messy(&world, 10).await;
    world.portal.occupy_bucket(50.0);
    let report = world.once().await;
    assert!(
        matches!(report.ending, Ending::Ended(Outcome::Done)),
        "{report:?}"
    );
    assert_eq!(refused(&world, "QUERY_LIMIT_EXCEEDED"), 1);
    world.assert_clean();
}

#[tokio::test]
async fn the_bucket_is_shared_by_all_processes_on_a_store() {
    let world = World::new().await.bound().await;
    world.advance(60.0);
    // Each of these is a new process that knows only what the store says.
    for _ in 0..40 {
        world.pass().await.unwrap();
    }
    assert_eq!(refused(&world, "QUERY_LIMIT_EXCEEDED"), 0);
}

/// An import asks the portal before its pair is stored: that goes into the bucket, too.
#[tokio::test]
async fn imports_share_the_bucket() {
    let world = World::new().await;
    for _ in 0..60 {
        let (code, said) = imported(&world, &world.portal.authorise().to_string()).await;
        assert_eq!(code, 0, "{said}");
    }
    assert_eq!(refused(&world, "QUERY_LIMIT_EXCEEDED"), 0);
}

#[tokio::test]
async fn a_one_shot_run_does_not_sit_out_a_long_block() {
    for billing in [Billing::Inner, Billing::Batch] {
        let world = World::with(|settings| {
            settings.billing = billing;
            settings.cost.insert("crm.contact.update".to_owned(), 2.0);
        })
        .await
        .bound()
        .await;
        messy(&world, 300).await;
        let start = world.clock_seconds();
        let report = world.once().await;
        let Ending::Ended(Outcome::WorkLeft { .. }) = report.ending else {
            panic!("{report:?}");
        };
        // The window is used up to the limit, and not a second is waited for the next one.
        let taken = world.clock_seconds() - start;
        assert!((470.0..490.0).contains(&taken), "{taken}");
        assert!(report.totals.changed >= 236, "{}", report.totals.changed);
        assert_eq!(refused(&world, "OPERATION_TIME_LIMIT"), 0);
        // The next process knows it from the store, and does not try either.
        world.portal.clear_requests();
        let report = world.once().await;
        assert!(
            matches!(report.ending, Ending::Ended(Outcome::WorkLeft { .. })),
            "{report:?}"
        );
        assert_eq!(requests_with(&world, "crm.contact.update").len(), 0);
        assert!(world.clock_seconds() - start < 490.0);
        // Ten minutes later it goes on.
        world.advance(600.0);
        let report = world.once().await;
        assert!(
            matches!(report.ending, Ending::Ended(Outcome::Done)),
            "{report:?}"
        );
        world.assert_clean();
    }
}

/// The same where the very first request is refused, for reasons that only the portal knows.
#[tokio::test]
async fn a_long_block_in_front_of_everything_is_not_sat_out_either() {
    let world = World::with(|settings| {
        settings.billing = Billing::Batch;
        settings.cost.insert("crm.contact.update".to_owned(), 2.0);
    })
    .await
    .bound()
    .await;
    messy(&world, 5).await;
    world.once().await;
    world.portal.occupy_operating("batch", 480.0);
    let start = world.clock_seconds();
    let report = world.once().await;
    assert!(
        matches!(report.ending, Ending::Failed(DrainFailure::MustWait(_))),
        "{report:?}"
    );
    // One probe after some seconds; then the portal is believed.
    let taken = world.clock_seconds() - start;
    assert!(taken < 10.0, "{taken}");
    assert_eq!(refused(&world, "OPERATION_TIME_LIMIT"), 2);
}

/// Catches a block of one method that stops everything.
#[tokio::test]
async fn while_writes_are_blocked_the_rest_goes_on() {
    for billing in [Billing::Inner, Billing::Batch] {
        let world = World::with(|settings| {
            settings.billing = billing;
            settings.cost.insert("crm.contact.update".to_owned(), 2.0);
        })
        .await
        .bound()
        .await;
        messy(&world, 300).await;
        let mut drain = world.drain();
        drain.pass(&mut |_| {}).await.unwrap();
        let written = world
            .portal
            .contacts()
            .iter()
            .filter(|c| c.update_count > 0)
            .count();
        assert!(written < 300);

        let clean = world.portal.add_contact("Anna", "", "Smith");
        let late = world.portal.add_contact("anna", "", "smith");
        world.advance(5.0);
        drain.pass(&mut |_| {}).await.unwrap();

        let rows = world.portal.queue();
        let of = |id: u64| rows.iter().filter(move |row| row.contact_id() == Some(id));
        assert_eq!(of(clean).count(), 0, "what needs no change is acknowledged");
        assert!(
            of(late).all(|row| !row.process_id.is_empty()),
            "the rest is reserved"
        );
        assert_eq!(world.portal.contact(late).unwrap().update_count, 0);
        assert_eq!(refused(&world, "OPERATION_TIME_LIMIT"), 0);

        world.advance(600.0);
        drain.pass(&mut |_| {}).await.unwrap();
        assert_eq!(world.portal.contact(late).unwrap().update_count, 1);
        world.assert_clean();
    }
}

/// While writes wait, no more than a page's worth of work is taken out of the queue.
#[tokio::test]
async fn what_waits_with_the_writes_is_bounded() {
    let world = World::with(|settings| {
        settings.cost.insert("crm.contact.update".to_owned(), 20.0);
    })
    .await
    .bound()
    .await;
    messy(&world, 3500).await;
    let mut drain = world.drain();
    for _ in 0..3 {
        drain.pass(&mut |_| {}).await.unwrap();
        world.advance(10.0);
    }
    let rows = world.portal.queue();
    let reserved = rows.iter().filter(|row| !row.process_id.is_empty()).count();
    assert!(reserved <= 2000, "{reserved}");
}

/// A 429 that our books contradict (somebody else's doing) is tried again after seconds.
#[tokio::test]
async fn a_block_that_nobody_can_explain_is_probed_again_after_seconds() {
    for (billing, method) in [
        (Billing::Inner, "crm.contact.update"),
        (Billing::Batch, "batch"),
    ] {
        let world = World::with(|settings| settings.billing = billing)
            .await
            .bound()
            .await;
        let ids = messy(&world, 5).await;
        world.portal.fault(Fault {
            matching: Matcher {
                calls: Some("crm.contact.update".to_owned()),
                ..Matcher::any()
            },
            effect: match billing {
                Billing::Inner => Effect::CommandError {
                    method: method.to_owned(),
                    nth: 0,
                    code: "OPERATION_TIME_LIMIT".to_owned(),
                    description: String::new(),
                },
                Billing::Batch => Effect::Error {
                    status: 429,
                    code: "OPERATION_TIME_LIMIT".to_owned(),
                    description: String::new(),
                },
            },
        });
        let start = world.clock_seconds();
        let report = world.once().await;
        assert!(
            matches!(report.ending, Ending::Ended(Outcome::Done)),
            "{report:?}"
        );
        let taken = world.clock_seconds() - start;
        assert!((5.0..20.0).contains(&taken), "{taken}");
        assert_eq!(world.names(ids[4]), ["Anna", "", "Smith"]);
        world.assert_clean();
    }
}

/// A slow portal gets short requests: about `batch_seconds` each.
#[tokio::test]
async fn a_slow_portal_gets_short_requests() {
    let world = World::with(|settings| {
        settings.cost.insert("crm.contact.update".to_owned(), 1.0);
        settings.cost.insert("crm.contact.list".to_owned(), 0.25);
    })
    .await
    .bound()
    .await;
    messy(&world, 60).await;
    world.once().await;
    let sizes = write_sizes(&world);
    assert!(sizes[0] <= 16, "{sizes:?}");
    assert!(sizes[2..].iter().all(|size| *size <= 4), "{sizes:?}");
    world.assert_clean();
}

/// After a cut-off the contacts are read again, and smaller requests follow that grow again.
#[tokio::test]
async fn after_a_cut_off_requests_are_smaller_and_grow_again() {
    let world = World::new().await.bound().await;
    messy(&world, 300).await;
    world.portal.fault(Fault {
        matching: Matcher {
            calls: Some("crm.contact.update".to_owned()),
            skip: 2,
            ..Matcher::any()
        },
        effect: Effect::Html {
            code: 504,
            processed: true,
        },
    });
    let report = world.once().await;
    assert!(
        matches!(report.ending, Ending::Ended(Outcome::Done)),
        "{report:?}"
    );
    let sizes = write_sizes(&world);
    assert_eq!(sizes[..6], [16, 24, 24, 12, 14, 16], "{sizes:?}");
    world.assert_clean();
}

#[tokio::test]
async fn a_portal_without_limiter_is_served_at_full_speed() {
    let mut world = World::with(|settings| {
        settings.burst = 1000.0;
        settings.rate = 1000.0;
        settings.report_operating = false;
        settings.operating_limit = None;
        settings.cost.insert("crm.contact.update".to_owned(), 2.0);
    })
    .await
    .bound()
    .await;
    (world.config.burst, world.config.rate) = (1000.0, 1000.0);
    messy(&world, 500).await;
    let start = world.clock_seconds();
    let report = world.once().await;
    assert!(
        matches!(report.ending, Ending::Ended(Outcome::Done)),
        "{report:?}"
    );
    let taken = world.clock_seconds() - start;
    assert!(
        taken < 1010.0,
        "{taken} s for 1,000 s of the portal's own work"
    );
}
