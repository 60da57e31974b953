//! The request log.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Which of the two servers was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Server {
    /// The portal's REST interface and its login page.
    Portal,
    /// The authorisation server.
    OAuth,
}

/// A command inside a batch, before references are replaced.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Command {
    /// Its key in `cmd`.
    pub key: String,
    /// Lower-case method name.
    pub method: String,
    /// Decoded parameters.
    pub params: Map<String, Value>,
    /// The error code and text that it answered with, if it failed.
    pub error: Option<(String, String)>,
    /// Whether it was carried out (successfully or not).
    pub processed: bool,
}

/// One HTTP request and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RequestRecord {
    /// Counts from 1 over both servers.
    pub number: u64,
    /// Arrival, Unix seconds of the portal's clock.
    pub at: f64,
    /// Who was asked.
    pub server: Server,
    /// HTTP verb.
    pub verb: String,
    /// Path and query as sent.
    pub url: String,
    /// Headers with lower-case names, `authorization` included.
    pub headers: Vec<(String, String)>,
    /// Lower-case REST method, `oauth.token` or `oauth.authorize`.
    pub method: String,
    /// Query and body parameters, decoded and merged; reserved names included.
    pub params: Map<String, Value>,
    /// The commands of a batch in order.
    pub commands: Vec<Command>,
    /// Bytes of the body.
    pub body_bytes: usize,
    /// HTTP status sent, if an answer was sent.
    pub status: Option<u16>,
    /// The error code that the portal's own answer carried.
    pub error: Option<String>,
    /// First 500 characters of the portal's own answer.
    pub answer: String,
    /// Whether the portal carried the request out (or refused it on its own account).
    pub processed: bool,
    /// Whether a whole, unspoilt answer went out.
    pub answered: bool,
}

impl RequestRecord {
    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// Whether the request calls a method (lower case), directly or inside a batch.
    #[must_use]
    pub fn calls(&self, method: &str) -> bool {
        self.method == method || self.commands.iter().any(|command| command.method == method)
    }
}
