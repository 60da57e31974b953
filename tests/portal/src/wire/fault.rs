//! Faults on order: which request, and what happens to it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::log::{RequestRecord, Server};
use crate::wire::spoil::Spoil;

/// Chooses requests. All given conditions must hold; the default is the next request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Matcher {
    /// Outer REST method, lower case (`batch` for any batch; `oauth.token`).
    pub method: Option<String>,
    /// A method called directly or by a command inside a batch, lower case.
    pub calls: Option<String>,
    /// Requests to the authorisation server (`true`) or to the portal (`false`).
    pub oauth: Option<bool>,
    /// So many matching requests pass unharmed first.
    pub skip: u32,
    /// So many matching requests are hit then; 0 means all of them.
    pub times: u32,
}

impl Default for Matcher {
    fn default() -> Self {
        Self::any()
    }
}

impl Matcher {
    /// The next request of either server.
    #[must_use]
    pub fn any() -> Self {
        Self {
            method: None,
            calls: None,
            oauth: None,
            skip: 0,
            times: 1,
        }
    }

    /// The next request with this outer method.
    #[must_use]
    pub fn method(name: &str) -> Self {
        Self {
            method: Some(name.to_ascii_lowercase()),
            ..Self::any()
        }
    }

    /// The next request that calls this method, directly or inside a batch.
    #[must_use]
    pub fn calling(name: &str) -> Self {
        Self {
            calls: Some(name.to_ascii_lowercase()),
            ..Self::any()
        }
    }

    /// The next request to the authorisation server.
    #[must_use]
    pub fn oauth() -> Self {
        Self {
            oauth: Some(true),
            ..Self::any()
        }
    }

    /// The next request to the portal.
    #[must_use]
    pub fn portal() -> Self {
        Self {
            oauth: Some(false),
            ..Self::any()
        }
    }

    /// The n-th matching request (from 1) instead of the next.
    #[must_use]
    pub fn nth(mut self, n: u32) -> Self {
        self.skip = n.saturating_sub(1);
        self
    }

    /// That many matching requests.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }

    /// Every matching request until the faults are cleared.
    #[must_use]
    pub fn always(self) -> Self {
        self.times(0)
    }

    fn fits(&self, request: &RequestRecord) -> bool {
        self.method
            .as_deref()
            .is_none_or(|name| request.method == name)
            && self.calls.as_deref().is_none_or(|name| request.calls(name))
            && self
                .oauth
                .is_none_or(|oauth| oauth == (request.server == Server::OAuth))
    }
}

/// What happens to a chosen request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Effect {
    /// The connection closes; nothing was done.
    CloseBeforeProcessing,
    /// Everything was done, then the connection closes without an answer.
    LoseAnswer,
    /// Another status and body.
    Status {
        /// HTTP status.
        code: u16,
        /// Body as it is sent.
        body: String,
        /// `Retry-After`, in seconds.
        retry_after: Option<u64>,
        /// Whether the request was carried out first.
        processed: bool,
    },
    /// A maintenance page.
    Html {
        /// HTTP status.
        code: u16,
        /// Whether the request was carried out first.
        processed: bool,
    },
    /// Carried out; the answer's JSON breaks off in the middle, the HTTP answer is whole.
    TruncatedJson,
    /// Carried out; the connection breaks in the middle of the body.
    CutAnswer,
    /// 200 without a body.
    EmptyBody {
        /// Whether the request was carried out first.
        processed: bool,
    },
    /// Time passes. Carried out first: the answer comes late. Otherwise the connection closes.
    Hang {
        /// Seconds on the portal's clock.
        seconds: f64,
        /// Whether the request is carried out before the time passes.
        processed: bool,
    },
    /// An error envelope; nothing was done.
    Error {
        /// HTTP status.
        status: u16,
        /// Error code.
        code: String,
        /// Error text.
        description: String,
    },
    /// Commands of a batch fail, or a call by itself; nothing of them was done.
    CommandError {
        /// Method of the commands, lower case.
        method: String,
        /// The n-th such command from 1; 0 means all.
        nth: u32,
        /// Error code.
        code: String,
        /// Error text.
        description: String,
    },
    /// Commands of a batch answer this instead, or a call by itself: `null`, `[]`, `false` …
    CommandAnswer {
        /// Method of the commands, lower case.
        method: String,
        /// The n-th such command from 1; 0 means all.
        nth: u32,
        /// The result.
        result: Value,
        /// Whether the commands are carried out first.
        processed: bool,
    },
    /// Carried out; these keys appear nowhere in the batch's answer.
    DropBatchKeys(Vec<String>),
    /// Carried out; the answer's JSON is odd. Whoever reads it all the same has read it.
    Spoilt(Spoil),
    /// Carried out; the body comes byte by byte.
    Drip {
        /// Milliseconds of the portal's clock ahead of each byte.
        milliseconds: u32,
    },
}

impl Effect {
    /// Whether the request is carried out at all.
    pub(crate) fn processes(&self) -> bool {
        match self {
            Self::CloseBeforeProcessing | Self::Error { .. } => false,
            Self::LoseAnswer
            | Self::TruncatedJson
            | Self::CutAnswer
            | Self::CommandError { .. }
            | Self::CommandAnswer { .. }
            | Self::Spoilt(_)
            | Self::Drip { .. }
            | Self::DropBatchKeys(_) => true,
            Self::Status { processed, .. }
            | Self::Html { processed, .. }
            | Self::EmptyBody { processed }
            | Self::Hang { processed, .. } => *processed,
        }
    }
}

/// A fault on order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Which requests.
    #[serde(default)]
    pub matching: Matcher,
    /// What happens to them.
    pub effect: Effect,
}

impl Fault {
    /// A fault for the chosen requests.
    #[must_use]
    pub fn new(matching: Matcher, effect: Effect) -> Self {
        Self { matching, effect }
    }
}

/// The faults on order, in the order in which they were given.
#[derive(Default)]
pub(crate) struct Schedule {
    faults: Vec<(Fault, u32)>,
}

impl Schedule {
    pub(crate) fn add(&mut self, fault: Fault) {
        self.faults.push((fault, 0));
    }

    pub(crate) fn clear(&mut self) {
        self.faults.clear();
    }

    pub(crate) fn list(&self) -> Vec<Fault> {
        self.faults.iter().map(|(fault, _)| fault.clone()).collect()
    }

    /// The effect on this request. Every fitting fault counts it; the first that is due acts.
    pub(crate) fn strike(&mut self, request: &RequestRecord) -> Option<Effect> {
        let mut effect = None;
        self.faults.retain_mut(|(fault, seen)| {
            if !fault.matching.fits(request) {
                return true;
            }
            let matching = &fault.matching;
            let due = *seen >= matching.skip;
            if due && effect.is_some() {
                return true;
            }
            *seen += 1;
            if due {
                effect = Some(fault.effect.clone());
            }
            matching.times == 0 || *seen < matching.skip + matching.times
        });
        effect
    }
}
