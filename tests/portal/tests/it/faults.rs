//! Faults on order.

use std::sync::{Arc, Mutex};

use serde_json::json;
use test_portal::{Effect, Fault, Matcher};

use crate::client::Client;

async fn update(client: &Client) -> Result<u16, reqwest::Error> {
    let body = json!({"auth": client.token, "id": 1, "fields": {"NAME": "New"}});
    let answer = client.send("crm.contact.update", &body).await;
    answer.map(|(status, _)| status)
}

#[tokio::test]
async fn every_effect_spoils_what_it_says_and_nothing_else() {
    let status = |processed| Effect::Status {
        code: 502,
        body: "{}".to_owned(),
        retry_after: Some(7),
        processed,
    };
    for (effect, done, readable) in [
        (Effect::CloseBeforeProcessing, false, None),
        (Effect::LoseAnswer, true, None),
        (status(false), false, Some(502)),
        (status(true), true, Some(502)),
        (
            Effect::Html {
                code: 200,
                processed: true,
            },
            true,
            None,
        ),
        (Effect::TruncatedJson, true, None),
        (Effect::CutAnswer, true, None),
        (Effect::EmptyBody { processed: false }, false, None),
        (
            Effect::Hang {
                seconds: 9.0,
                processed: false,
            },
            false,
            None,
        ),
        (
            Effect::Hang {
                seconds: 9.0,
                processed: true,
            },
            true,
            Some(200),
        ),
        (
            Effect::Error {
                status: 401,
                code: "expired_token".to_owned(),
                description: String::new(),
            },
            false,
            Some(401),
        ),
    ] {
        let client = Client::new().await;
        client.portal.seed_contact("old", "", "");
        let fault = Fault::new(Matcher::method("crm.contact.update").nth(2), effect.clone());
        client.portal.fault(fault);
        assert_eq!(update(&client).await.unwrap(), 200, "the first is spared");
        client.portal.edit_contact(1, &[("NAME", "old")]);
        assert_eq!(update(&client).await.ok(), readable, "{effect:?}");
        let name = client.portal.contact(1).unwrap().name.unwrap();
        assert_eq!(name == "New", done, "{effect:?}");
        let record = client.portal.requests().pop().unwrap();
        let whole = matches!(
            effect,
            Effect::Hang {
                processed: true,
                ..
            }
        );
        assert_eq!(
            (record.processed, record.answered),
            (done, whole),
            "{effect:?}"
        );
        assert_eq!(update(&client).await.unwrap(), 200, "the third is spared");
    }
}

#[tokio::test]
async fn commands_fail_and_keys_vanish() {
    let client = Client::new().await;
    let refuse = Effect::CommandError {
        method: "profile".to_owned(),
        nth: 2,
        code: "insufficient_scope".to_owned(),
        description: String::new(),
    };
    client
        .portal
        .fault(Fault::new(Matcher::calling("profile"), refuse));
    let drop = Effect::DropBatchKeys(vec!["a".to_owned()]);
    client
        .portal
        .fault(Fault::new(Matcher::method("batch").nth(2), drop));
    let commands = [("a", "profile"), ("b", "profile"), ("c", "profile")];
    let first = client.batch(&commands).await;
    assert_eq!(first["result_error"]["b"]["error"], "insufficient_scope");
    assert_eq!(first["result"].as_object().unwrap().len(), 2);
    let second = client.batch(&commands).await;
    assert_eq!(second["result"].as_object().unwrap().len(), 2);
    assert!(second["result"].get("a").is_none());
    assert!(client.portal.faults().is_empty());
}

#[tokio::test]
async fn a_call_by_itself_is_struck_like_a_command() {
    let client = Client::new().await;
    let refuse = Effect::CommandError {
        method: "profile".to_owned(),
        nth: 0,
        code: String::new(),
        description: "Disk resource exhausted".to_owned(),
    };
    client
        .portal
        .fault(Fault::new(Matcher::calling("profile").times(2), refuse));
    let refused = (400, String::new(), "Disk resource exhausted".to_owned());
    assert_eq!(client.err("profile", json!({})).await, refused);
    assert_eq!(client.err("profile", json!({})).await, refused);
    client.ok("profile", json!({})).await;
}

#[tokio::test]
async fn a_hanging_answer_lets_a_client_on_the_same_clock_give_up() {
    let client = Client::new().await;
    client.portal.seed_contact("old", "", "");
    let hang = Effect::Hang {
        seconds: 65.0,
        processed: true,
    };
    let reads = Matcher::method("crm.contact.get");
    client.portal.fault(Fault::new(reads, hang));
    let deadline = 1_767_596_400.0 + 65.0;
    let given_up = async {
        while test_portal::PortalClock::now(&client.clock) < deadline {
            tokio::task::yield_now().await;
        }
    };
    let body = json!({"auth": client.token, "id": 1});
    tokio::select! {
        biased;
        answer = client.send("crm.contact.get", &body) => panic!("answered: {answer:?}"),
        () = given_up => {}
    }
    // Nobody saw the answer, so nothing was read.
    let write = json!({"id": 1, "fields": {"NAME": "New"}});
    client.ok("crm.contact.update", write).await;
    assert!(client.portal.violations()[0].contains("without a read"));
}

#[tokio::test]
async fn tests_may_wait_for_progress() {
    let client = Client::bound().await;
    let id = client.portal.add_contact("a", "", "");
    let emptied = client.portal.until(|portal| portal.queue().is_empty());
    let work = async {
        client.ok("crm.contact.get", json!({"id": id})).await;
        client.ok("event.offline.get", json!({})).await;
    };
    tokio::join!(emptied, work);
    assert_eq!(client.portal.request_count(), 2);
}

#[tokio::test]
async fn two_hundred_portals_live_side_by_side() {
    let mut clients = Vec::new();
    for _ in 0..200 {
        clients.push(Client::new().await);
    }
    for client in &clients {
        client.ok("profile", json!({})).await;
        assert_eq!(client.portal.request_count(), 1);
    }
}

#[tokio::test]
async fn hooks_run_before_requests_and_commands() {
    let client = Client::new().await;
    let id = client.portal.seed_contact("a", "", "");
    let seen = Arc::new(Mutex::new(Vec::new()));
    client.portal.before_request({
        let seen = Arc::clone(&seen);
        move |_, request| seen.lock().unwrap().push(request.method.clone())
    });
    client.portal.before_command(move |portal, _, command| {
        if command.key == "second" {
            portal.edit_contact(id, &[("NAME", "between")]);
        }
    });
    let get = format!("crm.contact.get?id={id}");
    let five = client.batch(&[("first", &get), ("second", &get)]).await;
    assert_eq!(five["result"]["first"]["NAME"], "a");
    assert_eq!(five["result"]["second"]["NAME"], "between");
    assert_eq!(*seen.lock().unwrap(), ["batch"]);
}

#[tokio::test]
async fn the_servers_end_with_the_last_handle() {
    let client = Client::new().await;
    let Client { portal, http, .. } = client;
    let control = portal.control_url();
    let copy = portal.clone();
    drop(portal);
    assert!(http.get(&control).send().await.is_ok());
    drop(copy);
    while http.get(&control).send().await.is_ok() {
        tokio::task::yield_now().await;
    }
}
