//! Tokens: one renewal at a time, nothing used before it is durable, nothing leaked.

use std::sync::Arc;

use b24_tidyd::{
    bitrix::{Call, Transport},
    cli::exit::{Exit, of_reports},
    clock::{SharedClock, SystemClock},
    drain::DrainFailure,
    portal::{Context, Patience, Portal as Authorised, Repeat},
    store::Store,
};
use secrecy::ExposeSecret;
use test_portal::{Effect, Fault, Matcher, Server};
use tokio_util::sync::CancellationToken;

use crate::{
    scene::{Mode, Scene},
    world::{Awaited, World},
};

fn renewals(world: &World) -> usize {
    let requests = world.portal.requests();
    requests
        .iter()
        .filter(|request| request.server == Server::OAuth)
        .count()
}

async fn ready(change: impl FnOnce(&mut test_portal::Settings)) -> Scene {
    let mut scene = Scene::empty(change).await;
    scene.run(Mode::Fresh).await;
    scene.ordinary();
    scene
}

#[tokio::test]
async fn a_token_may_expire_before_any_request() {
    let mut nth = 0;
    loop {
        nth += 1;
        let scene = ready(|_| {}).await;
        let mut seen = 0;
        scene.world.portal.before_request(move |portal, record| {
            if record.server == Server::Portal {
                seen += 1;
                if seen == nth {
                    portal.expire_access_tokens();
                }
            }
        });
        scene.run(Mode::Daemon).await;
        assert_eq!(scene.complaints(), [] as [String; 0], "request {nth}");
        match renewals(&scene.world) {
            1 => {}
            0 => break,
            more => panic!("{more} renewals for one expiry"),
        }
    }
    assert!(nth > 3, "nothing was struck");
}

/// Two processes with four callers each find the token expired at the same moment.
/// Break: renew without the lock, or without looking at the store again once it is ours.
#[tokio::test]
async fn processes_on_one_store_renew_once() {
    let world = World::new().await;
    world.portal.expire_access_tokens();
    let config = Arc::new(world.config.clone());
    let process = || {
        let clock: SharedClock = Arc::new(SystemClock);
        let store = Store::open(world.context.store.path()).awaited().unwrap();
        let transport = Transport::new(clock.clone()).unwrap();
        let context = Context::over(store, transport, clock, CancellationToken::new());
        let patience = Patience { longest_wait: 60.0 };
        Authorised::open(context, config.clone(), &world.record(), patience)
            .awaited()
            .unwrap()
    };
    let (one, two) = (process(), process());
    let info = Call::new("app.info");
    let ask = |portal| Authorised::call(portal, &info, Repeat::Freely);
    let (a, b, c, d, e, f) = tokio::join!(
        ask(&one),
        ask(&two),
        ask(&one),
        ask(&two),
        ask(&one),
        ask(&two)
    );
    for reply in [a, b, c, d, e, f] {
        reply.unwrap();
    }
    assert_eq!(renewals(&world), 1);
    assert_eq!(world.portal.violations(), [] as [String; 0]);
}

fn page(code: u16, processed: bool) -> Effect {
    Effect::Html { code, processed }
}

