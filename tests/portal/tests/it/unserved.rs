//! The portal without sockets: all that it does can be repeated.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use serde_json::{Value, json};
use test_portal::{Answer, ManualClock, Portal, Request, Settings};

const PORTAL: &str = "https://acme.example";
const OAUTH: &str = "https://oauth.example";

fn portal() -> Portal {
    let settings = Settings {
        seed: Some(7),
        ..Settings::default()
    };
    Portal::unserved(settings, Arc::new(ManualClock::default()), PORTAL, OAUTH)
}

async fn call(portal: &Portal, address: &str, method: &str, params: Value) -> Option<Answer> {
    let request = Request {
        verb: "POST".to_owned(),
        url: format!("/rest/{method}.json"),
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: params.to_string().into_bytes(),
    };
    let from = IpAddr::V4(Ipv4Addr::LOCALHOST);
    portal.handle(address, from, request).await
}

/// Everything that a short life shows to the outside.
async fn life() -> Vec<String> {
    let portal = portal();
    let grant = portal.authorise();
    let token = &grant["access_token"];
    portal.bind_offline("ONCRMCONTACTADD", "");
    for n in 0..5 {
        portal.add_contact(&format!("n{n}"), "", "");
    }
    let mut seen = vec![grant.to_string()];
    for (method, params) in [
        (
            "event.offline.get",
            json!({"auth": token, "clear": 0, "limit": 3}),
        ),
        ("event.offline.list", json!({"auth": token})),
        ("crm.contact.list", json!({"auth": token})),
    ] {
        let answer = call(&portal, PORTAL, method, params).await.unwrap();
        assert_eq!(answer.status, 200);
        seen.push(String::from_utf8(answer.body).unwrap());
    }
    seen
}

#[tokio::test]
async fn two_lives_from_one_seed_are_alike() {
    assert_eq!(life().await, life().await);
}

#[tokio::test]
async fn addresses_are_answered_as_they_stand() {
    let portal = portal();
    let grant = portal.authorise();
    assert_eq!(grant["client_endpoint"], "https://acme.example/rest/");
    assert_eq!(grant["domain"], "oauth.example");
    let token = json!({"auth": grant["access_token"]});
    assert!(
        call(&portal, "https://other.example", "profile", token.clone())
            .await
            .is_none()
    );
    assert_eq!(portal.rename_to("https://neu.example"), 1);
    assert_eq!(portal.url(), "https://neu.example");
    let old = call(&portal, PORTAL, "profile", token.clone())
        .await
        .unwrap();
    assert_eq!(old.status, 302);
    let location = "https://neu.example/rest/profile.json".to_owned();
    assert!(old.headers.contains(&("location", location)));
    let new = call(&portal, "https://neu.example", "profile", token)
        .await
        .unwrap();
    assert_eq!(new.status, 200);
    assert!(portal.try_rename_host().is_err());
}
