use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use secrecy::SecretString;

use super::entry::Entry;
use super::environment::Environment;
use super::section::{Key, Section};

/// The variable that is asked for a client secret last.
const VARIABLE: &str = "B24_TIDYD_CLIENT_SECRET";
/// The longest secret file that is read, in bytes. Real ones have 50.
const LONGEST: u64 = 4096;

/// Where a client secret came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// A file that the configuration names.
    File {
        /// The key that names it, such as `app.client_secret_file`.
        key: String,
        /// The file.
        path: PathBuf,
    },
    /// A file in systemd's credentials directory.
    Credential(PathBuf),
    /// The environment variable `B24_TIDYD_CLIENT_SECRET`.
    Variable,
    /// It was not asked for: [`Config::load_without_secrets`](super::Config::load_without_secrets).
    NotRead,
}

impl fmt::Display for SecretSource {
    /// Names the key instead of the file that it names: what stands in a key
    /// called `secret` is not repeated.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { key, .. } => write!(f, "{key}"),
            Self::Credential(path) => write!(f, "the credential {}", path.display()),
            Self::Variable => write!(f, "{VARIABLE}"),
            Self::NotRead => write!(f, "nowhere, it was not asked for"),
        }
    }
}

/// A client secret and where it came from.
#[derive(Clone, Debug)]
pub(super) struct ClientSecret {
    pub(super) value: SecretString,
    pub(super) source: SecretSource,
}

impl ClientSecret {
    fn not_read() -> Self {
        Self {
            value: SecretString::default(),
            source: SecretSource::NotRead,
        }
    }
}

/// Looks for client secrets, or leaves them alone.
#[derive(Clone, Copy)]
pub(super) struct Secrets<'a> {
    pub(super) env: &'a dyn Environment,
    pub(super) folder: &'a Path,
    pub(super) wanted: bool,
}

impl Secrets<'_> {
    /// Reads the file that a section's `client_secret_file` names. Nothing that
    /// is reported shows the name: it might be the secret itself, put into the
    /// wrong key.
    pub(super) fn named(&self, section: &mut Section<'_>) -> Key<ClientSecret> {
        section.value("client_secret_file", |entry| {
            let path = entry.file(self.folder)?;
            if !self.wanted {
                return Some(ClientSecret::not_read());
            }
            match read(&path, self.in_credentials_directory(&path)) {
                Ok(value) => {
                    let key = entry.path().to_owned();
                    let source = SecretSource::File { key, path };
                    Some(ClientSecret { value, source })
                }
                Err(error) => {
                    refuse(entry, &error);
                    None
                }
            }
        })
    }

    /// The secret of one portal: its own file, the application's, the portal's
    /// credential, the common credential, the environment, in this order.
    pub(super) fn find(
        &self,
        portal: &Section<'_>,
        name: &Key<String>,
        own: Key<ClientSecret>,
        app: &Key<ClientSecret>,
    ) -> Option<ClientSecret> {
        match own.or_else(app) {
            Key::Given(secret) => return Some(secret),
            Key::Refused => return None,
            Key::Absent if !self.wanted => return Some(ClientSecret::not_read()),
            Key::Absent => {}
        }
        let mut looked_at = vec![format!(
            "{} and app.client_secret_file (not set)",
            portal.key("client_secret_file")
        )];
        match self.env.set("CREDENTIALS_DIRECTORY").map(PathBuf::from) {
            None => looked_at.push("systemd credentials (CREDENTIALS_DIRECTORY is not set)".into()),
            Some(directory) => {
                let own = match name {
                    Key::Given(name) => Some(directory.join(format!("client_secret.{name}"))),
                    Key::Absent | Key::Refused => None,
                };
                for path in own.into_iter().chain([directory.join("client_secret")]) {
                    match read(&path, true) {
                        Ok(value) => {
                            let source = SecretSource::Credential(path);
                            return Some(ClientSecret { value, source });
                        }
                        Err(SecretError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
                            looked_at.push(format!("{} (not there)", path.display()));
                        }
                        Err(error) => {
                            portal.refuse(
                                "client_secret_file",
                                format!(
                                    "is not set, and the credential {} {error}",
                                    path.display()
                                ),
                                "correct what LoadCredential= in the unit names",
                            );
                            return None;
                        }
                    }
                }
            }
        }
        match self.env.var(VARIABLE).map(std::ffi::OsString::into_string) {
            None => looked_at.push(format!("{VARIABLE} (not set)")),
            Some(text) => match text.map_err(|_| SecretError::Encoding).and_then(clean) {
                Ok(value) => {
                    let source = SecretSource::Variable;
                    return Some(ClientSecret { value, source });
                }
                Err(error) => looked_at.push(format!("{VARIABLE} (which {error})")),
            },
        }
        portal.refuse(
            "client_secret_file",
            format!(
                "no client secret was found; looked at {}",
                looked_at.join(", ")
            ),
            "put the secret into a file of mode 0640 or 0600 and name it here or in [app], \
             or pass it as the systemd credential client_secret",
        );
        None
    }

    /// systemd alone decides who reads its credentials; what the mode shows
    /// there is no sign of it.
    fn in_credentials_directory(&self, path: &Path) -> bool {
        let directory = self.env.set("CREDENTIALS_DIRECTORY").map(PathBuf::from);
        match (directory.map(fs::canonicalize), fs::canonicalize(path)) {
            (Some(Ok(directory)), Ok(path)) => path.starts_with(directory),
            _ => false,
        }
    }
}

/// Why a secret cannot be used. Completes a sentence, without the secret.
#[derive(Debug, thiserror::Error)]
enum SecretError {
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    #[error("is not a regular file")]
    NotAFile,
    #[error("is open to everybody (mode {0:04o})")]
    Open(u32),
    #[error("is longer than any client secret")]
    Long,
    #[error("is not UTF-8")]
    Encoding,
    #[error("is empty")]
    Empty,
    #[error("holds more than one line")]
    Lines,
}

fn refuse(entry: &Entry<'_>, error: &SecretError) {
    let remedy = match error {
        SecretError::Io(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            "chown the file root:b24-tidyd and chmod it 0640, or pass it as a systemd credential"
        }
        SecretError::Io(_) | SecretError::NotAFile => {
            "name the file that holds the secret; a relative path starts at this file's folder"
        }
        SecretError::Open(_) => "chmod it 0640 (with the group b24-tidyd) or 0600",
        SecretError::Long | SecretError::Encoding | SecretError::Empty | SecretError::Lines => {
            "write the application's client_secret into it, on one line, and nothing else"
        }
    };
    entry.refuse(format!("the file it names {error}"), remedy);
}

fn read(path: &Path, exempt: bool) -> Result<SecretString, SecretError> {
    // Asked before opening: opening a pipe would wait for its writer.
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(SecretError::NotAFile);
    }
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & 0o007 != 0 && !exempt {
        return Err(SecretError::Open(mode));
    }
    if metadata.len() > LONGEST {
        return Err(SecretError::Long);
    }
    let bytes = fs::read(path)?;
    clean(String::from_utf8(bytes).map_err(|_| SecretError::Encoding)?)
}

/// Without the newline that editors and `echo` leave at the end.
fn clean(mut text: String) -> Result<SecretString, SecretError> {
    text.truncate(text.trim_end_matches(['\r', '\n']).len());
    if text.trim().is_empty() {
        Err(SecretError::Empty)
    } else if text.contains(['\r', '\n']) {
        Err(SecretError::Lines)
    } else {
        Ok(text.into())
    }
}
