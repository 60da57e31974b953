use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::names;

use super::address;
use super::entry::Entry;
use super::identity::{Connector, Identity, Seen};
use super::names::NameKeys;
use super::problem::{Problem, Problems};
use super::secret::{ClientSecret, Found, SecretSource, Secrets};
use super::section::{Key, Section};

/// The longest batch that can be aimed at, in seconds: a portal cuts a request
/// off after 60.
const LONGEST_BATCH: f64 = 50.0;

const MINUTES_OF_A_YEAR: u32 = 366 * 24 * 60;

/// One portal and how to work with it: a `[[portal]]` of the file, with what it
/// leaves out taken from `[app]` and `[names]`.
#[derive(Clone, Debug)]
pub struct PortalConfig {
    /// What commands and logs call it. May be changed at any time: stored data
    /// belongs to the portal's own id, not to this name.
    pub name: String,
    /// Scheme, host, perhaps a port, and `/`. Change it when the portal was
    /// renamed.
    pub url: Url,
    /// The local application's id. A local application belongs to one portal,
    /// so that several portals have several; it stands in `[app]` where there
    /// is but one.
    pub client_id: String,
    /// The application's secret.
    pub client_secret: SecretString,
    /// Where the secret came from.
    pub client_secret_source: SecretSource,
    /// Why there is no secret: without one no token can be had, so that this portal alone cannot be
    /// worked with. What came instead is empty.
    pub secret_problem: Option<Problem>,
    /// The authorisation server, always used where set. `None`: the known hosts
    /// alone. Set it for a self-hosted portal with a server of its own, and for
    /// tests.
    pub oauth_url: Option<Url>,
    /// The name under which the queue keeps our own changes out. Set it where
    /// the plan offers it (`rest_auth_connector`).
    pub connector: Option<Connector>,
    /// The connectors of other entries for the same application on the same
    /// portal, empty for none: their queues are not ours to touch.
    pub other_connectors: Vec<String>,
    /// Requests that may be sent at once before `rate` applies. The plan's
    /// number: 50, or 250 on Enterprise.
    pub burst: f64,
    /// Requests per second in the long run. The plan's number: 2, or 5 on
    /// Enterprise. Lower it to leave more to other programs.
    pub rate: f64,
    /// The part of `rate` that a steady stream of changes may take over a minute, from 0.01 to 1.
    /// Lower it to leave more to other programs; bursts may take more.
    pub share: f64,
    /// Seconds of execution that one method may use up in ten minutes. Lower it
    /// to leave more to other programs.
    pub operating_limit: f64,
    /// By which methods contacts are read and written. Fix it only where the
    /// portal's own word is not to be followed.
    pub contacts_api: ContactsApi,
    /// The fields that are tidied.
    pub fields: Vec<names::Field>,
    /// How they are tidied.
    pub names: names::Settings,
    /// Whether logs may show names, as all portals have it.
    pub log_personal_data: bool,
    /// The file that `names.overrides` was read from.
    pub overrides_file: Option<PathBuf>,
    /// Contacts that may be changed in an hour before writing stops; 0 for no
    /// limit. Lower it while you do not trust the configuration yet.
    pub max_changes_per_hour: u32,
    /// When a contact counts as fought over with somebody else's automation.
    pub contest: Contest,
    /// The portal time that one batch of writes is aimed at, in seconds. Raise
    /// it where requests are scarcer than patience.
    pub batch_seconds: f64,
    /// Asked for with GET after each drain that succeeded, for a service that
    /// raises the alarm when it no longer is. Secret, as whoever knows it can
    /// silence that alarm.
    pub heartbeat_url: Option<SecretString>,
}

impl PortalConfig {
    /// Takes the client secret of `other`, which was read later, where it is another one. Answers whether.
    pub fn take_secret_of(&mut self, other: &Self) -> bool {
        let same = self.client_secret.expose_secret() == other.client_secret.expose_secret();
        if same && self.secret_problem == other.secret_problem {
            return false;
        }
        self.client_secret = other.client_secret.clone();
        self.client_secret_source = other.client_secret_source.clone();
        self.secret_problem.clone_from(&other.secret_problem);
        true
    }

    /// The connector's name; empty where there is none.
    pub fn connector_name(&self) -> String {
        let connector = self.connector.as_ref();
        connector.map_or_else(String::new, |connector| connector.as_str().to_owned())
    }

    /// That the client secret is there, for whatever may have to renew tokens.
    ///
    /// # Errors
    /// Why it is not.
    pub fn require_secret(&self) -> Result<(), Problems> {
        match &self.secret_problem {
            Some(problem) => Err(Problems(vec![problem.clone()])),
            None => Ok(()),
        }
    }
}

/// By which methods contacts are read and written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContactsApi {
    /// `crm.item.*` where the portal has it for contacts, else `crm.contact.*`.
    Auto,
    /// `crm.item.*`, whatever the portal says.
    Universal,
    /// `crm.contact.*`, which sees contacts of category 0 alone.
    Classic,
}

