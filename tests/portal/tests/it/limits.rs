//! Rate and operating time.

use serde_json::json;
use test_portal::{Billing, Settings};

use crate::client::{Client, cmd};

#[tokio::test]
async fn the_bucket_counts_requests_and_drains_on_whole_seconds() {
    let client = Client::with(Settings {
        burst: 3.0,
        ..Settings::default()
    })
    .await;
    client.clock.advance(0.5);
    for _ in 0..3 {
        client.batch(&[("a", "profile"), ("b", "profile")]).await;
    }
    let (status, code, _) = client.err("profile", json!({})).await;
    assert_eq!((status, code.as_str()), (503, "QUERY_LIMIT_EXCEEDED"));
    client.clock.advance(0.25);
    assert_eq!(client.err("profile", json!({})).await.0, 503);
    client.clock.advance(0.25);
    client.ok("profile", json!({})).await;
    client.portal.occupy_bucket(9.0);
    assert_eq!(client.err("profile", json!({})).await.0, 503);
}

fn costly(billing: Billing) -> Settings {
    let mut settings = Settings {
        billing,
        operating_limit: Some(10.0),
        ..Settings::default()
    };
    settings.cost.insert("crm.contact.list".to_owned(), 6.0);
    settings
}

#[tokio::test]
async fn operating_time_runs_up_per_method_and_blocks() {
    let client = Client::with(costly(Billing::Inner)).await;
    let (_, body) = client.call("crm.contact.list", json!({})).await;
    assert_eq!(
        (&body["time"]["operating"], &body["time"]["duration"]),
        (&json!(6), &json!(6))
    );
    assert_eq!(body["time"]["operating_reset_at"], 1_767_597_006);
    let five = client.batch(&[("l", "crm.contact.list")]).await;
    assert_eq!(five["result_time"]["l"]["operating"], 12);
    let (status, body) = client.call("crm.contact.list", json!({})).await;
    assert_eq!(
        (status, &body["error"]),
        (429, &json!("OPERATION_TIME_LIMIT"))
    );
    assert_eq!(body.get("time"), None);
    let five = client
        .batch(&[("l", "crm.contact.list"), ("p", "profile")])
        .await;
    assert_eq!(five["result_error"]["l"]["error"], "OPERATION_TIME_LIMIT");
    assert_eq!(five["result"]["p"]["ID"], "1");
    client.clock.set(1_767_597_006.0);
    client.ok("crm.contact.list", json!({})).await;
}

#[tokio::test]
async fn a_batch_may_be_billed_as_a_whole() {
    let client = Client::with(costly(Billing::Batch)).await;
    client
        .batch(&[("a", "crm.contact.list"), ("b", "crm.contact.list")])
        .await;
    let commands = cmd(&[("a", "profile")]);
    let (status, code, _) = client.err("batch", json!({"cmd": commands})).await;
    assert_eq!((status, code.as_str()), (429, "OPERATION_TIME_LIMIT"));
    client.ok("crm.contact.list", json!({})).await;
}

#[tokio::test]
async fn time_may_be_booked_that_no_duration_shows() {
    let mut settings = costly(Billing::Inner);
    settings
        .unseen_cost
        .insert("crm.contact.list".to_owned(), 3.0);
    let client = Client::with(settings).await;
    let (_, body) = client.call("crm.contact.list", json!({})).await;
    assert_eq!(
        (&body["time"]["operating"], &body["time"]["duration"]),
        (&json!(9), &json!(6))
    );
}
