//! One request with its limits of time and size, over whatever network it is given.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::{
    http::{Http, NoHttp},
    network::{Body, Fault, Leg, Network, Request, Response, Verb},
};
use crate::clock::{SharedClock, after};

/// How long a call may take in all, in seconds: a little more than the portal's own cap of 60 s.
pub const CALL_SECONDS: f64 = 65.0;

/// How long the authorisation server may take, in seconds.
pub const GRANT_SECONDS: f64 = 65.0;

/// How long it may take until anybody answers at all, in seconds.
const REACH_SECONDS: f64 = 15.0;

/// How long the body may take once the head of the answer is there, in seconds: the portal has done its
/// work by then.
const BODY_SECONDS: f64 = 30.0;

/// The longest answer that is read, unpacked, in bytes. Fifty pages of contacts take half a megabyte,
/// two thousand rows of the queue as much, and a full batch of whole items with long texts some more.
const LONGEST_ANSWER: usize = 8 << 20;

/// What came back, before anybody has judged it.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The address that answered.
    pub url: Url,
    /// The `Location` header.
    pub location: Option<String>,
    /// The `Content-Type` header.
    pub content_type: Option<String>,
    /// The body.
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

/// A client for portals and authorisation servers. Clones share their connections.
#[derive(Clone)]
pub struct Transport {
    network: Arc<dyn Network>,
    clock: SharedClock,
}

impl std::fmt::Debug for Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Transport")
    }
}

impl Transport {
    /// A client over HTTP whose time limits follow `clock`.
    ///
    /// # Errors
    /// Where the system's certificate store or the proxy settings cannot be used.
    pub fn new(clock: SharedClock) -> Result<Self, NoHttp> {
        Ok(Self::over(Arc::new(Http::new()?), clock))
    }

    /// A client over another network.
    #[must_use]
    pub fn over(network: Arc<dyn Network>, clock: SharedClock) -> Self {
        Self { network, clock }
    }

    /// The same client, with time limits that follow another clock.
    #[must_use]
    pub fn with_clock(&self, clock: SharedClock) -> Self {
        Self {
            clock,
            ..self.clone()
        }
    }

    /// Posts `body` to `url` and reads the whole answer, within so many seconds.
    ///
    /// # Errors
    /// A [`Fault`] that tells how far the request came.
    pub async fn post(&self, url: &Url, body: &Body, within_seconds: f64) -> Result<Answer, Fault> {
        let request = Request {
            verb: Verb::Post,
            url: url.clone(),
            body: Some(body.clone()),
        };
        let exchange = async {
            let response = self.network.send(request).await?;
            self.within(BODY_SECONDS, url, read(response, url)).await
        };
        self.within(within_seconds, url, exchange).await
    }

    /// Asks `url` for its head, to see whether anybody answers there (name, connection, TLS). Answers
    /// with the HTTP status, whatever it is.
    ///
    /// # Errors
    /// A [`Fault`] where nobody answers.
    pub async fn reach(&self, url: &Url) -> Result<u16, Fault> {
        self.status(Verb::Head, url, REACH_SECONDS).await
    }

    /// Gets a page that is no part of the protocol, and answers its status. Redirects are not followed,
    /// the body is not read, and no error names more of the address than its host.
    ///
    /// # Errors
    /// Why there was no answer, in words.
    pub async fn get(&self, url: &str, within_seconds: f64) -> Result<u16, String> {
        let url = url.parse::<Url>().map_err(|error| error.to_string())?;
        let got = self.status(Verb::Get, &url, within_seconds).await;
        got.map_err(|fault| fault.to_string())
    }

    async fn status(&self, verb: Verb, url: &Url, within_seconds: f64) -> Result<u16, Fault> {
        let request = Request {
            verb,
            url: url.clone(),
            body: None,
        };
        let exchange = async { Ok(self.network.send(request).await?.status) };
        self.within(within_seconds, url, exchange).await
    }

    async fn within<T>(
        &self,
        seconds: f64,
        url: &Url,
        exchange: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, Fault> {
        let deadline = after(self.clock.now(), seconds);
        tokio::select! {
            biased;
            answer = exchange => answer,
            () = self.clock.alarm_at(deadline) => {
                Err(Fault::new(Leg::Answer, url, &format!("no answer within {seconds:.0} s")))
            }
        }
    }
}

async fn read(response: Response, url: &Url) -> Result<Answer, Fault> {
    let mut pieces = response.body;
    let mut body = Vec::new();
    while let Some(piece) = pieces.next().await? {
        if body.len() + piece.len() > LONGEST_ANSWER {
            let most = LONGEST_ANSWER >> 20;
            return Err(Fault::no_answer(
                url,
                &format!("an answer of more than {most} MB"),
            ));
        }
        body.extend_from_slice(&piece);
    }
    Ok(Answer {
        status: response.status,
        url: url.clone(),
        location: response.location,
        content_type: response.content_type,
        body,
    })
}
