//! What can be wrong with the state file.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use rusqlite::{Error, ErrorCode};

use super::plain::{is_foreign, make_plain};

/// A fault of the state file. Whatever it is, nothing was acknowledged because of it.
#[derive(Debug, thiserror::Error)]
pub enum StoreFault {
    /// There is no state file yet.
    #[error("{}: no state file yet; run `b24-tidyd auth login` or `b24-tidyd auth import`", .0.display())]
    Missing(PathBuf),
    /// Another process kept the state file locked for longer than the busy timeout.
    #[error("{}: locked by another process; try again, or find it with `fuser`", .0.display())]
    Locked(PathBuf),
    /// No space is left for the state file.
    #[error("{}: the disk is full; free some space, nothing is lost meanwhile", .0.display())]
    Full(PathBuf),
    /// The path leads to a device, a pipe or a folder.
    #[error("{}: is not a regular file; name another `path` in [store]", .0.display())]
    NotAFile(PathBuf),
    /// A link, or something else that is no file of ours, has the name of a file beside the state file.
    #[error("{}: is a link, or something else that is no file of ours; nothing follows it: remove it", .0.display())]
    Foreign(PathBuf),
    /// The state file was deleted or replaced after it was opened: what is written to it now is lost.
    #[error("{}: was deleted or replaced while it was open; nothing more is written to the old one", .0.display())]
    Replaced(PathBuf),
    /// The host has no file descriptor or no memory left.
    #[error("{}: {reason}; close what holds so many files, or raise the limit", path.display())]
    Exhausted {
        /// The state file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The state file, or its folder, cannot be written.
    #[error("{}: cannot be written ({reason}); give the service user write access to the file and its folder", path.display())]
    ReadOnly {
        /// The state file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// Others may read the state file, which holds tokens.
    #[error("{}: mode {mode:04o} lets others read the tokens in it; run `chmod 0600 {}`", path.display(), path.display())]
    WrongMode {
        /// The state file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The state file was written by a newer version of the program.
    #[error("{}: schema {found} is newer than this program knows ({known}); install the newer b24-tidyd again, or restore the state file from before the upgrade", path.display())]
    NewerSchema {
        /// The state file.
        path: PathBuf,
        /// The schema version in the file.
        found: i64,
        /// The newest version this program knows.
        known: i64,
    },
    /// The state file is damaged, or is no state file of ours.
    #[error("{}: damaged or not a state file of b24-tidyd ({reason}); move it away and restore a backup, or run `b24-tidyd auth login` for a new one (events wait in the portal)", path.display())]
    Corrupt {
        /// The state file.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// Anything else that SQLite or the system reports.
    #[error("{}: {reason}", path.display())]
    Other {
        /// The state file.
        path: PathBuf,
        /// What was reported.
        reason: String,
    },
}

impl StoreFault {
    /// Sorts an error of SQLite by what a person has to do about it.
    pub(super) fn from_sqlite(path: &Path, error: Error) -> Self {
        let path = path.to_path_buf();
        let reason = error.to_string();
        let opens = matches!(
            error.sqlite_error_code(),
            Some(ErrorCode::CannotOpen | ErrorCode::SystemIoFailure | ErrorCode::OutOfMemory)
        );
        if let Some(reason) = opens.then(exhaustion).flatten() {
            return Self::Exhausted { path, reason };
        }
        match error.sqlite_error_code() {
            _ if is_busy(&error) => Self::Locked(path),
            Some(ErrorCode::DiskFull) => Self::Full(path),
            Some(ErrorCode::SystemIoFailure) if disk_is_full(&path) => Self::Full(path),
            Some(ErrorCode::OutOfMemory) => Self::Exhausted { path, reason },
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                Self::ReadOnly { path, reason }
            }
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Corrupt { path, reason }
            }
            _ => Self::Other { path, reason },
        }
    }

    /// The loop that has the file in hand gave no answer: it panicked over the question.
    pub(super) fn without_answer(path: &Path) -> Self {
        Self::Other {
            path: path.to_path_buf(),
            reason: "the part of the program that keeps it has failed; see the log".to_owned(),
        }
    }

    /// Sorts an error of the file system.
    pub(super) fn from_io(path: &Path, error: &std::io::Error) -> Self {
        let path = path.to_path_buf();
        let reason = error.to_string();
        match error.kind() {
            kind if is_full(kind) => Self::Full(path),
            _ if is_exhausted(error) => Self::Exhausted { path, reason },
            _ if is_foreign(error) => Self::Foreign(path),
            std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
                Self::ReadOnly { path, reason }
            }
            _ => Self::Other { path, reason },
        }
    }
}

/// Whether another process has the file at the moment.
pub(super) fn is_busy(error: &Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
    )
}

/// Whether the host, not the file, is in the way.
fn is_exhausted(error: &std::io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::EMFILE | libc::ENFILE | libc::EAGAIN | libc::ENOMEM)
    )
}

/// SQLite reports that no file descriptor is left as a file that cannot be opened: is it so?
fn exhaustion() -> Option<String> {
    let error = std::fs::File::open("/dev/null").err()?;
    is_exhausted(&error).then(|| error.to_string())
}

/// No space on the disk, or none that a quota grants.
fn is_full(kind: std::io::ErrorKind) -> bool {
    matches!(
        kind,
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded
    )
}

/// SQLite reports a full disk during a write-ahead step as a plain I/O failure.
fn disk_is_full(path: &Path) -> bool {
    let mut probe = path.as_os_str().to_owned();
    probe.push(format!(".space-probe.{}", std::process::id()));
    let probe = PathBuf::from(probe);
    let mut file = match make_plain(&probe, path) {
        Ok(file) => file,
        // Where something has that name already, the fault is told as SQLite tells it.
        Err(error) => return is_full(error.kind()),
    };
    let written = file.write_all(&[0; 4096]);
    // The probe is ours and empty of meaning; where it cannot be removed, nothing depends on it.
    let _ = std::fs::remove_file(&probe);
    written.is_err_and(|error| is_full(error.kind()))
}
