//! A portal that cannot be worked on is left alone for as long as that takes: no hammering, no renewals
//! on end.

use b24_tidyd::{drain::Outcome, service::Ending};
use test_portal::{Effect, Fault, Matcher, Server};

use crate::{installed::Installed, readiness::Started, world::World};

fn error(status: u16, code: &str) -> Effect {
    Effect::Error {
        status,
        code: code.to_owned(),
        description: String::new(),
    }
}

/// Requests to the portal and to its authorisation server in ten minutes of a daemon that looks every
/// second, the portal answering each request alike.
async fn ten_minutes(effect: Effect) -> (usize, usize) {
    let installed = Installed::authorised(|settings| settings.burst = 1000.0, "").await;
    let matcher = Matcher::portal().always();
    installed.portal.fault(Fault::new(matcher, effect));
    let started = Started::new(&installed);
    for _ in 0..600 {
        started.step(1.0).await;
    }
    let requests = installed.portal.requests();
    let to = |server: Server| requests.iter().filter(|it| it.server == server).count();
    (to(Server::Portal), to(Server::OAuth))
}

/// Break: let the worker take its own renewal for news, or take a second expiry for a passing fault.
#[tokio::test]
async fn tokens_that_are_never_accepted_are_not_renewed_on_end() {
    for code in ["expired_token", "invalid_token", "NO_AUTH_FOUND"] {
        let (asked, renewed) = ten_minutes(error(401, code)).await;
        assert!((1..=3).contains(&renewed), "{code}: {renewed} renewals");
        assert!(asked <= 6, "{code}: {asked} requests");
    }
}

/// The same for one-shot runs, each a process of its own: a timer must not renew at every tick.
#[tokio::test]
async fn one_shot_runs_do_not_renew_on_end_either() {
    for code in ["expired_token", "NO_AUTH_FOUND"] {
        let world = World::new().await.bound().await;
        world
            .portal
            .fault(Fault::new(Matcher::portal().always(), error(401, code)));
        for _ in 0..10 {
            world.once().await;
            world.advance(300.0);
        }
        let requests = world.portal.requests();
        let renewals = requests.iter().filter(|it| it.server == Server::OAuth);
        assert_eq!(renewals.count(), 1, "{code}");
        // It goes on by itself when the portal has come to its senses.
        world.portal.clear_faults();
        let report = world.once().await;
        let done = matches!(report.ending, Ending::Ended(Outcome::Done));
        assert!(done, "{code}: {:?}", report.ending);
    }
}

#[tokio::test]
async fn a_portal_that_the_vendor_has_blocked_is_left_alone_for_an_hour() {
    let (asked, renewed) = ten_minutes(error(503, "OVERLOAD_LIMIT")).await;
    assert_eq!((asked, renewed), (1, 0));
}

/// How long the portal fails in each of these, in seconds.
const OUTAGE: f64 = 40.0;

/// `run --once` on a portal that fails for a while, from its `nth` request on. Answers the ending, and
/// how long it took.
async fn through_an_outage(effect: Effect, nth: u32) -> (Ending, f64) {
    let world = World::new().await.bound().await;
    world.portal.add_contact("anna", "", "smith");
    world.advance(5.0);
    let began = world.clock_seconds();
    let (clock, mut seen) = (world.clock.clone(), 0);
    world.portal.before_request(move |portal, _| {
        seen += 1;
        portal.clear_faults();
        if seen >= nth && test_portal::PortalClock::now(&clock.0) < began + OUTAGE {
            portal.fault(Fault::new(Matcher::any(), effect.clone()));
        }
    });
    let report = world.once().await;
    (report.ending, world.clock_seconds() - began)
}

/// A limit or a fault that passes is waited for as long as `--max-wait` allows.
#[tokio::test]
async fn a_one_shot_run_sits_out_what_passes() {
    let html = Effect::Html {
        code: 502,
        processed: false,
    };
    for (effect, nth) in [
        (error(503, "QUERY_LIMIT_EXCEEDED"), 1),
        (error(500, "INTERNAL_SERVER_ERROR"), 1),
        (html, 2),
        (Effect::CloseBeforeProcessing, 2),
    ] {
        let (ending, seconds) = through_an_outage(effect.clone(), nth).await;
        assert!(
            matches!(ending, Ending::Ended(Outcome::Done)),
            "{effect:?}: {ending:?}"
        );
        assert!((OUTAGE..OUTAGE + 40.0).contains(&seconds), "{seconds}");
    }
}

/// Who is not there at all may stay away for long: that is told soon.
#[tokio::test]
async fn a_portal_that_is_away_from_the_start_is_told_soon() {
    let (ending, seconds) = through_an_outage(Effect::CloseBeforeProcessing, 1).await;
    assert!(matches!(ending, Ending::Failed(_)), "{ending:?}");
    assert!(seconds < 30.0, "{seconds}");
}

/// Rows that are settled anew in each pass are no progress.
#[tokio::test]
async fn a_run_whose_acknowledgements_always_fail_ends() {
    let world = World::new().await.bound().await;
    for _ in 0..5 {
        world.portal.add_contact("Anna", "", "Smith");
    }
    world.advance(5.0);
    world.portal.fault(Fault::new(
        Matcher::calling("event.offline.clear").always(),
        Effect::CommandError {
            method: "event.offline.clear".to_owned(),
            nth: 0,
            code: "INTERNAL_SERVER_ERROR".to_owned(),
            description: String::new(),
        },
    ));
    let began = world.clock_seconds();
    let report = world.once().await;
    assert!(
        matches!(report.ending, Ending::Failed(_)),
        "{:?}",
        report.ending
    );
    let seconds = world.clock_seconds() - began;
    assert!((30.0..180.0).contains(&seconds), "{seconds}");
    assert_eq!(world.portal.queue().len(), 5);
}

/// One fault of one check does not end a run.
#[tokio::test]
async fn a_check_that_fails_once_is_asked_again() {
    for method in [
        "app.info",
        "user.admin",
        "scope",
        "feature.get",
        "event.get",
        "event.offline.list",
    ] {
        let world = World::new().await.bound().await;
        let id = world.portal.add_contact("anna", "", "smith");
        world.advance(5.0);
        world.portal.fault(Fault::new(
            Matcher::calling(method),
            Effect::CommandError {
                method: method.to_owned(),
                nth: 0,
                code: "INTERNAL_SERVER_ERROR".to_owned(),
                description: String::new(),
            },
        ));
        let report = world.once().await;
        let done = matches!(report.ending, Ending::Ended(Outcome::Done));
        assert!(done, "{method}: {:?}", report.ending);
        assert_eq!(world.names(id), ["Anna", "", "Smith"]);
        world.assert_clean();
    }
}
