//! Whether the state file still lies where it was opened: one that was deleted or replaced goes on
//! existing for whoever has it open, and for nobody else.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// The place of a state file.
#[derive(Debug, Clone)]
pub struct Place {
    path: PathBuf,
    found: Option<(u64, u64)>,
}

impl Place {
    /// The place of the file that lies at `path` now.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        Self {
            path: path.to_path_buf(),
            found: identity(path),
        }
    }

    /// Whether the same file still lies there.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.found.is_some() && identity(&self.path) == self.found
    }
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    let found = fs::metadata(path).ok()?;
    Some((found.dev(), found.ino()))
}
