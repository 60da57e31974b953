//! The wire: renames, clocks that jump, and what else portals and proxies answer.

use std::sync::Arc;

use b24_tidyd::drain::DrainFailure;
use serde_json::json;
use test_portal::{
    Effect, Fault, GuardMode, ManualClock, Matcher, Portal, PortalClock, Server, Settings,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::scene::{Mode, Scene};

async fn ready(change: impl FnOnce(&mut Settings)) -> Scene {
    let mut scene = Scene::empty(change).await;
    scene.run(Mode::Fresh).await;
    scene.ordinary();
    scene
}

/// The portal is renamed ahead of each request in turn: the request is posted again to the new
/// address, which is remembered.
/// Break: follow redirects in the HTTP client (the POST becomes a GET); forget the new address.
#[tokio::test]
async fn a_renamed_portal_is_followed_and_remembered() {
    for (nth, host_alone) in (1..=6).map(|nth| (nth, nth % 2 == 0)) {
        let scene = ready(|settings| settings.redirects_to_host = host_alone).await;
        let mut seen = 0;
        scene.world.portal.before_request(move |portal, _| {
            seen += 1;
            if seen == nth {
                portal.rename_host();
            }
        });
        scene.run(Mode::Daemon).await;
        assert_eq!(scene.complaints(), [] as [String; 0], "request {nth}");
        let portal = &scene.world.portal;
        let endpoint = scene.world.record().tokens.endpoint;
        assert_eq!(endpoint, format!("{}/rest/", portal.url()), "request {nth}");
        let requests = portal.requests();
        assert!(requests.iter().all(|request| request.verb == "POST"));
        let moved = requests
            .iter()
            .filter(|request| request.status == Some(302));
        assert_eq!(
            moved.count(),
            1,
            "request {nth}: the new address was not remembered"
        );
    }
}

/// A server that sends everybody elsewhere.
async fn detour(location: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 65536];
            let _ = stream.read(&mut request).await;
            let answer = format!(
                "HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            );
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    format!("http://{address}/rest/")
}

/// Redirects to places that are not our portal: they get nothing, nothing of them is used, and the work waits
/// until the detour is over. The authorisation server is asked once about each, also by later processes.
/// Break: send the token along to see whether it is accepted; ask at each request.
#[tokio::test]
async fn a_redirect_elsewhere_is_refused() {
    let clock = Arc::new(ManualClock::default());
    let stranger = Portal::start(Settings::default(), clock).await.unwrap();
    let elsewhere = [
        // Another portal, which the authorisation server does not name.
        (format!("{}/rest/batch.json", stranger.url()), 1),
        // Not encrypted.
        ("http://acme.example/rest/batch.json".to_owned(), 0),
        // Not the interface.
        (format!("{}/login", stranger.url()), 0),
    ];
    for (location, renewals) in elsewhere {
        let scene = ready(|_| {}).await;
        let (store, id) = (&scene.world.context.store, scene.world.id());
        let home = scene.world.record().tokens.endpoint;
        let sent_away = detour(location.clone()).await;
        store.set_endpoint(id, &sent_away).await.unwrap();
        scene.world.portal.clear_requests();

        for _ in 0..3 {
            let failure = scene.world.pass().await.unwrap_err();
            let kind = matches!(failure, DrainFailure::NeedsPerson(_));
            assert!(kind, "{location}: {failure:?}");
            assert!(failure.to_string().contains("set its `url`"), "{failure}");
        }
        let record = scene.world.record();
        assert_eq!(
            (record.tokens.endpoint, record.lost),
            (sent_away, None),
            "{location}"
        );
        assert_eq!(scene.world.portal.requests().len(), renewals, "{location}");
        scene.world.portal.clear_violations();

        store.set_endpoint(id, &home).await.unwrap();
        scene.run(Mode::Fresh).await;
        assert_eq!(scene.complaints(), [] as [String; 0], "{location}");
    }
    assert_eq!(stranger.requests().len(), 0, "it was asked");
}

/// Break: let what was stored win over what is configured.
#[tokio::test]
async fn what_is_configured_wins_over_what_was_stored() {
    let mut scene = ready(|_| {}).await;
    let before = scene.world.config.url.clone();
    let now_at = scene.world.portal.rename_host();
    // The old address is gone, so that nobody is sent anywhere; the administrator knows.
    let (store, id) = (scene.world.context.store.clone(), scene.world.id());
    let target = format!("{now_at}/rest/");
    store
        .set_unconfirmed_move(id, &target, scene.world.context.clock.now())
        .await
        .unwrap();
    scene.world.config.url = format!("{now_at}/").parse().unwrap();
    assert_eq!(scene.world.id(), id, "the stored tokens are found");
    scene.world.portal.clear_requests();
    scene.world.pass().await.unwrap();
    let requests = scene.world.portal.requests();
    assert!(requests.iter().all(|request| request.status == Some(200)));
    assert!(
        requests
            .iter()
            .all(|request| request.server == Server::Portal)
    );
    assert_ne!(before, scene.world.config.url);
}

/// The clock of the host jumps, by a second, by a day and by years, in both directions, at any request
/// and between passes, with rows put off and contacts parked. (The portal's clock goes with it here:
/// what the program compares are its own stored times.)
#[tokio::test]
async fn clocks_may_jump() {
    const YEAR: f64 = 365.0 * 86400.0;
    for jump in [
        -1.0,
        1.0,
        -3600.0,
        86400.0,
        -86400.0,
        -3.0 * YEAR,
        3.0 * YEAR,
    ] {
        for nth in [1, 3] {
            let mut scene = ready(|_| {}).await;
            let portal = scene.world.portal.clone();
            let put_off = portal.add_contact("boris", "", "petrov");
            let refused = portal.add_contact("clara", "", "weiss");
            let say = |text: &str| (String::new(), text.to_owned());
            portal.settings(|settings| {
                settings.refused.insert(put_off, say("SQL query error"));
                settings.refused.insert(refused, say("no"));
                settings.access_lifetime = 100.0 * YEAR;
            });
            scene.world.authorise();
            scene.world.advance(5.0);
            let mut drain = scene.world.drain();
            drain.pass(&mut |_| {}).await.unwrap();
            portal.settings(|settings| settings.refused.clear());
            portal.edit_contact(2, &[("NAME", "otto")]);
            scene.world.advance(5.0);

            let clock = scene.world.clock.0.clone();
            let mut seen = 0;
            portal.before_request(move |_, _| {
                seen += 1;
                if seen == nth {
                    clock.set(clock.now() + jump);
                }
            });
            let _ = drain.pass(&mut |_| {}).await;
            portal.clear_hooks();
            if jump < 0.0 {
                // The portal would call what it said before "the future": people correct clocks.
                portal.edit_contact(2, &[("NAME", "otto")]);
            }
            // Days, not years, until everything is settled.
            for _ in 0..(3 * 24) {
                let _ = drain.pass(&mut |_| {}).await;
                scene.world.advance(3600.0);
            }
            scene.expect_names(put_off, ["Boris", "", "Petrov"]);
            scene.expect_names(refused, ["Clara", "", "Weiss"]);
            assert_eq!(
                scene.world.names(2),
                ["Otto", "", "Smith"],
                "{jump} s at request {nth}"
            );
            let complaints = scene.complaints();
            let complaints: Vec<_> = complaints
                .iter()
                .filter(|complaint| {
                    !complaint.contains("contact 2") && !complaint.contains("was written")
                })
                .collect();
            assert!(
                complaints.is_empty(),
                "{jump} s at request {nth}: {complaints:#?}"
            );
        }
    }
}

#[tokio::test]
async fn ids_may_be_numbers() {
    let scene = ready(|settings| settings.numeric_event_ids = true).await;
    scene.run(Mode::Fresh).await;
    assert_eq!(scene.complaints(), [] as [String; 0]);
}

/// `{"error": ""}` with status 200 is an error; so are codes that are numbers, and null.
#[tokio::test]
async fn errors_come_with_any_status_and_any_code() {
    let bodies = [
        json!({"error": "", "error_description": ""}),
        json!({"error": "", "error_description": "Not found", "result": true}),
        json!({"error": 0, "error_description": "SQL query error"}),
        json!({"error": "WRONG_ENCODING", "result": []}),
        json!({"error": null, "error_description": null}),
        json!([]),
        json!({"result": null}),
        json!({"result": {"result": null, "result_error": []}}),
        json!({"time": {}}),
    ];
    for body in bodies {
        for nth in 1..=4 {
            let scene = ready(|_| {}).await;
            let effect = Effect::Status {
                code: 200,
                body: body.to_string(),
                retry_after: None,
                processed: nth % 2 == 0,
            };
            let fault = Fault::new(Matcher::portal().nth(nth), effect);
            scene.world.portal.fault(fault);
            scene.run(Mode::Daemon).await;
            assert_eq!(
                scene.complaints(),
                [] as [String; 0],
                "{body} at request {nth}"
            );
        }
    }
}

/// Portals that say nothing of execution times, or everything; that guard in this way or that.
#[tokio::test]
async fn answers_without_optional_parts_are_enough() {
    for guard in [GuardMode::NewSource, GuardMode::OldSource] {
        let scene = ready(|settings| {
            settings.report_operating = false;
            settings.operating_limit = None;
            settings.self_hosted = true;
            settings.guard = guard;
        })
        .await;
        scene.run(Mode::Fresh).await;
        assert_eq!(scene.complaints(), [] as [String; 0]);
    }
}
