//! A plain client: one portal, one token, no cleverness.

use std::sync::Arc;

use reqwest::redirect::Policy;
use serde_json::{Map, Value, json};
use test_portal::{ManualClock, Portal, Settings};

/// A portal with its clock and an authorised client.
pub(crate) struct Client {
    pub(crate) portal: Portal,
    pub(crate) clock: ManualClock,
    pub(crate) http: reqwest::Client,
    pub(crate) token: String,
}

impl Client {
    pub(crate) async fn new() -> Self {
        Self::with(Settings::default()).await
    }

    pub(crate) async fn with(settings: Settings) -> Self {
        let clock = ManualClock::default();
        let portal = Portal::start(settings, Arc::new(clock.clone()))
            .await
            .unwrap();
        // Where the whole workspace is built, the client can do TLS and asks for a provider.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .build()
            .unwrap();
        let token = portal.authorise()["access_token"].as_str().unwrap().into();
        Self {
            portal,
            clock,
            http,
            token,
        }
    }

    /// A client bound to both contact events.
    pub(crate) async fn bound() -> Self {
        let client = Self::new().await;
        client.bind("");
        client
    }

    pub(crate) fn bind(&self, connector: &str) {
        for event in ["ONCRMCONTACTADD", "ONCRMCONTACTUPDATE"] {
            self.portal.bind_offline(event, connector);
        }
    }

    /// A call by JSON; status and body.
    pub(crate) async fn call(&self, method: &str, params: Value) -> (u16, Value) {
        let Value::Object(mut body) = params else {
            panic!("parameters are a map")
        };
        body.entry("auth").or_insert_with(|| json!(self.token));
        self.send(method, &Value::Object(body)).await.unwrap()
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        body: &Value,
    ) -> Result<(u16, Value), reqwest::Error> {
        let url = format!("{}/rest/{method}", self.portal.url());
        let answer = self.http.post(url).json(body).send().await?;
        let status = answer.status().as_u16();
        Ok((status, answer.json().await?))
    }

    /// A call that must succeed; its `result`.
    pub(crate) async fn ok(&self, method: &str, params: Value) -> Value {
        let (status, mut body) = self.call(method, params).await;
        assert_eq!(status, 200, "{method}: {body}");
        body["result"].take()
    }

    /// A call that must fail; status, code and text.
    pub(crate) async fn err(&self, method: &str, params: Value) -> (u16, String, String) {
        let (status, body) = self.call(method, params).await;
        let text = |key: &str| {
            body[key]
                .as_str()
                .unwrap_or_else(|| panic!("{body}"))
                .into()
        };
        (status, text("error"), text("error_description"))
    }

    /// A batch of commands; its five maps.
    pub(crate) async fn batch(&self, commands: &[(&str, &str)]) -> Value {
        self.ok("batch", json!({"halt": 0, "cmd": cmd(commands)}))
            .await
    }

    /// Reserves rows: the process id and the row ids.
    pub(crate) async fn reserve(&self, params: Value) -> (String, Vec<u64>) {
        let mut params = params;
        params["clear"] = json!(0);
        let answer = self.ok("event.offline.get", params).await;
        let ids = ids(&answer["events"]);
        (answer["process_id"].as_str().unwrap().to_owned(), ids)
    }

    /// (id, process id, error) of all rows.
    pub(crate) fn rows(&self) -> Vec<(u64, String, bool)> {
        let rows = self.portal.queue().into_iter();
        rows.map(|row| (row.id, row.process_id, row.error))
            .collect()
    }
}

/// `cmd` of a batch.
pub(crate) fn cmd(commands: &[(&str, &str)]) -> Value {
    let map: Map<String, Value> = commands
        .iter()
        .map(|(key, command)| ((*key).to_owned(), json!(command)))
        .collect();
    Value::Object(map)
}

/// The ids of rows.
pub(crate) fn ids(rows: &Value) -> Vec<u64> {
    let rows = rows.as_array().unwrap().iter();
    rows.map(|row| row["ID"].as_str().unwrap().parse().unwrap())
        .collect()
}
