//! No secret stands in a log line, an error, a `Debug` output or an address; the client secret goes to
//! the authorisation server alone.

use test_portal::{Effect, Fault, Matcher, Portal, Server};
use tracing::level_filters::LevelFilter;

use crate::{
    installed::Installed,
    logs::Logs,
    scene::{Mode, Scene},
};

fn assert_silent(portal: &Portal, what: &str, text: &str) {
    let secrets = portal.issued_secrets();
    assert!(secrets.len() > 2, "nothing was issued");
    for secret in secrets {
        assert!(!text.contains(&secret), "{what} contains a secret");
    }
}

/// The client secret, and every refresh token, is posted to the authorisation server and nowhere
/// else.
fn assert_addressed(portal: &Portal) {
    for request in portal.requests() {
        let shown = format!("{} {:?}", request.url, request.headers);
        assert_silent(portal, "an address or a header", &shown);
        if request.server == Server::OAuth {
            assert_eq!(request.verb, "POST");
            continue;
        }
        let body = serde_json::to_string(&request.params).unwrap();
        let access = request.params.get("auth").and_then(|auth| auth.as_str());
        for secret in portal.issued_secrets() {
            assert!(Some(secret.as_str()) == access || !body.contains(&secret));
        }
    }
}

#[tokio::test]
async fn a_whole_run_at_trace_shows_no_secret() {
    let logs = Logs::default();
    let guard = logs.collect(LevelFilter::TRACE);
    let mut scene = Scene::empty(|settings| settings.echo = true).await;
    scene.run(Mode::Fresh).await;
    scene.everything();
    let portal = scene.world.portal.clone();
    let mut errors = String::new();
    // Renewals that work, that get lost, that are refused; answers of every kind.
    portal.expire_access_tokens();
    for effect in [
        Effect::LoseAnswer,
        Effect::TruncatedJson,
        Effect::Html {
            code: 502,
            processed: false,
        },
        Effect::Error {
            status: 401,
            code: "invalid_token".to_owned(),
            description: String::new(),
        },
    ] {
        portal.fault(Fault::new(Matcher::portal().times(9), effect));
        if let Err(failure) = scene.world.pass().await {
            errors += &format!("{failure} {failure:?}\n");
        }
        portal.clear_faults();
        scene.world.advance(60.0);
    }
    portal.expire_access_tokens();
    portal.fault(Fault::new(Matcher::oauth(), Effect::LoseAnswer));
    let failure = scene.world.pass().await.unwrap_err();
    errors += &format!("{failure} {failure:?}\n{:?}\n", scene.world.record());
    errors += &format!("{:?} {:?}\n", scene.world.context.store, scene.world.config);
    scene.world.authorise();
    scene.run(Mode::Daemon).await;
    drop(guard);

    let text = logs.text();
    assert!(
        text.contains("access token renewed") && text.contains("TRACE"),
        "nothing was logged"
    );
    assert_silent(&portal, "the log", &text);
    assert_silent(&portal, "an error", &errors);
    assert_addressed(&portal);
    assert_eq!(scene.complaints(), [] as [String; 0]);
}

/// A server that repeats what it was sent, in the text of an error.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_repeats_is_not_repeated_by_us() {
    for server in [Server::Portal, Server::OAuth] {
        let installed = Installed::authorised(|_| {}, "").await;
        let portal = &installed.portal;
        if server == Server::OAuth {
            portal.expire_access_tokens();
        }
        portal.before_request(move |portal, record| {
            if record.server != server {
                return;
            }
            let sent = record.params.values().filter_map(|value| value.as_str());
            let echo = Effect::Error {
                status: 400,
                code: "ERROR_CORE".to_owned(),
                description: format!("no: {}", sent.collect::<Vec<_>>().join(" and ")),
            };
            portal.fault(Fault::new(Matcher::any(), echo));
        });
        let mut said = format!(
            "{:?}",
            installed
                .run(&["-vv", "run", "--once", "--max-wait", "1s"])
                .await
        );
        said += &installed.run_for(0, &["status", "--json"]).await;
        assert!(said.contains("no: "), "{server:?} was not heard: {said}");
        assert_silent(portal, &format!("what {server:?} said"), &said);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_at_its_most_talkative_shows_no_secret() {
    let installed = Installed::authorised(|_| {}, "").await;
    installed.portal.expire_access_tokens();
    for format in ["text", "json", "journal"] {
        let mut command = installed.command(&["--log-format", format, "run", "--once"]);
        command.env("RUST_LOG", "trace");
        let output = tokio::task::spawn_blocking(move || command.output().unwrap())
            .await
            .unwrap();
        let text = format!("{output:?}");
        for logged in ["access token renewed", "no result"] {
            assert!(text.contains(logged), "not everything was logged: {text}");
        }
        assert_silent(&installed.portal, format, &text);
        installed.portal.expire_access_tokens();
    }
    assert_addressed(&installed.portal);
}
