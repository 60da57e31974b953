//! `events`: what the portal records for us.

use crate::world::Awaited;
use insta::assert_snapshot;

use crate::{command::said, world::World};

#[tokio::test]
async fn bindings_are_listed_bound_and_removed() {
    let world = World::new().await;
    assert_snapshot!(said(&world, &["events", "list"]).await, @"acme: the contact events are not all bound; changes go unrecorded");
    world.portal.bind_offline("ONCRMCONTACTADD", "");
    world.portal.bind_offline("ONCRMCONTACTADD", "old-name");
    world.portal.bind_offline("ONCRMDEALADD", "");
    assert_snapshot!(said(&world, &["events", "bind"]).await, @"acme: bound ONCRMCONTACTUPDATE");
    assert_snapshot!(said(&world, &["events", "bind", "--json"]).await, @r#"
    {"portal":"acme","bound":[]}
    "#);
    assert_snapshot!(said(&world, &["events", "list"]).await, @r#"
    acme: the contact events are bound
      ONCRMCONTACTADD     offline  ours      no connector
      ONCRMCONTACTADD     offline  not ours  old-name
      ONCRMDEALADD        offline  not ours  no connector
      ONCRMCONTACTUPDATE  offline  ours      no connector
    "#);
    assert_snapshot!(said(&world, &["events", "list", "--json"]).await, @r#"
    {
      "portals": [
        {
          "name": "acme",
          "bound": true,
          "auth_connector": null,
          "bindings": [
            {
              "event": "ONCRMCONTACTADD",
              "offline": true,
              "auth_connector": null,
              "ours": true
            },
            {
              "event": "ONCRMCONTACTADD",
              "offline": true,
              "auth_connector": "old-name",
              "ours": false
            },
            {
              "event": "ONCRMDEALADD",
              "offline": true,
              "auth_connector": null,
              "ours": false
            },
            {
              "event": "ONCRMCONTACTUPDATE",
              "offline": true,
              "auth_connector": null,
              "ours": true
            }
          ]
        }
      ]
    }
    "#);
    let old = ["events", "unbind", "--connector", "old-name"];
    assert_snapshot!(said(&world, &old).await, @"acme: unbound ONCRMCONTACTADD");
    assert_snapshot!(said(&world, &["events", "unbind", "--json"]).await, @r#"
    {"portal":"acme","unbound":["ONCRMCONTACTADD","ONCRMCONTACTUPDATE"]}
    "#);
    let left = world.portal.bindings();
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(left[0].event, "ONCRMDEALADD");
    assert_eq!(world.portal.violations(), [] as [String; 0]);
}

#[tokio::test]
async fn a_running_daemon_is_pointed_out() {
    let world = World::new().await.bound().await;
    let _lock = world.context.store.lock_drain("b24-tidyd run").unwrap();
    let text = said(&world, &["events", "unbind"]).await;
    let holder = format!("b24-tidyd run, process {} is running", std::process::id());
    assert!(text.contains(&holder), "{text}");
}

/// Binding by hand would otherwise hide from the drain that changes went unrecorded meanwhile.
#[tokio::test]
async fn what_was_missed_without_bindings_is_not_forgotten() {
    let world = World::new().await.bound().await;
    let queue = b24_tidyd::store::QueueKey {
        portal: world.id(),
        connector: String::new(),
    };
    let cursor = || world.context.store.cursor(&queue).awaited().unwrap();
    let complete = cursor().complete_until;
    assert!(complete.is_some() && cursor().gap_since.is_none());
    said(&world, &["events", "unbind"]).await;
    world.advance(60.0);
    said(&world, &["events", "bind"]).await;
    assert_eq!(cursor().gap_since, complete);
}
