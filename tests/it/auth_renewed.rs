//! `auth import` of pairs that have to be renewed on the way: they exist nowhere else then.

use std::sync::{Arc, Mutex};

use b24_tidyd::cli::{auth::import::import, exit::exit_of};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use test_portal::{Effect, Fault, Matcher};

use crate::{
    auth_import::{forms, imported, refresh_of, stored, unauthorised},
    world::{Awaited, World},
};

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
        world.context.store.forget_portal(world.id()).await.unwrap();
    }
    assert_eq!(world.portal.violations(), [] as [String; 0]);
}

/// While the application was inactive the portal recorded nothing; the survey comes too late to see it.
#[tokio::test]
async fn what_was_not_recorded_while_a_pair_was_refused_is_made_up_for() {
    let world = World::new().await.bound().await;
    let id = world.portal.add_contact("Anna", "", "Smith");
    world.pass().await.unwrap();
    world.advance(60.0);
    world.portal.settings(|settings| settings.installed = false);
    let text = world.portal.authorise().to_string();
    world.portal.expire_access_tokens();
    assert_eq!(imported(&world, &text).await.0, 77);
    assert!(world.pass().await.is_err());
    world.portal.edit_contact(id, &[("NAME", "ANNA")]);
    world.advance(60.0);
    world.portal.settings(|settings| settings.installed = true);
    for _ in 0..3 {
        world.pass().await.unwrap();
        world.advance(60.0);
    }
    assert_eq!(world.names(id)[0], "Anna");
    world.assert_clean();
}

/// Killed at any moment after the renewal, nothing would be lost.
#[tokio::test]
async fn a_renewed_pair_is_stored_before_its_first_use() {
    let world = unauthorised(|_| {}).await;
    let text = world.portal.authorise().to_string();
    world.portal.expire_access_tokens();
    let (store, seen) = (
        world.context.store.clone(),
        Arc::new(Mutex::new(Vec::new())),
    );
    let noted = seen.clone();
    world.portal.before_request(move |_, request| {
        let pair = store.portals().awaited().unwrap().pop();
        let pair = pair.map(|record| {
            let used = request.params["auth"] == record.tokens.access.expose_secret();
            (used, record.unverified.is_some())
        });
        noted.lock().unwrap().push((request.method.clone(), pair));
    });
    assert_eq!(imported(&world, &text).await.0, 0);
    let expected = [
        ("batch", None),
        ("oauth.token", None),
        ("batch", Some((true, true))),
    ];
    let expected = expected.map(|(method, pair)| (method.to_owned(), pair));
    assert_eq!(*seen.lock().unwrap(), expected);
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
    store.forget_portal(record.id).await.unwrap();
    store
        .store_tokens(
            &config.client_id,
            url,
            &record.tokens,
            None,
            record.stored_at,
        )
        .await
        .unwrap();

    let mut out = Vec::new();
    let text = grant.to_string();
    let error = import(&ours.context, &config, text.as_bytes(), false, &mut out)
        .await
        .unwrap_err();

    assert_eq!(exit_of(&error).code(), 65, "{error:#}");
    assert!(error.to_string().contains("is stored"), "{error:#}");
    let kept = store
        .find_portal(url, &config.client_id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(kept.tokens.refresh.expose_secret(), before);
    let records = store.portals().await.unwrap();
    assert_eq!(records.len(), 2);
    assert!(records[1].unverified.is_some());
    assert_eq!(records[1].tokens.member_id, other.portal.member_id());
    assert_eq!(records[1].url, other.config.url.as_str());
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
        store
            .rotate_tokens(id, &refreshed, &tokens, now)
            .awaited()
            .unwrap();
    });
    let (code, said) = imported(&world, &text).await;
    assert_eq!(code, 65, "{said}");
    assert!(said.contains("stored already"), "{said}");
    assert_eq!(refresh_of(&world), "a-newer-one");
}

/// Break: give up after some tries.
#[tokio::test]
async fn a_renewed_pair_is_stored_however_long_that_takes() {
    let world = unauthorised(|_| {}).await;
    let text = world.portal.authorise().to_string();
    world.portal.expire_access_tokens();
    let db = rusqlite::Connection::open(world.context.store.path()).unwrap();
    db.execute_batch(
        "CREATE TRIGGER broken BEFORE INSERT ON portal BEGIN SELECT RAISE(ABORT, 'broken'); END",
    )
    .unwrap();
    let begun = world.clock_seconds();
    let mended = async {
        while world.clock_seconds() < begun + 600.0 {
            tokio::task::yield_now().await;
        }
        db.execute_batch("DROP TRIGGER broken").unwrap();
    };
    let ((code, said), ()) = tokio::join!(imported(&world, &text), mended);
    assert_eq!(code, 0, "{said}");
    assert!(!text.contains(&refresh_of(&world)));
}

/// What a file claims of the portal's lasting id is proved where the store knows better, and never costs the
/// pair where it was wrong.
/// Break: believe the claim; throw a renewed pair away because of it.
#[tokio::test]
async fn a_wrong_member_id_is_found_out_and_costs_nothing() {
    let claiming = |world: &World, member: &str| {
        let mut grant = world.portal.authorise();
        grant["member_id"] = json!(member);
        grant.to_string()
    };
    // Nobody knows better at first; the first renewal does.
    let foreign = "0123456789abcdef0123456789abcdef";
    let world = unauthorised(|_| {}).await;
    assert_eq!(imported(&world, &claiming(&world, foreign)).await.0, 0);
    world.pass().await.unwrap();
    world.portal.expire_access_tokens();
    let id = world.portal.add_contact("anna", "", "smith");
    world.pass().await.unwrap();
    assert_eq!(world.record().tokens.member_id, world.portal.member_id());
    assert_eq!(world.record().lost, None);
    assert_eq!(world.names(id)[0], "Anna");
    assert_eq!(world.portal.violations(), [] as [String; 0]);

    // The store knows better, or it cannot be a lasting id at all: proved at once.
    let number = world.id();
    for claim in [foreign, "acme", "\u{1b}[31m"] {
        let (code, said) = imported(&world, &claiming(&world, claim)).await;
        assert_eq!(code, 0, "{said}");
        assert_eq!(world.record().tokens.member_id, world.portal.member_id());
        assert_eq!(world.id(), number);
    }
}
