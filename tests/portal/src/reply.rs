//! What goes back over the wire, whole or spoilt.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, Response, StatusCode, header};
use hyper::body::Frame;
use serde_json::Value;

use crate::method::Refusal;
use crate::php;

/// Marks a response for which the connection is to be closed without a word.
#[derive(Clone, Copy)]
pub(crate) struct NoAnswer;

/// An answer before it is put into HTTP.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) body: String,
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
            body: php::encode(value).to_string(),
            location: None,
            retry_after: None,
            error,
        }
    }

    pub(crate) fn html(status: u16) -> Self {
        Self {
            content_type: "text/html; charset=utf-8",
            body: format!(
                "<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>"
            ),
            error: None,
            ..Self::json(status, Value::Null)
        }
    }

    pub(crate) fn redirect(location: String) -> Self {
        Self {
            location: Some(location),
            ..Self::html(302)
        }
    }

    /// The whole answer as HTTP.
    pub(crate) fn into_response(self) -> Response<Body> {
        let body = Body::from(self.body.clone());
        self.with_body(body)
    }

    /// Announces the whole length and breaks off in the middle.
    pub(crate) fn into_cut_response(self) -> Response<Body> {
        let length = self.body.len();
        let half = Bytes::copy_from_slice(&self.body.as_bytes()[..length / 2]);
        let mut response = self.with_body(Body::new(CutBody(Some(half))));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length.max(1)));
        response
    }

    fn with_body(self, body: Body) -> Response<Body> {
        let mut response = Response::new(body);
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static(self.content_type),
        );
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(location) = self.location
            && let Ok(value) = HeaderValue::from_str(&location)
        {
            headers.insert(header::LOCATION, value);
        }
        response
    }
}

impl From<Refusal> for Reply {
    fn from(refusal: Refusal) -> Self {
        Self::json(refusal.status, refusal.envelope())
    }
}

/// A response that closes the connection.
pub(crate) fn no_answer() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    response.extensions_mut().insert(NoAnswer);
    response
}

/// A body that breaks the connection after its first part.
struct CutBody(Option<Bytes>);

impl hyper::body::Body for CutBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        Poll::Ready(Some(match self.0.take() {
            Some(part) => Ok(Frame::data(part)),
            None => Err(io::Error::other("cut on order")),
        }))
    }
}
