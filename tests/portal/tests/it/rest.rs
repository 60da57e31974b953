//! Envelope, parameters, gates.

use serde_json::{Value, json};
use test_portal::Settings;

use crate::client::Client;

#[tokio::test]
async fn the_envelope_carries_time_in_the_portals_zone() {
    let client = Client::new().await;
    let (status, body) = client.call("Server.TIME.json", json!({})).await;
    assert_eq!(status, 200);
    assert_eq!(body["result"], "2026-01-05T10:00:00+03:00");
    assert_eq!(body["time"]["date_start"], "2026-01-05T10:00:00+03:00");
    assert_eq!(body["time"]["operating"], 0.0);
    assert_eq!(body["time"]["operating_reset_at"], 1_767_597_000);
    client.portal.settings(|s| s.operating_limit = None);
    let (_, body) = client.call("server.time", json!({})).await;
    assert_eq!(body["time"].get("operating"), None);
}

#[tokio::test]
async fn json_counts_for_posts_with_its_content_type_alone() {
    let client = Client::new().await;
    let url = format!("{}/rest/profile", client.portal.url());
    let body = json!({"auth": client.token}).to_string();
    for (kind, text, expected) in [
        ("application/json", body.as_str(), 200),
        ("application/json; charset=utf-8", &body, 200),
        ("text/plain", &body, 401),
        ("application/json", "{\"auth\": ", 401),
        (
            "application/x-www-form-urlencoded",
            &format!("auth={}", client.token),
            200,
        ),
    ] {
        let request = client.http.post(&url).header("content-type", kind);
        let answer = request.body(text.to_owned()).send().await.unwrap();
        assert_eq!(answer.status(), expected, "{kind} {text}");
    }
    let bearer = client.http.get(&url).bearer_auth(&client.token);
    assert_eq!(bearer.send().await.unwrap().status(), 200);
    let upper = client.http.get(format!("{url}?AUTH={}", client.token));
    let answer: Value = upper.send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["error"], "NO_AUTH_FOUND");
}

#[tokio::test]
async fn gates_stand_in_front_of_the_methods() {
    let client = Client::new().await;
    let (status, code, _) = client.err("crm.contact.nothing", json!({})).await;
    assert_eq!((status, code.as_str()), (404, "ERROR_METHOD_NOT_FOUND"));
    client
        .portal
        .settings(|s| s.scopes = vec!["user".to_owned()]);
    let (status, code, _) = client.err("crm.contact.list", json!({})).await;
    assert_eq!((status, code.as_str()), (401, "insufficient_scope"));
    let event = json!({"event": "onCrmContactAdd", "event_type": "offline"});
    let (_, code, _) = client.err("event.bind", event).await;
    assert_eq!(code, "ERROR_EVENT_NOT_FOUND");

    client.portal.settings(|s| s.admin = false);
    assert_eq!(client.ok("user.admin", json!({})).await, json!(false));
    let (status, code, _) = client.err("event.offline.list", json!({})).await;
    assert_eq!((status, code.as_str()), (403, "ACCESS_DENIED"));
    client.portal.settings(|s| s.dismissed = true);
    let (status, code, _) = client.err("profile", json!({})).await;
    assert_eq!((status, code.as_str()), (401, "authorization_error"));
}

#[tokio::test]
async fn a_connector_key_needs_the_plan_on_every_method() {
    let client = Client::with(Settings {
        plan_connector: false,
        ..Settings::default()
    })
    .await;
    let with_key = json!({"CODE": "rest_auth_connector", "auth_connector": ""});
    let (status, code, _) = client.err("feature.get", with_key).await;
    assert_eq!((status, code.as_str()), (403, "WRONG_LICENSE"));
    let without = json!({"CODE": "rest_auth_connector"});
    assert_eq!(
        client.ok("feature.get", without).await,
        json!({"value": "N"})
    );
    let (status, code, _) = client.err("feature.get", json!({})).await;
    assert_eq!((status, code.as_str()), (400, "CODE_EMPTY"));
}

#[tokio::test]
async fn the_helper_methods_answer_in_shape() {
    let client = Client::new().await;
    let info = client.ok("app.info", json!({})).await;
    assert_eq!(info["INSTALLED"], true);
    assert_eq!(info["CODE"], client.portal.client_id());
    assert_eq!(client.ok("scope", json!({})).await, json!(["crm"]));
    let profile = client.ok("profile", json!({})).await;
    assert_eq!(
        (&profile["ID"], &profile["ADMIN"]),
        (&json!("1"), &json!(true))
    );
    let exists = client
        .ok("method.get", json!({"name": "crm.contact.get"}))
        .await;
    assert_eq!(exists, json!({"isExisting": true, "isAvailable": true}));
}

