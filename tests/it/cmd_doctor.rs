//! `doctor`: every precondition, and a remedy for each that is not met.

use std::{
    fs::OpenOptions,
    io::Write as _,
    os::unix::fs::{MetadataExt as _, chown},
};

use b24_tidyd::{cli::exit::Exit, store::Store};
use insta::assert_snapshot;
use serde_json::Value;
use test_portal::{Effect, Fault, GuardMode, Matcher, QueueRow, Settings};

use crate::{
    command::{outcome, said},
    installed::Installed,
    world::{Awaited, World},
};

/// How one check came out: its result, what was found and what to do.
async fn check(world: &World, name: &str) -> (Exit, String) {
    let (exit, text) = outcome(world, &["doctor", "--json"]).await.unwrap();
    let json: Value = serde_json::from_str(&text).unwrap();
    let checks = json["checks"].as_array().unwrap();
    let found: Vec<String> = checks
        .iter()
        .filter(|check| check["check"] == name)
        .map(|check| {
            let word = |key: &str| check[key].as_str().unwrap_or("-").to_owned();
            format!(
                "{}: {} -> {}",
                word("result"),
                word("detail"),
                word("remedy")
            )
        })
        .collect();
    (exit, found.join("\n"))
}

/// A portal with a contact and one drain.
async fn healthy(change: impl FnOnce(&mut Settings)) -> World {
    let world = World::with(change).await;
    world.portal.seed_contact("Anna", "", "Smith");
    let world = world.bound().await;
    world.advance(30.0);
    world
}

