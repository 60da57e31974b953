//! The configuration: one TOML file to validated types.
//!
//! [`Config::load`] either answers with everything checked or with every
//! [`Problem`] at once. The way of a key: `document` parses the text with its
//! positions, a `section` hands out a table's entries and refuses the unknown
//! ones, an `entry` turns one value into a type. Defaults and rules stand
//! where the key is read. No problem shows a value: some are secrets, and
//! others may have been put into the wrong key.

mod address;
mod describe;
mod document;
mod entry;
mod environment;
mod file;
mod identity;
mod names;
mod portal;
mod problem;
mod proxy;
mod schedule;
mod secret;
mod section;

use std::fs;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

pub use address::{authority, is_loopback, is_safe, written};
pub use describe::Effective;
pub use environment::{Environment, ProcessEnvironment};
pub use file::is_exhaustion;
pub use identity::Connector;
pub use portal::{ContactsApi, Contest, PortalConfig};
pub use problem::{Problem, Problems};
pub use proxy::PROXIES;
pub use schedule::{Schedule, ScheduleError};
pub use secret::SecretSource;

use document::Document;
use entry::Entry;
use names::NameKeys;
use portal::Shared;
use secret::Secrets;
use section::Section;

/// Where the store lies unless something else is said: systemd's place for it.
const DEFAULT_STATE_DIRECTORY: &str = "/var/lib/b24-tidyd";
const STORE_FILE: &str = "state.db";
const DEFAULT_LIMIT: NonZeroU32 = NonZeroU32::MIN.saturating_add(999);

/// Everything the configuration says, checked and with the defaults filled in.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file it was read from.
    pub file: PathBuf,
    /// The SQLite file. Change it where the state shall not lie in systemd's
    /// state directory. It need not exist yet.
    pub store: PathBuf,
    /// When and how much to ask the queues.
    pub poll: Poll,
    /// At least one, no two of the same name, nor of the same URL, client id
    /// and connector.
    pub portals: Vec<PortalConfig>,
    /// Days for which old and new values of changed contacts are kept, so that
    /// they can be shown and put back. They are personal data: keep them no
    /// longer than you need them.
    pub history_days: u32,
    /// Where to write metrics for node_exporter's textfile collector; `None`:
    /// nowhere.
    pub metrics_file: Option<PathBuf>,
    /// Whether logs may show names; without it they show ids at every level.
    /// Set it only while you look for something.
    pub log_personal_data: bool,
    /// What is wrong with client secrets, each thing once: it concerns the portals that need them.
    pub secret_problems: Vec<Problem>,
    /// What looks odd and keeps nobody from working.
    pub remarks: Vec<Problem>,
}

/// How the queues are asked.
#[derive(Clone, Debug)]
pub struct Poll {
    /// When. Make it slower to spare the portal's request limit; an edit waits
    /// for it.
    pub schedule: Schedule,
    /// Events reserved in one call. Lower it to hold fewer at a time.
    pub limit: NonZeroU32,
}

impl Config {
    /// Reads the file and what it names: secrets and overrides.
    ///
    /// Relative paths start at the file's folder. The store is not opened. A secret that is missing
    /// or refused concerns its portal alone, see [`PortalConfig::secret_problem`].
    ///
    /// # Errors
    /// All problems there are, those with secrets included; the program's answer is exit code 78.
    pub fn load(path: &Path, env: &dyn Environment) -> Result<Self, Problems> {
        read(path, env, true)
    }

    /// The same without client secrets, for commands that only read the store:
    /// an operator may use those without access to the service's credentials.
    /// Each portal's `client_secret` is empty, and its source says so.
    ///
    /// # Errors
    /// As [`Config::load`], but for what concerns the secrets.
    pub fn load_without_secrets(path: &Path, env: &dyn Environment) -> Result<Self, Problems> {
        read(path, env, false)
    }
}

fn read(file: &Path, env: &dyn Environment, secrets: bool) -> Result<Config, Problems> {
    let text = document::read(file)?;
    let document = Document::new(file, &text);
    // Independent of the folder that the process may move to later.
    let absolute = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let secrets = Secrets {
        env,
        folder: absolute.parent().unwrap_or(Path::new("/")),
        wanted: secrets,
    };
    if secrets.wanted {
        for problem in proxy::problems(env) {
            document.report(problem);
        }
    }
    let config = document
        .parse()
        .map(|table| config(Section::root(&document, &table), file, secrets));
    let minor = document.finish()?;
    // Without a problem there is a table.
    config.ok_or(Problems(Vec::new())).map(|config| Config {
        secret_problems: minor.secrets,
        remarks: minor.remarks,
        ..config
    })
}

fn config(mut root: Section<'_>, file: &Path, secrets: Secrets<'_>) -> Config {
    let folder = secrets.folder;

    let mut app = root.section("app");
    let client_id = app.value("client_id", Entry::string);
    let oauth_url = app.value("oauth_url", Entry::origin).given();
    let client_secret = secrets.named(&mut app);
    app.refuse_unknown();

    let mut section = root.section("store");
    let store = section.value("path", |entry| state_file(entry, folder));
    section.refuse_unknown();

    let mut section = root.section("poll");
    let schedule = section.value("schedule", schedule);
    let limit = section.value("limit", |entry| {
        entry.whole(1..=1_000_000).and_then(NonZeroU32::new)
    });
    section.refuse_unknown();

    let mut section = root.section("names");
    let names = NameKeys::read(&mut section, folder);
    section.refuse_unknown();

    let mut section = root.section("history");
    let history_days = section.value("keep_days", |entry| entry.whole(1..=36_500));
    section.refuse_unknown();

    let mut section = root.section("metrics");
    let metrics_file = section.value("textfile", |entry| entry.file(folder));
    section.refuse_unknown();

    let mut section = root.section("log");
    let log_personal_data = section.value("personal_data", Entry::boolean).or(false);
    section.refuse_unknown();

    let shared = Shared {
        client_id,
        client_secret,
        oauth_url,
        names,
        log_personal_data,
        secrets,
    };
    let portals = shared.portals(&mut root);
    root.refuse_unknown();

    Config {
        file: file.to_owned(),
        store: store.given().unwrap_or_else(|| default_store(secrets.env)),
        poll: Poll {
            schedule: schedule.given().unwrap_or_default(),
            limit: limit.or(DEFAULT_LIMIT),
        },
        portals,
        history_days: history_days.or(90),
        metrics_file: metrics_file.given(),
        log_personal_data,
        secret_problems: Vec::new(),
        remarks: Vec::new(),
    }
}

fn schedule(entry: &Entry<'_>) -> Option<Schedule> {
    Schedule::parse(entry.text()?)
        .map_err(|error| {
            entry.refuse(
                error.to_string(),
                "write a cron expression in UTC, seconds first, such as \"*/10 * * * * *\"",
            );
        })
        .ok()
}

/// Where the state lies. A pipe would be waited on, and a device is nothing to give rights to.
fn state_file(entry: &Entry<'_>, folder: &Path) -> Option<PathBuf> {
    let path = entry.file(folder)?;
    if fs::metadata(&path).is_ok_and(|found| !found.is_file()) {
        entry.refuse("names something that is not a regular file", "name a file");
        return None;
    }
    Some(path)
}

/// systemd names its state directories in one variable, separated by colons.
fn default_store(env: &dyn Environment) -> PathBuf {
    let directory = env
        .set("STATE_DIRECTORY")
        .and_then(|directories| std::env::split_paths(&directories).next())
        .unwrap_or_else(|| PathBuf::from(DEFAULT_STATE_DIRECTORY));
    directory.join(STORE_FILE)
}
