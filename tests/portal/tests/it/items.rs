//! `crm.item.*` for contacts, and the categories that only this family sees.

use serde_json::{Value, json};
use test_portal::{Contact, GuardMode, Settings, Universal};

use crate::client::Client;

/// Parameters of a call about contacts.
fn of(mut params: Value) -> Value {
    params["entityTypeId"] = json!(3);
    params
}

/// The ids that a list answers, in ascending order.
async fn listed(client: &Client, filter: Value) -> Vec<u64> {
    let params = json!({"filter": filter, "order": {"id": "ASC"}, "select": ["id"]});
    let answer = client.ok("crm.item.list", of(params)).await;
    let items = answer["items"].as_array().unwrap().iter();
    items.map(|item| item["id"].as_u64().unwrap()).collect()
}

/// A call that must be refused with 400; its code.
async fn code(client: &Client, method: &str, params: Value) -> String {
    let (status, code, _) = client.err(method, params).await;
    assert_eq!(status, 400);
    code
}

#[tokio::test]
async fn items_have_numbers_for_ids_and_camel_case_names() {
    let client = Client::new().await;
    let id = client.portal.add_contact_in(12, "jANE", "", "oNEIL");
    let answer = client.ok("crm.item.get", of(json!({"id": id}))).await;
    let item = &answer["item"];
    assert_eq!(item["id"], json!(id));
    assert_eq!(
        (&item["name"], &item["lastName"]),
        (&json!("jANE"), &json!("oNEIL"))
    );
    assert_eq!(
        (&item["categoryId"], &item["createdBy"]),
        (&json!(12), &json!(2))
    );
    assert_eq!(item["updatedTime"], "2026-01-05T10:00:00+03:00");
    assert_eq!(
        (&item["entityTypeId"], &item["fm"]),
        (&json!(3), &json!([]))
    );
    let select = of(json!({"select": ["id", "updatedTime", "fm", "noSuchField"]}));
    let listed = client.ok("crm.item.list", select).await;
    assert_eq!(
        listed["items"],
        json!([{"id": id, "updatedTime": "2026-01-05T10:00:00+03:00"}])
    );
    let whole = client
        .ok("crm.item.list", of(json!({"select": ["*"]})))
        .await;
    assert_eq!(whole["items"][0], *item);
}

#[tokio::test]
async fn lists_page_and_count_unless_told_otherwise() {
    let client = Client::new().await;
    for n in 0..60 {
        client.portal.seed_contact(&format!("n{n}"), "", "x");
    }
    let (_, body) = client.call("crm.item.list", of(json!({}))).await;
    assert_eq!((&body["total"], &body["next"]), (&json!(60), &json!(50)));
    let page = of(json!({"start": 50, "order": {"id": "ASC"}}));
    let (_, body) = client.call("crm.item.list", page).await;
    assert_eq!(body["result"]["items"][0]["id"], 51);
    assert_eq!(body.get("next"), None);
    let walk = of(json!({"start": -1, "filter": {">id": 57}, "order": {"id": "ASC"}}));
    let (_, body) = client.call("crm.item.list", walk).await;
    assert_eq!(body["result"]["items"].as_array().unwrap().len(), 3);
    assert_eq!((body.get("total"), body.get("next")), (None, None));
}

#[tokio::test]
async fn filters_nest_and_compare() {
    let client = Client::new().await;
    for (name, category) in [("ada", 0), ("bob", 0), ("Ada", 7), ("cyd", 7)] {
        client.portal.add_contact_in(category, name, "", "");
        client.clock.advance(60.0);
    }
    for (filter, found) in [
        (json!({"@id": [1, "3", 99]}), vec![1, 3]),
        (json!({"id": "2"}), vec![2]),
        (json!({"!@id": [1, 2]}), vec![3, 4]),
        (json!({"name": "ADA"}), vec![1, 3]),
        (json!({"!name": "ada"}), vec![2, 4]),
        (json!({"%name": "d"}), vec![1, 3, 4]),
        (json!({"!%name": "d"}), vec![2]),
        (json!({"=%name": "a%"}), vec![1, 3]),
        (json!({"!=%name": "%d"}), vec![1, 2, 3]),
        (json!({"categoryId": 7}), vec![3, 4]),
        (json!({"<=updatedTime": "2026-01-05T07:01:00Z"}), vec![1, 2]),
        (
            json!({">updatedTime": "2026-01-05T10:01:00+03:00"}),
            vec![3, 4],
        ),
        (
            json!({"categoryId": 0, "0": {"logic": "OR", "0": {"name": "bob"}, "1": {"id": 4}}}),
            vec![2],
        ),
        (json!({"logic": "OR", "name": "bob", "id": 4}), vec![2, 4]),
        (
            json!([{"logic": "OR", "0": {"id": 1, "name": "x"}, "1": {"id": 3, "name": "ada"}}]),
            vec![3],
        ),
    ] {
        assert_eq!(listed(&client, filter.clone()).await, found, "{filter}");
    }
}

