//! Why a pass ended early, as its callers have to know it.

use crate::{
    bitrix::{Problem, application::Unfit},
    condition::{Kind, Trouble},
    portal::{CallFailure, problem_trouble, unfit_trouble},
    store::StoreFault,
    tidy::TidyFailure,
};

/// Why a pass ended early, in words and as what it says of the portal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    text: String,
    trouble: Trouble,
}

impl Cause {
    /// The same, with what a person has to do about it.
    pub(super) fn with_remedy(self, remedy: &str) -> Self {
        Self {
            text: format!("{}; {remedy}", self.text),
            trouble: self.trouble.with_remedy(remedy),
        }
    }
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// In words alone: the portal fails, as far as anybody can tell.
impl From<String> for Cause {
    fn from(text: String) -> Self {
        Self {
            trouble: Trouble::said(Kind::PortalFails, &*text),
            text,
        }
    }
}

impl From<Unfit> for Cause {
    fn from(unfit: Unfit) -> Self {
        Self {
            trouble: unfit_trouble(&unfit),
            text: unfit.to_string(),
        }
    }
}

/// Contacts that are refused to the account throughout.
impl From<Kind> for Cause {
    fn from(kind: Kind) -> Self {
        Self {
            text: format!("{}; {}", kind.says(), kind.remedy(None)),
            trouble: Trouble::new(kind),
        }
    }
}

/// Why a pass ended early. What was reserved is stored, what was settled but not acknowledged is
/// looked at again.
#[derive(Debug, thiserror::Error)]
pub enum DrainFailure {
    /// The stored tokens have not passed their checks.
    #[error("the stored tokens have not passed their checks: {0}")]
    Unverified(Cause),
    /// A person has to act on the portal.
    #[error("{0}")]
    NeedsPerson(Cause),
    /// The account has lost its right to change contacts. Events are recorded all the same.
    #[error("{0}")]
    MayNotWrite(Cause),
    /// The portal or the authorisation server cannot be reached.
    #[error("{0}")]
    Unreachable(Cause),
    /// The plan lost or regained a feature while we worked: the next pass looks at it anew.
    #[error("{0}")]
    PlanChanged(Cause),
    /// The portal does not offer the methods by which contacts are read and written, or no longer:
    /// another look tells which it has.
    #[error("{0}")]
    ContactsNotOffered(Cause),
    /// The vendor's support has blocked the portal's REST: it is left alone for hours.
    #[error("{0}")]
    Overloaded(Cause),
    /// Something is in the way for longer than may be waited; until when is known.
    #[error("{0}")]
    MustWait(Cause),
    /// It will work later by itself.
    #[error("{0}")]
    Temporary(Cause),
    /// A fault of this program or an answer nobody foresaw.
    #[error("{0}")]
    Internal(Cause),
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
    /// What it says of the portal; none where it says nothing.
    #[must_use]
    pub fn trouble(&self) -> Option<&Trouble> {
        match self {
            Self::Unverified(cause)
            | Self::NeedsPerson(cause)
            | Self::MayNotWrite(cause)
            | Self::Unreachable(cause)
            | Self::PlanChanged(cause)
            | Self::ContactsNotOffered(cause)
            | Self::Overloaded(cause)
            | Self::MustWait(cause)
            | Self::Temporary(cause)
            | Self::Internal(cause) => Some(&cause.trouble),
            Self::Store(_) | Self::Stopped | Self::Output(_) => None,
        }
    }

    /// The failure in a word or two, as `status` shows it.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Unverified(_) => "tokens not verified",
            Self::NeedsPerson(_) | Self::MayNotWrite(_) | Self::ContactsNotOffered(_) => {
                "not authorised"
            }
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
        let trouble = failure.trouble();
        let cause = |text: String| match trouble {
            Some(trouble) => Cause { text, trouble },
            None => text.into(),
        };
        let text = failure.to_string();
        match failure {
            CallFailure::Problem(problem) => problem.into(),
            CallFailure::AuthorisationLost(_) => Self::NeedsPerson(cause(text)),
            CallFailure::RenewalPutOff(_) => Self::Unreachable(cause(text)),
            CallFailure::MustWait { .. } => Self::MustWait(cause(text)),
            CallFailure::Stopped => Self::Stopped,
            CallFailure::Store(fault) => Self::Store(fault),
        }
    }
}

impl From<Problem> for DrainFailure {
    fn from(problem: Problem) -> Self {
        let cause = Cause {
            text: problem.to_string(),
            trouble: problem_trouble(&problem),
        };
        match problem {
            Problem::Unauthorised(_)
            | Problem::TokenUnknown(_)
            | Problem::Denied(_)
            | Problem::Misdirected(_) => Self::NeedsPerson(cause),
            Problem::NotOffered(_) => Self::ContactsNotOffered(cause),
            Problem::Overload(_) => Self::Overloaded(cause),
            problem if problem.is_unreachable() => Self::Unreachable(cause),
            problem if problem.is_temporary() => Self::Temporary(cause),
            Problem::Licence(_) => Self::PlanChanged(cause),
            Problem::Moved(_) => Self::Temporary(cause),
            _ => Self::Internal(cause),
        }
    }
}

impl From<TidyFailure> for DrainFailure {
    fn from(failure: TidyFailure) -> Self {
        match failure {
            TidyFailure::Call(failure) => failure.into(),
            TidyFailure::MayNotRead => Self::NeedsPerson(Kind::NoReadRight.into()),
            TidyFailure::MayNotWrite => Self::MayNotWrite(Kind::NoWriteRight.into()),
        }
    }
}
