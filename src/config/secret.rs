use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use secrecy::SecretString;

use super::entry::Entry;
use super::environment::Environment;
use super::file::{self, FileError};
use super::problem::Problem;
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
    /// Nowhere: it is missing or was refused, see [`PortalConfig::secret_problem`](super::PortalConfig::secret_problem).
    Missing,
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
            Self::Missing => write!(f, "nowhere, it is missing or refused"),
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
    fn new(cleaned: Cleaned, source: SecretSource) -> Self {
        Self {
            value: cleaned.secret,
            source,
        }
    }

    /// Stands where there is none.
    pub(super) fn missing() -> Self {
        Self {
            value: SecretString::default(),
            source: SecretSource::Missing,
        }
    }

    fn not_read() -> Self {
        Self {
            source: SecretSource::NotRead,
            ..Self::missing()
        }
    }
}

/// A client secret, or why there is none: that concerns the portals alone that need it.
pub(super) type Found = Result<ClientSecret, Problem>;

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
    pub(super) fn named(&self, section: &mut Section<'_>) -> Key<Found> {
        section.value("client_secret_file", |entry| {
            let path = entry.file(self.folder)?;
            if !self.wanted {
                return Some(Ok(ClientSecret::not_read()));
            }
            let read = read(&path, self.in_credentials_directory(&path));
            let found =
                read.map_err(|error| entry.document().report_secret(refused(entry, &error)));
            Some(found.map(|secret| {
                if secret.cut {
                    entry.document().remark(entry.problem(
                        "the file it names has blanks or invisible characters around the secret, \
                         which are left out",
                        CUT,
                    ));
                }
                let key = entry.path().to_owned();
                ClientSecret::new(secret, SecretSource::File { key, path })
            }))
        })
    }

    /// The secret of one portal: its own file, the application's, the portal's
    /// credential, the common credential, the environment, in this order.
    /// `None` where the key that names its file cannot be read at all.
    pub(super) fn find(
        &self,
        portal: &Section<'_>,
        name: &Key<String>,
        own: Key<Found>,
        app: &Key<Found>,
    ) -> Option<Found> {
        match own.or_else(app) {
            Key::Given(found) => return Some(found),
            Key::Refused => return None,
            Key::Absent if !self.wanted => return Some(Ok(ClientSecret::not_read())),
            Key::Absent => {}
        }
        let found = self.unnamed(portal, name);
        Some(found.map_err(|problem| portal.document().report_secret(problem)))
    }

    /// The secret of a portal for which no file is named.
    fn unnamed(&self, portal: &Section<'_>, name: &Key<String>) -> Found {
        const KEY: &str = "client_secret_file";
        let mut looked_at = vec![format!(
            "{} and app.client_secret_file (not set)",
            portal.key(KEY)
        )];
        let taken = |secret: Cleaned, source: SecretSource| {
            if secret.cut {
                let what = format!(
                    "is not set, and {source} has blanks or invisible characters around the \
                     secret, which are left out"
                );
                portal.document().remark(portal.problem(KEY, what, CUT));
            }
            Ok(ClientSecret::new(secret, source))
        };
        match self.env.set("CREDENTIALS_DIRECTORY").map(PathBuf::from) {
            None => looked_at.push("systemd credentials (CREDENTIALS_DIRECTORY is not set)".into()),
            Some(directory) => {
                let own = match name {
                    Key::Given(name) => Some(directory.join(format!("client_secret.{name}"))),
                    Key::Absent | Key::Refused => None,
                };
                for path in own.into_iter().chain([directory.join("client_secret")]) {
                    match read(&path, true) {
                        Ok(secret) => return taken(secret, SecretSource::Credential(path)),
                        Err(error) if error.is_missing() => {
                            looked_at.push(format!("{} (not there)", path.display()));
                        }
                        Err(error) => {
                            let what = format!(
                                "is not set, and the credential {} {error}",
                                path.display()
                            );
                            let remedy = "correct what LoadCredential= in the unit names";
                            return Err(Problem {
                                passing: error.is_passing(),
                                ..portal.problem(KEY, what, remedy)
                            });
                        }
                    }
                }
            }
        }
        match self.env.var(VARIABLE).map(std::ffi::OsString::into_string) {
            None => looked_at.push(format!("{VARIABLE} (not set)")),
            Some(text) => match text.map_err(|_| SecretError::Encoding).and_then(clean) {
                Ok(secret) => return taken(secret, SecretSource::Variable),
                Err(error) => looked_at.push(format!("{VARIABLE} (which {error})")),
            },
        }
        let looked_at = looked_at.join(", ");
        Err(portal.problem(
            KEY,
            format!("no client secret was found; looked at {looked_at}"),
            "put the secret into a file of mode 0640 or 0600 and name it here or in [app], \
             or pass it as the systemd credential client_secret",
        ))
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

/// What to do where something around a secret was left out.
const CUT: &str = "write the client_secret alone into it, without blanks or marks";

/// Why a secret cannot be used. Completes a sentence, without the secret.
#[derive(Debug, thiserror::Error)]
enum SecretError {
    #[error(transparent)]
    File(#[from] FileError),
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

impl SecretError {
    fn is_missing(&self) -> bool {
        matches!(self, Self::File(FileError::Io(error)) if error.kind() == io::ErrorKind::NotFound)
    }

    fn is_passing(&self) -> bool {
        matches!(self, Self::File(error) if error.is_passing())
    }
}

fn refused(entry: &Entry<'_>, error: &SecretError) -> Problem {
    let remedy = match error {
        _ if error.is_passing() => "close what holds so many files, or raise the limit",
        SecretError::File(FileError::Io(error))
            if error.kind() == io::ErrorKind::PermissionDenied =>
        {
            "chown the file root:b24-tidyd and chmod it 0640, or pass it as a systemd credential"
        }
        SecretError::File(_) => {
            "name the file that holds the secret; a relative path starts at this file's folder"
        }
        SecretError::Open(_) => "chmod it 0640 (with the group b24-tidyd) or 0600",
        SecretError::Long | SecretError::Encoding | SecretError::Empty | SecretError::Lines => {
            "write the application's client_secret into it, on one line, and nothing else"
        }
    };
    Problem {
        passing: error.is_passing(),
        ..entry.problem(format!("the file it names {error}"), remedy)
    }
}

fn read(path: &Path, exempt: bool) -> Result<Cleaned, SecretError> {
    let metadata = fs::metadata(path).map_err(FileError::Io)?;
    let mode = metadata.permissions().mode() & 0o7777;
    if metadata.is_file() && mode & 0o007 != 0 && !exempt {
        return Err(SecretError::Open(mode));
    }
    let bytes = file::read(path, LONGEST).map_err(|error| match error {
        FileError::Long(_) => SecretError::Long,
        other => other.into(),
    })?;
    clean(String::from_utf8(bytes).map_err(|_| SecretError::Encoding)?)
}

/// A secret without what cannot belong to it.
struct Cleaned {
    secret: SecretString,
    /// More than the line feed was left out that editors and `echo` leave at the end.
    cut: bool,
}

fn clean(text: String) -> Result<Cleaned, SecretError> {
    let text = text.trim_end_matches(['\r', '\n']);
    let secret = text.trim_matches(is_blank);
    if secret.is_empty() {
        Err(SecretError::Empty)
    } else if secret.contains(['\r', '\n']) {
        Err(SecretError::Lines)
    } else {
        Ok(Cleaned {
            cut: secret.len() < text.len(),
            secret: secret.into(),
        })
    }
}

/// Whether a character is not to be seen: white space, a control character, a byte order mark and
/// others without a shape.
fn is_blank(character: char) -> bool {
    character.is_whitespace()
        || character.is_control()
        || matches!(character, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}'
            | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
}
