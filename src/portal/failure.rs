//! Why a call brought no result, as whoever called has to know it.

use jiff::Timestamp;

use crate::{
    bitrix::{Bar, Problem, oauth::GrantProblem},
    store::StoreFault,
};

/// Why a call brought no result.
#[derive(Debug, thiserror::Error)]
pub enum CallFailure {
    /// The portal, or the way to it, said so.
    #[error(transparent)]
    Problem(#[from] Problem),
    /// The tokens are no longer accepted: a person has to act.
    #[error(transparent)]
    AuthorisationLost(Lost),
    /// The access token has expired, and there is no new one at the moment; the pair is as good as before.
    #[error("the access token has expired and {0}")]
    RenewalPutOff(PutOff),
    /// It would take longer than the caller's patience.
    #[error("{why}; free again at {until:.0}")]
    MustWait {
        /// When it can go on.
        until: Timestamp,
        /// What is in the way.
        why: Hindrance,
    },
    /// A stop was asked for before the call was sent.
    #[error("a stop was asked for")]
    Stopped,
    /// The state file failed. Nothing was sent because of it.
    #[error(transparent)]
    Store(#[from] StoreFault),
}

/// Tokens that are no longer accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Lost {
    /// What stands in the way: [`Bar::TokensDead`], [`Bar::ClientSecret`] or [`Bar::OtherPortal`].
    pub bar: Bar,
    /// The same in words, with what to do; this is what the store keeps.
    pub text: String,
}

/// Why a renewal has to wait.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PutOff {
    /// The authorisation server gave no tokens; its problem passes.
    #[error(transparent)]
    Server(GrantProblem),
    /// Another process is renewing.
    #[error("{0} is renewing it")]
    Elsewhere(String),
    /// The configured address of the authorisation server is no base of addresses.
    #[error("the authorisation address is wrong")]
    NoAddress,
}

/// What a request has to wait for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Hindrance {
    /// Requests leave the portal's bucket by themselves.
    #[error("the request bucket is full")]
    RequestBucket,
    /// In a steady stream of work the rest of the request rate is left to others.
    #[error("the configured share of the request rate is used up")]
    Share,
    /// A method's execution time is used up.
    #[error("the portal's execution time for {0} is used up")]
    ExecutionTime(String),
    /// Another process is renewing the tokens.
    #[error("{0} is renewing the stored tokens")]
    Renewal(String),
    /// Something else, in words.
    #[error("{0}")]
    Other(String),
}

impl From<&str> for Hindrance {
    fn from(words: &str) -> Self {
        Self::Other(words.to_owned())
    }
}

impl From<String> for Hindrance {
    fn from(words: String) -> Self {
        Self::Other(words)
    }
}

impl From<&Hindrance> for Hindrance {
    fn from(hindrance: &Self) -> Self {
        hindrance.clone()
    }
}

impl From<&String> for Hindrance {
    fn from(words: &String) -> Self {
        Self::Other(words.clone())
    }
}
