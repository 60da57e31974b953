//! Batches: encodings, references, guards.

use serde_json::json;
use test_portal::{GuardMode, Settings};

use crate::client::{Client, cmd};

#[tokio::test]
async fn empty_maps_are_lists_and_errors_leave_no_time() {
    let client = Client::new().await;
    let id = client.portal.seed_contact("ada", "", "lovelace");
    let five = client
        .batch(&[
            ("a", &format!("crm.contact.get?id={id}")),
            ("b", "crm.contact.get?id=99"),
            ("n", "batch?cmd[x]=profile"),
            ("l", "crm.contact.list?select[]=ID"),
        ])
        .await;
    assert_eq!(five["result"]["a"]["ID"], "1");
    assert_eq!(
        five["result_error"]["b"],
        json!({"error": "", "error_description": "Not found"})
    );
    assert_eq!(
        five["result_error"]["n"]["error"],
        "ERROR_BATCH_METHOD_NOT_ALLOWED"
    );
    assert_eq!(five["result_total"], json!({"l": 1}));
    assert_eq!(five["result_next"], json!([]));
    assert_eq!(five["result_time"]["b"], json!(null));
    assert_eq!(
        five["result_time"]["a"]["date_start"],
        "2026-01-05T10:00:00+03:00"
    );

    let lists = client.batch(&[("0", "profile"), ("1", "scope")]).await;
    assert!(lists["result"].is_array() && lists["result_error"] == json!([]));
}

#[tokio::test]
async fn json_is_decoded_once_and_forms_twice() {
    let client = Client::new().await;
    let id = client.portal.seed_contact("a", "", "b");
    client
        .batch(&[(
            "u",
            &format!("crm.contact.update?id={id}&fields[NAME]=O%27Neil%20%26%20A%252BB"),
        )])
        .await;
    let name = || client.portal.contact(id).unwrap().name.unwrap();
    assert_eq!(name(), "O'Neil & A%2BB");

    let command = format!("crm.contact.update?id={id}&fields[NAME]=A%2526B");
    let form = format!(
        "auth={}&cmd[u]={}",
        client.token,
        command.replace('&', "%26")
    );
    let url = format!("{}/rest/batch", client.portal.url());
    let request = client
        .http
        .post(url)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form);
    assert_eq!(request.send().await.unwrap().status(), 200);
    assert_eq!(name(), "A&B");
}

#[tokio::test]
async fn a_raw_guard_loses_its_condition() {
    let client = Client::new().await;
    client.portal.seed_contact("a", "", "b");
    let five = client
        .batch(&[
            (
                "raw",
                "crm.contact.list?filter[ID]=1&filter[<=DATE_MODIFY]=1980-01-01&start=-1",
            ),
            (
                "enc",
                "crm.contact.list?filter[ID]=1&filter%5B%3C%3DDATE_MODIFY%5D=1980-01-01&start=-1",
            ),
        ])
        .await;
    assert_eq!(five["result"]["raw"].as_array().unwrap().len(), 1);
    assert_eq!(five["result"]["enc"], json!([]));
}

