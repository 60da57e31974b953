//! The one place that maps what happened to an exit code (`sysexits.h`, as in the README).

use std::process::ExitCode;

use crate::{
    condition::{Acts, Condition, Kind},
    config::{Problems, is_exhaustion},
    drain::{DrainFailure, Outcome},
    portal::{
        CallFailure,
        admission::{NotAdmitted, Obstacle},
    },
    service::{DrainLockHeld, Ending, PortalReport},
    store::StoreFault,
};

use super::names::NamesError;

/// Why a program ends, as scripts and systemd see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Done; also where records were parked or are contested.
    Done,
    /// `status --check` warns.
    Warning,
    /// `status --check` found what needs somebody now.
    Critical,
    /// `status --check` could not find out.
    Unknown,
    /// The command line is wrong.
    Usage,
    /// Input data is malformed.
    BadInput,
    /// The portal or the authorisation server cannot be reached.
    Unreachable,
    /// A fault of this program, or a damaged store.
    Internal,
    /// The work was done; its output could not be written.
    Unwritten,
    /// It will work later: limits, locks, a full disk.
    Temporary,
    /// A person has to authorise, or to act on the portal.
    NotAuthorised,
    /// Configuration, or a store that may not be used.
    Configuration,
}

impl Exit {
    /// The exit code.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Warning => 1,
            Self::Critical => 2,
            Self::Unknown => 3,
            Self::Usage => 64,
            Self::BadInput => 65,
            Self::Unreachable => 69,
            Self::Internal => 70,
            Self::Unwritten => 74,
            Self::Temporary => 75,
            Self::NotAuthorised => 77,
            Self::Configuration => 78,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}

/// An error with the exit code it asks for.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// The exit code.
    pub exit: Exit,
    /// One clear line.
    pub message: String,
}

/// The exit code of an error that reached the top.
#[must_use]
pub fn exit_of(error: &anyhow::Error) -> Exit {
    if let Some(refusal) = error.downcast_ref::<Refusal>() {
        return refusal.exit;
    }
    if let Some(NamesError::InvalidUtf8 { .. } | NamesError::Long { .. }) = error.downcast_ref() {
        return Exit::BadInput;
    }
    if error.is::<DrainLockHeld>() {
        return Exit::Temporary;
    }
    if let Some(problems) = error.downcast_ref::<Problems>() {
        return of_configuration(problems);
    }
    if let Some(fault) = error.downcast_ref::<StoreFault>() {
        return of_store(fault);
    }
    if let Some(failure) = error.downcast_ref::<CallFailure>() {
        return of_call(failure);
    }
    if let Some(refused) = error.downcast_ref::<NotAdmitted>() {
        return of_admission(&refused.obstacle);
    }
    if let Some(failure) = error.downcast_ref::<DrainFailure>() {
        return of_drain(failure);
    }
    let exhausted = error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(is_exhaustion);
    match exhausted {
        true => Exit::Temporary,
        false => Exit::Internal,
    }
}

/// The exit code of a configuration that cannot be used: a host that has run out of something is no
/// reason to stay down.
pub(super) fn of_configuration(Problems(problems): &Problems) -> Exit {
    match problems.iter().any(|problem| problem.passing) {
        true => Exit::Temporary,
        false => Exit::Configuration,
    }
}

/// The exit code of a fault of the state file.
pub(super) fn of_store(fault: &StoreFault) -> Exit {
    match fault {
        StoreFault::Missing(_) => Exit::NotAuthorised,
        StoreFault::Locked(_)
        | StoreFault::Full(_)
        | StoreFault::Replaced(_)
        | StoreFault::Exhausted { .. } => Exit::Temporary,
        StoreFault::NotAFile(_)
        | StoreFault::ReadOnly { .. }
        | StoreFault::WrongMode { .. }
        | StoreFault::Foreign(_)
        | StoreFault::NewerSchema { .. } => Exit::Configuration,
        StoreFault::Corrupt { .. } | StoreFault::Other { .. } => Exit::Internal,
    }
}

