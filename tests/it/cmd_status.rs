//! `status`: what it says about portals in every condition, for people and for programs.

use b24_tidyd::{
    clock::after,
    store::{Contested, PlanFacts},
};
use insta::assert_snapshot;
use serde_json::Value;

use crate::{command::said, installed::Installed, world::World};

async fn for_people(world: &World) -> String {
    said(world, &["status"]).await
}

async fn for_programs(world: &World) -> String {
    said(world, &["status", "--json"]).await
}

#[tokio::test]
async fn a_portal_that_does_well() {
    let world = World::new().await.bound().await;
    world.portal.add_contact("anna", "", "SMITH");
    world.portal.add_contact("Anna", "", "Smith");
    world.advance(5.0);
    world.pass().await.unwrap();
    world.advance(300.0);
    assert_snapshot!(for_people(&world).await, @r#"
    acme  http://acme  not running
      authorised (crm.contact); the access token's end is not known yet
      waiting: nothing of ours is open; --live asks the portal
      last drain 5 min ago: 2 events, 1 changed, 5 requests: done
      needs you: nothing; all is well
    "#);
    assert_snapshot!(for_programs(&world).await, @r#"
    {
      "running": null,
      "conditions": [],
      "portals": [
        {
          "name": "acme",
          "url": "http://acme",
          "member_id": "m1",
          "authorised": true,
          "access_expires_at": null,
          "unverified": null,
          "open_reservations": 0,
          "open_rows": 0,
          "error_rows": 0,
          "plan_confirms": true,
          "contacts_api": "classic",
          "guards_work": true,
          "paused": false,
          "parked": [],
          "contested": [],
          "complete_until": "2026-01-05T07:00:05Z",
          "last_drain": {
            "at": "2026-01-05T07:00:05Z",
            "events": 2,
            "changed": 1,
            "requests": 5,
            "outcome": "done"
          },
          "lost": null,
          "plan_connector": true,
          "auth_connector": null,
          "paused_at": null,
          "braked_until": null,
          "gap_since": null,
          "last_success": "2026-01-05T07:00:05Z",
          "open_since": null,
          "draining": null,
          "conditions": []
        }
      ]
    }
    "#);
}

#[tokio::test]
async fn a_portal_that_needs_somebody() {
    let world = World::new().await.bound().await;
    let (store, id, now) = (&world.context.store, world.id(), world.context.clock.now());
    store
        .park(id, 82, "the name is too strange", now, move |_| {
            after(now, 3600.0)
        })
        .await
        .unwrap();
    for (contact_id, seconds) in [(85, 600.0), (86, -1.0)] {
        let contested = Contested {
            contact_id,
            ours: "Anna".to_owned(),
            theirs: "ANNA".to_owned(),
            since: now,
            until: after(now, seconds),
        };
        store.contest(id, &contested).await.unwrap();
    }
    store.set_paused(id, Some(now)).await.unwrap();
    store.set_braked(id, Some(after(now, 900.0))).await.unwrap();
    let facts = PlanFacts {
        plan_confirms: Some(false),
        plan_connector: Some(false),
        guards_work: Some(false),
        guards_tried_at: Some(now),
        has_items: Some(false),
        uses_items: Some(false),
    };
    store.set_plan_facts(id, facts).await.unwrap();
    world.advance(180.0);
    assert_snapshot!(for_people(&world).await, @r#"
    acme  http://acme  not running
      authorised (crm.contact); the access token's end is not known yet
      waiting: nothing of ours is open; --live asks the portal
      last drain 3 min ago: 0 events, 0 changed, 3 requests: done
      needs you, since 0 s: max_changes_per_hour is reached: writing rests until
        2026-01-05T07:15:00Z
        -> raise `max_changes_per_hour` in the configuration if so many changes are
           right, and run `systemctl reload b24-tidyd`
      needs you, since 3 min: another robot changes names back: 1 contact is left
        alone for a while
        -> b24-tidyd --portal acme failures list
      needs you, since 3 min: the portal is paused
        -> b24-tidyd --portal acme resume
      by itself, since 3 min: the portal refuses single contacts: the name is too
        strange, 1 contact in all
        -> nothing to do; next try at 2026-01-05T08:00:00Z
    "#);
    assert_snapshot!(for_programs(&world).await, @r#"
    {
      "running": null,
      "conditions": [],
      "portals": [
        {
          "name": "acme",
          "url": "http://acme",
          "member_id": "m1",
          "authorised": true,
          "access_expires_at": null,
          "unverified": null,
          "open_reservations": 0,
          "open_rows": 0,
          "error_rows": 0,
          "plan_confirms": false,
          "contacts_api": "classic",
          "guards_work": false,
          "paused": true,
          "parked": [
            {
              "contact_id": 82,
              "reason": "the name is too strange",
              "attempts": 1,
              "next_try_at": "2026-01-05T08:00:00Z",
              "parked_at": "2026-01-05T07:00:00Z"
            }
          ],
          "contested": [
            {
              "contact_id": 85,
              "ours": "Anna",
              "theirs": "ANNA",
              "until": "2026-01-05T07:10:00Z",
              "since": "2026-01-05T07:00:00Z"
            }
          ],
          "complete_until": "2026-01-05T07:00:00Z",
          "last_drain": {
            "at": "2026-01-05T07:00:00Z",
            "events": 0,
            "changed": 0,
            "requests": 3,
            "outcome": "done"
          },
          "lost": null,
          "plan_connector": false,
          "auth_connector": null,
          "paused_at": "2026-01-05T07:00:00Z",
          "braked_until": "2026-01-05T07:15:00Z",
          "gap_since": null,
          "last_success": "2026-01-05T07:00:00Z",
          "open_since": null,
          "draining": null,
          "conditions": [
            {
              "kind": "brake",
              "since": "2026-01-05T07:03:00Z",
              "text": "max_changes_per_hour is reached: writing rests until 2026-01-05T07:15:00Z",
              "remedy": "raise `max_changes_per_hour` in the configuration if so many changes are right, and run `systemctl reload b24-tidyd`",
              "acts": "person",
              "next_try_at": "2026-01-05T07:15:00Z"
            },
            {
              "kind": "contested",
              "since": "2026-01-05T07:00:00Z",
              "text": "another robot changes names back: 1 contact is left alone for a while",
              "remedy": "b24-tidyd --portal acme failures list",
              "acts": "person",
              "next_try_at": null
            },
            {
              "kind": "paused",
              "since": "2026-01-05T07:00:00Z",
              "text": "the portal is paused",
              "remedy": "b24-tidyd --portal acme resume",
              "acts": "person",
              "next_try_at": null
            },
            {
              "kind": "refused",
              "since": "2026-01-05T07:00:00Z",
              "text": "the portal refuses single contacts: the name is too strange, 1 contact in all",
              "remedy": "",
              "acts": "program",
              "next_try_at": "2026-01-05T08:00:00Z"
            }
          ]
        }
      ]
    }
    "#);
}

#[tokio::test]
async fn a_drain_in_another_process_is_seen() {
    let world = World::new().await.bound().await;
    let _lock = world.context.store.lock_drain("b24-tidyd run").unwrap();
    let first = for_people(&world).await.lines().next().unwrap().to_owned();
    let expected = format!("(b24-tidyd run, process {})", std::process::id());
    assert!(first.ends_with(&expected), "{first}");
}

/// A remedy that is cut off helps nobody, and a line that is too long is cut by the terminal.
#[tokio::test]
async fn lines_are_short_and_nothing_of_a_condition_is_lost() {
    let world = World::new().await.bound().await;
    let (store, id, now) = (&world.context.store, world.id(), world.context.clock.now());
    let long = "a reason\nof many words ".repeat(10);
    store.set_lost(id, Some(&long)).await.unwrap();
    store.set_paused(id, Some(now)).await.unwrap();
    let text = for_people(&world).await;
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    assert_eq!(
        text.matches("many words").count() + text.matches("many\n").count(),
        10,
        "{text}"
    );
    assert!(
        text.contains("-> b24-tidyd --portal acme auth login\n"),
        "{text}"
    );
    assert!(
        text.contains("-> b24-tidyd --portal acme resume\n"),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn before_anybody_has_authorised() {
    let world = Installed::without_tokens(|_| {}, "").await;
    let text = world.run_for(0, &["status"]).await;
    let folder = world.folder.path().to_str().unwrap();
    let text = text.replace(&world.portal.url(), "http://acme");
    assert_snapshot!(text.replace(folder, "/folder"), @r#"
    this host
      needs you, since 0 s: the state file cannot be used: there is none at
        /folder/state.db
        -> if there was one, mount its disk or restore it; else authorise each
           portal
    acme  http://acme  not running
      not authorised: no tokens are stored
      needs you, since 0 s: no tokens are stored
        -> b24-tidyd --portal acme auth login
    "#);
    let json: Value = serde_json::from_str(&world.run_for(0, &["status", "--json"]).await).unwrap();
    let portal = &json["portals"][0];
    assert_eq!(portal["authorised"], false);
    for key in [
        "member_id",
        "access_expires_at",
        "last_drain",
        "plan_confirms",
    ] {
        assert_eq!(portal.get(key), Some(&Value::Null), "{key}");
    }
    assert!(!world.store_path().exists(), "asking creates no state file");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_secret_is_not_needed() {
    let world = Installed::authorised(|_| {}, "").await;
    std::fs::remove_file(world.folder.path().join("client_secret")).unwrap();
    let json: Value = serde_json::from_str(&world.run_for(0, &["status", "--json"]).await).unwrap();
    assert_eq!(json["portals"][0]["authorised"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_cannot_be_read_is_no_status() {
    let world = Installed::authorised(|_| {}, "").await;
    std::fs::write(world.store_path(), "no database").unwrap();
    let text = world.run_for(70, &["status"]).await;
    assert!(
        text.contains("needs you, since 0 s: the state file cannot be used:"),
        "{text}"
    );
    // For programs that is an answer like any other.
    let json: Value = serde_json::from_str(&world.run_for(0, &["status", "--json"]).await).unwrap();
    assert_eq!(json["conditions"][0]["kind"], "state-file");
    assert_eq!(json["conditions"][0]["acts"], "person");
}