/// The conditional pair of section 11, with or without its leading zero.
fn pair(id: u64, date: &str, zero: &str) -> [(&'static str, String); 2] {
    let date = date.replace('+', "%2B");
    [
        (
            "g",
            format!(
                "crm.contact.list?filter[ID]={id}&filter%5B%3C%3DDATE_MODIFY%5D={date}&select[]=ID&start=-1"
            ),
        ),
        (
            "u",
            format!("crm.contact.update?id={zero}$result[g][0][ID]&fields[NAME]=New"),
        ),
    ]
}

async fn guarded(client: &Client, guard: &str, update: &str) -> (u16, serde_json::Value) {
    let commands = cmd(&[("g", guard), ("u", update)]);
    client
        .call("batch", json!({"halt": 0, "cmd": commands}))
        .await
}

#[tokio::test]
async fn a_guard_holds_or_refuses() {
    for mode in [GuardMode::NewSource, GuardMode::OldSource] {
        let client = Client::with(Settings {
            guard: mode,
            ..Settings::default()
        })
        .await;
        client.portal.seed_contact("one", "", "");
        let id = client.portal.seed_contact("two", "", "");
        let [(_, guard), (_, update)] = pair(id, "2026-01-05T09:00:00+03:00", "0");
        let (_, body) = guarded(&client, &guard, &update).await;
        assert_eq!(body["result"]["result"]["u"], true);
        assert_eq!(client.portal.contact(id).unwrap().name.unwrap(), "New");

        client.portal.edit_contact(id, &[("NAME", "by hand")]);
        let (_, body) = guarded(&client, &guard, &update).await;
        assert_eq!(
            body["result"]["result_error"]["u"]["error_description"],
            "ID is not defined or invalid."
        );
        assert_eq!(client.portal.contact(id).unwrap().name.unwrap(), "by hand");
    }
}

#[tokio::test]
async fn a_failed_guard_without_the_zero_hits_contact_one() {
    for (zero, victim) in [("", "New"), ("0", "one")] {
        let client = Client::new().await;
        client.portal.seed_contact("one", "", "");
        let commands = cmd(&[
            ("other", "profile"),
            ("g", "crm.contact.list?filter=broken"),
            (
                "u",
                &format!("crm.contact.update?id={zero}$result[g][0][ID]&fields[NAME]=New"),
            ),
        ]);
        client
            .ok("batch", json!({"halt": 0, "cmd": commands}))
            .await;
        assert_eq!(client.portal.contact(1).unwrap().name.unwrap(), victim);
    }
}

#[tokio::test]
async fn php8_with_old_source_ends_the_batch_after_the_earlier_commands() {
    let client = Client::with(Settings {
        guard: GuardMode::OldPhp8,
        ..Settings::default()
    })
    .await;
    client.portal.seed_contact("one", "", "");
    let commands = cmd(&[
        ("first", "crm.contact.update?id=1&fields[NAME]=Done"),
        ("g", "crm.contact.list?filter[ID]=77"),
        (
            "u",
            "crm.contact.update?id=0$result[g][0][ID]&fields[NAME]=New",
        ),
    ]);
    let (status, _) = client
        .call("batch", json!({"halt": 0, "cmd": commands}))
        .await;
    assert_eq!(status, 500);
    assert_eq!(client.portal.contact(1).unwrap().name.unwrap(), "Done");
}

#[tokio::test]
async fn where_the_filter_is_ignored_every_guard_holds() {
    let client = Client::with(Settings {
        guard: GuardMode::FilterIgnored,
        ..Settings::default()
    })
    .await;
    let id = client.portal.seed_contact("one", "", "");
    let [(_, guard), (_, update)] = pair(id, "1980-01-01T00:00:00+03:00", "0");
    guarded(&client, &guard, &update).await;
    assert_eq!(client.portal.contact(id).unwrap().name.unwrap(), "New");
}

#[tokio::test]
async fn where_the_filter_never_finds_every_guard_refuses() {
    let client = Client::with(Settings {
        guard: GuardMode::NeverHolds,
        ..Settings::default()
    })
    .await;
    let id = client.portal.seed_contact("one", "", "");
    let [(_, guard), (_, update)] = pair(id, "2100-01-01T00:00:00+03:00", "0");
    guarded(&client, &guard, &update).await;
    assert_eq!(client.portal.contact(id).unwrap().name.unwrap(), "one");
    let since = json!({"filter": {">=DATE_MODIFY": "1980-01-01"}});
    let rows = client.ok("crm.contact.list", since).await;
    assert_eq!(rows.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn names_are_executed_as_references_even_when_encoded() {
    let client = Client::new().await;
    client.portal.seed_contact("secret", "", "");
    let id = client.portal.seed_contact("x", "", "");
    client
        .batch(&[
            ("a", "crm.contact.get?id=1"),
            (
                "u",
                &format!("crm.contact.update?id={id}&fields[NAME]=%24result%5Ba%5D%5BNAME%5D"),
            ),
        ])
        .await;
    assert_eq!(client.portal.contact(id).unwrap().name.unwrap(), "secret");
}

#[tokio::test]
async fn halt_stops_and_the_fifty_first_is_refused() {
    let client = Client::new().await;
    let commands = cmd(&[("a", "nothing"), ("b", "profile")]);
    let five = client
        .ok("batch", json!({"halt": 1, "cmd": commands}))
        .await;
    assert_eq!(five["result"], json!([]));
    assert_eq!(five["result_error"].as_object().unwrap().len(), 1);

    let many: serde_json::Map<_, _> = (0..51).map(|n| (format!("c{n}"), json!("scope"))).collect();
    let five = client.ok("batch", json!({"cmd": many})).await;
    assert_eq!(five["result"].as_object().unwrap().len(), 50);
    assert_eq!(
        five["result_error"]["c50"]["error"],
        "ERROR_BATCH_LENGTH_EXCEEDED"
    );
}