#[tokio::test]
async fn what_a_list_does_not_know_it_refuses() {
    let client = Client::new().await;
    client.portal.seed_contact("a", "", "");
    for (params, wanted) in [
        (json!({"filter": {"NAME": "a"}}), "INVALID_ARG_VALUE"),
        (json!({"filter": {"<=noSuchField": 1}}), "INVALID_ARG_VALUE"),
        (json!({"filter": {"?name": "a"}}), "INVALID_ARG_VALUE"),
        (json!({"filter": {"id": [1, 2]}}), "INVALID_ARG_VALUE"),
        (json!({"filter": {"@id": 1}}), "INVALID_ARG_VALUE"),
        (json!({"filter": {"@id": []}}), "INVALID_ARG_VALUE"),
        (json!({"filter": {"id": "0Array"}}), "INVALID_ARG_VALUE"),
        (
            json!({"filter": {"<=updatedTime": "soon"}}),
            "INVALID_ARG_VALUE",
        ),
        (
            json!({"filter": {"0": {"logic": "XOR"}}}),
            "INVALID_ARG_VALUE",
        ),
        (json!({"filter": {"fm": "x"}}), "100"),
        (json!({"filter": "x"}), "100"),
        (json!({"order": {"NAME": "ASC"}}), "INVALID_ARG_VALUE"),
        (json!({"order": {"id": "up"}}), "INVALID_ARG_VALUE"),
    ] {
        let code = code(&client, "crm.item.list", of(params.clone())).await;
        assert_eq!(code, wanted, "{params}");
    }
}

#[tokio::test]
async fn int_parameters_are_numbers_or_nothing() {
    let client = Client::new().await;
    let id = client.portal.seed_contact("a", "", "");
    let get = |id: Value| of(json!({"id": id}));
    for good in [
        json!(id),
        json!("01"),
        json!(" 1 "),
        json!("1.9"),
        json!("1e0"),
    ] {
        client.ok("crm.item.get", get(good)).await;
    }
    for bad in [
        json!("0Array"),
        json!("0$result[g1][items][0][id]"),
        json!([1]),
        json!(true),
        json!(null),
        json!(""),
    ] {
        assert_eq!(
            code(&client, "crm.item.get", get(bad.clone())).await,
            "100",
            "{bad}"
        );
    }
    let missing = client.err("crm.item.get", json!({"id": 1})).await;
    assert_eq!((missing.0, missing.1.as_str()), (400, "100"));
    assert!(missing.2.contains("{entityTypeId}"), "{}", missing.2);
    let update = of(json!({"id": id}));
    assert_eq!(code(&client, "crm.item.update", update).await, "100");
    let update = of(json!({"id": id, "fields": "x"}));
    assert_eq!(code(&client, "crm.item.update", update).await, "100");
    assert_eq!(
        code(&client, "crm.item.get", get(json!(99))).await,
        "NOT_FOUND"
    );
    let other = json!({"id": 1, "entityTypeId": 4});
    assert_eq!(code(&client, "crm.item.get", other).await, "NOT_FOUND");
}

#[tokio::test]
async fn an_update_answers_the_whole_item_and_fires_once() {
    let client = Client::bound().await;
    client.portal.settings(|s| s.echo = true);
    let id = client.portal.seed(Contact {
        category: 7,
        name: Some("aNNA".to_owned()),
        second_name: Some(String::new()),
        last_name: Some("b".to_owned()),
        ..Contact::default()
    });
    let update = |fields: Value| of(json!({"id": id, "fields": fields}));
    let answer = client
        .ok(
            "crm.item.update",
            update(json!({"name": "Anna", "NAME": "lost", "createdBy": 9})),
        )
        .await;
    assert_eq!(answer["item"]["name"], "Anna");
    assert_eq!(answer["item"]["updatedTime"], "2026-01-05T10:00:00+03:00");
    assert_eq!(
        (&answer["item"]["updatedBy"], &answer["item"]["createdBy"]),
        (&json!(1), &json!(0))
    );
    assert_eq!(client.rows().len(), 1);
    client.clock.advance(60.0);
    for same in [
        json!({"name": "Anna"}),
        json!({"secondName": ""}),
        json!({"noSuch": "x"}),
    ] {
        let answer = client.ok("crm.item.update", update(same)).await;
        assert_eq!(answer["item"]["updatedTime"], "2026-01-05T10:00:00+03:00");
    }
    assert_eq!(client.portal.queue()[0].timestamp, 1_767_596_400);
    let contact = client.portal.contact(id).unwrap();
    assert_eq!((contact.update_count, contact.noop_writes), (4, 3));
}

