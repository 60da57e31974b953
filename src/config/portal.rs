use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use crate::names;

use super::address;
use super::entry::Entry;
use super::identity::{Connector, Identity, Seen};
use super::names::NameKeys;
use super::secret::{ClientSecret, SecretSource, Secrets};
use super::section::{Key, Section};

/// The longest batch that can be aimed at, in seconds: a portal cuts a request
/// off after 60.
const LONGEST_BATCH: f64 = 50.0;

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
    /// The part of `rate` that a steady stream of work takes over a minute at most;
    /// the rest is left to other programs. A backlog is worked off at full rate.
    pub share: f64,
    /// Seconds of execution that one method may use up in ten minutes. Lower it
    /// to leave more to other programs.
    pub operating_limit: f64,
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
    /// The connector's name; empty where there is none.
    pub fn connector_name(&self) -> String {
        let connector = self.connector.as_ref();
        connector.map_or_else(String::new, |connector| connector.as_str().to_owned())
    }
}

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
    pub(super) client_secret: Key<ClientSecret>,
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
        let queues: Vec<(Url, String, String)> = portals
            .iter()
            .map(|it| (it.url.clone(), it.client_id.clone(), it.connector_name()))
            .collect();
        for portal in &mut portals {
            let own = portal.connector_name();
            let others = queues.iter().filter(|(url, client_id, connector)| {
                *url == portal.url && *client_id == portal.client_id && *connector != own
            });
            portal.other_connectors = others.map(|(_, _, connector)| connector.clone()).collect();
        }
        portals
    }

    /// Everything else about one portal; `None` where a part without a default
    /// is missing or was refused.
    fn portal(&self, mut section: Section<'_>, identity: Identity) -> Option<PortalConfig> {
        let own_secret = self.secrets.named(&mut section);
        let any = f64::INFINITY;
        let burst = section.value("burst", |entry| entry.positive(any)).or(50.0);
        let rate = section.value("rate", |entry| entry.positive(any)).or(2.0);
        let share = section.value("share", |entry| entry.positive(1.0)).or(0.8);
        let operating_limit = section
            .value("operating_limit", |entry| entry.positive(any))
            .or(480.0);
        let max_changes_per_hour = section
            .value("max_changes_per_hour", |entry| entry.whole(0..=u32::MAX))
            .or(100_000);
        let writes = section
            .value("contested_after_writes", |entry| entry.whole(1..=u32::MAX))
            .or(5);
        let minutes = section
            .value("contested_period_minutes", |entry| {
                entry.whole(1..=u32::MAX)
            })
            .or(60);
        let batch_seconds = section
            .value("batch_seconds", |entry| entry.positive(LONGEST_BATCH))
            .or(5.0);
        let heartbeat_url = section.value("heartbeat_url", heartbeat).given();
        let mut names_section = section.section("names");
        let names = NameKeys::read(&mut names_section, self.secrets.folder);
        names_section.refuse_unknown();
        let secret = self
            .secrets
            .find(&section, &identity.name, own_secret, &self.client_secret);
        section.refuse_unknown();

        let names = names.over(&self.names);
        let secret = secret?;
        Some(PortalConfig {
            name: identity.name.given()?,
            url: identity.url.given()?,
            client_id: identity.client_id.given()?,
            client_secret: secret.value,
            client_secret_source: secret.source,
            oauth_url: self.oauth_url.clone(),
            connector: identity.connector.given(),
            other_connectors: Vec::new(),
            burst,
            rate,
            share,
            operating_limit,
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
