//! The offline queue's state machine.

use serde_json::{Value, json};
use test_portal::{Contact, ProcessIdFilter, Purge, QueueRow, Settings};

use crate::client::{Client, ids};

#[tokio::test]
async fn changes_merge_until_the_row_is_reserved() {
    let client = Client::bound().await;
    let id = client.portal.add_contact("a", "", "b");
    client.portal.edit_contact(id, &[("NAME", "c")]);
    client.clock.advance(5.0);
    client.portal.edit_contact(id, &[("NAME", "d")]);
    let rows = client.portal.queue();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[1].event_name, "ONCRMCONTACTUPDATE");
    assert_eq!(rows[1].timestamp - rows[0].timestamp, 5);

    let (process, got) = client.reserve(json!({})).await;
    assert_eq!((process.len(), got), (32, vec![1, 2]));
    client.portal.edit_contact(id, &[("NAME", "e")]);
    assert_eq!(client.rows().len(), 3);
    let (_, next) = client.reserve(json!({})).await;
    assert_eq!(next, [3]);
    // An id comes back even where nothing was reserved.
    let (_, none) = client.reserve(json!({})).await;
    assert!(none.is_empty());
    let again = client.reserve(json!({"process_id": process})).await;
    assert_eq!(again, (process, vec![1, 2]));
}

#[tokio::test]
async fn rows_come_in_the_documented_shape() {
    let client = Client::bound().await;
    client.portal.add_contact("a", "", "b");
    let answer = client.ok("event.offline.get", json!({})).await;
    assert_eq!(answer["process_id"], Value::Null);
    let row = &answer["events"][0];
    assert_eq!(row["ID"], "1");
    assert_eq!(row["TIMESTAMP_X"], "2026-01-05T10:00:00+03:00");
    assert_eq!(row["EVENT_DATA"], json!({"FIELDS": {"ID": "1"}}));
    assert_eq!(row["EVENT_ADDITIONAL"], json!({"user_id": "2"}));
    assert_eq!(row["MESSAGE_ID"].as_str().unwrap().len(), 32);
    assert!(client.rows().is_empty(), "taken without confirmation");
}

#[tokio::test]
async fn clear_casts_its_argument_as_php_does() {
    for (clear, rows_left) in [
        (json!(0), 1),
        (json!("Y"), 1),
        (json!("N"), 1),
        (json!(false), 1),
        (json!(null), 0),
        (json!("1"), 0),
    ] {
        let client = Client::bound().await;
        client.portal.add_contact("a", "", "b");
        client
            .ok("event.offline.get", json!({"clear": clear}))
            .await;
        assert_eq!(client.rows().len(), rows_left, "{clear}");
    }
}

#[tokio::test]
async fn forgetting_clear_while_rereading_deletes_the_whole_batch() {
    let client = Client::bound().await;
    for _ in 0..3 {
        client.portal.add_contact("a", "", "b");
    }
    let (process, _) = client.reserve(json!({})).await;
    let answer = client
        .ok(
            "event.offline.get",
            json!({"process_id": process, "limit": 1}),
        )
        .await;
    assert_eq!(ids(&answer["events"]), [1]);
    assert_eq!(answer["process_id"], json!(process));
    assert!(client.rows().is_empty());
}

#[tokio::test]
async fn an_empty_process_id_means_the_unreserved_rows() {
    let client = Client::bound().await;
    client.portal.add_contact("a", "", "b");
    let parked = client.portal.push_row(QueueRow {
        event_name: "ONCRMCONTACTADD".to_owned(),
        event_data: json!({"FIELDS": {"ID": "9"}}),
        error: true,
        ..QueueRow::default()
    });
    let seen = client.reserve(json!({"process_id": ""})).await;
    assert_eq!(seen, (String::new(), vec![1]));
    assert_eq!(
        client.rows(),
        [(1, String::new(), false), (parked, String::new(), true)]
    );
    client
        .ok("event.offline.clear", json!({"process_id": ""}))
        .await;
    assert!(client.rows().is_empty());
    assert_eq!(
        client.portal.violations().len(),
        4,
        "{:?}",
        client.portal.violations()
    );
}

