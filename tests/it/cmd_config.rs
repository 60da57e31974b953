//! `config show` and `config check`.

use insta::assert_snapshot;
use serde_json::Value;

use crate::installed::Installed;

/// What the command says, with the addresses and folders of this run made equal.
async fn said(world: &Installed, code: i32, line: &[&str]) -> String {
    let text = world.run_for(code, line).await;
    text.replace(world.folder.path().to_str().unwrap(), "/folder")
        .replace(&world.portal.url(), "http://acme")
        .replace(&world.portal.oauth_url(), "http://oauth")
        .replace(&world.portal.client_id(), "local.1")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_effect_is_shown_without_secrets() {
    let world = Installed::without_tokens(|_| {}, "").await;
    assert_snapshot!(said(&world, 0, &["config", "show"]).await, @r#"
    file = "/folder/config.toml"

    [store]
    path = "/folder/state.db"

    [poll]
    schedule = "* * * * * *"
    limit = 1000

    [history]
    keep_days = 90

    [log]
    personal_data = false

    [[portal]]
    name = "acme"
    url = "http://acme"
    client_id = "local.1"
    client_secret = "hidden (from app.client_secret_file)"
    oauth_url = "http://oauth/"
    burst = 50.0
    rate = 2.0
    share = 0.8
    operating_limit = 480.0
    contacts_api = "auto"
    max_changes_per_hour = 100000
    contested_after_writes = 5
    contested_period_minutes = 60
    batch_seconds = 5.0

    [portal.names]
    style = "smart"
    language = "und"
    fields = ["NAME", "SECOND_NAME", "LAST_NAME"]
    leading_particle = "keep"

    [portal.names.particles]
    enabled = true
    extra = []
    "#);
    let json: Value =
        serde_json::from_str(&said(&world, 0, &["config", "show", "--json"]).await).unwrap();
    assert_eq!(json["portal"][0]["url"], "http://acme");
    std::fs::remove_file(world.folder.path().join("client_secret")).unwrap();
    let text = said(&world, 0, &["config", "show"]).await;
    assert!(text.contains("client_secret = \"missing"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_tells_every_problem() {
    let world = Installed::without_tokens(|_| {}, "").await;
    assert_snapshot!(said(&world, 0, &["config", "check"]).await, @"/folder/config.toml: in order; portals: acme");
    assert_snapshot!(said(&world, 0, &["config", "check", "--json"]).await, @r#"
    {
      "ok": true,
      "problems": [],
      "remarks": []
    }
    "#);
    let file = world.folder.path().join("config.toml");
    let wrong = std::fs::read_to_string(&file).unwrap().replace(
        "schedule = \"* * * * * *\"",
        "schedule = \"often\"\nburst = 1",
    );
    std::fs::write(&file, wrong).unwrap();
    assert_snapshot!(said(&world, 78, &["config", "check", "--json"]).await, @r#"
    {
      "ok": false,
      "problems": [
        {
          "file": "/folder/config.toml",
          "line": 8,
          "key": "poll.schedule",
          "problem": "has 1 fields, but a schedule has six (seconds first) or five",
          "remedy": "write a cron expression in UTC, seconds first, such as \"*/10 * * * * *\""
        },
        {
          "file": "/folder/config.toml",
          "line": 9,
          "key": "poll.burst",
          "problem": "is not a known key",
          "remedy": "remove it, or use one of limit, schedule"
        }
      ],
      "remarks": []
    }
    "#);
    let output = world.run(&["config", "check"]).await;
    assert_eq!(output.status.code(), Some(78));
    assert_eq!(String::from_utf8_lossy(&output.stderr).lines().count(), 2);
}
