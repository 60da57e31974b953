//! Contacts that break answers, and answers that are odd.

use std::net::{IpAddr, Ipv4Addr};

use serde_json::{Value, json};
use test_portal::{Breakage, Effect, Fault, Matcher, Spoil};

use crate::client::Client;

const LISTS: [(&str, &str); 2] = [
    ("l", "crm.contact.list?select[]=ID"),
    ("i", "crm.item.list?entityTypeId=3&select[]=id"),
];

#[tokio::test]
async fn a_contact_may_make_lists_fail_and_nothing_else() {
    let client = Client::new().await;
    let id = client.portal.seed_contact("a", "", "");
    let fails = Breakage::ListFails {
        status: 500,
        code: "ERROR_CORE".to_owned(),
        text: "SQL query error".to_owned(),
    };
    client.portal.settings(|s| s.broken.insert(id, fails));
    let five = client.batch(&LISTS).await;
    for key in ["l", "i"] {
        assert_eq!(five["result_error"][key]["error"], "ERROR_CORE");
    }
    let alone = client.err("crm.contact.list", json!({})).await;
    assert_eq!((alone.0, alone.1.as_str()), (500, "ERROR_CORE"));
    let without = json!({"filter": {"!ID": id}});
    assert_eq!(client.ok("crm.contact.list", without).await, json!([]));
    client.ok("crm.contact.get", json!({"id": id})).await;
    client
        .ok("crm.item.get", json!({"entityTypeId": 3, "id": id}))
        .await;
}

#[tokio::test]
async fn a_contact_may_end_the_whole_request() {
    let client = Client::new().await;
    let [id, other] = [(); 2].map(|()| client.portal.seed_contact("a", "", ""));
    let ends = Breakage::RequestEnds {
        status: 502,
        body: "<h1>Bad gateway</h1>".to_owned(),
    };
    client.portal.settings(|s| s.broken.insert(id, ends));
    let write = format!("crm.contact.update?id={other}&fields[NAME]=New");
    let cmd = json!({"u": write, "l": LISTS[0].1, "v": write.replace("New", "Newer")});
    let url = format!("{}/rest/batch", client.portal.url());
    let body = json!({"auth": client.token, "cmd": cmd});
    let answer = client.http.post(url).json(&body).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 502);
    assert_eq!(answer.text().await.unwrap(), "<h1>Bad gateway</h1>");
    let name = client.portal.contact(other).unwrap().name.unwrap();
    assert_eq!(name, "New", "what stood before is done");
}

#[tokio::test]
async fn a_name_that_cannot_be_encoded_spoils_every_answer_that_carries_it() {
    let client = Client::bound().await;
    let id = client.portal.add_contact("a", "", "b");
    client
        .portal
        .settings(|s| s.broken.insert(id, Breakage::Unencodable));
    let item = json!({"entityTypeId": 3, "id": id});
    for (method, params) in [
        ("crm.contact.list", json!({})),
        ("crm.contact.get", json!({"id": id})),
        ("crm.item.get", item.clone()),
        ("batch", json!({"cmd": {"l": "crm.contact.list"}})),
    ] {
        let (status, body) = client.call(method, params).await;
        assert_eq!(
            (status, &body["error"]),
            (200, &json!("WRONG_ENCODING")),
            "{method}"
        );
    }
    let ids = json!({"select": ["ID"]});
    assert_eq!(
        client.ok("crm.contact.list", ids).await,
        json!([{"ID": "1"}])
    );
    client.ok("event.offline.get", json!({})).await;
    assert!(client.portal.violations()[0].contains("was not read"));
    let mut update = item;
    update["fields"] = json!({"name": "x"});
    let (_, body) = client.call("crm.item.update", update).await;
    assert_eq!(body["error"], "WRONG_ENCODING");
    assert_eq!(client.portal.contact(id).unwrap().name.unwrap(), "x");
}

