//! What can go wrong with a call, as decisions a caller can act on.

use url::Url;

use super::{Barred, Fault, Said};

/// Why a call, or one command of a batch, brought no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// `expired_token`: renew the access token once, then repeat the call.
    #[error("the access token has expired")]
    TokenExpired,
    /// `invalid_token`, `NO_AUTH_FOUND`: one renewal may help; if not, the authorisation is lost.
    #[error("the portal does not know the access token: {0}")]
    TokenUnknown(Said),
    /// A person has to act: rights, scopes, payment, installation.
    #[error(transparent)]
    Unauthorised(Barred),
    /// `WRONG_LICENSE`: the plan lacks `rest_offline_extended` or `rest_auth_connector`.
    #[error("the portal's plan lacks a feature: {0}")]
    Licence(Said),
    /// `QUERY_LIMIT_EXCEEDED`: the request bucket is full. Nothing was processed.
    #[error("the portal's request limit is reached")]
    RateLimited,
    /// `OPERATION_TIME_LIMIT`: the method is blocked. Nothing was processed.
    #[error("the portal has blocked this method for a while")]
    MethodBlocked,
    /// `OVERLOAD_LIMIT`: REST was blocked by the vendor's support; very slow probes only.
    #[error("the vendor has blocked REST on this portal: {0}")]
    Overload(Said),
    /// The portal failed inside; the call may have been processed all the same.
    #[error("the portal failed: {0}")]
    Failed(Said),
    /// The answer makes no sense (HTML, cut JSON, nothing); the call may have been processed.
    #[error("the portal's answer is not understood: {0}")]
    Unclear(String),
    /// The request never arrived: the call was certainly not processed. The fault tells how far it came.
    #[error("the portal is unreachable: {0}")]
    Unreachable(Fault),
    /// The connection broke or timed out; the call may have been processed.
    #[error("the portal did not answer: {0}")]
    Unanswered(Fault),
    /// The portal sends us to another address (302).
    #[error("the portal has moved to {0}")]
    Moved(Url),
    /// The portal sends us to an address that the authorisation server does not name, or that is not
    /// encrypted: it gets nothing.
    #[error(transparent)]
    Misdirected(Misdirection),
    /// The record does not exist (any more).
    #[error("there is no such record")]
    Gone,
    /// The portal refuses this record for good.
    #[error("the portal refuses the record: {0}")]
    Refused(Said),
    /// The portal refuses the request as a whole, which says nothing about a record; parts of it may have
    /// been processed.
    #[error("the portal refuses the request: {0}")]
    RequestRefused(Said),
    /// The account may not touch this record.
    #[error("access to the record is denied: {0}")]
    Denied(Said),
    /// `ID is not defined or invalid.`, or code `100`, an argument that is missing or of the wrong
    /// type: for a guarded update, "look again".
    #[error("an argument is not valid: {0}")]
    InvalidId(Said),
    /// The portal does not have this family of methods for contacts, or has it no longer.
    #[error("the portal does not offer these methods for contacts: {0}")]
    NotOffered(Said),
    /// `event.bind`: the handler stands already.
    #[error("the event is bound already")]
    AlreadyBound,
    /// Our call is wrong, or the portal does not know it: a fault of this program or its setup.
    #[error("the portal does not accept the call: {0}")]
    Misuse(Said),
}

impl Problem {
    /// Whether the call may have been processed although no usable answer came.
    #[must_use]
    pub fn may_have_been_processed(&self) -> bool {
        matches!(
            self,
            Self::Failed(_) | Self::Unclear(_) | Self::Unanswered(_) | Self::RequestRefused(_)
        )
    }

    /// Whether the same call can be expected to work later without anybody doing anything.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        self.may_have_been_processed()
            || matches!(
                self,
                Self::RateLimited
                    | Self::MethodBlocked
                    | Self::Overload(_)
                    | Self::Unreachable(_)
                    | Self::TokenExpired
            )
    }

    /// The problem of a request that concerns no single record. What only makes sense of one says nothing
    /// about it: any part of it may have been processed.
    #[must_use]
    pub fn of_whole_request(self) -> Self {
        match self {
            Self::Refused(said) | Self::InvalidId(said) => Self::RequestRefused(said),
            Self::Gone => Self::RequestRefused(Said::text("not found")),
            Self::AlreadyBound => Self::RequestRefused(Said::text("already bound")),
            other => other,
        }
    }

    /// Whether the portal (or the way to it) is away, rather than saying something.
    #[must_use]
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Unanswered(_))
    }
}

/// Why the address that a portal sends us to is not used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{from} sends us to {to}, {why}; if the portal lives there now, set its `url`")]
pub struct Misdirection {
    /// The address that was asked, as `host` or `host:port`.
    pub from: String,
    /// The address that it names, likewise.
    pub to: String,
    /// What is wrong with it.
    pub why: Astray,
}

/// What is wrong with an address that a portal sends us to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Astray {
    /// From https to http.
    #[error("which is not encrypted")]
    Unencrypted,
    /// The authorisation server names another address for these tokens, or none.
    #[error("which the authorisation server does not confirm")]
    Unconfirmed,
    /// A page that is not the REST interface, such as a login.
    #[error("which is not its REST address")]
    NotRest,
}