#[tokio::test]
async fn a_portal_in_order() {
    let world = healthy(|_| {}).await;
    let before = world.portal.contacts();
    assert_snapshot!(said(&world, &["doctor"]).await, @r#"
    this host
      ok    configuration    /folder/config.toml, 1 portal
      ok    proxy            none is set
      ok    state file       /folder/state.db, undamaged
      ok    owner            the state belongs to its folder's owner
      ok    drain lock       free: nobody drains at the moment
    acme
      ok    client secret    from app.client_secret_file
      ok    tokens           stored 30 s ago
      ok    portal           acme answers (status 404)
      ok    authorisation    oauth answers (status 404)
      ok    access           the portal accepts the tokens
      ok    clock            it agrees with the portal's
      ok    application      installed and paid for
      ok    administrator    account 1 is one
      ok    scope            `crm` is granted
      ok    plan             it lets events be reserved (rest_offline_extended)
      ok    auth_connector   none is configured; none is needed
      ok    contacts         classic (crm.contact.list, crm.contact.update)
      ok    bindings         both contact events, without auth_connector
      ok    limits           1 of 50 requests in the bucket
      ok    queue            0 pending, 0 reserved, 0 error, 0 foreign
      ok    guards           they work (tried on contact 1 with reads alone)
      ok    last drain       30 s ago: done
      ok    failures         0 refused, 0 contested contacts
    23 checks: 0 failed, 0 warnings, 0 skipped
    "#);
    assert_eq!(world.portal.contacts(), before, "nothing is changed");
    assert_eq!(world.portal.violations(), [] as [String; 0]);
    assert!(
        !world
            .portal
            .requests()
            .iter()
            .any(|request| request.calls("crm.contact.update")
                || request.calls("event.bind")
                || request.calls("event.offline.get")),
        "nothing is written, bound or reserved"
    );
    let (exit, text) = outcome(&world, &["doctor", "--json"]).await.unwrap();
    let json: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((exit, &json["ok"]), (Exit::Done, &Value::Bool(true)));
    assert_snapshot!(
        serde_json::to_string_pretty(&json["checks"][0]).unwrap(),
        @r#"
    {
      "portal": null,
      "check": "configuration",
      "result": "ok",
      "detail": "/folder/config.toml, 1 portal",
      "remedy": null
    }
    "#
    );
}

#[tokio::test]
async fn a_portal_with_many_troubles() {
    let world = World::with(|settings| {
        settings.admin = false;
        settings.installed = false;
        settings.scopes = vec!["user".to_owned()];
        settings.plan_confirms = false;
    })
    .await;
    let (exit, text) = outcome(&world, &["doctor"]).await.unwrap();
    assert_eq!(exit, Exit::NotAuthorised);
    assert_snapshot!(text, @r#"
    this host
      ok    configuration    /folder/config.toml, 1 portal
      ok    proxy            none is set
      ok    state file       /folder/state.db, undamaged
      ok    owner            the state belongs to its folder's owner
      ok    drain lock       free: nobody drains at the moment
    acme
      ok    client secret    from app.client_secret_file
      ok    tokens           stored 0 s ago
      ok    portal           acme answers (status 404)
      ok    authorisation    oauth answers (status 404)
      ok    access           the portal accepts the tokens
      ok    clock            it agrees with the portal's
      FAIL  application      no events are recorded: the application is not
                             installed
                             -> open it once in the portal, or set "uses API only"
                             in its settings
      FAIL  administrator    the account behind the tokens is no administrator
                             -> make it one, or authorise with an administrator's
                             account
      FAIL  scope            the application lacks the scope `crm`
                             -> grant it in the application's settings in the
                             portal, and authorise anew if that is not enough
      WARN  plan             it has no rest_offline_extended
                             -> nothing to do: events are listed, stored and then
                             taken, which costs more requests and loses nothing
      ok    auth_connector   none is configured; none is needed
      ok    contacts         classic (crm.contact.list, crm.contact.update)
      --    bindings         the application or its account may not look
      ok    limits           1 of 50 requests in the bucket
      --    queue            the application or its account may not look
      --    guards           the application or its account may not look
      WARN  last drain       there was none yet
                             -> start the service, or `b24-tidyd run --once`
      ok    failures         0 refused, 0 contested contacts
    23 checks: 3 failed, 2 warnings, 3 skipped
    "#);
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

#[tokio::test]
async fn guards_are_proved_without_a_write() {
    for (mode, expected) in [
        (GuardMode::NewSource, "ok: they work"),
        (GuardMode::OldSource, "ok: they work"),
        (GuardMode::FilterIgnored, "warning: the portal ignores"),
        (GuardMode::NeverHolds, "warning: a guard refuses although"),
        (GuardMode::OldPhp8, "warning: a guard that refuses ends"),
        (
            GuardMode::WholeReferencesOnly,
            "warning: a guard's answer is not put",
        ),
    ] {
        let world = healthy(|settings| settings.guard = mode).await;
        let before = world.portal.contacts();
        let (exit, found) = check(&world, "guards").await;
        assert!(found.starts_with(expected), "{mode:?}: {found}");
        assert_eq!(exit, Exit::Done);
        assert_eq!(world.portal.contacts(), before);
        assert_eq!(world.portal.violations(), [] as [String; 0]);
    }
}

#[tokio::test]
async fn a_wrong_connector_looks_like_an_empty_queue() {
    let world = World::new().await;
    world.portal.bind_offline("ONCRMCONTACTADD", "tidy");
    world.portal.bind_offline("ONCRMCONTACTUPDATE", "tidy");
    assert_snapshot!(check(&world, "bindings").await.1, @r#"
    warning: changes go unrecorded: ONCRMCONTACTADD and ONCRMCONTACTUPDATE not bound without auth_connector -> run `b24-tidyd events bind`, or start the service
    warning: events are bound with auth_connector "tidy" too, and wait in a queue that is not the configured one, which therefore looks empty -> correct `auth_connector` in the configuration, or remove that binding: `b24-tidyd events unbind --connector 'tidy'`
    "#);
    let mut file = OpenOptions::new()
        .append(true)
        .open(world.config_file())
        .unwrap();
    file.write_all(b"auth_connector = \"tidy\"\n").unwrap();
    assert_snapshot!(check(&world, "bindings").await.1, @r#"
    ok: both contact events, with auth_connector "tidy" -> -
    "#);
    assert_snapshot!(check(&world, "auth_connector").await.1, @r#"
    ok: "tidy" is in use -> -
    "#);
    world
        .portal
        .settings(|settings| settings.plan_connector = false);
    assert_snapshot!(check(&world, "auth_connector").await.1, @"warning: the plan refuses it: This feature is not enabled for the current license: auth_connector (WRONG_LICENSE) -> remove `auth_connector` from the configuration, or choose a plan with rest_auth_connector. Until then the daemon works without it");
    assert_snapshot!(check(&world, "administrator").await.1, @"ok: account 1 is one -> -");
}

#[tokio::test]
async fn a_queue_that_others_reserve_from() {
    let world = healthy(|_| {}).await;
    world.portal.push_row(QueueRow {
        event_name: "ONCRMCONTACTADD".to_owned(),
        process_id: "stranger".repeat(4),
        ..QueueRow::default()
    });
    assert_snapshot!(check(&world, "queue").await.1, @"ok: 0 pending, 1 reserved, 0 error, 0 foreign, oldest 0 s -> -");
    assert_snapshot!(check(&world, "foreign-rows").await.1, @"warning: somebody else takes from the queue: rows are reserved that nobody here knows of, 1 now -> stop the other program, or give one of the two an `auth_connector`; `b24-tidyd --portal acme queue list` shows the rows");
}

#[tokio::test]
async fn a_portal_that_is_away() {
    let world = healthy(|_| {}).await;
    world.portal.fault(Fault::new(
        Matcher::portal().always(),
        Effect::CloseBeforeProcessing,
    ));
    let (exit, found) = check(&world, "access").await;
    assert_eq!(exit, Exit::Unreachable);
    assert_snapshot!(found, @"skipped: the portal is not reachable -> -");
    let (_, found) = check(&world, "authorisation").await;
    assert!(found.starts_with("ok: "), "{found}");
    let (_, found) = check(&world, "last drain").await;
    assert!(
        found.starts_with("ok: 30 s ago"),
        "what is known without it: {found}"
    );
}

#[tokio::test]
async fn an_authorisation_that_is_lost() {
    let world = healthy(|_| {}).await;
    world.portal.expire_access_tokens();
    world.portal.revoke_refresh_tokens();
    let (exit, found) = check(&world, "access").await;
    assert_eq!(exit, Exit::NotAuthorised);
    assert!(found.contains("auth login"), "{found}");
    let (_, found) = check(&world, "tokens").await;
    assert!(
        found.starts_with("failed: the portal refuses them"),
        "{found}"
    );
}

#[tokio::test]
async fn what_the_store_remembers() {
    let world = healthy(|_| {}).await;
    let (store, id, now) = (&world.context.store, world.id(), world.context.clock.now());
    store.park(id, 7, "no", now, move |_| now).await.unwrap();
    store.set_paused(id, Some(now)).await.unwrap();
    world.advance(7200.0);
    assert_snapshot!(check(&world, "refused").await.1, @"warning: the portal refuses single contacts: no, 1 contact in all -> nothing to do; next try at 2026-01-05T07:00:30Z");
    assert_snapshot!(check(&world, "paused").await.1, @"warning: the portal is paused -> b24-tidyd --portal acme resume");
    assert_snapshot!(check(&world, "last drain").await.1, @"warning: 2 h ago: done -> is the service running? `systemctl status b24-tidyd`");
}

/// Renewing without the secret would be refused, and the tokens would count as lost.
#[tokio::test]
async fn without_the_secret_the_portal_is_left_alone() {
    let world = healthy(|_| {}).await;
    world.portal.expire_access_tokens();
    std::fs::remove_file(world.folder.path().join("secret")).unwrap();
    let (exit, found) = check(&world, "access").await;
    assert_eq!(exit, Exit::Configuration);
    assert_eq!(found, "skipped: the client secret is missing -> -");
    assert_eq!(world.record().lost, None);
    // It concerns its portal alone.
    let (_, found) = check(&world, "client secret").await;
    assert!(found.starts_with("failed: "), "{found}");
    let (_, found) = check(&world, "configuration").await;
    assert!(found.starts_with("ok: "), "{found}");
}

/// A lock that a command of root left behind would otherwise be out of the service's reach.
#[test]
fn what_root_makes_is_handed_over_to_the_service() {
    let folder = tempfile::TempDir::new().unwrap();
    if chown(folder.path(), Some(65_534), Some(65_534)).is_err() {
        println!("skipped: only root gives files away");
        return;
    }
    let store = Store::open_or_create(&folder.path().join("state.db"))
        .awaited()
        .unwrap();
    let _lock = store.lock_drain("b24-tidyd run --once").unwrap().unwrap();
    for entry in folder.path().read_dir().unwrap() {
        let entry = entry.unwrap();
        let owner = entry.metadata().unwrap().uid();
        assert_eq!(owner, 65_534, "{:?}", entry.file_name());
    }
}

#[tokio::test]
async fn files_of_another_owner_are_named() {
    let world = healthy(|_| {}).await;
    let lock = world.folder.path().join("state.db.renew-1.lock");
    std::fs::write(&lock, "").unwrap();
    if chown(&lock, Some(65_534), None).is_err() {
        println!("skipped: only root gives files away");
        return;
    }
    let (_, found) = check(&world, "owner").await;
    assert!(found.starts_with("warning: a file's owner"), "{found}");
    assert!(found.ends_with("/folder/state.db.renew-1.lock`"), "{found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_exits_with_what_has_to_be_mended_first() {
    let world = Installed::without_tokens(|_| {}, "").await;
    let text = world.run_for(77, &["doctor"]).await;
    assert!(text.contains("auth login"), "{text}");
    let file = world.folder.path().join("config.toml");
    std::fs::write(&file, "[app]\nclient_secret = \"hush\"\n").unwrap();
    let text = world.run_for(78, &["doctor"]).await;
    assert!(!text.contains("hush"), "{text}");
}
