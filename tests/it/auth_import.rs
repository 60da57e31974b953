//! `auth import`: what is let in, what is refused, and what is kept although it was refused.

use std::os::unix::fs::MetadataExt as _;

use b24_tidyd::{
    cli::{auth::import::import, exit::exit_of},
    store::{PortalRecord, Store},
};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use test_portal::Settings;

use crate::world::{Awaited, World};

/// The exit code, and everything that was said.
pub(crate) async fn imported(world: &World, text: &str) -> (u8, String) {
    let mut out = Vec::new();
    let outcome = import(
        &world.context,
        &world.config,
        text.as_bytes(),
        false,
        &mut out,
    )
    .await;
    let (code, said) = match outcome {
        Ok(exit) => (exit.code(), String::from_utf8(out).unwrap()),
        Err(error) => (exit_of(&error).code(), format!("{error:#}")),
    };
    for secret in world.portal.issued_secrets() {
        assert!(!said.contains(&secret), "a secret in {said}");
    }
    (code, said)
}

/// A world whose portal nobody has authorised yet.
pub(crate) async fn unauthorised(change: impl FnOnce(&mut Settings)) -> World {
    let world = World::with(change).await;
    world.context.store.forget_portal(world.id()).await.unwrap();
    world
}

pub(crate) fn stored(world: &World) -> Option<PortalRecord> {
    let (url, client) = (world.config.url.as_str(), &world.config.client_id);
    world
        .context
        .store
        .find_portal(url, client)
        .awaited()
        .unwrap()
}

pub(crate) fn refresh_of(world: &World) -> String {
    let record = stored(world).unwrap();
    record.tokens.refresh.expose_secret().to_owned()
}

pub(crate) fn host(url: &str) -> String {
    url.trim_start_matches("http://").to_owned()
}

/// A fresh pair in each form that people have it in.
pub(crate) fn forms(world: &World) -> Vec<(&'static str, String)> {
    let portal = &world.portal;
    let text = |grant: &Value, key: &str| grant[key].as_str().unwrap().to_owned();
    let answer = portal.authorise();
    let crest = portal.authorise();
    // As CRest writes it: escaped, numbers as text, `domain` of the authorisation server.
    let crest = json!({
        "access_token": crest["access_token"], "refresh_token": crest["refresh_token"],
        "expires_in": "3600", "domain": crest["domain"], "member_id": crest["member_id"],
        "client_endpoint": format!("{}/rest/?a=1&amp;b=&quot;2&quot;", portal.url()),
        "application_token": "x", "is_web_hook": "N",
    });
    let frame = portal.authorise();
    let frame = json!({
        "DOMAIN": host(&portal.url()), "PROTOCOL": "0", "LANG": "en", "APP_SID": "x",
        "AUTH_ID": frame["access_token"], "AUTH_EXPIRES": "3600",
        "REFRESH_ID": frame["refresh_token"], "member_id": frame["member_id"],
        "SERVER_ENDPOINT": frame["server_endpoint"], "status": "L",
    });
    let form = portal.authorise();
    let form = format!(
        "https://tidy.example.invalid/handler?DOMAIN={}&PROTOCOL=0&LANG=en&APP_SID=x\n\
         AUTH_ID={}&AUTH_EXPIRES=3600&REFRESH_ID={}&member_id={}&SERVER_ENDPOINT={}&status=L\n",
        host(&portal.url()).replace(':', "%3A"),
        text(&form, "access_token"),
        text(&form, "refresh_token"),
        text(&form, "member_id"),
        text(&form, "server_endpoint"),
    );
    vec![
        ("token endpoint", answer.to_string()),
        ("CRest", crest.to_string()),
        ("frame, JSON", frame.to_string()),
        ("frame, form", form),
    ]
}

#[tokio::test]
async fn every_form_is_taken_and_works() {
    let world = unauthorised(|_| {}).await;
    for (form, text) in forms(&world) {
        let (code, said) = imported(&world, &text).await;
        assert_eq!(code, 0, "{form}: {said}");
        let at = host(&world.portal.url());
        assert!(
            said.starts_with(&format!(
                "acme: authorised at {at} as user 1, an administrator\n"
            )),
            "{form}: {said}"
        );
        let record = stored(&world).unwrap();
        assert_eq!(record.tokens.member_id, world.portal.member_id(), "{form}");
        assert_eq!(record.tokens.user_id, Some(1), "{form}");
        assert_eq!(record.facts.plan_confirms, Some(true), "{form}");
        assert_eq!(record.unverified, None, "{form}");
        world.pass().await.unwrap();
        world.context.store.forget_portal(record.id).await.unwrap();
    }
    assert_eq!(world.portal.violations(), [] as [String; 0]);
}

