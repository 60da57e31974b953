//! Writing without a guard: the read is the last thing before the write.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use test_portal::{Effect, Fault, GuardMode, Matcher};

use crate::world::World;

fn refusals() -> Vec<(&'static str, Effect)> {
    let error = |status, code: &str| Effect::Error {
        status,
        code: code.to_owned(),
        description: String::new(),
    };
    vec![
        ("the bucket", error(503, "QUERY_LIMIT_EXCEEDED")),
        ("a renewal", error(401, "expired_token")),
        ("a block", error(429, "OPERATION_TIME_LIMIT")),
        ("no connection", Effect::CloseBeforeProcessing),
    ]
}

/// Catches an edit that is overwritten because the update had to wait after its read.
#[tokio::test]
async fn whatever_holds_up_an_update_has_the_contact_read_again() {
    for (what, effect) in refusals() {
        let world = World::with(|settings| settings.guard = GuardMode::NeverHolds)
            .await
            .bound()
            .await;
        let dollar = world.portal.add_contact("anna $result", "", "doe");
        world.advance(5.0);
        world
            .portal
            .fault(Fault::new(Matcher::method("crm.contact.update"), effect));
        // Somebody edits as soon as the update was refused.
        let refused = Arc::new(AtomicBool::new(false));
        let seen = refused.clone();
        world.portal.before_request(move |portal, request| {
            if seen.load(Ordering::Relaxed) {
                seen.store(false, Ordering::Relaxed);
                portal.edit_contact(dollar, &[("LAST_NAME", "MILLER")]);
            } else if request.method == "crm.contact.update"
                && portal.contact(dollar).unwrap().last_name.as_deref() == Some("doe")
            {
                seen.store(true, Ordering::Relaxed);
            }
        });
        for _ in 0..4 {
            let _ = world.pass().await;
            world.advance(700.0);
        }
        assert_eq!(
            world.names(dollar),
            ["Anna $Result", "", "Miller"],
            "{what}"
        );
        assert_eq!(world.portal.violations(), [] as [String; 0], "{what}");
    }
}
