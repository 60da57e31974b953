//! `crm.contact.*`.

use serde_json::{Value, json};
use test_portal::LongNames;

use crate::client::{Client, ids};

#[tokio::test]
async fn lists_filter_select_order_and_page() {
    let client = Client::new().await;
    for n in 0..60 {
        client.portal.seed_contact(&format!("n{n}"), "", "x");
    }
    let (_, body) = client
        .call("crm.contact.list", json!({"order": {"ID": "ASC"}}))
        .await;
    assert_eq!((&body["total"], &body["next"]), (&json!(60), &json!(50)));
    let page = json!({"order": {"ID": "ASC"}, "start": 50, "select": ["ID"]});
    let (_, body) = client.call("crm.contact.list", page).await;
    assert_eq!(body["result"][0], json!({"ID": "51"}));
    assert_eq!(body.get("next"), None);

    let list = async |params: Value| ids(&client.ok("crm.contact.list", params).await);
    assert_eq!(list(json!({"filter": {"@ID": [3, "1", 99]}})).await, [3, 1]);
    assert_eq!(list(json!({"filter": {"ID": [3]}})).await, [3]);
    let tail = json!({"filter": {">ID": 57}, "order": {"ID": "ASC"}, "start": -1});
    assert_eq!(list(tail).await, [58, 59, 60]);
    assert_eq!(list(json!({"FILTER": {"NAME": "n4"}})).await, [5]);
    let (_, body) = client.call("crm.contact.list", json!({"start": -1})).await;
    assert_eq!((&body["total"], body.get("next")), (&json!(0), None));
    assert_eq!(body["result"].as_array().unwrap().len(), 50);
    let unknown = json!({"filter": {"<=NO_SUCH_FIELD": "1980-01-01"}, "select": ["ID"]});
    assert_eq!(list(unknown).await.len(), 50);
    let (status, code, text) = client.err("crm.contact.list", json!({"filter": "x"})).await;
    assert_eq!((status, code.as_str()), (400, ""));
    assert_eq!(text, "Parameter 'filter' must be array");
}

#[tokio::test]
async fn dates_compare_by_whole_seconds_as_instants() {
    let client = Client::new().await;
    client.clock.advance(0.9);
    let id = client.portal.add_contact("a", "", "b");
    for (filter, found) in [
        (json!({"<=DATE_MODIFY": "2026-01-05T10:00:00+03:00"}), true),
        (json!({"<=DATE_MODIFY": "2026-01-05T07:00:00Z"}), true),
        (json!({"<DATE_MODIFY": "2026-01-05T10:00:00+03:00"}), false),
        (json!({">=DATE_MODIFY": "2026-01-05T10:00:01+03:00"}), false),
        (json!({">DATE_MODIFY": "2026-01-05T09:59:59"}), true),
    ] {
        let rows = client
            .ok("crm.contact.list", json!({"filter": filter}))
            .await;
        assert_eq!(!rows.as_array().unwrap().is_empty(), found, "{filter}");
    }
    let shown = client.ok("crm.contact.get", json!({"ID": id})).await;
    assert_eq!(shown["DATE_MODIFY"], "2026-01-05T10:00:00+03:00");
    assert_eq!(shown["MODIFY_BY_ID"], "2");
}

#[tokio::test]
async fn updates_are_partial_and_on_the_legacy_path_bump_even_without_a_change() {
    let client = Client::bound().await;
    client.portal.settings(|s| s.noop_update_fires = true);
    let id = client.portal.seed_contact("a", "m", "b");
    client.portal.settings(|s| s.echo = true);
    let fields = json!({"NAME": "a", "NO_SUCH": "x"});
    client
        .ok("crm.contact.update", json!({"id": id, "fields": fields}))
        .await;
    let contact = client.portal.contact(id).unwrap();
    assert_eq!((contact.update_count, contact.noop_writes), (1, 1));
    assert_eq!(
        (contact.date_modify, contact.modified_by),
        (1_767_596_400, 1)
    );
    assert_eq!(contact.second_name.as_deref(), Some("m"));
    assert_eq!(client.rows().len(), 1);
}

#[tokio::test]
async fn refusals_have_empty_codes() {
    let client = Client::new().await;
    let (gone, denied) = (99, client.portal.seed_contact("a", "", ""));
    let refused = client.portal.seed_contact("a", "", "");
    client.portal.settings(|s| {
        s.unreadable.insert(denied);
        s.refused
            .insert(refused, ("ERROR_CORE".to_owned(), "Pflichtfeld".to_owned()));
    });
    let fields = json!({"NAME": "X"});
    for (method, params, code, text) in [
        ("get", json!({"id": gone}), "", "Not found"),
        ("get", json!({"id": denied}), "", "Access denied."),
        (
            "get",
            json!({"id": "x"}),
            "",
            "ID is not defined or invalid.",
        ),
        (
            "update",
            json!({"id": gone, "fields": fields}),
            "",
            "Contact is not found",
        ),
        (
            "update",
            json!({"id": denied, "fields": fields}),
            "",
            "Access denied",
        ),
        (
            "update",
            json!({"id": refused, "fields": fields}),
            "ERROR_CORE",
            "Pflichtfeld",
        ),
        (
            "update",
            json!({"id": refused}),
            "",
            "Parameter 'fields' must be array",
        ),
    ] {
        let answer = client.err(&format!("crm.contact.{method}"), params).await;
        assert_eq!(answer, (400, code.to_owned(), text.to_owned()));
    }
    assert_eq!(client.portal.contact(refused).unwrap().update_count, 0);
}

#[tokio::test]
async fn names_hold_fifty_characters() {
    let client = Client::new().await;
    let id = client.portal.seed_contact("a", "", "");
    let fits = "ß".repeat(50);
    let write = |name: &str| json!({"id": id, "fields": {"NAME": name}});
    client.ok("crm.contact.update", write(&fits)).await;
    let (status, _, _) = client
        .err("crm.contact.update", write(&"x".repeat(51)))
        .await;
    assert_eq!(status, 400);
    assert_eq!(client.portal.contact(id).unwrap().name.unwrap(), fits);
    client.portal.settings(|s| s.long_names = LongNames::Cut);
    client
        .ok("crm.contact.update", write(&"x".repeat(51)))
        .await;
    assert_eq!(
        client.portal.contact(id).unwrap().name.unwrap(),
        "x".repeat(50)
    );
}

#[tokio::test]
async fn hidden_contacts_are_missing_from_lists_and_readable_alone() {
    let client = Client::bound().await;
    let id = client
        .ok("crm.contact.add", json!({"fields": {"NAME": "new"}}))
        .await;
    let id = id.as_u64().unwrap();
    client.portal.settings(|s| s.hidden_from_list.insert(id));
    assert_eq!(client.ok("crm.contact.list", json!({})).await, json!([]));
    assert_eq!(
        client.ok("crm.contact.get", json!({"id": id})).await["NAME"],
        "new"
    );
    assert_eq!(
        client.ok("crm.contact.delete", json!({"id": id})).await,
        json!(true)
    );
    assert!(client.portal.contact(id).is_none() && client.rows().is_empty());
}

#[tokio::test]
async fn for_whoever_is_no_administrator_a_gone_contact_looks_denied() {
    let client = Client::new().await;
    client.portal.settings(|s| s.admin = false);
    let (_, _, text) = client.err("crm.contact.get", json!({"id": 99})).await;
    assert_eq!(text, "Access denied.");
}
