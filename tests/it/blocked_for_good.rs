//! A portal that refuses writes for their execution time, again and again.

use b24_tidyd::{drain::Outcome, service::Ending};
use test_portal::{Effect, Fault, Matcher};

use crate::world::World;

/// `run --once` does not sit such a block out, whatever our own books say.
#[tokio::test]
async fn a_run_that_is_always_refused_ends() {
    let world = World::new().await.bound().await;
    let id = world.portal.add_contact("anna", "", "smith");
    world.advance(5.0);
    world.portal.fault(Fault::new(
        Matcher::calling("crm.contact.update").always(),
        Effect::Error {
            status: 429,
            code: "OPERATION_TIME_LIMIT".to_owned(),
            description: "Method is blocked".to_owned(),
        },
    ));
    let report = world.once().await;
    let ended = matches!(report.ending, Ending::Ended(Outcome::WorkLeft { .. }));
    assert!(ended, "{:?}", report.ending);
    assert!(report.totals.requests < 40, "{:?}", report.totals);
    world.portal.clear_faults();
    world.advance(3600.0);
    world.once().await;
    assert_eq!(world.names(id), ["Anna", "", "Smith"]);
    world.assert_clean();
}
