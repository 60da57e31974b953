//! HTTP: one POST, with its time limits, and the two ways it can fail.

use std::time::Duration;

use reqwest::{
    Client,
    header::{ACCEPT, CONTENT_TYPE, LOCATION},
    redirect::Policy,
};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::tls;
use crate::{
    clock::{SharedClock, after},
    config::{PROXIES, is_loopback},
};

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a request may take in all: a little more than the portal's own cap of 60 s.
pub const REQUEST_TIMEOUT_SECONDS: f64 = 65.0;

/// The longest answer that is read; a batch of fifty pages stays far below.
const LONGEST_ANSWER: usize = 64 << 20;

/// What came back, before anybody has judged it.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The address that answered.
    pub url: Url,
    /// The `Location` header.
    pub location: Option<String>,
    /// The body, possibly cut.
    pub body: Vec<u8>,
}

impl Answer {
    /// The same answer without a secret that it repeats: error texts go to logs and lists.
    #[must_use]
    pub fn without(mut self, secret: &SecretString) -> Self {
        let secret = secret.expose_secret().as_bytes();
        if secret.is_empty() {
            return self;
        }
        let mut kept = Vec::new();
        let mut rest = self.body.as_slice();
        while let Some(at) = rest.windows(secret.len()).position(|part| part == secret) {
            kept.extend_from_slice(&rest[..at]);
            kept.extend_from_slice(HIDDEN.as_bytes());
            rest = &rest[at + secret.len()..];
        }
        if !kept.is_empty() {
            kept.extend_from_slice(rest);
            self.body = kept;
        }
        self
    }
}

/// What stands where a secret stood.
pub(super) const HIDDEN: &str = "[secret]";

/// Why no answer came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// No connection came about: nothing was processed.
    NotSent(String),
    /// The request left, its answer did not come: it may have been processed.
    NoAnswer(String),
}

/// Why HTTP cannot be set up on this host.
#[derive(Debug, thiserror::Error)]
pub enum NoHttp {
    /// No certificate can be checked.
    #[error("the system's certificates cannot be used: {0}")]
    Certificates(rustls::Error),
    /// The client refuses its settings: those of a proxy, as a rule.
    #[error(transparent)]
    Settings(#[from] reqwest::Error),
}

/// What is posted. Neither form shows in `Debug`.
pub enum Body {
    /// A JSON text.
    Json(SecretString),
    /// A form, already encoded.
    Form(SecretString),
}

/// A client for portals and authorisation servers. Clones share their connections.
#[derive(Clone)]
pub struct Transport {
    http: Client,
    /// Past any proxy, for this machine itself: what travels unencrypted must not leave it.
    direct: Client,
    clock: SharedClock,
}

impl std::fmt::Debug for Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Transport")
    }
}

impl Transport {
    /// A client whose time limits follow `clock`.
    ///
    /// # Errors
    /// Where the system's certificate store or the proxy settings cannot be used.
    pub fn new(clock: SharedClock) -> Result<Self, NoHttp> {
        let tls = tls::settings().map_err(NoHttp::Certificates)?;
        let builder = || {
            Client::builder()
                .tls_backend_preconfigured(tls.clone())
                .user_agent(concat!("b24-tidyd/", env!("CARGO_PKG_VERSION")))
                .connect_timeout(CONNECT_TIMEOUT)
                // A renamed portal answers 302, and following it would turn our POST into a GET.
                .redirect(Policy::none())
        };
        let http = builder().build()?;
        let proxied = PROXIES.iter().any(|name| std::env::var_os(name).is_some());
        let direct = match proxied {
            true => builder().no_proxy().build()?,
            false => http.clone(),
        };
        Ok(Self {
            http,
            direct,
            clock,
        })
    }

    /// The same client, with time limits that follow another clock.
    #[must_use]
    pub fn with_clock(&self, clock: SharedClock) -> Self {
        Self {
            clock,
            ..self.clone()
        }
    }

    /// The client for an address.
    fn client(&self, url: &Url) -> &Client {
        if is_loopback(url) {
            &self.direct
        } else {
            &self.http
        }
    }

    /// Posts `body` to `url` and reads the whole answer.
    ///
    /// # Errors
    /// A [`Fault`] that tells whether the request can have been processed.
    pub async fn post(&self, url: &Url, body: &Body) -> Result<Answer, Fault> {
        let (kind, text) = match body {
            Body::Json(text) => ("application/json", text),
            Body::Form(text) => ("application/x-www-form-urlencoded", text),
        };
        let request = self
            .client(url)
            .post(url.clone())
            .header(CONTENT_TYPE, kind)
            .header(ACCEPT, "application/json")
            .body(text.expose_secret().to_owned());
        let deadline = after(self.clock.now(), REQUEST_TIMEOUT_SECONDS);
        tokio::select! {
            answer = read(request) => answer,
            () = self.clock.alarm_at(deadline) => {
                Err(Fault::NoAnswer(format!("no answer within {REQUEST_TIMEOUT_SECONDS} s")))
            }
        }
    }

    /// Asks `url` for its head, to see whether anybody answers there (name, connection, TLS). Answers
    /// with the HTTP status, whatever it is.
    ///
    /// # Errors
    /// A [`Fault`] where nobody answers.
    pub async fn reach(&self, url: &Url) -> Result<u16, Fault> {
        let deadline = after(self.clock.now(), REQUEST_TIMEOUT_SECONDS);
        tokio::select! {
            answer = self.client(url).head(url.clone()).send() => {
                answer.map(|answer| answer.status().as_u16()).map_err(fault)
            }
            () = self.clock.alarm_at(deadline) => {
                Err(Fault::NoAnswer(format!("no answer within {REQUEST_TIMEOUT_SECONDS} s")))
            }
        }
    }

    /// Gets a page that is no part of the protocol, and answers its status. Redirects are not
    /// followed, the body is not read, and no error names the address.
    ///
    /// # Errors
    /// Why there was no answer, in words.
    pub async fn get(&self, url: &str, within_seconds: f64) -> Result<u16, String> {
        let parsed = url.parse::<Url>().map_err(|error| error.to_string())?;
        let client = self.client(&parsed);
        let deadline = after(self.clock.now(), within_seconds);
        tokio::select! {
            answer = client.get(url).send() => match answer {
                Ok(response) => Ok(response.status().as_u16()),
                Err(error) => Err(reason(error)),
            },
            () = self.clock.alarm_at(deadline) => {
                Err(format!("no answer within {within_seconds} s"))
            }
        }
    }
}

async fn read(request: reqwest::RequestBuilder) -> Result<Answer, Fault> {
    let mut response = request.send().await.map_err(fault)?;
    let mut answer = Answer {
        status: response.status().as_u16(),
        url: response.url().clone(),
        location: response
            .headers()
            .get(LOCATION)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned),
        body: Vec::new(),
    };
    while let Some(chunk) = response.chunk().await.map_err(fault)? {
        if answer.body.len() + chunk.len() > LONGEST_ANSWER {
            return Err(Fault::NoAnswer("the answer is too long".to_owned()));
        }
        answer.body.extend_from_slice(&chunk);
    }
    Ok(answer)
}

fn fault(error: reqwest::Error) -> Fault {
    let unsent = error.is_connect() || error.is_builder();
    let reason = reason(error);
    if unsent {
        Fault::NotSent(reason)
    } else {
        Fault::NoAnswer(reason)
    }
}

/// The innermost cause, without the address.
fn reason(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut reason = error.to_string();
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(&error);
    while let Some(inner) = cause {
        reason = inner.to_string();
        cause = inner.source();
    }
    reason
}
