//! `auth status` and `auth forget`.

use std::io::BufRead;

use b24_tidyd::cli::{
    Cli, Command,
    auth::{AuthAction, forget::forget, status::status},
    exit::exit_of,
};
use clap::Parser;
use insta::assert_snapshot;
use secrecy::ExposeSecret;

use crate::{
    auth_import::{imported, unauthorised},
    installed::Installed,
    world::World,
};

/// Runs `auth LINE` on a world, with what a person types: the exit code and what was said, with
/// whatever differs from run to run made equal.
async fn said(world: &World, line: &[&str], typed: Option<&str>) -> (u8, String) {
    let cli = Cli::try_parse_from([&["b24-tidyd", "auth"], line].concat()).unwrap();
    let Command::Auth(args) = cli.command else {
        panic!("not auth: {line:?}");
    };
    let (mut out, mut notes) = (Vec::new(), Vec::new());
    let desk = world.desk();
    let outcome = match args.action {
        AuthAction::Status(args) => status(&desk, &args, true, &mut out).await,
        AuthAction::Forget(args) => {
            let mut typed = typed.map(str::as_bytes);
            let person = typed.as_mut().map(|typed| typed as &mut dyn BufRead);
            forget(&desk, &args, person, &mut out, &mut notes).await
        }
        other => panic!("not here: {other:?}"),
    };
    notes.extend(out);
    let said = String::from_utf8(notes).unwrap();
    let (code, said) = match outcome {
        Ok(exit) => (exit.code(), said),
        Err(error) => (exit_of(&error).code(), format!("{said}{error:#}")),
    };
    for secret in world.portal.issued_secrets() {
        assert!(!said.contains(&secret), "a secret in {said}");
    }
    let said = said
        .replace(&world.portal.url(), "http://acme")
        .replace(&world.portal.member_id(), "m1")
        .replace(world.folder.path().to_str().unwrap(), "/state");
    (code, said)
}

