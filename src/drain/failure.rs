//! Why a pass ended early, as its callers have to know it.

use crate::{bitrix::Problem, portal::CallFailure, store::StoreFault, tidy::TidyFailure};

/// Why a pass ended early. What was reserved is stored, what was settled but not acknowledged is
/// looked at again.
#[derive(Debug, thiserror::Error)]
pub enum DrainFailure {
    /// The stored tokens have not passed their checks.
    #[error("the stored tokens have not passed their checks: {0}")]
    Unverified(String),
    /// A person has to act on the portal.
    #[error("{0}")]
    NeedsPerson(String),
    /// The account has lost its right to change contacts. Events are recorded all the same.
    #[error("{0}")]
    MayNotWrite(String),
    /// The portal or the authorisation server cannot be reached.
    #[error("{0}")]
    Unreachable(String),
    /// The plan lost or regained a feature while we worked: the next pass looks at it anew.
    #[error("{0}")]
    PlanChanged(String),
    /// The vendor's support has blocked the portal's REST: it is left alone for hours.
    #[error("{0}")]
    Overloaded(String),
    /// Something is in the way for longer than may be waited; until when is known.
    #[error("{0}")]
    MustWait(String),
    /// It will work later by itself.
    #[error("{0}")]
    Temporary(String),
    /// A fault of this program or an answer nobody foresaw.
    #[error("{0}")]
    Internal(String),
    /// The state file failed.
    #[error(transparent)]
    Store(#[from] StoreFault),
    /// A stop was asked for.
    #[error("a stop was asked for")]
    Stopped,
    /// Whoever listened to what was found no longer does.
    #[error("the output failed: {0}")]
    Output(#[from] std::io::Error),
}

impl DrainFailure {
    /// The failure in a word or two, as `status` shows it.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Unverified(_) => "tokens not verified",
            Self::NeedsPerson(_) | Self::MayNotWrite(_) => "not authorised",
            Self::Unreachable(_) => "unreachable",
            Self::PlanChanged(_) | Self::Overloaded(_) | Self::MustWait(_) | Self::Temporary(_) => {
                "put off"
            }
            Self::Internal(_) => "failed",
            Self::Store(_) => "state file failed",
            Self::Stopped | Self::Output(_) => "stopped",
        }
    }
}

impl From<CallFailure> for DrainFailure {
    fn from(failure: CallFailure) -> Self {
        let text = failure.to_string();
        match failure {
            CallFailure::Problem(problem) => problem.into(),
            CallFailure::AuthorisationLost(_) => Self::NeedsPerson(text),
            CallFailure::RenewalPutOff(_) => Self::Unreachable(text),
            CallFailure::MustWait { .. } => Self::MustWait(text),
            CallFailure::Stopped => Self::Stopped,
            CallFailure::Store(fault) => Self::Store(fault),
        }
    }
}

impl From<Problem> for DrainFailure {
    fn from(problem: Problem) -> Self {
        let text = problem.to_string();
        match problem {
            Problem::Unauthorised(_)
            | Problem::TokenUnknown(_)
            | Problem::Denied(_)
            | Problem::Misdirected(_)
            | Problem::NotOffered(_) => Self::NeedsPerson(text),
            Problem::Overload(_) => Self::Overloaded(text),
            problem if problem.is_unreachable() => Self::Unreachable(text),
            problem if problem.is_temporary() => Self::Temporary(text),
            Problem::Licence(_) => Self::PlanChanged(text),
            Problem::Moved(_) => Self::Temporary(text),
            _ => Self::Internal(text),
        }
    }
}

impl From<TidyFailure> for DrainFailure {
    fn from(failure: TidyFailure) -> Self {
        let text = failure.to_string();
        match failure {
            TidyFailure::Call(failure) => failure.into(),
            TidyFailure::MayNotRead => Self::NeedsPerson(text),
            TidyFailure::MayNotWrite => Self::MayNotWrite(text),
        }
    }
}