#[tokio::test]
async fn commands_may_answer_something_else() {
    let client = Client::new().await;
    let [a, b] = [(); 2].map(|()| client.portal.seed_contact("old", "", ""));
    let update = |id: u64| format!("crm.contact.update?id={id}&fields[NAME]=New");
    for (result, processed) in [(json!(null), true), (json!(false), false)] {
        let odd = Effect::CommandAnswer {
            method: "crm.contact.update".to_owned(),
            nth: 2,
            result: result.clone(),
            processed,
        };
        client
            .portal
            .fault(Fault::new(Matcher::method("batch"), odd));
        client.portal.edit_contact(b, &[("NAME", "old")]);
        let five = client.batch(&[("a", &update(a)), ("b", &update(b))]).await;
        assert_eq!(
            (&five["result"]["a"], &five["result"]["b"]),
            (&json!(true), &result)
        );
        let name = client.portal.contact(b).unwrap().name.unwrap();
        assert_eq!(name == "New", processed);
    }
    let odd = Effect::CommandAnswer {
        method: "profile".to_owned(),
        nth: 0,
        result: json!([]),
        processed: true,
    };
    client.portal.fault(Fault::new(Matcher::any(), odd));
    assert_eq!(client.ok("profile", json!({})).await, json!([]));
}

#[tokio::test]
async fn odd_json_reaches_whoever_reads_it() {
    let client = Client::new().await;
    let id = client.portal.seed_contact("Ada", "", "");
    let url = format!("{}/rest/crm.contact.get", client.portal.url());
    let body = json!({"auth": client.token, "id": id});
    for (spoil, part) in [
        (Spoil::ByteOrderMark, &b"\xEF\xBB\xBF{\"result\""[..]),
        (
            Spoil::LoneSurrogate {
                key: "NAME".to_owned(),
            },
            &b"\"Ada\\ud83d\""[..],
        ),
        (
            Spoil::InvalidUtf8 {
                key: "NAME".to_owned(),
            },
            &b"\"Ada\xFF\""[..],
        ),
        (
            Spoil::NotANumber {
                key: "duration".to_owned(),
            },
            &b"\"duration\":NaN"[..],
        ),
        (Spoil::NullError, &b"\"error\":null"[..]),
        (
            Spoil::Value {
                key: "ID".to_owned(),
                value: json!(u64::MAX),
            },
            &b"\"ID\":18446744073709551615"[..],
        ),
    ] {
        let fault = Fault::new(Matcher::any(), Effect::Spoilt(spoil.clone()));
        client.portal.fault(fault);
        let answer = client.http.post(&url).json(&body).send().await.unwrap();
        let bytes = answer.bytes().await.unwrap();
        assert!(
            bytes.windows(part.len()).any(|window| window == part),
            "{spoil:?}"
        );
    }
    assert!(
        client
            .portal
            .requests()
            .iter()
            .all(|request| request.answered)
    );
}

#[tokio::test]
async fn a_dripping_body_takes_the_portals_time() {
    let client = Client::new().await;
    let drip = Effect::Drip { milliseconds: 1000 };
    client.portal.fault(Fault::new(Matcher::any(), drip));
    let before = test_portal::PortalClock::now(&client.clock);
    client.ok("user.admin", json!({})).await;
    assert!(test_portal::PortalClock::now(&client.clock) - before > 100.0);
}

#[tokio::test]
async fn answers_are_compressed_for_whoever_accepts_it() {
    let client = Client::new().await;
    client.portal.settings(|s| s.gzip = true);
    let ask = async |accepts: &str| {
        let request = test_portal::Request {
            verb: "POST".to_owned(),
            url: "/rest/profile".to_owned(),
            headers: vec![
                ("content-type".to_owned(), "application/json".to_owned()),
                ("accept-encoding".to_owned(), accepts.to_owned()),
            ],
            body: json!({"auth": client.token}).to_string().into_bytes(),
        };
        let from = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let url = client.portal.url();
        client.portal.handle(&url, from, request).await.unwrap()
    };
    let plain = ask("").await;
    assert!(serde_json::from_slice::<Value>(&plain.body).is_ok());
    let packed = ask("br, gzip").await;
    assert_eq!(packed.body[..2], [0x1f, 0x8b]);
    assert!(
        packed
            .headers
            .contains(&("content-encoding", "gzip".to_owned()))
    );
}
