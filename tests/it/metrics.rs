//! Metrics in the textfile collector's form, and the sign of life, by the real program.

use std::{
    collections::BTreeMap,
    fs,
    io::{Read, Write},
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    process::Command,
    sync::mpsc,
    time::Duration,
};

use b24_tidyd::store::Store;

use crate::{
    installed::Installed,
    manager::{Managed, eventually},
};

const FILE: &str = "metrics.prom";

/// An installation that writes metrics and sends signs of life to `beats`.
async fn observed(beats: &str) -> Installed {
    let more = format!("heartbeat_url = {beats:?}\n[metrics]\ntextfile = {FILE:?}\n");
    Installed::authorised(|_| {}, &more).await
}

/// The samples of the file by name and labels. Checks the form while it is at it.
fn samples(installed: &Installed) -> BTreeMap<String, f64> {
    let text = fs::read_to_string(installed.folder.path().join(FILE)).unwrap();
    let mut announced = String::new();
    let mut samples = BTreeMap::new();
    for line in text.lines() {
        if let Some(head) = line.strip_prefix("# TYPE ") {
            let (name, kind) = head.split_once(' ').unwrap();
            assert!(["counter", "gauge"].contains(&kind), "{line}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            announced = name.to_owned();
        } else if !line.starts_with("# HELP ") {
            let (sample, value) = line.rsplit_once(' ').unwrap();
            let (name, labels) = sample.split_once('{').unwrap();
            assert_eq!(name, announced, "{line}");
            assert!(labels.ends_with("\"}"), "{line}");
            let before = samples.insert(sample.to_owned(), value.parse().unwrap());
            assert_eq!(before, None, "{line}");
        }
    }
    samples
}

fn of<'a>(samples: &'a BTreeMap<String, f64>, name: &str) -> Option<&'a f64> {
    samples.get(&format!("b24_tidyd_{name}"))
}

/// A server that answers every request and passes on its first line.
fn listener() -> (String, mpsc::Receiver<String>) {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/ping/s3cret-path", server.local_addr().unwrap());
    let (send, beats) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in server.incoming() {
            let mut stream = stream.unwrap();
            let mut buffer = [0; 4096];
            let length = stream.read(&mut buffer).unwrap();
            let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
            let answer = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            stream.write_all(answer.as_bytes()).unwrap();
            if send
                .send(text.lines().next().unwrap_or_default().to_owned())
                .is_err()
            {
                return;
            }
        }
    });
    (url, beats)
}

