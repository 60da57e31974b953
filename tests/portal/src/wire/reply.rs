//! What the portal itself answers, before it is put into HTTP.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::php;
use crate::rest::method::Refusal;
use crate::wire::message::{Answer, Delivery};

/// An answer of the portal.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) body: Vec<u8>,
    pub(crate) location: Option<String>,
    pub(crate) retry_after: Option<u64>,
    /// The error code of a JSON answer.
    pub(crate) error: Option<String>,
}

impl Reply {
    pub(crate) fn json(status: u16, value: Value) -> Self {
        let error = value
            .get("error")
            .map(|code| php::text(code).unwrap_or_default());
        Self {
            status,
            content_type: "application/json; charset=utf-8",
            body: php::json_text(&php::encode(value)).into_bytes(),
            location: None,
            retry_after: None,
            error,
        }
    }

    /// A page that is no JSON.
    pub(crate) fn page(status: u16, body: String) -> Self {
        Self {
            content_type: "text/html; charset=utf-8",
            body: body.into_bytes(),
            error: None,
            ..Self::json(status, Value::Null)
        }
    }

    pub(crate) fn html(status: u16) -> Self {
        let page = format!(
            "<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>"
        );
        Self::page(status, page)
    }

    pub(crate) fn redirect(location: String) -> Self {
        Self {
            location: Some(location),
            ..Self::html(302)
        }
    }

    /// What PHP makes of an answer that it cannot encode: success by its status.
    pub(crate) fn wrong_encoding() -> Self {
        let body =
            json!({"error": "WRONG_ENCODING", "error_description": "Wrong request encoding"});
        Self::json(200, body)
    }

    /// The beginning of the body, for the log.
    pub(crate) fn beginning(&self) -> String {
        let text = String::from_utf8_lossy(&self.body[..self.body.len().min(2000)]);
        text.chars().take(500).collect()
    }

    /// The answer as it travels; `gzip`: compressed.
    pub(crate) fn into_answer(self, delivery: Delivery, gzip: bool) -> Answer {
        let mut headers = vec![("content-type", self.content_type.to_owned())];
        headers.extend(
            self.retry_after
                .map(|seconds| ("retry-after", seconds.to_string())),
        );
        headers.extend(self.location.map(|location| ("location", location)));
        let compressed = gzip.then(|| compress(&self.body)).flatten();
        if compressed.is_some() {
            headers.push(("content-encoding", "gzip".to_owned()));
        }
        Answer {
            status: self.status,
            headers,
            body: compressed.unwrap_or(self.body),
            delivery,
        }
    }
}

/// The gzip form of a body; `None` where there is nothing to compress.
fn compress(body: &[u8]) -> Option<Vec<u8>> {
    if body.is_empty() {
        return None;
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body).ok()?;
    encoder.finish().ok()
}

impl From<Refusal> for Reply {
    fn from(refusal: Refusal) -> Self {
        match refusal.page {
            Some(page) => Self::page(refusal.status, page),
            None => Self::json(refusal.status, refusal.envelope()),
        }
    }
}
