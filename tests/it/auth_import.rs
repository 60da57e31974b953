//! `auth import`: what is let in, what is refused, and what is kept although it was refused.

use b24_tidyd::{
    cli::{auth::import::import, exit::exit_of},
    store::PortalRecord,
};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use test_portal::{Effect, Fault, Matcher, Settings};

use crate::world::World;

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
    world.context.store.forget_portal(world.id()).unwrap();
    world
}

fn stored(world: &World) -> Option<PortalRecord> {
    let (url, client) = (world.config.url.as_str(), &world.config.client_id);
    world.context.store.find_portal(url, client).unwrap()
}

fn refresh_of(world: &World) -> String {
    let record = stored(world).unwrap();
    record.tokens.refresh.expose_secret().to_owned()
}

fn host(url: &str) -> String {
    url.trim_start_matches("http://").to_owned()
}

/// A fresh pair in each form that people have it in.
fn forms(world: &World) -> Vec<(&'static str, String)> {
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
        world.context.store.forget_portal(record.id).unwrap();
    }
    assert_eq!(world.portal.violations(), [] as [String; 0]);
}

#[tokio::test]
async fn a_pair_past_its_hour_is_renewed_and_works() {
    let world = unauthorised(|_| {}).await;
    for (form, text) in forms(&world) {
        world.portal.expire_access_tokens();
        let (code, said) = imported(&world, &text).await;
        assert_eq!(code, 0, "{form}: {said}");
        assert!(said.contains("what you handed over is used up"), "{said}");
        // What is stored is the new pair.
        assert!(!text.contains(&refresh_of(&world)), "{form}");
        world.pass().await.unwrap();
        world.context.store.forget_portal(world.id()).unwrap();
    }
    assert_eq!(world.portal.violations(), [] as [String; 0]);
}

