//! What can go wrong with a call, as decisions a caller can act on.

use url::Url;

/// What the portal said: its error code (which may be empty) and its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The `error` member, possibly empty.
    pub code: String,
    /// The `error_description` member, without markup.
    pub text: String,
}

impl std::fmt::Display for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.code.is_empty(), self.text.is_empty()) {
            (true, true) => f.write_str("an error without code or text"),
            (true, false) => f.write_str(&self.text),
            (false, true) => f.write_str(&self.code),
            (false, false) => write!(f, "{} ({})", self.text, self.code),
        }
    }
}

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
    #[error("the portal does not let us in: {0}")]
    Unauthorised(Said),
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
    /// No connection came about: the call was certainly not processed.
    #[error("the portal is unreachable: {0}")]
    Unreachable(String),
    /// The connection broke or timed out; the call may have been processed.
    #[error("the portal did not answer: {0}")]
    Unanswered(String),
    /// The portal was renamed: it answers at this address now (302).
    #[error("the portal has moved to {0}")]
    Moved(Url),
    /// The record does not exist (any more).
    #[error("there is no such record")]
    Gone,
    /// The portal refuses this record for good.
    #[error("the portal refuses the record: {0}")]
    Refused(Said),
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
            Self::Failed(_) | Self::Unclear(_) | Self::Unanswered(_)
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

    /// The problem of a batch as a whole. What only makes sense of one record says nothing about the
    /// commands: any of them may have been processed.
    #[must_use]
    pub fn of_whole_batch(self) -> Self {
        match self {
            Self::Gone | Self::Refused(_) | Self::InvalidId(_) | Self::AlreadyBound => {
                Self::Unclear(self.to_string())
            }
            other => other,
        }
    }

    /// Whether the portal (or the way to it) is away, rather than saying something.
    #[must_use]
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Unanswered(_))
    }
}