#[tokio::test]
async fn get_refuses_what_its_sanitiser_does_not_know() {
    let client = Client::bound().await;
    for params in [
        json!({"limit": 0}),
        json!({"limit": "x"}),
        json!({"filter": {"PROCESS_ID": ""}}),
        json!({"filter": {"!ID": 1}}),
        json!({"filter": {"EVENT_NAME": ["ONCRMCONTACTADD"]}}),
        json!({"order": {"ERROR": "ASC"}}),
    ] {
        let (status, code, _) = client.err("event.offline.get", params.clone()).await;
        assert_eq!((status, code.as_str()), (400, "ERROR_ARGUMENT"), "{params}");
    }
    client.portal.settings(|s| s.plan_confirms = false);
    let (status, code, _) = client.err("event.offline.get", json!({"clear": 0})).await;
    assert_eq!((status, code.as_str()), (403, "WRONG_LICENSE"));
    client.ok("event.offline.get", json!({"clear": 1})).await;
}

#[tokio::test]
async fn get_filters_orders_and_limits() {
    let client = Client::bound().await;
    for _ in 0..3 {
        client.clock.advance(1.0);
        client.portal.add_contact("a", "", "b");
    }
    client.portal.edit_contact(1, &[("NAME", "c")]);
    let updates = json!({"filter": {"EVENT_NAME": "oncrmcontactupdate"}});
    assert_eq!(client.reserve(updates).await.1, [4]);
    client.portal.settings(|s| s.get_cap = Some(1));
    let newest = json!({"order": {"TIMESTAMP_X": "desc"}, "limit": 2});
    assert_eq!(client.reserve(newest).await.1, [3]);
    let exact = json!({"filter": {"=ID": 2}});
    assert_eq!(client.reserve(exact).await.1, [2]);
}

#[tokio::test]
async fn clear_widens_where_its_list_is_empty() {
    let client = Client::bound().await;
    for _ in 0..3 {
        client.portal.add_contact("a", "", "b");
    }
    let (process, _) = client.reserve(json!({})).await;
    let message = client.portal.queue()[0].message_id.clone();
    let clear = async |params: Value| client.ok("event.offline.clear", params).await;

    clear(json!({"process_id": "unknown"})).await;
    assert_eq!(client.rows().len(), 3);
    // message_id wins over id.
    clear(json!({"process_id": process, "id": [2, 3], "message_id": [message]})).await;
    assert_eq!(
        client.rows().iter().map(|row| row.0).collect::<Vec<_>>(),
        [2, 3]
    );
    clear(json!({"process_id": process, "id": ["2"]})).await;
    assert_eq!(client.rows().len(), 1);
    for params in [
        json!({}),
        json!({"process_id": process, "id": [0]}),
        json!({"process_id": process, "message_id": ["short"]}),
    ] {
        let (status, code, _) = client.err("event.offline.clear", params).await;
        assert_eq!((status, code.as_str()), (400, "ERROR_ARGUMENT"));
    }
    clear(json!({"process_id": process, "id": []})).await;
    assert!(client.rows().is_empty());
}

#[tokio::test]
async fn parking_deletes_newer_rows_and_swallows_later_changes() {
    let client = Client::bound().await;
    let id = client.portal.seed_contact("a", "", "b");
    client.portal.edit_contact(id, &[("NAME", "c")]);
    let (process, _) = client.reserve(json!({})).await;
    client.portal.edit_contact(id, &[("NAME", "d")]);
    let message = client.portal.queue()[0].message_id.clone();
    let park = json!({"process_id": process, "message_id": [message]});
    client.ok("event.offline.error", park).await;
    assert_eq!(client.rows(), [(1, String::new(), true)]);

    client.clock.advance(9.0);
    client.portal.edit_contact(id, &[("NAME", "e")]);
    assert!(client.reserve(json!({})).await.1.is_empty(), "blind");
    assert_eq!(client.portal.queue()[0].timestamp, 1_767_596_409);
    let (again, rows) = client.reserve(json!({"error": 1})).await;
    assert_eq!(rows, [1]);
    client.portal.edit_contact(id, &[("NAME", "f")]);
    assert_eq!(
        client.rows(),
        [(1, again.clone(), true), (3, String::new(), false)]
    );

    // A row got with error=1 cannot be parked again; the pending one goes all the same.
    let park = json!({"process_id": again, "message_id": [message]});
    client.ok("event.offline.error", park).await;
    assert_eq!(client.rows(), [(1, again, true)]);
}