/// The next sign of life; the limit ends a test that has failed.
fn next(beats: &mpsc::Receiver<String>) -> String {
    beats.recv_timeout(Duration::from_secs(60)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn counters_grow_from_one_shot_run_to_one_shot_run() {
    let (url, beats) = listener();
    let installed = observed(&url).await;
    installed.run_for(0, &["run", "--once"]).await;
    let first = samples(&installed);
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        of(&first, &format!("build_info{{version=\"{version}\"}}")),
        Some(&1.0)
    );
    assert_eq!(of(&first, "events_total{portal=\"acme\"}"), Some(&0.0));
    assert_eq!(of(&first, "authorised{portal=\"acme\"}"), Some(&1.0));

    installed.portal.add_contact("anna", "", "smith");
    installed.portal.add_contact("Anna", "", "Smith");
    installed.portal.expire_access_tokens();
    installed.run_for(0, &["run", "--once"]).await;
    let second = samples(&installed);
    assert_eq!(of(&second, "events_total{portal=\"acme\"}"), Some(&2.0));
    assert_eq!(of(&second, "changes_total{portal=\"acme\"}"), Some(&1.0));
    assert_eq!(
        of(&second, "token_renewals_total{portal=\"acme\"}"),
        Some(&1.0)
    );
    assert_eq!(
        of(&second, "drains_total{portal=\"acme\",outcome=\"done\"}"),
        Some(&2.0)
    );
    let requests = "requests_total{portal=\"acme\",method=\"batch\",result=\"ok\"}";
    assert!(of(&second, requests) > of(&first, requests));
    let refused = "requests_total{portal=\"acme\",method=\"batch\",result=\"token\"}";
    assert_eq!(of(&second, refused), Some(&1.0));
    for gauge in [
        "queue_rows",
        "parked_contacts",
        "contested_contacts",
        "paused",
    ] {
        assert_eq!(
            of(&second, &format!("{gauge}{{portal=\"acme\"}}")),
            Some(&0.0),
            "{gauge}"
        );
    }
    let success = "last_success_timestamp_seconds{portal=\"acme\"}";
    assert!(of(&second, success) >= of(&first, success));

    // One sign of life for each run that succeeded, by GET.
    for _ in 0..2 {
        assert_eq!(next(&beats), "GET /ping/s3cret-path HTTP/1.1");
    }
    assert!(beats.try_recv().is_err());
}

/// Catches a file that inherits the service's umask, and a draft that is left behind.
#[tokio::test(flavor = "multi_thread")]
async fn the_collector_may_read_the_file_whatever_the_umask() {
    let (url, _beats) = listener();
    let installed = observed(&url).await;
    let program = installed.command(&["run", "--once"]);
    let mut shell = Command::new("sh");
    shell.args(["-c", "umask 077; exec \"$0\" \"$@\""]);
    shell.arg(program.get_program()).args(program.get_args());
    let status = tokio::task::spawn_blocking(move || shell.status().unwrap())
        .await
        .unwrap();
    assert!(status.success());
    let found = fs::metadata(installed.folder.path().join(FILE)).unwrap();
    assert_eq!(found.permissions().mode() & 0o777, 0o644);
    let names = fs::read_dir(installed.folder.path()).unwrap();
    let drafts = names.filter(|entry| {
        let name = entry.as_ref().unwrap().file_name().into_string().unwrap();
        name.starts_with(FILE) && name != FILE
    });
    assert_eq!(drafts.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_drain_counts_and_sends_no_sign_of_life() {
    let (url, beats) = listener();
    let installed = observed(&url).await;
    installed.portal.settings(|settings| settings.admin = false);
    installed.run_for(77, &["run", "--once"]).await;
    let samples = samples(&installed);
    assert_eq!(
        of(
            &samples,
            "drains_total{portal=\"acme\",outcome=\"not authorised\"}"
        ),
        Some(&1.0)
    );
    assert_eq!(
        of(&samples, "last_success_timestamp_seconds{portal=\"acme\"}"),
        None
    );
    assert!(of(&samples, "last_drain_timestamp_seconds{portal=\"acme\"}").is_some());
    assert!(beats.try_recv().is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_daemon_tells_after_each_drain() {
    let (url, beats) = listener();
    let installed = observed(&url).await;
    let mut daemon = Managed::start(&installed, |_| {});
    next(&beats);
    eventually("a first file", || {
        installed.folder.path().join(FILE).exists()
    });
    installed.portal.add_contact("anna", "", "smith");
    eventually("the change was counted", || {
        of(&samples(&installed), "changes_total{portal=\"acme\"}") == Some(&1.0)
    });
    assert_eq!(daemon.stop(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_heartbeat_that_fails_is_said_once_and_never_where_it_goes() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/ping/s3cret-path", closed.local_addr().unwrap());
    drop(closed);
    let installed = observed(&url).await;
    let mut daemon = Managed::start(&installed, |command| {
        command.env("RUST_LOG", "debug");
    });
    for _ in 0..3 {
        let drains = |samples: &BTreeMap<String, f64>| {
            of(samples, "drains_total{portal=\"acme\",outcome=\"done\"}").copied()
        };
        eventually("a first file", || {
            installed.folder.path().join(FILE).exists()
        });
        let before = drains(&samples(&installed));
        eventually("one more drain", || drains(&samples(&installed)) > before);
    }
    assert_eq!(daemon.stop(), Some(0));
    let log = daemon.log();
    assert_eq!(
        log.matches("the heartbeat does not get through").count(),
        1,
        "{log}"
    );
    assert!(!log.contains("s3cret-path"), "{log}");
}

/// An alert on a value that is missing never fires.
#[tokio::test(flavor = "multi_thread")]
async fn a_portal_without_tokens_has_metrics() {
    let (url, _beats) = listener();
    let more = format!("heartbeat_url = {url:?}\n[metrics]\ntextfile = {FILE:?}\n");
    let installed = Installed::without_tokens(|_| {}, &more).await;
    Store::open_or_create(&installed.store_path())
        .await
        .unwrap();
    let expect = |samples: &BTreeMap<String, f64>| {
        assert_eq!(of(samples, "authorised{portal=\"acme\"}"), Some(&0.0));
        let condition = "condition{portal=\"acme\",kind=\"no-tokens\"}";
        assert_eq!(of(samples, condition), Some(&1.0), "{samples:?}");
    };
    installed.run_for(77, &["run", "--once"]).await;
    expect(&samples(&installed));
    fs::remove_file(installed.folder.path().join(FILE)).unwrap();
    let mut daemon = Managed::start(&installed, |_| {});
    eventually("a file", || installed.folder.path().join(FILE).exists());
    expect(&samples(&installed));
    installed.store_tokens();
    eventually("authorised", || {
        of(&samples(&installed), "authorised{portal=\"acme\"}") == Some(&1.0)
    });
    assert!(
        !samples(&installed)
            .keys()
            .any(|name| name.contains("no-tokens"))
    );
    assert_eq!(daemon.stop(), Some(0));
}

/// Services count more as abuse.
#[tokio::test(flavor = "multi_thread")]
async fn a_heartbeat_comes_once_a_minute_at_most() {
    let (url, beats) = listener();
    let installed = observed(&url).await;
    let mut daemon = Managed::start(&installed, |_| {});
    next(&beats);
    let polls = installed.portal.request_count();
    eventually("three more polls", || {
        installed.portal.request_count() >= polls + 3
    });
    assert_eq!(daemon.stop(), Some(0));
    assert_eq!(beats.try_iter().count(), 0);
}

/// What cannot be written is no reason to stop.
#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_missing_is_said_and_survived() {
    let more = "[metrics]\ntextfile = \"missing/metrics.prom\"\n";
    let installed = Installed::authorised(|_| {}, more).await;
    let output = installed.run(&["run", "--once"]).await;
    assert_eq!(output.status.code(), Some(0));
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(log.contains("the metrics file cannot be written"), "{log}");
    // And where one looks.
    let json = installed.run_for(0, &["status", "--json"]).await;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["conditions"][0]["kind"], "metrics", "{json}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_is_shown_while_a_method_is_blocked() {
    let (url, _beats) = listener();
    let installed = observed(&url).await;
    installed.run_for(0, &["run", "--once"]).await;
    installed.portal.add_contact("anna", "", "smith");
    installed.portal.occupy_operating("crm.item.update", 480.0);
    installed.run_for(75, &["run", "--once"]).await;
    let samples = samples(&installed);
    assert_eq!(of(&samples, "queue_rows{portal=\"acme\"}"), Some(&1.0));
    assert!(of(&samples, "queue_oldest_timestamp_seconds{portal=\"acme\"}").is_some());
}

/// Catches an alert on a metric that was renamed.
#[tokio::test(flavor = "multi_thread")]
async fn the_example_alerts_ask_for_metrics_that_exist() {
    let (url, _beats) = listener();
    let installed = observed(&url).await;
    installed.run_for(0, &["run", "--once"]).await;
    let text = fs::read_to_string(installed.folder.path().join(FILE)).unwrap();
    let alerts = concat!(env!("CARGO_MANIFEST_DIR"), "/systemd/monitoring/alerts.yml");
    let alerts = fs::read_to_string(alerts).unwrap();
    let expressions = alerts
        .lines()
        .filter_map(|line| line.trim().strip_prefix("expr: "));
    let mut asked = 0;
    for expression in expressions {
        let at = expression.find("b24_tidyd_").unwrap();
        let end = expression[at..]
            .find([' ', '{'])
            .map_or(expression.len(), |end| at + end);
        let metric = expression[at..end].trim_end_matches(')');
        assert!(text.contains(&format!("# TYPE {metric} ")), "{metric}");
        asked += 1;
    }
    assert_eq!(asked, 7);
}
