//! A pass has an end, whatever goes on meanwhile, and does not do the same twice.

use b24_tidyd::{drain::Outcome, service::Ending};

use crate::world::World;

/// How often contacts were walked since the log was cleared.
fn walks(world: &World) -> usize {
    let requests = world.portal.requests();
    let commands = requests.iter().flat_map(|request| &request.commands);
    commands.filter(|command| command.key == "w0").count()
}

/// Somebody adds a contact before each request: two a second, at the client's full rate.
fn a_stream_of_contacts(world: &World) {
    let mut left = 500;
    world.portal.before_request(move |portal, _| {
        if left > 0 {
            left -= 1;
            portal.add_contact("anna", "", "SMITH");
        }
    });
}

/// Catches a pass that goes on for as long as somebody edits.
#[tokio::test]
async fn edits_that_keep_coming_do_not_keep_a_pass_running() {
    for confirms in [true, false] {
        let world = World::with(|settings| settings.plan_confirms = confirms)
            .await
            .bound()
            .await;
        for _ in 0..100 {
            world.portal.add_contact("anna", "", "SMITH");
        }
        world.advance(5.0);
        a_stream_of_contacts(&world);
        let before = world.portal.request_count();
        let report = world.once().await;
        let requests = world.portal.request_count() - before;
        assert!(
            matches!(report.ending, Ending::Ended(Outcome::Done)),
            "{report:?}"
        );
        assert!(report.totals.changed >= 100, "{report:?}");
        assert!(requests <= 40, "{requests} requests");
        assert_eq!(world.portal.violations(), [] as [String; 0]);

        // What came meanwhile is there for the next one.
        world.portal.clear_hooks();
        world.advance(5.0);
        world.once().await;
        world.assert_clean();
    }
}

/// Catches a sweep of a gap that reads the same contacts at each poll while nothing can be written.
#[tokio::test]
async fn a_gap_is_not_swept_while_writes_wait() {
    let world = World::with(|settings| {
        settings.cost.insert("crm.contact.update".to_owned(), 15.0);
    })
    .await
    .bound()
    .await;
    let mut drain = world.drain();
    drain.pass(&mut |_| {}).await.unwrap();
    world.portal.unbind_all();
    for _ in 0..400 {
        world.portal.add_contact("anna", "", "SMITH");
    }
    world.advance(3700.0);
    // The first passes use up the execution time.
    for _ in 0..5 {
        drain.pass(&mut |_| {}).await.unwrap();
        world.advance(10.0);
    }
    world.portal.clear_requests();
    for _ in 0..10 {
        let summary = drain.pass(&mut |_| {}).await.unwrap();
        assert!(matches!(summary.outcome, Outcome::WorkLeft { .. }));
        world.advance(10.0);
    }
    let walks = walks(&world);
    assert!(walks <= 2, "{walks} walks in ten polls");
}

/// Catches a backlog that is taken in hand at once where the plan does not confirm, and read again in
/// each window.
#[tokio::test]
async fn rows_in_hand_are_bounded_while_writes_wait() {
    for confirms in [true, false] {
        let world = World::with(|settings| {
            settings.plan_confirms = confirms;
            settings.cost.insert("crm.contact.update".to_owned(), 15.0);
        })
        .await
        .bound()
        .await;
        for _ in 0..4000 {
            world.portal.add_contact("anna", "", "SMITH");
        }
        world.advance(5.0);
        let mut drain = world.drain();
        for _ in 0..20 {
            drain.pass(&mut |_| {}).await.unwrap();
            let open = world.context.store.open_totals(world.id()).await.unwrap();
            assert!(open.rows <= 2100, "{} rows in hand", open.rows);
            world.advance(60.0);
        }
    }
}
