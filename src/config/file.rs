use std::fs;
use std::io;
use std::path::Path;

/// The longest text that is read, in bytes: 20,000 portals take a sixth of it.
pub(super) const LONGEST_TEXT: u64 = 16 * 1024 * 1024;

/// Why a file cannot be used. Completes a sentence.
#[derive(Debug, thiserror::Error)]
pub(super) enum FileError {
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    #[error("is not a regular file")]
    NotAFile,
    #[error("is longer than {0} bytes")]
    Long(u64),
}

impl FileError {
    /// The host has run out of something: it will work later.
    pub(super) fn is_passing(&self) -> bool {
        matches!(self, Self::Io(error) if is_exhaustion(error))
    }
}

/// Whether the host, not the file, is in the way: no file descriptor or no memory is left.
pub fn is_exhaustion(error: &io::Error) -> bool {
    // ENFILE, EMFILE, ENOMEM.
    matches!(error.raw_os_error(), Some(12 | 23 | 24)) || error.kind() == io::ErrorKind::OutOfMemory
}

/// The bytes of a regular file of at most `longest` bytes.
pub(super) fn read(path: &Path, longest: u64) -> Result<Vec<u8>, FileError> {
    use io::Read as _;
    // Asked before opening: opening a pipe would wait for its writer.
    if !fs::metadata(path)?.is_file() {
        return Err(FileError::NotAFile);
    }
    let mut bytes = Vec::new();
    fs::File::open(path)?
        .take(longest + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > longest {
        return Err(FileError::Long(longest));
    }
    Ok(bytes)
}