#[tokio::test]
async fn parking_with_a_wrong_process_deletes_without_marking() {
    let client = Client::bound().await;
    client.portal.add_contact("a", "", "b");
    let (_, _) = client.reserve(json!({})).await;
    let message = client.portal.queue()[0].message_id.clone();
    let park = json!({"process_id": "stale", "message_id": [message]});
    assert_eq!(client.ok("event.offline.error", park).await, json!(true));
    assert!(client.rows().is_empty());
}

#[tokio::test]
async fn connectors_have_queues_of_their_own_and_hide_own_writes() {
    let client = Client::bound().await;
    client.bind("tidy");
    let id = client.portal.add_contact("a", "", "b");
    let plain = client.reserve(json!({})).await.1;
    let tidy = client.reserve(json!({"auth_connector": "tidy"})).await.1;
    assert_eq!((plain, tidy), (vec![1], vec![2]));

    let write = json!({"id": id, "fields": {"NAME": "A"}});
    client.ok("crm.contact.update", write.clone()).await;
    let rows = client.portal.queue();
    assert_eq!(rows.len(), 3);
    assert_eq!(rows[2].connector_id, "tidy");

    // Inside a command the connector has no effect on suppression.
    let inner = "crm.contact.update?id=1&fields[NAME]=B&auth_connector=tidy";
    client.batch(&[("u", inner)]).await;
    assert_eq!(client.portal.queue().len(), 3);
    client.portal.settings(|s| s.echo = true);
    client.ok("crm.contact.update", write).await;
    assert_eq!(client.portal.queue().len(), 4);
}

#[tokio::test]
async fn list_pages_filters_and_reserves_nothing() {
    let client = Client::bound().await;
    for _ in 0..60 {
        client.portal.add_contact("a", "", "b");
    }
    let (process, _) = client.reserve(json!({"limit": 2})).await;
    let (_, body) = client.call("event.offline.list", json!({})).await;
    assert_eq!(body["result"].as_array().unwrap().len(), 50);
    assert_eq!((&body["total"], &body["next"]), (&json!(60), &json!(50)));
    assert_eq!(body["result"][0]["PROCESS_ID"], json!(process));
    assert_eq!(body["result"][2]["PROCESS_ID"], "");
    let (_, body) = client
        .call("event.offline.list", json!({"start": 50}))
        .await;
    assert_eq!(ids(&body["result"]), (51..=60).collect::<Vec<_>>());
    assert_eq!(body.get("next"), None);
    let orphans = json!({"filter": {">PROCESS_ID": ""}});
    assert_eq!(
        ids(&client.ok("event.offline.list", orphans.clone()).await),
        [1, 2]
    );
    let chosen = json!({"filter": {"@ID": [3, 4], "ERROR": 0}, "order": {"ID": "DESC"}});
    assert_eq!(ids(&client.ok("event.offline.list", chosen).await), [4, 3]);
    client
        .portal
        .settings(|s| s.process_id_filter = ProcessIdFilter::Ignored);
    assert_eq!(
        client
            .ok("event.offline.list", orphans)
            .await
            .as_array()
            .unwrap()
            .len(),
        50
    );
}

#[tokio::test]
async fn old_rows_are_purged_by_their_last_change() {
    for (purge, left) in [(Purge::ReservedRows, 2), (Purge::AllRows, 0)] {
        let client = Client::bound().await;
        client.portal.settings(|s| s.purge = purge);
        client.portal.add_contact("a", "", "b");
        client.reserve_forever().await;
        client.portal.add_contact("parked", "", "b");
        client.portal.park_rows_elsewhere(&[2]);
        client.portal.add_contact("pending", "", "b");
        client.clock.advance(2_952_000.0);
        assert_eq!(client.rows().len(), 3);
        client.clock.advance(86_400.0);
        assert_eq!(client.rows().len(), left, "{purge:?}");
    }
}

#[tokio::test]
async fn other_programs_clear_reserve_and_park_rows() {
    let client = Client::bound().await;
    for name in ["a", "b", "c", "d"] {
        client.portal.add_contact(name, "", "");
    }
    client.portal.clear_rows_elsewhere(&[1, 99]);
    let process = client.portal.reserve_rows_elsewhere(&[2]);
    client.portal.park_rows_elsewhere(&[3]);
    assert_eq!(
        client.rows(),
        [
            (2, process.clone(), false),
            (3, String::new(), true),
            (4, String::new(), false)
        ]
    );
    let other = client.portal.reserve_rows_elsewhere(&[2, 3]);
    assert_ne!(other, process);
    assert_eq!(
        client.rows()[0].1,
        process,
        "reserved rows stay where they are"
    );
    assert_eq!(client.portal.violations(), [] as [String; 0]);
}

