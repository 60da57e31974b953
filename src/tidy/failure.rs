//! Why the work on contacts ended early.

use crate::{bitrix::Problem, portal::CallFailure, store::StoreFault};

/// Why the work on contacts ended early. What was in hand stands in the store.
#[derive(Debug, thiserror::Error)]
pub enum TidyFailure {
    /// The portal, or the state file, failed.
    #[error(transparent)]
    Call(#[from] CallFailure),
    /// Contacts are refused to the account throughout.
    #[error("the account may not read any contact; give it back its rights in the CRM")]
    MayNotRead,
    /// Contacts are read, and every write is denied.
    #[error("the account may not change any contact; give it back its rights in the CRM")]
    MayNotWrite,
}

impl From<StoreFault> for TidyFailure {
    fn from(fault: StoreFault) -> Self {
        Self::Call(fault.into())
    }
}

impl From<Problem> for TidyFailure {
    fn from(problem: Problem) -> Self {
        Self::Call(problem.into())
    }
}
