//! The referee sees what it must and nothing else.

use serde_json::json;
use test_portal::{Effect, Fault, Matcher, QueueRow};

use crate::client::Client;

#[tokio::test]
async fn a_good_round_is_not_remarked_upon() {
    let client = Client::bound().await;
    let id = client.portal.add_contact("ada", "", "lovelace");
    let (process, rows) = client.reserve(json!({})).await;
    client
        .ok("crm.contact.list", json!({"filter": {"@ID": [id]}}))
        .await;
    let write = json!({"id": id, "fields": {"NAME": "Ada"}});
    client.ok("crm.contact.update", write).await;
    let clear = json!({"process_id": process, "id": rows});
    client.ok("event.offline.clear", clear).await;
    assert_eq!(client.portal.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn acknowledging_unread_work_is_seen() {
    let client = Client::bound().await;
    let id = client.portal.add_contact("ada", "", "");
    client.ok("crm.contact.get", json!({"id": id})).await;
    client.portal.edit_contact(id, &[("NAME", "eve")]);
    let (process, rows) = client.reserve(json!({})).await;
    assert_eq!(rows.len(), 2);
    // A read whose answer was lost is no read; a guard that shows no name is none either.
    let lost = Fault::new(Matcher::method("crm.contact.get"), Effect::LoseAnswer);
    client.portal.fault(lost);
    let body = json!({"auth": client.token, "id": id});
    assert!(client.send("crm.contact.get", &body).await.is_err());
    client
        .ok("crm.contact.list", json!({"select": ["ID"]}))
        .await;
    client
        .ok("event.offline.clear", json!({"process_id": process}))
        .await;
    let seen = client.portal.violations();
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert!(
        seen[0].contains("row 2") && seen[0].contains("not read"),
        "{seen:?}"
    );
}

#[tokio::test]
async fn gone_and_unusable_rows_may_be_acknowledged() {
    let client = Client::bound().await;
    let id = client.portal.add_contact("ada", "", "");
    client.portal.delete_contact(id);
    client.portal.push_row(QueueRow {
        event_name: "ONCRMCONTACTUPDATE".to_owned(),
        event_data: json!(false),
        ..QueueRow::default()
    });
    let (process, _) = client.reserve(json!({})).await;
    client.err("crm.contact.get", json!({"id": id})).await;
    client
        .ok("event.offline.clear", json!({"process_id": process}))
        .await;
    assert_eq!(client.portal.violations(), Vec::<String>::new());
    client.portal.push_row(QueueRow {
        event_name: "ONCRMDEALADD".to_owned(),
        event_data: json!({"FIELDS": {"ID": "7"}}),
        ..QueueRow::default()
    });
    client.ok("event.offline.get", json!({})).await;
    assert!(client.portal.violations()[0].contains("another handler's event"));
}

#[tokio::test]
async fn rows_that_were_listed_may_be_taken_first() {
    let client = Client::bound().await;
    client.portal.add_contact("ada", "", "");
    client.ok("event.offline.list", json!({})).await;
    // A change in between is part of the row that was listed.
    client.portal.edit_contact(1, &[("NAME", "ida")]);
    let take = json!({"clear": 1, "limit": 1, "filter": {"ID": 1}});
    client.ok("event.offline.get", take).await;
    assert_eq!(client.portal.violations(), Vec::<String>::new());
    assert_eq!(client.portal.owed_contacts(), [1]);
    client.ok("crm.contact.get", json!({"id": 1})).await;
    assert!(client.portal.owed_contacts().is_empty());
    client.portal.add_contact("eve", "", "");
    client.ok("event.offline.get", json!({"clear": 1})).await;
    assert_eq!(client.portal.violations().len(), 1);
}

#[tokio::test]
async fn careless_writes_are_seen() {
    let client = Client::new().await;
    let id = client.portal.seed_contact("ada", "", "");
    let write = |name: &str| json!({"id": id, "fields": {"NAME": name}});
    client.ok("crm.contact.update", write("Ada")).await;
    client.ok("crm.contact.get", json!({"id": id})).await;
    client.ok("crm.contact.update", write("Ada")).await;
    client.portal.edit_contact(id, &[("LAST_NAME", "x")]);
    client.ok("crm.contact.update", write("Eve")).await;
    let seen = client.portal.violations();
    assert_eq!(seen.len(), 3, "{seen:?}");
    for (breach, words) in seen
        .iter()
        .zip(["without a read", "changes nothing", "somebody else's"])
    {
        assert!(breach.contains(words), "{breach}");
    }
}

#[tokio::test]
async fn secrets_in_addresses_and_idle_renewals_are_seen() {
    let client = Client::new().await;
    let url = format!("{}/rest/profile?auth={}", client.portal.url(), client.token);
    client.http.get(url).send().await.unwrap();
    let pair = client.portal.authorise();
    let renew = async |refresh: &str| {
        let (id, secret) = (client.portal.client_id(), client.portal.client_secret());
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", id.as_str()),
            ("client_secret", secret.as_str()),
            ("refresh_token", refresh),
        ];
        let url = format!("{}/oauth/token/", client.portal.oauth_url());
        let answer = client.http.post(url).form(&form).send().await.unwrap();
        let pair: serde_json::Value = answer.json().await.unwrap();
        pair["refresh_token"].as_str().unwrap().to_owned()
    };
    let next = renew(pair["refresh_token"].as_str().unwrap()).await;
    let seen = client.portal.violations();
    assert_eq!(seen.len(), 2, "{seen:?}");
    assert!(
        seen[0].contains("auth") && seen[1].contains("renewal"),
        "{seen:?}"
    );
    client.clock.advance(3600.0);
    renew(&next).await;
    assert_eq!(client.portal.violations().len(), 2);
}
