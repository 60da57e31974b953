//! The seam above the HTTP client: what is sent, what comes back, and how it can fail. Addresses and
//! bodies are built above it, time and size are limited above it; what lies below is exchangeable.

use std::{future::Future, pin::Pin};

use secrecy::SecretString;
use url::Url;

use super::said::tame;
use crate::config::authority;

/// Carries requests to where they go. Errors and answers are told apart here and nowhere else.
pub trait Network: Send + Sync {
    /// Sends a request and waits for the head of its answer, without a time limit of its own but that on
    /// the connection.
    fn send(&self, request: Request) -> Coming<'_, Response>;
}

/// Something that comes over the network, or the fault that kept it.
pub type Coming<'a, T> = Pin<Box<dyn Future<Output = Result<T, Fault>> + Send + 'a>>;

/// What is asked of a server.
pub struct Request {
    /// How it is asked.
    pub verb: Verb,
    /// Where it goes; without secrets, if the caller keeps the promise.
    pub url: Url,
    /// What is posted.
    pub body: Option<Body>,
}

/// The verb of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Everything of the protocol.
    Post,
    /// A page that is no part of the protocol.
    Get,
    /// Whether anybody answers.
    Head,
}

/// What is posted. Neither form shows in `Debug`.
#[derive(Clone)]
pub enum Body {
    /// A JSON text.
    Json(SecretString),
    /// A form, already encoded.
    Form(SecretString),
}

/// The head of an answer, and its body piece by piece.
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The `Location` header.
    pub location: Option<String>,
    /// The `Content-Type` header.
    pub content_type: Option<String>,
    /// The body, decompressed.
    pub body: Box<dyn Pieces>,
}

/// A body that comes piece by piece.
pub trait Pieces: Send {
    /// The next piece; none at the end.
    fn next(&mut self) -> Coming<'_, Option<Vec<u8>>>;
}

/// How far a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Leg {
    /// The host's name was not found.
    Name,
    /// No connection to the host came about.
    Connection,
    /// The proxy is not there, or does not let us through.
    Proxy,
    /// The connection cannot be trusted.
    Tls(Distrust),
    /// The request left; its answer did not come, or not as a whole. It may have been processed.
    Answer,
}

/// Why a connection cannot be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Distrust {
    /// The certificate is for another name.
    OtherName,
    /// The certificate has expired.
    Expired,
    /// The certificate is not valid yet.
    NotYetValid,
    /// An authority that this host does not know has issued it.
    UnknownAuthority,
    /// No agreement on how to encrypt, or something else.
    Other,
}

/// Why no answer came: how far the request to which host came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// How far it came.
    pub leg: Leg,
    /// The host that was asked, with its port where that is not the usual one.
    pub host: String,
    /// In the words of whoever noticed; one plain line.
    pub reason: String,
}

impl Fault {
    /// A fault on the way to the host of `url`.
    #[must_use]
    pub fn new(leg: Leg, url: &Url, reason: &str) -> Self {
        Self {
            leg,
            host: authority(url),
            reason: tame(reason),
        }
    }

    /// The request left, its answer did not come.
    #[must_use]
    pub fn no_answer(url: &Url, reason: &str) -> Self {
        Self::new(Leg::Answer, url, reason)
    }

    /// Whether the request can have been processed.
    #[must_use]
    pub fn may_have_been_processed(&self) -> bool {
        self.leg == Leg::Answer
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { leg, host, reason } = self;
        match leg {
            Leg::Name => write!(f, "the name {host} is not found ({reason})"),
            Leg::Connection => write!(f, "no connection to {host} ({reason})"),
            Leg::Proxy => write!(f, "the proxy does not let us through to {host} ({reason})"),
            Leg::Tls(Distrust::OtherName) => {
                write!(
                    f,
                    "the certificate at {host} is for another name ({reason})"
                )
            }
            Leg::Tls(Distrust::Expired) => write!(
                f,
                "the certificate of {host} has expired, or this host's clock is wrong ({reason})"
            ),
            Leg::Tls(Distrust::NotYetValid) => write!(
                f,
                "the certificate of {host} is not valid yet, or this host's clock is wrong ({reason})"
            ),
            Leg::Tls(Distrust::UnknownAuthority) => write!(
                f,
                "the certificate of {host} is from an authority that this host does not know ({reason})"
            ),
            Leg::Tls(Distrust::Other) => write!(f, "no secure connection to {host} ({reason})"),
            Leg::Answer => write!(f, "{host}: {reason}"),
        }
    }
}