/// The exit code of tokens that were not let in.
#[must_use]
pub fn of_admission(obstacle: &Obstacle) -> Exit {
    match obstacle {
        Obstacle::OtherPortal { .. } | Obstacle::Superseded => Exit::BadInput,
        Obstacle::CodeRefused(_)
        | Obstacle::PairRefused(_)
        | Obstacle::ApplicationRefused(_)
        | Obstacle::Unfit(_) => Exit::NotAuthorised,
        Obstacle::Moved(_) => Exit::Configuration,
        Obstacle::Away(_) | Obstacle::RenewalUnanswered(_) => Exit::Unreachable,
        Obstacle::Call(failure) => of_call(failure),
    }
}

fn of_call(failure: &CallFailure) -> Exit {
    match failure {
        CallFailure::AuthorisationLost(_) => Exit::NotAuthorised,
        CallFailure::RenewalPutOff(_) => Exit::Unreachable,
        CallFailure::MustWait { .. } | CallFailure::Stopped => Exit::Temporary,
        CallFailure::Store(fault) => of_store(fault),
        CallFailure::Problem(problem) => of_drain(&DrainFailure::from(problem.clone())),
    }
}

/// The exit code of a drain that failed.
#[must_use]
pub fn of_drain(failure: &DrainFailure) -> Exit {
    match failure {
        DrainFailure::Unverified(_)
        | DrainFailure::NeedsPerson(_)
        | DrainFailure::MayNotWrite(_)
        | DrainFailure::ContactsNotOffered(_) => Exit::NotAuthorised,
        DrainFailure::Unreachable(_) => Exit::Unreachable,
        DrainFailure::PlanChanged(_)
        | DrainFailure::Overloaded(_)
        | DrainFailure::MustWait(_)
        | DrainFailure::Temporary(_)
        | DrainFailure::Stopped => Exit::Temporary,
        DrainFailure::Internal(_) | DrainFailure::Output(_) => Exit::Internal,
        DrainFailure::Store(fault) => of_store(fault),
    }
}

/// The exit code of a condition that a person has to mend; one that is only a warning has none.
pub(super) fn of_condition(condition: &Condition) -> Exit {
    match condition.kind {
        _ if condition.acts == Acts::Program => Exit::Done,
        kind if kind.is_refusal() => Exit::NotAuthorised,
        // Somebody has to act on the portal.
        Kind::Unbound => Exit::NotAuthorised,
        kind if kind.is_on_the_way() => Exit::Unreachable,
        Kind::Moved | Kind::Configuration => Exit::Configuration,
        Kind::Brake | Kind::DiskFull | Kind::StateLocked => Exit::Temporary,
        Kind::StateFile | Kind::StateDeleted => Exit::Internal,
        _ => Exit::Done,
    }
}

/// The exit code of a one-shot run.
#[must_use]
pub fn of_reports(reports: &[PortalReport]) -> Exit {
    first_of(reports.iter().map(of_report))
}

/// The one exit code of several: the first of 78, 77, 70, 69, 75, 0 that occurred.
#[must_use]
pub fn first_of(exits: impl IntoIterator<Item = Exit>) -> Exit {
    let order = [
        Exit::Configuration,
        Exit::NotAuthorised,
        Exit::Internal,
        Exit::Unreachable,
        Exit::Temporary,
    ];
    let exits: Vec<Exit> = exits.into_iter().collect();
    order
        .into_iter()
        .find(|exit| exits.contains(exit))
        .unwrap_or(Exit::Done)
}

fn of_report(report: &PortalReport) -> Exit {
    match &report.ending {
        Ending::NoTokens => Exit::NotAuthorised,
        Ending::NoSecret(problems) => of_configuration(problems),
        Ending::Failed(failure) => of_drain(failure),
        Ending::Ended(Outcome::Done | Outcome::Paused) => Exit::Done,
        Ending::Ended(Outcome::WorkLeft { .. } | Outcome::Stopped) => Exit::Temporary,
    }
}
