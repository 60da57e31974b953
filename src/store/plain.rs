//! Files by names that others can foresee. Commands may run as root in a folder of the service user:
//! whoever has got hold of that user must not turn our files into a way to anybody else's. So: never
//! through a link, never anything but a plain file, and nothing is given away that was not made here.

use std::{
    fs::{File, OpenOptions},
    io::{self, ErrorKind},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
};

use super::owner::hand_over;

/// Opens the file at `path`, which is there.
///
/// # Errors
/// Where it cannot be opened, or is no plain file of its own: see [`is_foreign`].
pub(super) fn open_plain(path: &Path, how: &mut OpenOptions) -> io::Result<File> {
    // A pipe would be waited for without end.
    let file = how
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(path)?;
    let found = file.metadata()?;
    if !found.is_file() {
        return Err(io::Error::from_raw_os_error(libc::ENXIO));
    }
    // A second name may be somebody else's file.
    if found.nlink() > 1 {
        return Err(io::Error::from_raw_os_error(libc::EMLINK));
    }
    Ok(file)
}

/// Makes a file that must not be there yet, and gives it to the owner of `model` where root made it.
///
/// # Errors
/// Where there is one, or none can be made.
pub(super) fn make_plain(path: &Path, model: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    hand_over(&file, model);
    Ok(file)
}

/// Opens a file for reading and writing, and makes it where there is none.
///
/// # Errors
/// As [`open_plain`].
pub(super) fn open_or_make(path: &Path, model: &Path) -> io::Result<File> {
    // Whoever removes it in between makes us look once more.
    for _ in 0..3 {
        match make_plain(path, model) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            made => return made,
        }
        match open_plain(path, OpenOptions::new().read(true).write(true)) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            opened => return opened,
        }
    }
    Err(ErrorKind::NotFound.into())
}

/// Whether a file could not be opened because of what it is.
pub(super) fn is_foreign(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::ELOOP | libc::ENXIO | libc::EMLINK | libc::EISDIR)
    )
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Break: follow links; open what has a second name.
    #[test]
    fn nothing_is_reached_through_a_foreseen_name() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let (victim, name) = (folder.path().join("victim"), folder.path().join("name"));
        fs::write(&victim, "precious")?;
        std::os::unix::fs::symlink(&victim, &name)?;
        assert!(open_or_make(&name, &victim).is_err_and(|error| is_foreign(&error)));
        fs::remove_file(&name)?;
        std::os::unix::fs::symlink(folder.path().join("nowhere"), &name)?;
        assert!(open_or_make(&name, &victim).is_err_and(|error| is_foreign(&error)));
        assert!(!folder.path().join("nowhere").exists());
        fs::remove_file(&name)?;
        fs::hard_link(&victim, &name)?;
        assert!(open_or_make(&name, &victim).is_err_and(|error| is_foreign(&error)));
        fs::remove_file(&name)?;
        fs::create_dir(&name)?;
        assert!(open_or_make(&name, &victim).is_err_and(|error| is_foreign(&error)));
        fs::remove_dir(&name)?;
        assert!(open_or_make(&name, &victim).is_ok() && open_or_make(&name, &victim).is_ok());
        assert_eq!(fs::read_to_string(&victim)?, "precious");
        Ok(())
    }
}
