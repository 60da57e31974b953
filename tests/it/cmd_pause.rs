//! `pause` and `resume`.

use crate::world::Awaited;
use b24_tidyd::{clock::Clock as _, drain::Outcome};
use insta::assert_snapshot;

use crate::{command::said, installed::Installed, world::World};

#[tokio::test]
async fn a_paused_portal_keeps_its_events_until_it_goes_on() {
    let world = World::new().await.bound().await;
    let id = world.portal.add_contact("anna", "", "SMITH");
    world.advance(5.0);
    assert_snapshot!(said(&world, &["pause"]).await, @"acme: paused since 2026-01-05 07:00:05 UTC; changes wait in the portal");
    world.advance(5.0);
    assert_snapshot!(said(&world, &["pause", "--json"]).await, @r#"
    {"portal":"acme","paused":true,"paused_at":"2026-01-05T07:00:05Z"}
    "#);
    assert_eq!(world.pass().await.unwrap().outcome, Outcome::Paused);
    assert_eq!(world.names(id), ["anna", "", "SMITH"]);
    assert_snapshot!(said(&world, &["resume"]).await, @"acme: goes on with the next drain");
    assert_snapshot!(said(&world, &["resume"]).await, @"acme: was not paused");
    assert_snapshot!(said(&world, &["resume", "--json"]).await, @r#"
    {"portal":"acme","paused":false,"paused_at":null}
    "#);
    world.pass().await.unwrap();
    assert_eq!(world.names(id), ["Anna", "", "Smith"]);
    world.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_to_pause() {
    let more = "[[portal]]\nname = \"beta\"\nurl = \"https://beta.example\"";
    let world = Installed::authorised(|_| {}, more).await;
    world.run_for(64, &["pause"]).await;
    world.run_for(64, &["--portal", "gamma", "pause"]).await;
    world.run_for(77, &["--portal", "beta", "pause"]).await;
    world.run_for(0, &["--portal", "acme", "pause"]).await;
}

/// "Stop everything at once" means within a drain, too.
#[tokio::test]
async fn a_pause_is_felt_within_a_drain() {
    let world = World::new().await.bound().await;
    for _ in 0..200 {
        world.portal.add_contact("anna", "", "SMITH");
    }
    world.advance(5.0);
    let (store, id, now) = (world.context.store.clone(), world.id(), world.clock.now());
    world.portal.before_request(move |_, request| {
        if request.calls("crm.contact.update") {
            store.set_paused(id, Some(now)).awaited().unwrap();
        }
    });
    let summary = world.pass().await.unwrap();
    assert_eq!(summary.outcome, Outcome::Paused);
    assert!((1..=24).contains(&summary.totals.changed), "{summary:?}");
    world.portal.clear_hooks();
    said(&world, &["resume"]).await;
    world.pass().await.unwrap();
    world.assert_clean();
}
