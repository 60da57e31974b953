//! File locks beside the state file: one drain at a time, one renewal at a time.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Seek, SeekFrom, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    PortalId, Store, StoreFault,
    plain::{open_or_make, open_plain},
};

/// How often a lock that is taken is tried again before its holder is believed.
const LOOKS: u32 = 3;
const BETWEEN_LOOKS: Duration = Duration::from_millis(5);

/// A lock that is held until it is dropped, or until the process ends.
#[derive(Debug)]
pub struct Lock {
    // The lock lives as long as the open file.
    _file: File,
}

/// Who holds a lock, in its own words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holder(pub String);

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_empty() {
            "another process"
        } else {
            &self.0
        })
    }
}

impl Store {
    /// Takes the drain lock for this state file, telling others it is held by `who`.
    ///
    /// # Errors
    /// The outer error is a fault of the file system; the inner one names the present holder.
    pub fn lock_drain(&self, who: &str) -> Result<Result<Lock, Holder>, StoreFault> {
        self.take(&self.drain_lock_path(), who)
    }

    /// Who drains at the moment, if anybody.
    ///
    /// # Errors
    /// A fault of the file system.
    pub fn drain_lock_holder(&self) -> Result<Option<Holder>, StoreFault> {
        drain_holder(self.path())
    }

    /// Takes the renewal lock of one portal, without waiting.
    ///
    /// # Errors
    /// As [`Store::lock_drain`].
    pub fn lock_renewal(&self, portal: PortalId) -> Result<Result<Lock, Holder>, StoreFault> {
        self.take(&self.beside(&format!("renew-{portal}.lock")), "renewal")
    }

    fn take(&self, path: &Path, who: &str) -> Result<Result<Lock, Holder>, StoreFault> {
        let io = |error: std::io::Error| StoreFault::from_io(path, &error);
        let mut file = open_or_make(path, self.path()).map_err(io)?;
        let mut looks = 0;
        loop {
            match file.try_lock() {
                Ok(()) if is_at(&file, path) => break,
                // Somebody removed it meanwhile: a lock on what nobody else finds keeps nobody out.
                Ok(()) => {
                    file = open_or_make(path, self.path()).map_err(io)?;
                    if looks == LOOKS {
                        return Ok(Err(Holder::default()));
                    }
                }
                Err(TryLockError::Error(error)) => return Err(io(error)),
                Err(TryLockError::WouldBlock) if looks == LOOKS => {
                    return Ok(Err(read_holder(&file)));
                }
                // Somebody may only be asking who holds it, which takes microseconds.
                Err(TryLockError::WouldBlock) => std::thread::sleep(BETWEEN_LOOKS),
            }
            looks += 1;
        }
        // Nothing but the name of a holder was ever in it.
        file.set_len(0).map_err(io)?;
        file.seek(SeekFrom::Start(0)).map_err(io)?;
        write!(file, "{who}, process {}", std::process::id()).map_err(io)?;
        Ok(Ok(Lock { _file: file }))
    }

    fn drain_lock_path(&self) -> PathBuf {
        self.beside(DRAIN_LOCK)
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        beside(self.path(), suffix)
    }
}

/// Who drains the portals of the state file at `path`, if anybody; the state file itself may be away.
///
/// # Errors
/// A fault of the file system.
pub fn drain_holder(path: &Path) -> Result<Option<Holder>, StoreFault> {
    let path = beside(path, DRAIN_LOCK);
    if !path.exists() {
        return Ok(None);
    }
    let file = open_plain(&path, OpenOptions::new().read(true));
    let file = file.map_err(|error| StoreFault::from_io(&path, &error))?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Ok(Some(read_holder(&file))),
        Ok(()) => Ok(None),
        Err(TryLockError::Error(error)) => Err(StoreFault::from_io(&path, &error)),
    }
}

/// How the drain lock's name ends.
const DRAIN_LOCK: &str = "drain.lock";

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    PathBuf::from(name)
}

/// Whether `file` is what others find at `path`.
fn is_at(file: &File, path: &Path) -> bool {
    let (Ok(ours), Ok(found)) = (file.metadata(), path.symlink_metadata()) else {
        return false;
    };
    (ours.dev(), ours.ino()) == (found.dev(), found.ino())
}

fn read_holder(mut file: &File) -> Holder {
    let mut text = String::new();
    // The holder may be writing its name this very moment: then it stays unnamed.
    let _ = file.read_to_string(&mut text);
    Holder(text.trim().to_owned())
}