#[tokio::test]
async fn a_pair_that_fails_without_a_renewal_replaces_nothing() {
    type Break = fn(&mut Settings);
    let breaks: [(Break, &str); 6] = [
        (|s| s.admin = false, "no administrator; make it one"),
        (|s| s.installed = false, "not installed; open it once"),
        (|s| s.paid = false, "payment has expired; renew it"),
        (
            |s| s.scopes = vec!["user".to_owned()],
            "lacks the scope `crm`; grant it",
        ),
        (|s| s.dismissed = true, "dismissed, blocked"),
        (
            |s| s.refuse_rest = Some((401, "PAYMENT_REQUIRED".to_owned(), String::new())),
            "subscription ended; renew it",
        ),
    ];
    for (spoil, words) in breaks {
        let world = World::new().await;
        let before = refresh_of(&world);
        let text = world.portal.authorise().to_string();
        world.portal.settings(spoil);
        let (code, said) = imported(&world, &text).await;
        assert_eq!(code, 77, "{said}");
        assert!(said.contains(words), "{said}");
        assert_eq!(refresh_of(&world), before, "{words}");
        assert_eq!(stored(&world).unwrap().unverified, None);
    }
}

#[tokio::test]
async fn tokens_of_another_portal_are_refused_unseen() {
    let world = World::new().await;
    let mut grant = world.portal.authorise();
    grant["client_endpoint"] = json!("https://other.bitrix24.com/rest/");
    world.portal.clear_requests();
    let (code, said) = imported(&world, &grant.to_string()).await;
    assert_eq!(code, 65, "{said}");
    assert!(
        said.contains("other.bitrix24.com") && said.contains(&host(&world.portal.url())),
        "{said}"
    );
    assert_eq!(world.portal.requests().len(), 0);
}

/// The frame's fields name the configured portal, the renewal tells the truth: the pair is kept, but
/// not in the place of the configured portal's.
#[tokio::test]
async fn what_is_no_token_file_is_refused() {
    let world = World::new().await;
    let before = refresh_of(&world);
    world.portal.clear_requests();
    for (text, words) in [
        ("", "nothing was handed over"),
        ("lorem ipsum", "no tokens were found"),
        ("{\"access_token\":", "not valid JSON"),
        (r#"{"access_token":"x","domain":"a.b"}"#, "no refresh token"),
        (
            r#"{"is_web_hook":"Y","client_endpoint":"https://a.b/rest/1/x/"}"#,
            "webhook",
        ),
    ] {
        let (code, said) = imported(&world, text).await;
        assert_eq!(code, 65, "{said}");
        assert!(said.contains(words), "{said}");
    }
    assert_eq!(refresh_of(&world), before);
    assert_eq!(world.portal.requests().len(), 0);
}

#[tokio::test]
async fn a_wrong_client_is_told_although_the_status_is_200() {
    let mut world = unauthorised(|_| {}).await;
    let text = world.portal.authorise().to_string();
    world.portal.expire_access_tokens();
    world.config.client_id = "local.wrong".to_owned();
    let (code, said) = imported(&world, &text).await;
    assert_eq!(code, 77, "{said}");
    assert!(
        said.contains("wrong_client") && said.contains("compare client_id"),
        "{said}"
    );
    assert!(world.context.store.portals().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_dead_pair_is_refused_and_replaces_nothing() {
    let world = World::new().await;
    let text = world.portal.authorise().to_string();
    let before = refresh_of(&world);
    world.portal.expire_access_tokens();
    world.portal.revoke_refresh_tokens();
    let (code, said) = imported(&world, &text).await;
    assert_eq!(code, 77, "{said}");
    assert!(
        said.contains("the tokens are dead") && said.contains("stop it"),
        "{said}"
    );
    assert_eq!(refresh_of(&world), before);
}

/// Run as root, an import leaves nothing behind that the service's own user cannot open.
#[tokio::test]
async fn what_root_makes_belongs_to_the_owner_of_the_folder() {
    let folder = tempfile::TempDir::new().unwrap();
    if std::fs::metadata(folder.path()).unwrap().uid() != 0 {
        println!("skipped: only root can give files away");
        return;
    }
    std::os::unix::fs::chown(folder.path(), Some(12345), Some(12346)).unwrap();
    let path = folder.path().join("state.db");
    let mut world = unauthorised(|_| {}).await;
    world.context.store = Store::open_or_create(&path).await.unwrap();
    for _ in 0..2 {
        // The second one takes the renewal lock.
        let text = world.portal.authorise().to_string();
        assert_eq!(imported(&world, &text).await.0, 0);
    }
    let names: Vec<String> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let found = entry.metadata().unwrap();
            assert_eq!((found.uid(), found.gid()), (12345, 12346), "{entry:?}");
            entry.file_name().into_string().unwrap()
        })
        .collect();
    assert!(names.len() >= 4, "{names:?}");
}
