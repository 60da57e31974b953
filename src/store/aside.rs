//! A page beside the state file, for what has to be known where the state file cannot be written.
//!
//! The page keeps its size and is overwritten in place, so that a full disk does not stand in the way. It
//! is never opened through a symbolic link.

use std::{
    fs::OpenOptions,
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use super::plain::{open_or_make, open_plain};

/// The size of the page, in bytes.
const PAGE: usize = 4096;

/// The page beside the state file at `path`.
#[must_use]
fn page_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".aside");
    PathBuf::from(name)
}

/// Reads the page beside the state file at `path`; empty where there is none.
///
/// # Errors
/// Where it cannot be read, or is no plain file.
pub fn read_aside(path: &Path) -> io::Result<String> {
    let page = page_of(path);
    let mut text = String::new();
    match open_plain(&page, OpenOptions::new().read(true)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        opened => {
            opened?.take(PAGE as u64).read_to_string(&mut text)?;
        }
    }
    text.truncate(text.trim_end().len());
    Ok(text)
}

/// Writes the page beside the state file at `path`, making it where there is none.
///
/// # Errors
/// Where `text` is too long, or the page cannot be written.
pub fn write_aside(path: &Path, text: &str) -> io::Result<()> {
    if text.len() > PAGE {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let page = page_of(path);
    let mut file = open_or_make(&page, path)?;
    let mut bytes = text.as_bytes().to_vec();
    bytes.resize(PAGE, b' ');
    file.seek(SeekFrom::Start(0))?;
    file.write_all(&bytes)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_page_is_read_as_it_was_written_and_is_never_followed_elsewhere() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("state.db");
        assert_eq!(read_aside(&path)?, "");
        write_aside(&path, "a long text")?;
        write_aside(&path, "short")?;
        assert_eq!(read_aside(&path)?, "short");
        assert_eq!(fs::metadata(page_of(&path))?.len(), PAGE as u64);
        assert!(write_aside(&path, &"x".repeat(PAGE + 1)).is_err());

        let victim = folder.path().join("victim");
        fs::write(&victim, "precious")?;
        fs::remove_file(page_of(&path))?;
        std::os::unix::fs::symlink(&victim, page_of(&path))?;
        assert!(write_aside(&path, "short").is_err());
        assert!(read_aside(&path).is_err());
        assert_eq!(fs::read_to_string(&victim)?, "precious");
        Ok(())
    }
}