#[tokio::test]
async fn a_renewed_pair_that_fails_is_kept_and_not_used_until_it_passes() {
    let world = unauthorised(|settings| settings.admin = false).await;
    let text = world.portal.authorise().to_string();
    world.portal.expire_access_tokens();

    let (code, said) = imported(&world, &text).await;

    assert_eq!(code, 77, "{said}");
    assert!(
        said.contains("no administrator") && said.contains("is stored"),
        "{said}"
    );
    let reason = stored(&world).unwrap().unverified.unwrap();
    assert!(reason.contains("no administrator"), "{reason}");
    let renewed = refresh_of(&world);
    assert!(!text.contains(&renewed));

    // Not drained with, and asked about each time.
    world.portal.clear_requests();
    let failure = world.pass().await.unwrap_err().to_string();
    assert!(failure.contains("no administrator"), "{failure}");
    let requests = world.portal.requests();
    assert!(!requests.is_empty());
    assert!(
        requests
            .iter()
            .all(|request| !request.calls("event.offline.get") && !request.calls("event.bind")),
        "{requests:?}"
    );

    world.portal.settings(|settings| settings.admin = true);
    let id = world.portal.add_contact("anna", "", "smith");
    world.pass().await.unwrap();
    assert_eq!(stored(&world).unwrap().unverified, None);
    assert_eq!(refresh_of(&world), renewed, "renewed without need");
    world.portal.edit_contact(id, &[("NAME", "ANNA")]);
    world.pass().await.unwrap();
    assert_eq!(world.names(id)[0], "Anna");
    world.assert_clean();
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
async fn a_renewed_pair_of_another_portal_is_kept_apart() {
    let (ours, other) = (World::new().await, World::new().await);
    let before = refresh_of(&ours);
    let mut grant = other.portal.authorise();
    grant["client_endpoint"] = json!(format!("{}/rest/", ours.portal.url()));
    let mut config = ours.config.clone();
    config.client_id.clone_from(&other.config.client_id);
    config.client_secret = other.config.client_secret.clone();
    config.oauth_url = other.config.oauth_url.clone();
    // The same application on both, so that its older pair could be replaced.
    let record = stored(&ours).unwrap();
    let store = &ours.context.store;
    let url = ours.config.url.as_str();
    store.forget_portal(record.id).unwrap();
    store
        .store_tokens(
            &config.client_id,
            url,
            &record.tokens,
            None,
            record.stored_at,
        )
        .unwrap();

    let mut out = Vec::new();
    let text = grant.to_string();
    let error = import(&ours.context, &config, text.as_bytes(), false, &mut out)
        .await
        .unwrap_err();

    assert_eq!(exit_of(&error).code(), 65, "{error:#}");
    assert!(error.to_string().contains("is stored"), "{error:#}");
    let kept = store.find_portal(url, &config.client_id).unwrap().unwrap();
    assert_eq!(kept.tokens.refresh.expose_secret(), before);
    let records = store.portals().unwrap();
    assert_eq!(records.len(), 2);
    assert!(records[1].unverified.is_some());
    assert_eq!(records[1].tokens.member_id, other.portal.member_id());
    assert_eq!(records[1].url, other.config.url.as_str());
}

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
    assert!(world.context.store.portals().unwrap().is_empty());
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

#[tokio::test]
async fn a_lost_answer_to_the_renewal_is_asked_for_again() {
    for (old_refresh_dies, code) in [(false, 0), (true, 77)] {
        let world = unauthorised(|s| s.old_refresh_dies = old_refresh_dies).await;
        let text = world.portal.authorise().to_string();
        world.portal.expire_access_tokens();
        world
            .portal
            .fault(Fault::new(Matcher::oauth(), Effect::LoseAnswer));
        let (answered, said) = imported(&world, &text).await;
        assert_eq!(answered, code, "{said}");
        assert_eq!(stored(&world).is_some(), code == 0);
    }
}

#[tokio::test]
async fn an_authorisation_server_that_is_away_costs_nothing() {
    let world = World::new().await;
    let text = world.portal.authorise().to_string();
    let before = refresh_of(&world);
    world.portal.expire_access_tokens();
    let away = Effect::CloseBeforeProcessing;
    world
        .portal
        .fault(Fault::new(Matcher::oauth().always(), away));
    let (code, said) = imported(&world, &text).await;
    assert_eq!(code, 69, "{said}");
    assert!(said.contains("import it again"), "{said}");
    assert_eq!(refresh_of(&world), before);

    world.portal.clear_faults();
    assert_eq!(imported(&world, &text).await.0, 0);
}

#[tokio::test]
async fn a_portal_that_is_away_after_the_renewal_leaves_the_pair_unverified() {
    let world = unauthorised(|_| {}).await;
    let text = world.portal.authorise().to_string();
    world.portal.expire_access_tokens();
    let away = Effect::Html {
        code: 502,
        processed: false,
    };
    world
        .portal
        .fault(Fault::new(Matcher::portal().nth(2).always(), away));
    let (code, said) = imported(&world, &text).await;
    assert_eq!(code, 75, "{said}");
    assert!(stored(&world).unwrap().unverified.is_some());
    world.portal.clear_faults();
    world.pass().await.unwrap();
    assert_eq!(stored(&world).unwrap().unverified, None);
}

#[tokio::test]
async fn a_missing_member_id_is_learnt() {
    let world = unauthorised(|_| {}).await;
    let without = |mut grant: Value| {
        grant.as_object_mut().unwrap().remove("member_id");
        grant.to_string()
    };
    // By a renewal where nothing else tells, though the access token is good yet.
    let (code, said) = imported(&world, &without(world.portal.authorise())).await;
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("used up"), "{said}");
    assert_eq!(
        stored(&world).unwrap().tokens.member_id,
        world.portal.member_id()
    );
    assert_eq!(world.portal.violations().len(), 1);
    world.portal.clear_violations();
    // From the store where that knows it: no renewal.
    let id = world.id();
    let (code, said) = imported(&world, &without(world.portal.authorise())).await;
    assert_eq!(code, 0, "{said}");
    assert!(!said.contains("used up"), "{said}");
    assert_eq!(world.id(), id);
    assert_eq!(world.portal.violations(), [] as [String; 0]);
}

/// The daemon renewed the same pair while it was being looked at.
#[tokio::test]
async fn a_pair_that_was_renewed_meanwhile_is_left_to_the_store() {
    let world = World::new().await;
    let grant = world.portal.authorise();
    let text = grant.to_string();
    assert_eq!(imported(&world, &text).await.0, 0);
    world.portal.expire_access_tokens();
    let (store, id) = (world.context.store.clone(), world.id());
    let mut tokens = world.record().tokens;
    let refreshed = std::mem::replace(&mut tokens.refresh, "a-newer-one".into());
    let now = world.context.clock.now();
    world.portal.before_request(move |_, _| {
        store.rotate_tokens(id, &refreshed, &tokens, now).unwrap();
    });
    let (code, said) = imported(&world, &text).await;
    assert_eq!(code, 65, "{said}");
    assert!(said.contains("stored already"), "{said}");
    assert_eq!(refresh_of(&world), "a-newer-one");
}

/// Where the state file fails at the one moment that matters, it is tried again, then said.
#[tokio::test]
async fn a_renewed_pair_that_cannot_be_stored_is_reported() {
    let world = unauthorised(|_| {}).await;
    let text = world.portal.authorise().to_string();
    world.portal.expire_access_tokens();
    let db = rusqlite::Connection::open(world.context.store.path()).unwrap();
    db.execute_batch(
        "CREATE TRIGGER broken BEFORE INSERT ON portal BEGIN SELECT RAISE(ABORT, 'broken'); END",
    )
    .unwrap();
    let (code, said) = imported(&world, &text).await;
    assert_eq!(code, 70, "{said}");
    assert!(said.contains("could not be stored and is lost"), "{said}");
}