pub(super) const CONTACTS_APIS: [(&str, ContactsApi); 3] = [
    ("auto", ContactsApi::Auto),
    ("universal", ContactsApi::Universal),
    ("classic", ContactsApi::Classic),
];

/// The point at which a contact is left to the robot that keeps changing it
/// back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contest {
    /// More writes of ours than this to one contact...
    pub writes: u32,
    /// ...within this time make it contested, for as long.
    pub period: Duration,
}

/// What portals share.
pub(super) struct Shared<'a> {
    pub(super) client_id: Key<String>,
    pub(super) client_secret: Key<Found>,
    pub(super) oauth_url: Option<Url>,
    pub(super) names: NameKeys,
    pub(super) log_personal_data: bool,
    pub(super) secrets: Secrets<'a>,
}

impl Shared<'_> {
    /// Reads all portals. What is wrong with one hides nothing of the others.
    pub(super) fn portals(&self, root: &mut Section<'_>) -> Vec<PortalConfig> {
        let sections = match root.sections("portal") {
            Key::Given(sections) if !sections.is_empty() => sections,
            Key::Refused => Vec::new(),
            Key::Absent | Key::Given(_) => {
                root.refuse(
                    "portal",
                    "there is none",
                    "add a [[portal]] with its name and url",
                );
                Vec::new()
            }
        };
        let mut seen = Seen::default();
        let mut portals: Vec<PortalConfig> = sections
            .into_iter()
            .filter_map(|mut section| {
                let identity = Identity::read(&mut section, &self.client_id);
                seen.refuse_twins(&section, &identity);
                self.portal(section, identity)
            })
            .collect();
        let mut queues: HashMap<(Url, String), Vec<String>> = HashMap::new();
        let application = |it: &PortalConfig| (it.url.clone(), it.client_id.clone());
        for portal in &portals {
            let connectors = queues.entry(application(portal)).or_default();
            connectors.push(portal.connector_name());
        }
        for portal in &mut portals {
            let own = portal.connector_name();
            let all = queues.get(&application(portal)).into_iter().flatten();
            portal.other_connectors = all.filter(|other| **other != own).cloned().collect();
        }
        portals
    }

    /// Everything else about one portal; `None` where a part without a default
    /// is missing or was refused.
    fn portal(&self, mut section: Section<'_>, identity: Identity) -> Option<PortalConfig> {
        let own_secret = self.secrets.named(&mut section);
        let mut number = |key, range, default| {
            let number = section.value(key, |entry: &Entry<'_>| entry.number(range));
            number.or(default)
        };
        let burst = number("burst", 0.01..=1e6, 50.0);
        let rate = number("rate", 0.01..=1e6, 2.0);
        let share = number("share", 0.01..=1.0, 0.8);
        let operating_limit = number("operating_limit", 0.01..=1e6, 480.0);
        let batch_seconds = number("batch_seconds", 0.01..=LONGEST_BATCH, 5.0);
        let mut whole = |key, range, default| {
            let number = section.value(key, |entry: &Entry<'_>| entry.whole(range));
            number.or(default)
        };
        let max_changes_per_hour = whole("max_changes_per_hour", 0..=1_000_000_000, 100_000);
        let writes = whole("contested_after_writes", 1..=1_000_000, 5);
        let minutes = whole("contested_period_minutes", 1..=MINUTES_OF_A_YEAR, 60);
        let contacts_api = section
            .value("contacts_api", |entry| entry.one_of(&CONTACTS_APIS))
            .or(ContactsApi::Auto);
        let heartbeat_url = section.value("heartbeat_url", heartbeat).given();
        let mut names_section = section.section("names");
        let names = NameKeys::read(&mut names_section, self.secrets.folder);
        names_section.refuse_unknown();
        let secret = self
            .secrets
            .find(&section, &identity.name, own_secret, &self.client_secret);
        section.refuse_unknown();

        let names = names.over(&self.names);
        let (secret, secret_problem) = match secret? {
            Ok(secret) => (secret, None),
            Err(problem) => (ClientSecret::missing(), Some(problem)),
        };
        Some(PortalConfig {
            name: identity.name.given()?,
            url: identity.url.given()?,
            client_id: identity.client_id.given()?,
            client_secret: secret.value,
            client_secret_source: secret.source,
            secret_problem,
            oauth_url: self.oauth_url.clone(),
            connector: identity.connector.given(),
            other_connectors: Vec::new(),
            burst,
            rate,
            share,
            operating_limit,
            contacts_api,
            fields: names.fields(),
            overrides_file: names.overrides_file(),
            names: names.settings(),
            log_personal_data: self.log_personal_data,
            max_changes_per_hour,
            contest: Contest {
                writes,
                period: Duration::from_secs(60 * u64::from(minutes)),
            },
            batch_seconds,
            heartbeat_url,
        })
    }
}

fn heartbeat(entry: &Entry<'_>) -> Option<SecretString> {
    let text = entry.text()?;
    match address::parse(text) {
        Ok(_) => Some(text.into()),
        Err(error) => {
            let remedy = "copy the full https:// address from the monitoring service";
            entry.refuse(error.to_string(), remedy);
            None
        }
    }
}