/// Every way in which the answer to a renewal may be lost, on portals where the old refresh token
/// lives on and where it dies.
#[tokio::test]
async fn a_lost_renewal_is_tried_again_with_the_old_token() {
    let effects: [(Effect, bool); 10] = [
        (Effect::CloseBeforeProcessing, false),
        (Effect::LoseAnswer, true),
        (Effect::CutAnswer, true),
        (Effect::TruncatedJson, true),
        (page(502, false), false),
        (page(502, true), true),
        (Effect::EmptyBody { processed: true }, true),
        (
            Effect::Hang {
                seconds: 70.0,
                processed: true,
            },
            true,
        ),
        (
            Effect::Hang {
                seconds: 70.0,
                processed: false,
            },
            false,
        ),
        (
            Effect::Error {
                status: 429,
                code: "slow_down".to_owned(),
                description: String::new(),
            },
            false,
        ),
    ];
    for dies in [false, true] {
        for (effect, rotated) in &effects {
            let scene = ready(|settings| settings.old_refresh_dies = dies).await;
            scene.world.portal.expire_access_tokens();
            scene
                .world
                .portal
                .fault(Fault::new(Matcher::oauth(), effect.clone()));
            let lost = dies && *rotated;
            if lost {
                let failure = scene.world.pass().await.unwrap_err();
                let text = failure.to_string();
                assert!(
                    matches!(failure, DrainFailure::NeedsPerson(_)),
                    "{effect:?}: {text}"
                );
                assert!(
                    text.contains("auth login") && text.contains("auth import"),
                    "{text}"
                );
                assert_eq!(of_reports(&[scene.world.once().await]), Exit::NotAuthorised);
                assert_eq!(scene.world.record().lost.as_deref(), Some(text.as_str()));
                assert_eq!(
                    scene.world.portal.queue().len(),
                    2,
                    "the queue keeps the work"
                );
                scene.world.authorise();
            }
            scene.run(Mode::Daemon).await;
            assert_eq!(
                scene.complaints(),
                [] as [String; 0],
                "{effect:?}, dies: {dies}"
            );
            assert_eq!(scene.world.record().lost, None);
        }
    }
}

/// Another process has stored a newer pair while our renewal with the old one is refused.
#[tokio::test]
async fn a_newer_pair_in_the_store_is_used_where_ours_is_refused() {
    let scene = ready(|_| {}).await;
    scene.world.portal.expire_access_tokens();
    let (portal, record) = (scene.world.portal.clone(), scene.world.record());
    let other = Store::open(scene.world.context.store.path()).await.unwrap();
    let url = scene.world.config.url.as_str().to_owned();
    let now = scene.world.context.clock.now();
    portal.before_request(move |portal, request| {
        if request.server == Server::OAuth {
            portal.revoke_refresh_tokens();
            let grant = portal.authorise();
            let mut tokens = record.tokens.clone();
            tokens.access = grant["access_token"].as_str().unwrap().into();
            tokens.refresh = grant["refresh_token"].as_str().unwrap().into();
            other
                .store_tokens(&record.client_id, &url, &tokens, None, now)
                .awaited()
                .unwrap();
        }
    });
    scene.run(Mode::Daemon).await;
    assert_eq!(renewals(&scene.world), 1);
    assert_eq!(scene.complaints(), [] as [String; 0]);
}

/// An import lands while a renewal is under way that works out: what people imported stays.
#[tokio::test]
async fn a_renewal_does_not_overwrite_an_import() {
    let scene = ready(|_| {}).await;
    scene.world.portal.expire_access_tokens();
    let (portal, record) = (scene.world.portal.clone(), scene.world.record());
    let grant = portal.authorise();
    let imported = grant["refresh_token"].as_str().unwrap().to_owned();
    let other = Store::open(scene.world.context.store.path()).await.unwrap();
    let url = scene.world.config.url.as_str().to_owned();
    let now = scene.world.context.clock.now();
    portal.before_request(move |_, request| {
        if request.server == Server::OAuth {
            let mut tokens = record.tokens.clone();
            tokens.access = grant["access_token"].as_str().unwrap().into();
            tokens.refresh = grant["refresh_token"].as_str().unwrap().into();
            other
                .store_tokens(&record.client_id, &url, &tokens, None, now)
                .awaited()
                .unwrap();
        }
    });
    scene.run(Mode::Daemon).await;
    assert_eq!(
        scene.world.record().tokens.refresh.expose_secret(),
        imported
    );
    assert_eq!(scene.complaints(), [] as [String; 0]);
}

#[tokio::test]
async fn a_401_that_is_no_expiry_renews_nothing() {
    let scene = ready(|_| {}).await;
    for code in [
        "CONNECTION_ERROR",
        "authorization_error",
        "PAYMENT_REQUIRED",
        "insufficient_scope",
    ] {
        let effect = Effect::Error {
            status: 401,
            code: code.to_owned(),
            description: String::new(),
        };
        scene
            .world
            .portal
            .fault(Fault::new(Matcher::portal(), effect));
        scene.run(Mode::Daemon).await;
    }
    assert_eq!(renewals(&scene.world), 0);
    assert_eq!(scene.complaints(), [] as [String; 0]);
}