#[tokio::test]
async fn empty_values_become_null_and_one_name_stays() {
    let client = Client::new().await;
    let id = client.portal.seed_contact("a", "0", "b");
    let update = |fields: Value| of(json!({"id": id, "fields": fields}));
    client
        .ok(
            "crm.item.update",
            update(json!({"name": "", "secondName": "0"})),
        )
        .await;
    let contact = client.portal.contact(id).unwrap();
    assert_eq!((contact.name, contact.second_name), (None, None));
    for (fields, wanted) in [
        (json!({"lastName": ""}), "CRM_FIELD_ERROR_REQUIRED"),
        (json!({"name": ["x"]}), "CRM_FIELD_ERROR_VALUE_NOT_VALID"),
        (
            json!({"name": "x".repeat(51)}),
            "CRM_FIELD_ERROR_VALUE_NOT_VALID",
        ),
        (json!({"id": 5}), "0"),
    ] {
        assert_eq!(
            code(&client, "crm.item.update", update(fields)).await,
            wanted
        );
    }
    assert_eq!(client.portal.contact(id).unwrap().last_name.unwrap(), "b");
}

#[tokio::test]
async fn rights_and_vetoes_have_codes() {
    let client = Client::new().await;
    let [unreadable, unwritable, refused] =
        [(); 3].map(|()| client.portal.seed_contact("a", "", ""));
    client.portal.settings(|s| {
        s.unreadable.insert(unreadable);
        s.unwritable.insert(unwritable);
        let veto = ("CRM_CONTACT_UPDATE_CANCELED".to_owned(), "nein".to_owned());
        s.refused.insert(refused, veto);
    });
    assert_eq!(listed(&client, json!({})).await, [unwritable, refused]);
    let get = |id: u64| of(json!({"id": id}));
    assert_eq!(
        code(&client, "crm.item.get", get(unreadable)).await,
        "ACCESS_DENIED"
    );
    client.ok("crm.item.get", get(unwritable)).await;
    let update = |id: u64| of(json!({"id": id, "fields": {"name": "X"}}));
    for (id, wanted) in [
        (unreadable, "ACCESS_DENIED"),
        (unwritable, "ACCESS_DENIED"),
        (refused, "CRM_CONTACT_UPDATE_CANCELED"),
    ] {
        assert_eq!(code(&client, "crm.item.update", update(id)).await, wanted);
    }
    let classic = json!({"id": unwritable, "fields": {"NAME": "X"}});
    let denied = client.err("crm.contact.update", classic).await;
    assert_eq!(denied, (400, String::new(), "Access denied".to_owned()));
    client.portal.settings(|s| s.writes_denied = true);
    assert_eq!(
        code(&client, "crm.item.update", update(refused)).await,
        "ACCESS_DENIED"
    );
    client.portal.settings(|s| s.reads_denied = true);
    assert!(listed(&client, json!({})).await.is_empty());
    client.portal.settings(|s| s.extranet = true);
    let (status, code, _) = client.err("crm.item.get", get(refused)).await;
    assert_eq!((status, code.as_str()), (403, "allowed_only_intranet_user"));
}

#[tokio::test]
async fn the_classic_family_writes_other_categories_and_does_not_read_them() {
    let client = Client::bound().await;
    let id = client.portal.add_contact_in(7, "a", "", "b");
    assert_eq!(client.rows().len(), 1, "events fire for every category");
    assert_eq!(client.ok("crm.contact.list", json!({})).await, json!([]));
    let gone = client.err("crm.contact.get", json!({"id": id})).await;
    assert_eq!(gone, (400, String::new(), "Not found".to_owned()));
    client.ok("event.offline.get", json!({})).await;
    let broken = client.portal.violations();
    assert!(
        broken[0].contains("was not read"),
        "not found proves nothing here: {broken:?}"
    );
    let write = json!({"id": id, "fields": {"NAME": "c"}});
    client.ok("crm.contact.update", write).await;
    assert_eq!(client.portal.contact(id).unwrap().name.unwrap(), "c");
}

