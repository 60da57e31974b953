//! `status --live` and `status --check`: what the portal says, and what a monitor makes of it.

use b24_tidyd::{bitrix::Call, cli::exit::Exit, clock::after};
use insta::assert_snapshot;
use serde_json::{Value, json};
use test_portal::{Effect, Fault, Matcher, QueueRow};

use crate::{
    command::{outcome, said},
    installed::Installed,
    world::World,
};

/// A queue with rows of every kind: seven of ours, two of other handlers.
async fn a_mixed_queue(world: &World) {
    for name in ["anna", "berta", "carla"] {
        world.portal.add_contact(name, "", "smith");
    }
    let row = |event_name: &str, contact: u64, process_id: &str, error| QueueRow {
        event_name: event_name.to_owned(),
        event_data: json!({"FIELDS": {"ID": contact}}),
        process_id: process_id.to_owned(),
        error,
        ..QueueRow::default()
    };
    world.advance(60.0);
    for planted in [
        row("ONCRMCONTACTUPDATE", 901, &"p".repeat(32), false),
        row("ONCRMCONTACTADD", 902, &"p".repeat(32), true),
        row("ONCRMCONTACTUPDATE", 903, "", true),
        row("ONCRMCONTACTUPDATE", 904, "", false),
        row("ONCRMDEALADD", 5, "", false),
        row("ONCRMDEALADD", 6, &"q".repeat(32), false),
    ] {
        world.portal.push_row(planted);
    }
    world.advance(240.0);
    world.portal.clear_requests();
}