#[tokio::test]
async fn refusals_of_the_authorisation_server_ask_for_a_person() {
    for (status, code) in [
        (200, "wrong_client"),
        (401, "invalid_client"),
        (402, "PAYMENT_REQUIRED"),
        (401, "NOT_INSTALLED"),
        (400, "invalid_grant"),
        (400, "bad_verification_code"),
    ] {
        let scene = ready(|_| {}).await;
        let portal = &scene.world.portal;
        portal.expire_access_tokens();
        portal.settings(|settings| {
            settings.refuse_oauth = Some((status, code.to_owned(), "no".to_owned()))
        });
        let failure = scene.world.pass().await.unwrap_err();
        assert!(
            matches!(failure, DrainFailure::NeedsPerson(_)),
            "{code}: {failure}"
        );
        assert!(failure.to_string().contains(code), "{failure}");
        // It is put right: nobody has to import anything where the pair was never the problem.
        portal.settings(|settings| settings.refuse_oauth = None);
        scene.run(Mode::Daemon).await;
        assert_eq!(scene.complaints(), [] as [String; 0], "{code}");
        assert_eq!(scene.world.record().lost, None, "{code}");
    }
}

/// Break: use the new pair before `rotate_tokens` has returned.
#[tokio::test]
async fn a_new_pair_is_durable_before_its_first_use() {
    let scene = ready(|_| {}).await;
    let portal = scene.world.portal.clone();
    portal.expire_access_tokens();
    let path = scene.world.context.store.path().to_owned();
    let old = scene.world.record().tokens.access;
    portal.before_request(move |_, request| {
        let used = request.params.get("auth").and_then(|auth| auth.as_str());
        if let Some(used) = used.filter(|used| *used != old.expose_secret()) {
            let db = rusqlite::Connection::open(&path).unwrap();
            let stored: String = db
                .query_row("SELECT access_token FROM portal", [], |row| row.get(0))
                .unwrap();
            assert!(stored == used, "a token was used that is not in the store");
        }
    });
    scene.run(Mode::Daemon).await;
    assert_eq!(renewals(&scene.world), 1);
    assert_eq!(scene.complaints(), [] as [String; 0]);
}

/// The disk fails at the worst moment: the pair that was just granted is kept, not used, handed on to whoever
/// works on the portal next, and stored as soon as that works. A second renewal would be refused.
#[tokio::test]
async fn a_pair_that_cannot_be_stored_is_not_used_and_not_lost() {
    let mut scene = ready(|_| {}).await;
    scene.world.portal.expire_access_tokens();
    let portal = &scene.world.portal.clone();
    let db = rusqlite::Connection::open(scene.world.context.store.path()).unwrap();
    db.execute_batch(
        "CREATE TRIGGER broken BEFORE UPDATE OF access_token ON portal
         BEGIN SELECT RAISE(ABORT, 'the disk is broken'); END",
    )
    .unwrap();
    let old = scene.world.record().tokens.access;
    scene.world.context = scene.world.context.clone().handing_on();
    for _ in 0..2 {
        // Another worker each time, as after a reload.
        let failure = scene.world.pass().await.unwrap_err();
        assert!(matches!(failure, DrainFailure::Store(_)), "{failure}");
    }
    let requests = portal.requests();
    let auths = requests
        .iter()
        .filter_map(|request| request.params.get("auth"));
    assert!(auths.clone().count() > 0 && auths.clone().all(|auth| auth == old.expose_secret()));
    db.execute_batch("DROP TRIGGER broken").unwrap();
    scene.world.pass().await.unwrap();
    assert_eq!(renewals(&scene.world), 1);
    scene.run(Mode::Fresh).await;
    assert_eq!(scene.complaints(), [] as [String; 0]);
}