#[tokio::test]
async fn a_renamed_portal_answers_302_at_its_old_address() {
    let client = Client::new().await;
    let old = client.portal.url();
    let new = client.portal.rename_host();
    assert_ne!(old, new);
    let request = client.http.post(format!("{old}/rest/profile.json?x=1"));
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 302);
    assert_eq!(
        answer.headers()["location"].to_str().unwrap(),
        format!("{new}/rest/profile.json?x=1")
    );
    client.ok("profile", json!({})).await;
}

#[tokio::test]
async fn handlers_are_bound_once_per_connector() {
    let client = Client::new().await;
    let offline = json!({"EVENT": "onCrmContactUpdate", "event_type": "offline"});
    assert_eq!(client.ok("event.bind", offline.clone()).await, json!(true));
    let (status, code, text) = client.err("event.bind", offline.clone()).await;
    assert_eq!((status, code.as_str()), (400, "ERROR_CORE"));
    assert!(text.ends_with("Handler already binded"));
    let other =
        json!({"event": "ONCRMCONTACTUPDATE", "event_type": "offline", "auth_connector": "tidy"});
    client.ok("event.bind", other).await;
    assert_eq!(
        client.ok("event.get", json!({})).await,
        json!([{"event": "ONCRMCONTACTUPDATE", "connector_id": "", "offline": 1},
               {"event": "ONCRMCONTACTUPDATE", "connector_id": "tidy", "offline": 1}])
    );
    let ping = json!({"event": "ONOFFLINEEVENT", "event_type": "offline"});
    assert_eq!(client.err("event.bind", ping).await.1, "ERROR_ARGUMENT");
    let online = json!({"event": "ONCRMCONTACTUPDATE"});
    assert_eq!(client.err("event.unbind", online).await.1, "ERROR_ARGUMENT");
    assert_eq!(
        client.ok("event.unbind", offline).await,
        json!({"count": 1})
    );
    assert_eq!(client.portal.bindings().len(), 1);
}

#[tokio::test]
async fn the_present_address_may_redirect_elsewhere() {
    let client = Client::new().await;
    client
        .portal
        .settings(|s| s.redirects_to = Some("https://trap.example".to_owned()));
    let url = format!("{}/rest/profile", client.portal.url());
    let answer = client.http.post(url).send().await.unwrap();
    assert_eq!(answer.status(), 302);
    assert_eq!(
        answer.headers()["location"],
        "https://trap.example/rest/profile"
    );
}

#[tokio::test]
async fn events_are_named_by_scope() {
    let client = Client::new().await;
    let events = async |params: serde_json::Value| client.ok("events", params).await;
    let all = events(json!({})).await;
    let crm = events(json!({"SCOPE": "crm"})).await;
    let contains =
        |list: &serde_json::Value, name: &str| list.as_array().unwrap().contains(&json!(name));
    assert!(contains(&all, "ONCRMDEALUPDATE") && contains(&all, "ONOFFLINEEVENT"));
    assert!(contains(&crm, "ONCRMDEALUPDATE") && !contains(&crm, "ONOFFLINEEVENT"));
    assert_eq!(events(json!({"SCOPE": "task"})).await, json!([]));
    client.portal.settings(|s| s.scopes.clear());
    assert!(!contains(&events(json!({})).await, "ONCRMDEALUPDATE"));
    assert_eq!(events(json!({"SCOPE": "crm"})).await, json!([]));
}

#[tokio::test]
async fn a_wrong_clock_shows_in_dates_and_spares_tokens_and_limits() {
    let client = Client::bound().await;
    let month = 30.0 * 86_400.0;
    client.portal.settings(|s| s.clock_offset = month);
    let id = client.portal.add_contact("a", "", "b");
    let (_, body) = client.call("crm.contact.get", json!({"id": id})).await;
    let date = "2026-02-04T10:00:00+03:00";
    assert_eq!(body["result"]["DATE_MODIFY"], date);
    assert_eq!(body["time"]["date_start"], date);
    assert_eq!(body["time"]["start"], 1_767_596_400 + 30 * 86_400);
    assert_eq!(
        client.portal.queue()[0].timestamp,
        1_767_596_400 + 30 * 86_400
    );
    assert_eq!(client.ok("server.time", json!({})).await, date);
    client.portal.settings(|s| s.clock_offset = 0.0);
    assert_eq!(
        client.ok("server.time", json!({})).await,
        "2026-01-05T10:00:00+03:00"
    );
}

#[tokio::test]
async fn several_slashes_are_one() {
    let client = Client::new().await;
    client.ok("/profile", json!({})).await;
}
