//! The control interface over HTTP.

use serde_json::{Value, json};

use crate::client::Client;

async fn control(client: &Client, verb: &str, path: &str, body: Value) -> (u16, Value) {
    let url = format!("{}{path}", client.portal.control_url());
    let verb = reqwest::Method::from_bytes(verb.as_bytes()).unwrap();
    let request = client.http.request(verb, url).body(body.to_string());
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap_or(Value::Null))
}

#[tokio::test]
async fn people_faults_settings_and_time_are_within_reach() {
    let client = Client::bound().await;
    let (_, added) = control(
        &client,
        "POST",
        "/contacts",
        json!({"NAME": "ada", "user": 7}),
    )
    .await;
    let path = format!("/contacts/{}", added["id"]);
    let (_, edited) = control(&client, "POST", &path, json!({"LAST_NAME": "l"})).await;
    assert_eq!(
        (&edited["name"], &edited["last_name"]),
        (&json!("ada"), &json!("l"))
    );
    assert_eq!(
        (&edited["created_by"], &edited["modified_by"]),
        (&json!(7), &json!(2))
    );
    let (_, queue) = control(&client, "GET", "/queue", json!(null)).await;
    assert_eq!(queue.as_array().unwrap().len(), 2);

    let fault = json!({"matching": {"method": "profile", "times": 1}, "effect": {"Html": {"code": 503, "processed": false}}});
    assert_eq!(control(&client, "POST", "/faults", fault).await.0, 200);
    let body = json!({"auth": client.token});
    assert!(client.send("profile", &body).await.is_err());

    let (_, settings) = control(
        &client,
        "POST",
        "/settings",
        json!({"plan_confirms": false}),
    )
    .await;
    assert_eq!(
        (&settings["plan_confirms"], &settings["burst"]),
        (&json!(false), &json!(50.0))
    );
    assert_eq!(
        control(&client, "POST", "/settings", json!({"typo": 1}))
            .await
            .0,
        400
    );
    let (_, time) = control(&client, "POST", "/clock", json!({"advance": 3600})).await;
    assert_eq!(time["now"], 1_767_600_000.0);
    assert_eq!(client.err("profile", json!({})).await.1, "expired_token");
    let (_, log) = control(&client, "GET", "/requests", json!(null)).await;
    assert_eq!(log.as_array().unwrap().len(), 2);
    let (_, code) = control(&client, "POST", "/codes", json!({"state": "s"})).await;
    assert!(code["url"].as_str().unwrap().contains("state=s"));
    assert_eq!(
        control(&client, "GET", "/contacts/99", json!(null)).await.0,
        404
    );
}

#[tokio::test]
async fn people_choose_categories_and_other_programs_touch_rows() {
    let client = Client::bound().await;
    let new = json!({"NAME": "x", "category": 12});
    control(&client, "POST", "/contacts", new).await;
    assert_eq!(client.portal.contact(1).unwrap().category, 12);
    control(&client, "POST", "/contacts", json!({"NAME": "y"})).await;
    control(&client, "POST", "/contacts", json!({"NAME": "z"})).await;
    let rows = |id: u64| json!({"ids": [id]});
    let (_, reserved) = control(&client, "POST", "/queue/reserve", rows(1)).await;
    control(&client, "POST", "/queue/park", rows(2)).await;
    control(&client, "POST", "/queue/clear", rows(3)).await;
    let process = reserved["process_id"].as_str().unwrap().to_owned();
    assert_eq!(
        client.rows(),
        [(1, process, false), (2, String::new(), true)]
    );
}
