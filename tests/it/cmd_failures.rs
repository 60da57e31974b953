//! `failures`: the contacts that need a look, and what to do with them.

use b24_tidyd::{clock::after, store::Contested};
use insta::assert_snapshot;

use crate::{command::said, world::World};

/// One contact that the portal refuses, one that somebody fights over.
async fn a_world_with_failures() -> World {
    let world = World::with(|settings| {
        settings.refused.insert(
            1,
            (
                String::new(),
                "The field <b>Source</b> is required".to_owned(),
            ),
        );
    })
    .await
    .bound()
    .await;
    assert_eq!(world.portal.add_contact("anna", "", "SMITH"), 1);
    world.advance(5.0);
    world.pass().await.unwrap();
    let now = world.context.clock.now();
    let contested = Contested {
        contact_id: 85,
        ours: "Anna".to_owned(),
        theirs: "ANNA \u{1b}[31m".to_owned(),
        since: now,
        until: after(now, 1800.0),
    };
    let store = &world.context.store;
    store.contest(world.id(), &contested).await.unwrap();
    // The moment of the next try is partly chance.
    store
        .park(
            world.id(),
            1,
            "The field Source is required",
            now,
            move |_| after(now, 86_400.0),
        )
        .await
        .unwrap();
    world
}

#[tokio::test]
async fn they_are_listed() {
    let world = a_world_with_failures().await;
    assert_snapshot!(said(&world, &["failures", "list"]).await, @r#"
    acme: 1 refused, 1 contested
      contact 1, tried 2 times, next in 24 h
        The field Source is required
      contact 85, left alone for 30 min
        ours "Anna", theirs "ANNA \u{1b}[31m"
    "#);
    assert_snapshot!(said(&world, &["failures", "list", "--json"]).await, @r#"
    {
      "portals": [
        {
          "name": "acme",
          "parked": [
            {
              "contact_id": 1,
              "reason": "The field Source is required",
              "attempts": 2,
              "next_try_at": "2026-01-06T07:00:05Z",
              "parked_at": "2026-01-05T07:00:05Z"
            }
          ],
          "contested": [
            {
              "contact_id": 85,
              "ours": "Anna",
              "theirs": "ANNA \u001b[31m",
              "until": "2026-01-05T07:30:05Z",
              "since": "2026-01-05T07:00:05Z"
            }
          ]
        }
      ]
    }
    "#);
}

#[tokio::test]
async fn retry_makes_the_next_drain_try_again() {
    let world = a_world_with_failures().await;
    world.portal.settings(|settings| settings.refused.clear());
    assert_snapshot!(said(&world, &["failures", "retry", "1", "85", "99"]).await, @r#"
    acme: 2 contacts tried again with the next drain
      contact 99 is not on the list
    "#);
    world.advance(5.0);
    world.pass().await.unwrap();
    assert_eq!(world.names(1), ["Anna", "", "Smith"]);
    assert_snapshot!(said(&world, &["failures", "list"]).await, @"acme: 0 refused, 0 contested");
    world.assert_clean();
}

#[tokio::test]
async fn drop_takes_them_off_and_writes_nothing() {
    let world = a_world_with_failures().await;
    world.portal.settings(|settings| settings.refused.clear());
    assert_snapshot!(said(&world, &["failures", "drop", "--all", "--json"]).await, @r#"
    {"portal":"acme","dropped":[1,85],"not_listed":[]}
    "#);
    world.advance(90_000.0);
    world.pass().await.unwrap();
    assert_eq!(world.names(1), ["anna", "", "SMITH"]);
    assert_snapshot!(said(&world, &["failures", "drop", "1"]).await, @r#"
    acme: 0 contacts taken off the list
      contact 1 is not on the list
    "#);
}