#[tokio::test]
async fn filters_may_be_ignored_or_break_the_list() {
    let client = Client::bound().await;
    client.portal.add_contact("a", "", "");
    client.portal.push_row(QueueRow {
        event_name: "ONCRMDEALUPDATE".to_owned(),
        event_data: json!({"FIELDS": {"ID": "1"}}),
        ..QueueRow::default()
    });
    let deals = json!({"filter": {"EVENT_NAME": "ONCRMDEALUPDATE"}});
    let behind = json!({"filter": {">ID": 1}});
    let list = async |params: &Value| ids(&client.ok("event.offline.list", params.clone()).await);
    assert_eq!(
        (list(&deals).await, list(&behind).await),
        (vec![2], vec![2])
    );
    client.portal.settings(|s| {
        s.ignores_event_filter = true;
        s.ignores_above_id = true;
    });
    assert_eq!(
        (list(&deals).await, list(&behind).await),
        (vec![1, 2], vec![1, 2])
    );
    for filter in [
        json!({"filter": {">ID": 1}}),
        json!({"filter": {">ID": 99}}),
    ] {
        let rows = client.ok("crm.contact.list", filter).await;
        assert_eq!(ids(&rows), [1]);
    }
    let items = json!({"entityTypeId": 3, "filter": {">id": 99}});
    let items = client.ok("crm.item.list", items).await;
    assert_eq!(items["items"].as_array().unwrap().len(), 1);
    let orphans = json!({"filter": {">PROCESS_ID": ""}});
    let mode = |mode| client.portal.settings(|s| s.process_id_filter = mode);
    mode(ProcessIdFilter::SqlError);
    let broken = client.err("event.offline.list", orphans.clone()).await;
    assert_eq!((broken.0, broken.1.as_str()), (500, "ERROR_CORE"));
    mode(ProcessIdFilter::BadGateway);
    let url = format!("{}/rest/batch", client.portal.url());
    let cmd = "event.offline.list?filter%5B%3EPROCESS_ID%5D=";
    let body = json!({"auth": client.token, "cmd": {"p": "profile", "l": cmd}});
    let answer = client.http.post(url).json(&body).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 502);
}

#[tokio::test]
async fn ids_beyond_every_database_are_shown_as_they_are() {
    let client = Client::bound().await;
    let data = json!({"FIELDS": {"ID": (u64::MAX - 81).to_string()}});
    client.portal.push_row(QueueRow {
        id: u64::MAX,
        event_name: "ONCRMCONTACTUPDATE".to_owned(),
        event_data: data.clone(),
        ..QueueRow::default()
    });
    client.portal.seed(Contact {
        id: u64::MAX - 81,
        ..Contact::default()
    });
    let rows = client.ok("event.offline.list", json!({})).await;
    assert_eq!(
        (&rows[0]["ID"], &rows[0]["EVENT_DATA"]),
        (&json!("18446744073709551615"), &data)
    );
    let listed = client.ok("crm.contact.list", json!({})).await;
    assert_eq!(listed[0]["ID"], "18446744073709551534");
    assert_eq!(client.portal.add_contact("next", "", ""), 1);
    assert_eq!(client.rows()[0].0, 1);
}

#[tokio::test]
async fn events_need_a_binding_an_installation_and_time() {
    let client = Client::with(Settings {
        event_delay: 1.0,
        ..Settings::default()
    })
    .await;
    let id = client.portal.add_contact("a", "", "b");
    client.bind("");
    client.portal.edit_contact(id, &[("NAME", "c")]);
    assert!(client.rows().is_empty());
    client.clock.advance(1.0);
    assert_eq!(client.rows().len(), 1);
    client.portal.settings(|s| s.installed = false);
    client.portal.add_contact("x", "", "y");
    client.clock.advance(1.0);
    assert_eq!(client.rows().len(), 1);
}

impl Client {
    async fn reserve_forever(&self) {
        let (_, rows) = self.reserve(json!({})).await;
        assert_eq!(rows.len(), 1);
    }
}
