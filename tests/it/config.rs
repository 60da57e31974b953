//! The configuration file: its defaults, its keys, and how they combine.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use b24_tidyd::config::{Config, ContactsApi, Environment, Problems, ProcessEnvironment};
use b24_tidyd::names::{Field, LeadingParticle, Style};
use secrecy::ExposeSecret;
use tempfile::TempDir;

/// A folder with a configuration, and the environment it is read in.
pub(crate) struct Place {
    folder: TempDir,
    pub(crate) env: Variables,
}

#[derive(Default)]
pub(crate) struct Variables(pub(crate) HashMap<&'static str, OsString>);

impl Environment for Variables {
    fn var(&self, name: &str) -> Option<OsString> {
        self.0.get(name).cloned()
    }
}

impl Place {
    /// A secret in the environment, so that tests of other things need none.
    pub(crate) fn new() -> Self {
        let mut place = Self::without_secret();
        place.set("B24_TIDYD_CLIENT_SECRET", "a-secret");
        place
    }

    pub(crate) fn without_secret() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
            env: Variables::default(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn set(&mut self, name: &'static str, value: impl Into<OsString>) {
        self.env.0.insert(name, value.into());
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>, mode: u32) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    /// The configuration, where all is well with it, secrets included.
    pub(crate) fn load(&self, text: impl AsRef<[u8]>) -> Result<Config, Problems> {
        let mut config = self.load_what_can_be(text)?;
        match std::mem::take(&mut config.secret_problems) {
            problems if problems.is_empty() => Ok(config),
            problems => Err(Problems(problems)),
        }
    }

    /// The configuration, though secrets may be missing.
    pub(crate) fn load_what_can_be(&self, text: impl AsRef<[u8]>) -> Result<Config, Problems> {
        Config::load(&self.write("config.toml", text, 0o644), &self.env)
    }

    /// The problems as a user sees them, with `DIR` for the folder.
    pub(crate) fn problems(&self, text: impl AsRef<[u8]>) -> String {
        let problems = self.load(text).unwrap_err();
        let folder = self.folder.path().display().to_string();
        problems.to_string().replace(&folder, "DIR")
    }
}

/// The least that a configuration needs, and where tests append.
pub(crate) const MINIMAL: &str = r#"
[app]
client_id = "local.1"

[[portal]]
name = "acme"
url = "https://acme.bitrix24.com"
"#;

#[test]
fn the_minimum_gets_the_contracts_defaults() {
    let place = Place::new();
    let config = place.load(MINIMAL).unwrap();

    assert_eq!(config.file, place.path("config.toml"));
    assert_eq!(config.store, Path::new("/var/lib/b24-tidyd/state.db"));
    assert_eq!(config.poll.schedule.as_str(), "*/10 * * * * *");
    assert_eq!(config.poll.limit.get(), 1000);
    assert_eq!(config.history_days, 90);
    assert_eq!(config.metrics_file, None);
    assert!(!config.log_personal_data);

    let [portal] = &config.portals[..] else {
        panic!("one portal")
    };
    assert_eq!(portal.name, "acme");
    assert_eq!(portal.url.as_str(), "https://acme.bitrix24.com/");
    assert_eq!(portal.client_id, "local.1");
    assert_eq!(portal.client_secret.expose_secret(), "a-secret");
    assert_eq!(portal.oauth_url, None);
    assert_eq!(portal.connector, None);
    assert_eq!((portal.burst, portal.rate), (50.0, 2.0));
    assert_eq!(portal.operating_limit, 480.0);
    assert_eq!(portal.contacts_api, ContactsApi::Auto);
    assert_eq!(portal.max_changes_per_hour, 100_000);
    assert_eq!(portal.contest.writes, 5);
    assert_eq!(portal.contest.period, Duration::from_secs(3600));
    assert_eq!(portal.batch_seconds, 5.0);
    assert!(portal.heartbeat_url.is_none());
    assert_eq!(
        portal.fields,
        [Field::Name, Field::SecondName, Field::LastName]
    );
    assert_eq!(portal.names.style, Style::Smart);
    assert_eq!(portal.names.language.as_str(), "und");
    assert_eq!(portal.names.leading_particle, LeadingParticle::Keep);
    assert!(portal.names.particles_enabled);
    assert!(portal.names.extra_particles.is_empty());
    assert_eq!(portal.names.mac_names, None);
}

#[test]
fn every_key_is_read() {
    let place = Place::new();
    place.write("secret", "the-secret\n", 0o640);
    place.write("spellings", "MacKenzie\n", 0o644);
    let config = place
        .load(
            r#"
            app = { oauth_url = "http://127.0.0.1:8081" }
            store.path = "here/state.db"
            poll = { schedule = "30 4 * * MON", limit = 50 }
            history.keep_days = 7
            metrics.textfile = "/var/lib/node_exporter/b24.prom"
            log.personal_data = true

            [[portal]]
            name = "own"
            url = "http://localhost:8080/"
            client_id = "local.2"
            client_secret_file = "secret"
            auth_connector = "tidy"
            burst = 1000
            rate = 0.5
            operating_limit = 1e3
            contacts_api = "classic"
            max_changes_per_hour = 0
            contested_after_writes = 2
            contested_period_minutes = 90
            batch_seconds = 2
            heartbeat_url = "https://hc.example/ping/123?x=y"

            [portal.names]
            style = "plain"
            language = "pt-BR"
            fields = ["LAST_NAME"]
            leading_particle = "capital"
            particles = { enabled = false, extra = ["af"] }
            mac_names = []
            overrides_file = "spellings"
            "#,
        )
        .unwrap();

    assert_eq!(config.store, place.path("here/state.db"));
    assert_eq!(config.poll.schedule.as_str(), "0 30 4 * * MON");
    assert_eq!(config.poll.limit.get(), 50);
    assert_eq!(config.history_days, 7);
    assert_eq!(
        config.metrics_file.as_deref(),
        Some(Path::new("/var/lib/node_exporter/b24.prom"))
    );
    assert!(config.log_personal_data);
    let portal = &config.portals[0];
    assert_eq!(portal.url.as_str(), "http://localhost:8080/");
    assert_eq!(
        portal.oauth_url.as_ref().unwrap().as_str(),
        "http://127.0.0.1:8081/"
    );
    assert_eq!(portal.client_id, "local.2");
    assert_eq!(portal.client_secret.expose_secret(), "the-secret");
    assert_eq!(portal.connector.as_ref().unwrap().as_str(), "tidy");
    assert_eq!(
        (portal.burst, portal.rate, portal.operating_limit),
        (1000.0, 0.5, 1000.0)
    );
    assert_eq!(portal.contacts_api, ContactsApi::Classic);
    assert_eq!(portal.max_changes_per_hour, 0);
    assert_eq!(portal.contest.writes, 2);
    assert_eq!(portal.contest.period, Duration::from_secs(90 * 60));
    assert_eq!(portal.batch_seconds, 2.0);
    assert_eq!(
        portal.heartbeat_url.as_ref().unwrap().expose_secret(),
        "https://hc.example/ping/123?x=y"
    );
    assert_eq!(portal.fields, [Field::LastName]);
    assert_eq!(portal.names.style, Style::Plain);
    assert_eq!(portal.names.language.as_str(), "pt");
    assert_eq!(portal.names.leading_particle, LeadingParticle::Capital);
    assert!(!portal.names.particles_enabled);
    assert_eq!(portal.names.extra_particles, ["af"]);
    assert_eq!(portal.names.mac_names.as_deref(), Some(&[][..]));
    assert_eq!(
        portal.overrides_file.as_deref(),
        Some(&*place.path("spellings"))
    );
}

#[test]
fn a_portals_names_win_key_by_key() {
    let place = Place::new();
    place.write("common", "MacKenzie\n", 0o644);
    place.write("own", "bell hooks\n", 0o644);
    let config = place
        .load(
            r#"
            app.client_id = "local.1"
            [names]
            style = "plain"
            language = "de"
            fields = ["NAME"]
            particles = { enabled = false, extra = ["zu"] }
            overrides_file = "common"
            [[portal]]
            name = "one"
            url = "https://one.example"
            [portal.names]
            language = "fr"
            particles.enabled = true
            [[portal]]
            name = "two"
            url = "https://two.example"
            names = { style = "smart", fields = ["LAST_NAME", "NAME"], overrides_file = "own" }
            "#,
        )
        .unwrap();

    let [one, two] = &config.portals[..] else {
        panic!("two portals")
    };
    assert_eq!(one.names.style, Style::Plain);
    assert_eq!(one.names.language.as_str(), "fr");
    assert_eq!(one.fields, [Field::Name]);
    assert!(one.names.particles_enabled);
    assert_eq!(one.names.extra_particles, ["zu"]);
    assert_eq!(one.overrides_file, Some(place.path("common")));
    assert_eq!(two.names.style, Style::Smart);
    assert_eq!(two.names.language.as_str(), "de");
    assert_eq!(two.fields, [Field::LastName, Field::Name]);
    assert!(!two.names.particles_enabled);
    assert_eq!(two.overrides_file, Some(place.path("own")));
    assert_ne!(one.names.overrides, two.names.overrides);
}

#[test]
fn the_store_lies_where_systemd_says_unless_the_file_says_otherwise() {
    let mut place = Place::new();
    place.set("STATE_DIRECTORY", "/state/one:/state/two");
    assert_eq!(
        place.load(MINIMAL).unwrap().store,
        Path::new("/state/one/state.db")
    );
    place.set("STATE_DIRECTORY", "");
    assert_eq!(
        place.load(MINIMAL).unwrap().store,
        Path::new("/var/lib/b24-tidyd/state.db")
    );
    let named = format!("store.path = \"/elsewhere/b24.db\"\n{MINIMAL}");
    assert_eq!(
        place.load(named).unwrap().store,
        Path::new("/elsewhere/b24.db")
    );
}

/// Entries for the same application on the same portal know of one another's queues.
#[test]
fn queues_of_other_entries_are_known() {
    let entry = |name: &str, more: &str| {
        format!(
            "[[portal]]\nname = {name:?}\nurl = \"https://acme.bitrix24.com\"\nclient_id = \"local.1\"\n{more}\n"
        )
    };
    let text = entry("a", "auth_connector = \"one\"")
        + &entry("b", "auth_connector = \"two\"")
        + &entry("c", "");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    std::fs::write(&file, text).unwrap();
    let config = Config::load_without_secrets(&file, &ProcessEnvironment).unwrap();
    let others: Vec<Vec<String>> = config
        .portals
        .into_iter()
        .map(|it| it.other_connectors)
        .collect();
    assert_eq!(others, [["two", ""], ["one", ""], ["one", "two"]]);
}
