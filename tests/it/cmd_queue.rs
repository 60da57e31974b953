//! `queue list`: who reserved what, and how old it is.

use b24_tidyd::cli::{Command, desk::Desk, exit::Exit};
use insta::assert_snapshot;
use serde_json::json;
use test_portal::{Effect, Fault, Matcher, QueueRow};

use crate::{
    command::{parsed, said},
    world::{Awaited, World},
};

async fn a_world_with_a_queue() -> World {
    let world = World::new().await.bound().await;
    world.portal.add_contact("anna", "", "smith");
    world.advance(5.0);
    // Reserved by us, and put off because the read fails.
    world.portal.fault(Fault::new(
        Matcher::calling("crm.contact.list").always(),
        Effect::CloseBeforeProcessing,
    ));
    assert!(world.pass().await.is_err());
    world.portal.clear_faults();
    // 07:20; the retries of the pass took a time that is partly chance.
    world.clock.0.set(1_767_597_600.0);
    world.portal.add_contact("berta", "", "smith");
    for (event, process) in [
        ("ONCRMCONTACTUPDATE", "stranger".repeat(4)),
        ("ONCRMDEALADD", String::new()),
    ] {
        world.portal.push_row(QueueRow {
            event_name: event.to_owned(),
            event_data: json!({"FIELDS": {"ID": 7}}),
            process_id: process,
            ..QueueRow::default()
        });
    }
    world.advance(120.0);
    world
}

#[tokio::test]
async fn everybody_is_told_apart() {
    let world = a_world_with_a_queue().await;
    let process = world.portal.queue()[0].process_id.clone();
    assert_eq!(process.len(), 32);
    assert_snapshot!(said(&world, &["queue", "list"]).await, @r#"
    acme: 4 rows in the queue (no auth_connector)
      pending   ONCRMCONTACTADD     1 row since 2 min
      reserved  ONCRMCONTACTADD     1 row since 22 min, by us
      reserved  ONCRMCONTACTUPDATE  1 row since 2 min, by stranger… unknown here
      pending   ONCRMDEALADD        1 row since 2 min, not ours
    "#);
    let json = said(&world, &["queue", "list", "--json"]).await;
    assert_snapshot!(json.replace(&process, "p1"), @r#"
    {
      "portals": [
        {
          "name": "acme",
          "auth_connector": null,
          "rows": 4,
          "only_here": 0,
          "groups": [
            {
              "state": "pending",
              "event": "ONCRMCONTACTADD",
              "ours": true,
              "process_id": null,
              "known": null,
              "rows": 1,
              "oldest_at": "2026-01-05T07:20:00Z"
            },
            {
              "state": "reserved",
              "event": "ONCRMCONTACTADD",
              "ours": true,
              "process_id": "p1",
              "known": true,
              "rows": 1,
              "oldest_at": "2026-01-05T07:00:00Z"
            },
            {
              "state": "reserved",
              "event": "ONCRMCONTACTUPDATE",
              "ours": true,
              "process_id": "strangerstrangerstrangerstranger",
              "known": false,
              "rows": 1,
              "oldest_at": "2026-01-05T07:20:00Z"
            },
            {
              "state": "pending",
              "event": "ONCRMDEALADD",
              "ours": false,
              "process_id": null,
              "known": null,
              "rows": 1,
              "oldest_at": "2026-01-05T07:20:00Z"
            }
          ]
        }
      ]
    }
    "#);
    assert_eq!(world.portal.violations(), [] as [String; 0]);
}

/// With fewer pages a request, or without them, this queue would take dozens of requests.
#[tokio::test]
async fn a_long_queue_takes_few_requests() {
    let world = World::new().await.bound().await;
    for number in 0..1030 {
        world.portal.add_contact(&format!("anna{number}"), "", "");
    }
    world.portal.clear_requests();
    let text = said(&world, &["queue", "list"]).await;
    assert!(text.starts_with("acme: 1030 rows in the queue"), "{text}");
    assert!(text.contains("1030 rows since"), "{text}");
    assert_eq!(world.portal.requests().len(), 2);
}

/// One portal that cannot be asked hides nothing of the others.
#[tokio::test]
async fn a_portal_without_tokens_has_its_place_in_the_answer() {
    let world = World::new().await.bound().await;
    let mut strange = world.config.clone();
    strange.name = "beta".to_owned();
    strange.url = "https://beta.example/".parse().unwrap();
    let desk = || {
        Desk::open(
            vec![strange.clone(), world.config.clone()],
            world.folder.path().join("state.db"),
            world.context.clock.clone(),
            world.context.stop.clone(),
        )
        .awaited()
        .unwrap()
    };
    for line in [["queue", "list", "--json"], ["events", "list", "--json"]] {
        let out = &mut Vec::new();
        let Command::Portals(command) = parsed(&line) else {
            panic!("{line:?}");
        };
        let exit = command.run_at(&desk(), out).await;
        assert_eq!(exit.unwrap(), Exit::NotAuthorised);
        let answer: serde_json::Value = serde_json::from_slice(out).unwrap();
        let portals = &answer["portals"];
        assert_eq!(portals[0]["name"], "beta");
        assert!(portals[0]["error"].as_str().unwrap().contains("no tokens"));
        assert_eq!(
            (&portals[1]["name"], &portals[1]["error"]),
            (&"acme".into(), &().into())
        );
    }
}