#[tokio::test]
async fn an_authorised_portal_is_shown() {
    let world = unauthorised(|_| {}).await;
    assert_snapshot!(said(&world, &["status"], None).await.1, @r"
    acme  http://acme
      not authorised: no tokens are stored
      to do: `b24-tidyd --portal acme auth login`, or `auth import`
    ");
    let text = world.portal.authorise().to_string();
    world.portal.expire_access_tokens();
    imported(&world, &text).await;
    world.advance(300.0);
    let (code, text) = said(&world, &["status"], None).await;
    assert_eq!(code, 0);
    assert_snapshot!(text, @r"
    acme  http://acme
      authorised as user 1
      stored 5 min ago; access token until 2026-01-05 08:00:00 UTC (55 min)
    ");
    assert_snapshot!(said(&world, &["status", "--check", "--json"], None).await.1, @r#"
    {
      "portals": [
        {
          "name": "acme",
          "url": "http://acme",
          "authorised": true,
          "member_id": "m1",
          "user_id": 1,
          "access_expires_at": "2026-01-05T08:00:00Z",
          "stored_at": "2026-01-05T07:00:00Z",
          "unverified": null,
          "lost": null,
          "to_do": null,
          "check": {
            "passed": true,
            "problem": null
          }
        }
      ],
      "others": []
    }
    "#);
    world.advance(3600.0);
    assert_snapshot!(said(&world, &["status"], None).await.1, @r"
    acme  http://acme
      authorised as user 1
      stored 65 min ago; the access token has ended and is renewed at need
    ");
}

#[tokio::test]
async fn unverified_tokens_are_explained_and_checked_again() {
    let world = unauthorised(|settings| settings.scopes.clear()).await;
    let text = world.portal.authorise().to_string();
    world.portal.expire_access_tokens();
    assert_eq!(imported(&world, &text).await.0, 77);
    let (code, text) = said(&world, &["status"], None).await;
    assert_eq!(code, 77);
    assert_snapshot!(text, @r"
    acme  http://acme
      tokens are stored, but not used: the application lacks the scope `crm`; grant
      it in the application's settings in the portal, and authorise anew if that is
      not enough
      stored 0 s ago; access token until 2026-01-05 08:00:00 UTC (60 min)
      to do: put that right, then `b24-tidyd --portal acme auth status --check`; a
      daemon looks again by itself
    ");
    assert_eq!(said(&world, &["status", "--check"], None).await.0, 77);
    world.portal.settings(|s| s.scopes.push("crm".to_owned()));
    let (code, text) = said(&world, &["status", "--check"], None).await;
    assert_eq!(code, 0);
    assert_snapshot!(text, @r"
    acme  http://acme
      authorised as user 1
      stored 0 s ago; access token until 2026-01-05 08:00:00 UTC (60 min)
      checked just now: passed
    ");
    assert_eq!(world.record().unverified, None);
}

/// A pair that works is not marked when a check fails: the daemon finds out by itself, and goes on
/// by itself.
#[tokio::test]
async fn a_failed_check_of_a_working_pair_marks_nothing() {
    let world = World::new().await;
    world.portal.settings(|settings| settings.admin = false);
    let (code, text) = said(&world, &["status", "--check"], None).await;
    assert_eq!(code, 77);
    assert_snapshot!(text, @r"
    acme  http://acme
      authorised as user 1
      stored 0 s ago; the access token's end is not known
      checked just now: failed
      to do: the account behind the tokens is no administrator; make it one, or
      authorise with an administrator's account
    ");
    assert_eq!(world.record().unverified, None);
}

/// The plan has lost the feature that the configured connector needs: that is no obstacle here.
#[tokio::test(flavor = "multi_thread")]
async fn a_check_needs_no_connector() {
    let more = "auth_connector = \"tidy\"";
    let world = Installed::authorised(|settings| settings.plan_connector = false, more).await;
    world.run_for(0, &["auth", "status", "--check"]).await;
}

/// A store that was restored from a backup has a refresh token that is dead since.
#[tokio::test]
async fn a_lost_authorisation_says_what_to_do() {
    let world = World::new().await;
    world.portal.expire_access_tokens();
    world.portal.revoke_refresh_tokens();
    let (code, text) = said(&world, &["status", "--check"], None).await;
    assert_eq!(code, 77);
    assert_snapshot!(text, @r"
    acme  http://acme
      not authorised: the tokens are no longer accepted
      stored 2 s ago; the access token's end is not known
      checked just now: failed
      to do: the refresh token is no longer accepted (Invalid refresh token
      (invalid_grant)): another program renewed it, the state file was restored from
      a backup, or 180 days have passed; authorise anew with `b24-tidyd --portal
      acme auth login` or `auth import`
    ");
    world.authorise();
    assert_eq!(said(&world, &["status", "--check"], None).await.0, 0);
}

#[tokio::test]
async fn forgetting_is_asked_about_and_leaves_nothing() {
    let world = World::new().await.bound().await;
    let secrets = world.record().tokens;
    let (code, text) = said(&world, &["forget"], None).await;
    assert_eq!((code, text.contains("--yes")), (64, true), "{text}");
    assert_snapshot!(said(&world, &["forget"], Some("\n")).await.1, @r"
    This removes everything that is stored about acme: tokens, history,
    reservations, failures. The bindings stay in the portal and go on filling its
    queue, unless `b24-tidyd --portal acme events unbind` was run before.
    Forget acme? [y/N] nothing was changed
    ");
    assert_eq!(world.record().tokens.member_id, secrets.member_id);
    assert_snapshot!(said(&world, &["forget", "--json"], Some("y\n")).await.1, @r#"
    This removes everything that is stored about acme: tokens, history,
    reservations, failures. The bindings stay in the portal and go on filling its
    queue, unless `b24-tidyd --portal acme events unbind` was run before.
    Forget acme? [y/N] {"portal":"acme","member_id":"m1","forgotten":true}
    "#);
    let (code, text) = said(&world, &["forget", "--yes"], None).await;
    assert_eq!(code, 77, "{text}");
    // Not in the file, and not in the log beside it.
    for entry in std::fs::read_dir(world.folder.path()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let secret = secrets.refresh.expose_secret().as_bytes();
        let found = bytes.windows(secret.len()).any(|window| window == secret);
        assert!(!found, "a secret in {}", path.display());
    }
    assert_eq!(world.portal.bindings().len(), 2);
}

#[tokio::test]
async fn what_is_stored_but_not_configured_can_be_seen_and_forgotten() {
    let world = World::new().await;
    let record = world.record();
    let mut tokens = record.tokens;
    tokens.member_id = "m2".to_owned();
    tokens.endpoint = "https://other.example/rest/".to_owned();
    let store = &world.context.store;
    store
        .store_tokens(
            &record.client_id,
            "https://other.example/",
            &tokens,
            None,
            record.stored_at,
        )
        .await
        .unwrap();
    assert_snapshot!(said(&world, &["status"], None).await.1, @r"
    acme  http://acme
      authorised as user 1
      stored 0 s ago; the access token's end is not known
    also stored, but not configured: https://other.example (is a `url` mistyped?
    `b24-tidyd auth forget --member-id m2` removes it)
    ");
    let (code, text) = said(&world, &["forget", "--yes", "--member-id", "m2"], None).await;
    assert_eq!(code, 0, "{text}");
    assert_eq!(store.portals().await.unwrap().len(), 1);
    let (code, _) = said(&world, &["forget", "--yes", "--member-id", "m2"], None).await;
    assert_eq!(code, 77);
}

/// Forgotten and authorised anew under a running daemon, which goes on by itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_running_daemon_follows() {
    let world = Installed::authorised(|_| {}, "").await;
    let mut daemon = crate::main_job::Daemon(world.command(&["run"]).spawn().unwrap());
    crate::main_job::eventually("both events bound", || world.portal.bindings().len() == 2).await;
    world.run_for(0, &["auth", "forget", "--yes"]).await;
    let id = world.portal.add_contact("anna", "", "smith");
    let file = world.folder.path().join("tokens.json");
    std::fs::write(&file, world.portal.authorise().to_string()).unwrap();
    world
        .run_for(0, &["auth", "import", file.to_str().unwrap()])
        .await;
    crate::main_job::eventually("a clean name", || {
        world.portal.contact(id).unwrap().name.as_deref() == Some("Anna")
    })
    .await;
    assert_eq!(daemon.terminate(), Some(0));
}