/// The service ends while a renewed pair could not be stored: not before it is.
/// Break: end without a word to the pairs in hand.
#[tokio::test]
async fn the_process_does_not_end_before_a_renewed_pair_is_stored() {
    let mut scene = ready(|_| {}).await;
    scene.world.portal.expire_access_tokens();
    let db = rusqlite::Connection::open(scene.world.context.store.path()).unwrap();
    let broken = "CREATE TRIGGER broken BEFORE UPDATE OF access_token ON portal
         BEGIN SELECT RAISE(ABORT, 'the disk is broken'); END";
    db.execute_batch(broken).unwrap();
    let old = scene.world.record().tokens.refresh;
    scene.world.context = scene.world.context.clone().handing_on();
    scene.world.pass().await.unwrap_err();
    scene.world.context.stop.cancel();
    let mended = async {
        for _ in 0..5 {
            tokio::task::yield_now().await;
        }
        db.execute_batch("DROP TRIGGER broken").unwrap();
    };
    tokio::join!(scene.world.context.store_pairs(), mended);
    let stored = scene.world.record().tokens.refresh;
    assert_ne!(stored.expose_secret(), old.expose_secret());
    assert_eq!(renewals(&scene.world), 1);

    // Nobody to hand it on to: the one that renewed it stays until it is stored.
    scene.world.context.stop = CancellationToken::new();
    scene.world.context.unstored = None;
    scene.world.portal.expire_access_tokens();
    db.execute_batch(broken).unwrap();
    let mended = async {
        while renewals(&scene.world) < 2 {
            tokio::task::yield_now().await;
        }
        for _ in 0..5 {
            tokio::task::yield_now().await;
        }
        db.execute_batch("DROP TRIGGER broken").unwrap();
    };
    let (passed, ()) = tokio::join!(scene.world.pass(), mended);
    passed.unwrap();
    assert_eq!(renewals(&scene.world), 2);
    scene.world.assert_clean();
}

/// What the authorisation server says of its own troubles is no judgement, and a judgement that it takes back
/// is none either.
/// Break: take every error of the token endpoint for final; believe a refusal that was said once.
#[tokio::test]
async fn passing_errors_of_the_authorisation_server_cost_no_authorisation() {
    let passing = [
        (400, "temporarily_unavailable"),
        (500, "server_error"),
        (400, "server_error"),
        (503, "QUERY_LIMIT_EXCEEDED"),
        (401, "CONNECTION_ERROR"),
        (400, ""),
        (400, "17"),
        (400, "something_new"),
        (400, "invalid_grant"),
        (401, "invalid_client"),
    ];
    for (status, code) in passing {
        let scene = ready(|_| {}).await;
        scene.world.portal.expire_access_tokens();
        let effect = Effect::Error {
            status,
            code: code.to_owned(),
            description: "not now".to_owned(),
        };
        let once = Fault::new(Matcher::oauth(), effect);
        scene.world.portal.fault(once);
        scene.world.pass().await.unwrap();
        assert_eq!(renewals(&scene.world), 2, "{code}");
        assert_eq!(scene.world.record().lost, None, "{code}");
    }
    // However long it lasts.
    let scene = ready(|_| {}).await;
    scene.world.portal.expire_access_tokens();
    let refuse = Some((400, "temporarily_unavailable".to_owned(), String::new()));
    scene
        .world
        .portal
        .settings(|settings| settings.refuse_oauth = refuse);
    let failure = scene.world.pass().await.unwrap_err();
    assert!(matches!(failure, DrainFailure::Unreachable(_)), "{failure}");
    assert_eq!(scene.world.record().lost, None);
    scene
        .world
        .portal
        .settings(|settings| settings.refuse_oauth = None);
    scene.run(Mode::Daemon).await;
    assert_eq!(scene.complaints(), [] as [String; 0]);
}

/// Days of polling renew when the portal says so, and never else (the referee watches).
#[tokio::test]
async fn renewals_are_never_scheduled() {
    let scene = ready(|_| {}).await;
    let mut drain = scene.world.drain();
    for _ in 0..96 {
        drain.pass(&mut |_| {}).await.unwrap();
        scene.world.advance(900.0);
    }
    let count = renewals(&scene.world);
    assert!((20..=24).contains(&count), "{count} renewals in a day");
    assert_eq!(scene.complaints(), [] as [String; 0]);
}