#[tokio::test]
async fn a_write_without_a_difference_fires_on_the_legacy_path_alone() {
    let client = Client::bound().await;
    client.portal.settings(|s| s.echo = true);
    let id = client.portal.seed_contact("a", "", "b");
    let same = json!({"id": id, "fields": {"NAME": "a"}});
    client.ok("crm.contact.update", same.clone()).await;
    assert_eq!(client.rows().len(), 0);
    client.portal.settings(|s| s.noop_update_fires = true);
    client.ok("crm.contact.update", same).await;
    assert_eq!(client.rows().len(), 1);
}

#[tokio::test]
async fn an_old_portal_does_not_know_contacts_as_items() {
    let client = Client::with(Settings::old_portal()).await;
    let id = client.portal.seed_contact("a", "", "");
    let get = of(json!({"id": id}));
    let refusal = async |universal| {
        client.portal.settings(|s| s.universal = universal);
        let (status, code, _) = client.err("crm.item.get", get.clone()).await;
        let name = json!({"name": "crm.item.get"});
        let known = client.ok("method.get", name).await["isExisting"].clone();
        (status, code, known == json!(true))
    };
    for (universal, status, code, known) in [
        (Universal::NoMethods, 404, "ERROR_METHOD_NOT_FOUND", false),
        (Universal::TypeNotFound, 400, "NOT_FOUND", true),
        (
            Universal::TypeNotSupported,
            400,
            "ENTITY_TYPE_NOT_SUPPORTED",
            true,
        ),
    ] {
        assert_eq!(refusal(universal).await, (status, code.to_owned(), known));
    }
    client
        .portal
        .settings(|s| s.universal = Universal::Complete);
    client.ok("crm.item.get", get).await;
}

#[tokio::test]
async fn a_guarded_pair_writes_only_while_its_guard_holds() {
    for mode in [GuardMode::NewSource, GuardMode::OldSource] {
        let client = Client::new().await;
        client.portal.settings(|s| s.guard = mode);
        let id = client.portal.add_contact_in(7, "a", "", "b");
        client.ok("crm.item.get", of(json!({"id": id}))).await;
        let pair = async |modified: &str, name: &str| {
            let guard = format!(
                "crm.item.list?entityTypeId=3&filter%5Bid%5D={id}&filter%5B%3C%3DupdatedTime%5D={modified}&select[]=id&start=-1"
            );
            let update = format!(
                "crm.item.update?entityTypeId=3&id=0$result[g][items][0][id]&fields[name]={name}"
            );
            client.batch(&[("g", &guard), ("u", &update)]).await
        };
        let late = pair("2026-01-05T09%3A59%3A59%2B03%3A00", "lost").await;
        assert_eq!(late["result"]["g"], json!({"items": []}));
        assert_eq!(late["result_error"]["u"]["error"], "100", "{mode:?}");
        let good = pair("2026-01-05T10%3A00%3A00%2B03%3A00", "C").await;
        assert_eq!(good["result"]["u"]["item"]["name"], "C");
        let dropped = "crm.item.list?entityTypeId=3&filter[id]=1&filter%5B%3C%3DnoSuch%5D=1";
        let answer = client.batch(&[("g", dropped)]).await;
        assert!(answer["result_error"].get("g").is_some());
    }
}

#[tokio::test]
async fn guards_can_fail_in_this_family_too() {
    let client = Client::new().await;
    client.portal.seed_contact("a", "", "");
    let guard = json!({"id": 1, "<=updatedTime": "2030-01-01"});
    client.portal.settings(|s| s.guard = GuardMode::NeverHolds);
    assert!(listed(&client, guard.clone()).await.is_empty());
    client
        .portal
        .settings(|s| s.guard = GuardMode::FilterIgnored);
    let filter = of(json!({"filter": guard}));
    assert_eq!(
        code(&client, "crm.item.list", filter).await,
        "INVALID_ARG_VALUE"
    );
}

#[tokio::test]
async fn reads_of_this_family_count_and_its_updates_are_no_reads() {
    let client = Client::bound().await;
    let id = client.portal.add_contact("a", "", "b");
    let update = |name: &str| of(json!({"id": id, "fields": {"name": name}}));
    client.ok("crm.item.update", update("C")).await;
    let broken = client.portal.violations();
    assert!(broken[0].starts_with("write without a read"), "{broken:?}");
    client.portal.clear_violations();
    client
        .ok("crm.item.list", of(json!({"select": ["id", "lastName"]})))
        .await;
    client.ok("crm.item.update", update("D")).await;
    client.ok("event.offline.get", json!({})).await;
    assert_eq!(client.portal.violations(), [] as [String; 0]);
    client.ok("crm.item.update", update("D")).await;
    assert!(client.portal.violations()[0].starts_with("write that changes nothing"));
}
