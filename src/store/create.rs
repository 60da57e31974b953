//! A new state file.

use std::{
    fs::{self, DirBuilder},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use rusqlite::{Connection, OpenFlags};

use super::{
    StoreFault,
    migrations::{APPLICATION_ID, apply},
    plain::make_plain,
};

/// Writes a complete empty store under another name first, so that a crash leaves no half-made one.
pub(super) fn create(path: &Path) -> Result<(), StoreFault> {
    let io = |error: std::io::Error| StoreFault::from_io(path, &error);
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        let mut private = DirBuilder::new();
        private.recursive(true).mode(0o700);
        private.create(folder).map_err(io)?;
    }
    let draft = PathBuf::from(format!("{}.new.{}", path.display(), std::process::id()));
    let _ = fs::remove_file(&draft);
    // A hard link fails where another process was faster; its store is as good as ours.
    let linked = fill(path, &draft).map(|()| fs::hard_link(&draft, path));
    let removed = fs::remove_file(&draft);
    match linked? {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(io(error)),
        _ => removed.map_err(io),
    }
}

/// Writes the empty store that is to stand at `path` as `draft`.
fn fill(path: &Path, draft: &Path) -> Result<(), StoreFault> {
    let fault = |error| StoreFault::from_sqlite(path, error);
    let made = draft_in(draft).and_then(|(folder, draft)| {
        make_plain(&draft, &folder)?;
        Ok(draft)
    });
    let made = made.map_err(|error| StoreFault::from_io(path, &error))?;
    // Nobody may put a link in its place meanwhile.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let mut connection = Connection::open_with_flags(made, flags).map_err(fault)?;
    apply(&mut connection, 0).map_err(fault)?;
    connection
        .pragma_update(None, "application_id", APPLICATION_ID)
        .map_err(fault)?;
    connection.close().map_err(|(_, error)| fault(error))
}

/// The folder of a draft without any links on the way, which SQLite follows or refuses as a whole, and
/// the draft in it.
fn draft_in(draft: &Path) -> std::io::Result<(PathBuf, PathBuf)> {
    let folder = draft.parent().filter(|it| !it.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new(".")).canonicalize()?;
    let draft = folder.join(draft.file_name().unwrap_or_default());
    Ok((folder, draft))
}
