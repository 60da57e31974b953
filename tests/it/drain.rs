//! One pass over a queue: what comes in, what is written, what is acknowledged.

use b24_tidyd::drain::Outcome;

use test_portal::{Effect, Fault, Matcher};

use crate::world::World;

#[tokio::test]
async fn messy_names_go_in_and_clean_names_come_out() {
    let world = World::new().await.bound().await;
    let messy = world.portal.add_contact("anna", "", "SMITH");
    let clean = world.portal.add_contact("Jean-Luc", "", "O'Neill");
    world.advance(5.0);

    let summary = world.pass().await.unwrap();

    assert_eq!(summary.outcome, Outcome::Done);
    assert_eq!((summary.totals.events, summary.totals.changed), (2, 1));
    assert_eq!(world.names(messy), ["Anna", "", "Smith"]);
    assert_eq!(world.portal.contact(messy).unwrap().update_count, 1);
    assert_eq!(world.portal.contact(clean).unwrap().update_count, 0);
    world.assert_clean();

    let again = world.pass().await.unwrap();
    assert_eq!((again.totals.events, again.totals.changed), (0, 0));
    world.assert_clean();
}

#[tokio::test]
async fn our_own_writes_do_not_come_back_as_work() {
    for echo in [false, true] {
        let world = World::with(|settings| settings.echo = echo)
            .await
            .bound()
            .await;
        let id = world.portal.add_contact("anna", "", "smith");
        world.advance(5.0);
        world.pass().await.unwrap();
        world.pass().await.unwrap();
        assert_eq!(
            world.portal.contact(id).unwrap().update_count,
            1,
            "echo: {echo}"
        );
        world.assert_clean();
    }
}

#[tokio::test]
async fn a_thousand_events_take_few_requests() {
    let world = World::new().await.bound().await;
    for number in 0..1000 {
        world
            .portal
            .add_contact(&format!("anna{}", "a".repeat(number % 7)), "", "smith");
    }
    world.advance(5.0);
    let summary = world.pass().await.unwrap();
    assert_eq!(summary.totals.changed, 1000);
    assert_eq!(summary.outcome, Outcome::Done);
    world.assert_clean();
    assert!(summary.totals.requests <= 48, "{}", summary.totals.requests);
}

/// Where a reservation's answer was lost, the rows are looked for at once: a process that waited for
/// its next survey would be deaf for an hour.
#[tokio::test]
async fn a_reservation_whose_answer_was_lost_is_found_by_the_same_process() {
    for effect in [Effect::LoseAnswer, Effect::TruncatedJson, Effect::CutAnswer] {
        let world = World::new().await.bound().await;
        let mut drain = world.drain();
        drain.pass(&mut |_| {}).await.unwrap();
        let id = world.portal.add_contact("anna", "", "SMITH");
        world.advance(5.0);
        let reserving = Matcher::calling("event.offline.get");
        world.portal.fault(Fault::new(reserving, effect.clone()));

        let summary = drain.pass(&mut |_| {}).await.unwrap();

        assert_eq!(summary.outcome, Outcome::Done, "{effect:?}");
        assert_eq!(world.names(id), ["Anna", "", "Smith"], "{effect:?}");
        world.assert_clean();
    }
}

/// Older self-hosted portals lack some of the methods that are asked at the start.
#[tokio::test]
async fn a_portal_that_lacks_the_questions_is_worked_for_all_the_same() {
    let world = World::new().await;
    for method in ["user.admin", "scope", "feature.get"] {
        world.portal.fault(Fault::new(
            Matcher::calling(method).always(),
            Effect::CommandError {
                method: method.to_owned(),
                nth: 0,
                code: "ERROR_METHOD_NOT_FOUND".to_owned(),
                description: "Method not found!".to_owned(),
            },
        ));
    }
    let world = world.bound().await;
    let id = world.portal.add_contact("anna", "", "smith");
    world.advance(5.0);
    assert_eq!(world.pass().await.unwrap().outcome, Outcome::Done);
    assert_eq!(world.names(id), ["Anna", "", "Smith"]);
    world.assert_clean();
}
