//! Codes, pairs, renewal.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::client::Client;

async fn token(client: &Client, post: bool, params: &[(&str, &str)]) -> (u16, Value) {
    let url = format!("{}/oauth/token/", client.portal.oauth_url());
    let (id, secret) = (client.portal.client_id(), client.portal.client_secret());
    let mut all = vec![("client_id", id.as_str()), ("client_secret", &secret)];
    all.retain(|(name, _)| !params.iter().any(|(given, _)| given == name));
    all.extend_from_slice(params);
    let request = if post {
        client.http.post(url).form(&all)
    } else {
        let query = all.iter().map(|(name, value)| format!("{name}={value}"));
        let query = query.collect::<Vec<_>>().join("&");
        client.http.get(format!("{url}?{query}"))
    };
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn renew(client: &Client, refresh: &str) -> (u16, Value) {
    let params = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
    token(client, true, &params).await
}

#[tokio::test]
async fn a_code_works_once_and_for_thirty_seconds() {
    let client = Client::new().await;
    let portal = &client.portal;
    let page = format!(
        "{}/oauth/authorize/?client_id={}&state=s%201",
        portal.url(),
        portal.client_id()
    );
    let code_of = async || {
        let answer = client.http.get(&page).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::FOUND);
        let location = answer.headers()["location"].to_str().unwrap().to_owned();
        assert!(location.contains("state=s%201"), "{location}");
        let from = location.find("code=").unwrap() + 5;
        location[from..].split('&').next().unwrap().to_owned()
    };
    let code = code_of().await;
    let params = [("grant_type", "authorization_code"), ("code", &code)];
    let (status, pair) = token(&client, true, &params).await;
    assert_eq!(status, 200);
    assert_eq!(pair["expires_in"], 3600);
    assert_eq!(pair["expires"], Value::Null);
    assert_eq!(pair["client_endpoint"], format!("{}/rest/", portal.url()));
    let (status, again) = token(&client, true, &params).await;
    assert_eq!((status, &again["error"]), (400, &json!("invalid_grant")));

    let late = code_of().await;
    client.clock.advance(30.0);
    let params = [("grant_type", "authorization_code"), ("code", &late)];
    assert_eq!(token(&client, false, &params).await.0, 400);
}

#[tokio::test]
async fn refresh_tokens_rotate_and_the_old_one_dies() {
    let client = Client::new().await;
    let pair = client.portal.authorise();
    let old = pair["refresh_token"].as_str().unwrap();
    let (status, renewed) = renew(&client, old).await;
    assert_eq!(status, 200);
    assert_eq!(renewed["user_id"], 1);
    assert!(renewed["expires"].is_i64());
    assert_ne!(renewed["refresh_token"], pair["refresh_token"]);
    let (status, dead) = renew(&client, old).await;
    assert_eq!((status, &dead["error"]), (400, &json!("invalid_grant")));

    client.portal.settings(|s| s.old_refresh_dies = false);
    let new = renewed["refresh_token"].as_str().unwrap();
    assert_eq!(renew(&client, new).await.0, 200);
    assert_eq!(renew(&client, new).await.0, 200);
    client.portal.revoke_refresh_tokens();
    assert_eq!(renew(&client, new).await.0, 400);
}

#[tokio::test]
async fn client_errors_have_their_own_codes_and_statuses() {
    let client = Client::new().await;
    let base = ("grant_type", "refresh_token");
    let (status, body) = token(&client, true, &[base, ("client_id", "local.x")]).await;
    assert_eq!((status, &body["error"]), (200, &json!("wrong_client")));
    let (status, body) = token(&client, true, &[base, ("client_secret", "x")]).await;
    assert_eq!((status, &body["error"]), (401, &json!("invalid_client")));
    let (status, body) = token(&client, true, &[("grant_type", "password")]).await;
    assert_eq!((status, &body["error"]), (400, &json!("invalid_request")));
}

#[tokio::test]
async fn access_tokens_live_an_hour() {
    let client = Client::new().await;
    client.clock.advance(3599.0);
    client.ok("server.time", json!({})).await;
    client.clock.advance(1.0);
    let (status, code, _) = client.err("server.time", json!({})).await;
    assert_eq!((status, code.as_str()), (401, "expired_token"));
    let (status, code, _) = client.err("server.time", json!({"auth": "x"})).await;
    assert_eq!((status, code.as_str()), (401, "invalid_token"));
}

#[tokio::test]
async fn a_renewal_names_the_address_and_the_host_that_it_is_told_to_name() {
    let client = Client::new().await;
    let refresh = client.portal.authorise()["refresh_token"].clone();
    let old = client.portal.url();
    let new = client.portal.rename_host();
    let (_, renewed) = renew(&client, refresh.as_str().unwrap()).await;
    assert_eq!(renewed["client_endpoint"], format!("{new}/rest/"));
    client.portal.settings(|s| {
        s.client_endpoint = Some(format!("{old}/rest/"));
        s.oauth_host = Some("oauth.bitrix24.tech".to_owned());
    });
    let (_, renewed) = renew(&client, renewed["refresh_token"].as_str().unwrap()).await;
    assert_eq!(renewed["client_endpoint"], format!("{old}/rest/"));
    assert_eq!(
        renewed["server_endpoint"],
        "https://oauth.bitrix24.tech/rest/"
    );
    assert_eq!(renewed["domain"], "oauth.bitrix24.tech");
}

#[tokio::test]
async fn a_rotated_secret_and_a_new_installation_end_what_was_there() {
    let client = Client::bound().await;
    client.portal.add_contact("a", "", "");
    let refresh = client.portal.authorise()["refresh_token"].clone();
    let old = client.portal.client_secret();
    let new = client.portal.rotate_client_secret();
    let renewal = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh.as_str().unwrap()),
        ("client_secret", &old),
    ];
    assert_eq!(
        token(&client, true, &renewal).await.1["error"],
        "invalid_client"
    );
    assert_eq!(client.portal.client_secret(), new);
    assert_eq!(client.rows().len(), 1);
    let id = client.portal.client_id();
    client.portal.reinstall_application();
    assert_ne!(client.portal.client_id(), id);
    assert!(client.rows().is_empty() && client.portal.bindings().is_empty());
    assert_eq!(client.err("profile", json!({})).await.1, "invalid_token");
    let (_, refused) = renew(&client, refresh.as_str().unwrap()).await;
    assert_eq!(refused["error"], "invalid_grant");
}
