//! What ended a drain, as conditions: the one place that turns failures into kinds.

use crate::{
    condition::{Kind, Trouble},
    drain::{DrainFailure, Outcome},
    store::StoreFault,
};

/// What a drain that failed says of its portal; none where it says nothing: somebody asked for a stop, or
/// the fault is the host's (see [`of_store`]).
#[must_use]
pub fn of_failure(failure: &DrainFailure) -> Option<Trouble> {
    let said = |kind, text: &str| Some(Trouble::said(kind, text));
    match failure {
        DrainFailure::Unverified(text) | DrainFailure::NeedsPerson(text) => {
            said(Kind::TokensDead, text)
        }
        DrainFailure::MayNotWrite(_) => Some(Trouble::new(Kind::NoWriteRight)),
        DrainFailure::Unreachable(text) => said(Kind::Unreachable, text),
        DrainFailure::Overloaded(text) => said(Kind::Overloaded, text),
        DrainFailure::MustWait(text) => said(Kind::Behind, text),
        DrainFailure::PlanChanged(text)
        | DrainFailure::Temporary(text)
        | DrainFailure::Internal(text) => said(Kind::PortalFails, text),
        DrainFailure::Store(_) | DrainFailure::Stopped | DrainFailure::Output(_) => None,
    }
}

/// What a drain that ended leaves to be said.
pub(in crate::service) fn of_outcome(outcome: &Outcome) -> Option<Trouble> {
    match outcome {
        Outcome::WorkLeft { until, why } => {
            Some(Trouble::said(Kind::Behind, why).tried_again_at(*until))
        }
        Outcome::Done | Outcome::Stopped | Outcome::Paused => None,
    }
}

/// What a fault of the state file says of the host.
#[must_use]
pub fn of_store(fault: &StoreFault) -> Trouble {
    let (text, remedy) = match fault.to_string().split_once("; ") {
        Some((text, remedy)) => (text.to_owned(), Some(remedy.to_owned())),
        None => (fault.to_string(), None),
    };
    let kind = match fault {
        StoreFault::Locked(_) => Kind::StateLocked,
        StoreFault::Full(_) => Kind::DiskFull,
        _ => Kind::StateFile,
    };
    let trouble = Trouble::said(kind, text);
    match (kind, remedy) {
        (Kind::StateFile, Some(remedy)) => trouble.with_remedy(remedy),
        _ => trouble,
    }
}