#[tokio::test]
async fn the_portal_is_asked_once() {
    let world = World::new().await.bound().await;
    a_mixed_queue(&world).await;
    assert_snapshot!(said(&world, &["status", "--live"]).await, @r#"
    acme  http://acme  not running
      authorised (crm.contact); the access token's end is not known yet
      waiting since 5 min: 4 pending, 2 reserved (0 by us), 1 error, 2 foreign
      last drain 5 min ago: 0 events, 0 changed, 3 requests: done
      needs you, since 0 s: somebody else takes from the queue: rows are reserved
        that nobody here knows of, 2 now
        -> stop the other program, or give one of the two an `auth_connector`;
           `b24-tidyd --portal acme queue list` shows the rows
    "#);
    assert_eq!(world.portal.requests().len(), 1);
    let json: Value =
        serde_json::from_str(&said(&world, &["status", "--live", "--json"]).await).unwrap();
    let portal = &json["portals"][0];
    let live: Vec<Value> = [
        "bound",
        "pending",
        "reserved",
        "errors",
        "foreign",
        "oldest_at",
    ]
    .iter()
    .map(|key| portal[*key].clone())
    .collect();
    assert_eq!(
        Value::from(live),
        json!([true, 4, 2, 1, 2, "2026-01-05T07:00:00Z"])
    );
    assert_eq!(world.portal.violations(), [] as [String; 0]);
}

/// Without the look at the rows themselves, each count would be that of the whole queue.
#[tokio::test]
async fn a_portal_that_drops_the_condition_is_counted_row_by_row() {
    let world =
        World::with(|settings| settings.process_id_filter = test_portal::ProcessIdFilter::Ignored)
            .await
            .bound()
            .await;
    a_mixed_queue(&world).await;
    for number in 0..120 {
        world.portal.add_contact(&format!("anna{number}"), "", "");
    }
    let text = said(&world, &["status", "--live"]).await;
    assert!(
        text.contains("124 pending, 2 reserved (0 by us), 1 error, 2 foreign"),
        "{text}"
    );
}

#[tokio::test]
async fn a_portal_that_is_away_is_told_with_what_the_store_knows() {
    let world = World::new().await.bound().await;
    world.portal.fault(Fault::new(
        Matcher::portal().always(),
        Effect::CloseBeforeProcessing,
    ));
    let (exit, text) = outcome(&world, &["status", "--live", "--json"])
        .await
        .unwrap();
    assert_eq!(exit, Exit::Unreachable);
    let json: Value = serde_json::from_str(&text).unwrap();
    let portal = &json["portals"][0];
    assert_eq!(portal["authorised"], true);
    assert!(portal["live_error"].is_string(), "{text}");
    assert_eq!(portal.get("pending"), None);
    let (exit, text) = outcome(&world, &["status", "--live", "--check"])
        .await
        .unwrap();
    assert_eq!(exit, Exit::Unknown, "{text}");
    assert!(text.starts_with("UNKNOWN - "), "{text}");
}

#[tokio::test]
async fn a_monitor_gets_one_line_and_its_numbers() {
    let world = World::new().await.bound().await;
    world.advance(300.0);
    let (exit, text) = outcome(&world, &["status", "--check"]).await.unwrap();
    assert_eq!(exit, Exit::Done);
    assert_snapshot!(text, @"OK - acme: last drain that succeeded 5 min ago, last: done | 'acme_last_drain'=300s;900;3600;0 'acme_open_rows'=0;;;0 'acme_parked'=0;1;;0 'acme_contested'=0;1;;0 'acme_oldest'=0s;900;7200;0");
    a_mixed_queue(&world).await;
    let line = ["status", "--check", "--live", "--critical-pending", "4"];
    let (exit, text) = outcome(&world, &line).await.unwrap();
    assert_eq!(exit, Exit::Critical);
    assert_snapshot!(text, @"CRITICAL - acme: 4 pending; acme: somebody else takes from the queue: rows are reserved that nobody here knows of, 2 now -> stop the other program, or give one of the two an `auth_connector`; `b24-tidyd --portal acme queue list` shows the rows | 'acme_last_drain'=600s;900;3600;0 'acme_open_rows'=0;;;0 'acme_parked'=0;1;;0 'acme_contested'=0;1;;0 'acme_pending'=4;;4;0 'acme_reserved'=2;;;0 'acme_errors'=1;;;0 'acme_foreign'=2;;;0 'acme_oldest'=300s;900;7200;0");
}

#[tokio::test]
async fn what_needs_somebody_decides() {
    let world = World::new().await.bound().await;
    let (store, id, now) = (&world.context.store, world.id(), world.context.clock.now());
    let check = async |more: &[&str]| {
        let line = [&["status", "--check"], more].concat();
        outcome(&world, &line).await.unwrap().0
    };
    assert_eq!(check(&[]).await, Exit::Done);
    store
        .park(id, 82, "no", now, move |_| after(now, 60.0))
        .await
        .unwrap();
    assert_eq!(check(&[]).await, Exit::Warning);
    assert_eq!(check(&["--warning-parked", "2"]).await, Exit::Done);
    assert_eq!(check(&["--critical-parked", "1"]).await, Exit::Critical);
    store.unpark(id, &[82]).await.unwrap();
    store.set_paused(id, Some(now)).await.unwrap();
    assert_eq!(check(&[]).await, Exit::Warning);
    store.set_paused(id, None).await.unwrap();
    store.set_lost(id, Some("revoked")).await.unwrap();
    assert_eq!(check(&[]).await, Exit::Critical);
    store.set_lost(id, None).await.unwrap();
    world.portal.unbind_all();
    assert_eq!(check(&[]).await, Exit::Done, "the store does not know");
    // Nobody is at work who would bind them again.
    assert_eq!(check(&["--live"]).await, Exit::Warning);
    let lock = world.context.store.lock_drain("b24-tidyd run").unwrap();
    assert_eq!(
        check(&["--live"]).await,
        Exit::Done,
        "bound again by itself"
    );
    drop(lock);
    world.portal.bind_offline("ONCRMCONTACTADD", "");
    world.portal.bind_offline("ONCRMCONTACTUPDATE", "");
    assert_eq!(check(&["--live"]).await, Exit::Done);
    world.advance(900.0);
    assert_eq!(check(&[]).await, Exit::Warning);
    assert_eq!(check(&["--warning-age", "20m"]).await, Exit::Done);
    world.advance(3600.0);
    assert_eq!(check(&[]).await, Exit::Critical);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_monitor_never_sees_another_exit_code() {
    let world = Installed::without_tokens(|_| {}, "").await;
    let text = world.run_for(2, &["status", "--check"]).await;
    assert!(text.starts_with("CRITICAL - "), "{text}");
    let no_tokens = "acme: no tokens are stored -> b24-tidyd --portal acme auth login";
    assert!(text.contains(no_tokens), "{text}");
    std::fs::write(world.store_path(), "no database").unwrap();
    let text = world.run_for(2, &["status", "--check"]).await;
    assert!(
        text.starts_with("CRITICAL - this host: the state file cannot be used"),
        "{text}"
    );
    std::fs::remove_file(world.folder.path().join("config.toml")).unwrap();
    let text = world.run_for(3, &["status", "--check"]).await;
    assert!(text.starts_with("UNKNOWN - "), "{text}");
}

/// A command renews as the daemon does, and what it renewed is stored.
#[tokio::test]
async fn an_expired_token_is_renewed_and_stored() {
    let world = World::new().await.bound().await;
    world.portal.expire_access_tokens();
    let before = world.record().stored_at;
    world.advance(1.0);
    said(&world, &["status", "--live"]).await;
    assert!(world.record().stored_at > before);
    let drain = world.drain();
    let reply = drain
        .portal()
        .call(&Call::new("app.info"), b24_tidyd::portal::Repeat::Freely)
        .await;
    assert!(reply.is_ok());
}

/// One portal that hangs neither holds up the others nor the answer.
#[tokio::test(flavor = "multi_thread")]
async fn portals_are_asked_at_the_same_time_and_within_the_time_limit() {
    let world = Installed::authorised(|_| {}, "").await;
    let others = [
        Installed::authorised(|_| {}, "").await,
        Installed::authorised(|_| {}, "").await,
    ];
    for (at, other) in others.iter().enumerate() {
        world.store_tokens_of(&other.portal);
        let section = format!(
            "[[portal]]\nname = \"p{at}\"\nurl = {:?}\nclient_id = {:?}\nclient_secret_file = {:?}\n",
            other.portal.url(),
            other.portal.client_id(),
            other.folder.path().join("client_secret"),
        );
        let before = std::fs::read_to_string(world.config_path()).unwrap();
        std::fs::write(world.config_path(), before + &section).unwrap();
    }
    world.run_for(0, &["run", "--once"]).await;
    for hanging in [&world.portal, &others[0].portal] {
        let hang = Effect::Hang {
            seconds: 600.0,
            processed: false,
        };
        hanging.fault(Fault::new(Matcher::portal().always(), hang));
    }
    let began = std::time::Instant::now();
    let line = ["status", "--check", "--live", "--timeout", "2s"];
    let text = world.run_for(3, &line).await;
    assert!(
        text.contains("acme: not asked: no answer within 2 s"),
        "{text}"
    );
    assert!(
        text.contains("p0: not asked: no answer within 2 s"),
        "{text}"
    );
    assert!(text.contains("'p1_pending'=0"), "{text}");
    assert!(began.elapsed().as_secs() < 15, "{:?}", began.elapsed());
}
