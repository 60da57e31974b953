//! What a drain that ended and what faults of this host say, as conditions.

use crate::{
    condition::{Kind, Trouble},
    config::Problems,
    drain::Outcome,
    store::StoreFault,
};

/// What a drain that ended leaves to be said.
pub(in crate::service) fn of_outcome(outcome: &Outcome) -> Option<Trouble> {
    match outcome {
        Outcome::WorkLeft { until, why } => {
            Some(Trouble::said(Kind::Behind, why).tried_again_at(*until))
        }
        Outcome::Done | Outcome::Stopped | Outcome::Paused => None,
    }
}

/// What a client secret that is missing or refused says of its portal.
#[must_use]
pub fn of_secret(problems: &Problems) -> Trouble {
    let first = problems.0.first().map(ToString::to_string);
    Trouble::said(Kind::ClientSecret, first.unwrap_or_default())
}

/// What a fault of the state file says of the host.
#[must_use]
pub fn of_store(fault: &StoreFault) -> Trouble {
    let of_file =
        |said: String, remedy: String| Trouble::said(Kind::StateFile, said).with_remedy(remedy);
    match fault {
        StoreFault::Locked(path) => Trouble::said(Kind::StateLocked, path.display().to_string()),
        StoreFault::Full(path) => Trouble::said(Kind::DiskFull, path.display().to_string()),
        StoreFault::Missing(path) => of_file(
            format!("there is none at {}", path.display()),
            "if there was one, mount its disk or restore it; else authorise each portal".to_owned(),
        ),
        StoreFault::WrongMode { path, mode } => of_file(
            format!(
                "others may read the tokens in {} (mode {mode:04o})",
                path.display()
            ),
            format!("chmod 0600 {}", path.display()),
        ),
        StoreFault::ReadOnly { path, reason } => of_file(
            format!("{}: {reason}", path.display()),
            "give the service's user write access to the file and its folder: \
             `b24-tidyd doctor` names the owner"
                .to_owned(),
        ),
        StoreFault::NewerSchema { path, found, known } => of_file(
            format!(
                "{} has schema {found}, this program knows {known}",
                path.display()
            ),
            "install the newer b24-tidyd again, or restore the state file from before the upgrade"
                .to_owned(),
        ),
        StoreFault::Corrupt { path, reason } => of_file(
            format!("{} is damaged or none of ours: {reason}", path.display()),
            "move it away, and restore a backup or authorise each portal anew".to_owned(),
        ),
        fault => Trouble::said(Kind::StateFile, fault.to_string()),
    }
}
