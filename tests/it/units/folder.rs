//! A temporary copy of the units, in which they start the binary under test.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// The path of a file under `systemd/`.
pub(super) fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("systemd")
        .join(name)
}

/// The names of the drop-in examples.
pub(super) fn drop_ins() -> Vec<String> {
    fs::read_dir(shipped("drop-ins"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

/// The copy; gone when dropped.
pub(super) struct UnitFolder(TempDir);

impl UnitFolder {
    /// Copies every unit. `verify` wants the program of `ExecStart=` to exist.
    pub(super) fn new() -> Self {
        let folder = Self(TempDir::new().unwrap());
        for entry in fs::read_dir(shipped("")).unwrap() {
            let path = entry.unwrap().path();
            if path
                .extension()
                .is_some_and(|end| end == "service" || end == "timer")
            {
                fs::copy(&path, folder.0.path().join(path.file_name().unwrap())).unwrap();
            }
        }
        for unit in [super::DAEMON, super::ONE_SHOT] {
            folder.replace(unit, "/usr/bin/b24-tidyd", env!("CARGO_BIN_EXE_b24-tidyd"));
        }
        folder
    }

    /// Where a unit lies.
    pub(super) fn unit(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Changes a unit's text, which must hold `from`.
    pub(super) fn replace(&self, unit: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.unit(unit)).unwrap();
        assert!(text.contains(from), "{unit} has no {from}");
        fs::write(self.unit(unit), text.replace(from, to)).unwrap();
    }

    /// Puts a drop-in example beside a unit, as an administrator would.
    pub(super) fn drop_in(&self, unit: &str, name: &str) {
        let beside = self.unit(&format!("{unit}.d"));
        fs::create_dir_all(&beside).unwrap();
        fs::copy(shipped(&format!("drop-ins/{name}")), beside.join(name)).unwrap();
    }
}
