use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

use super::names::{FIELDS, LEADING_PARTICLES, STYLES};
use super::portal::{CONTACTS_APIS, PortalConfig};
use super::{Config, entry, written};

/// The configuration as it takes effect: laid out like the file, with all
/// defaults filled in, each portal complete in itself, and secrets hidden.
///
/// Serialises to JSON under the file's names; `Display` gives TOML to read.
/// What is not set is left out.
#[derive(Clone, Debug, Serialize)]
pub struct Effective {
    file: PathBuf,
    store: Store,
    poll: Poll,
    history: History,
    #[serde(skip_serializing_if = "Option::is_none")]
    metrics: Option<Metrics>,
    log: Log,
    portal: Vec<Portal>,
}

#[derive(Clone, Debug, Serialize)]
struct Store {
    path: PathBuf,
}

#[derive(Clone, Debug, Serialize)]
struct Poll {
    schedule: String,
    limit: u32,
}

#[derive(Clone, Debug, Serialize)]
struct History {
    keep_days: u32,
}

#[derive(Clone, Debug, Serialize)]
struct Metrics {
    textfile: PathBuf,
}

#[derive(Clone, Debug, Serialize)]
struct Log {
    personal_data: bool,
}

#[derive(Clone, Debug, Serialize)]
struct Portal {
    name: String,
    url: String,
    client_id: String,
    client_secret: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    oauth_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_connector: Option<String>,
    burst: f64,
    rate: f64,
    share: f64,
    operating_limit: f64,
    contacts_api: &'static str,
    max_changes_per_hour: u32,
    contested_after_writes: u32,
    contested_period_minutes: u64,
    batch_seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    heartbeat_url: Option<&'static str>,
    names: Names,
}

#[derive(Clone, Debug, Serialize)]
struct Names {
    style: &'static str,
    language: String,
    fields: Vec<&'static str>,
    leading_particle: &'static str,
    particles: Particles,
    #[serde(skip_serializing_if = "Option::is_none")]
    mac_names: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    overrides_file: Option<PathBuf>,
}

#[derive(Clone, Debug, Serialize)]
struct Particles {
    enabled: bool,
    extra: Vec<String>,
}

impl Config {
    /// What takes effect, for people and programs to look at.
    pub fn describe(&self) -> Effective {
        Effective {
            file: self.file.clone(),
            store: Store {
                path: self.store.clone(),
            },
            poll: Poll {
                schedule: self.poll.schedule.as_str().to_owned(),
                limit: self.poll.limit.get(),
            },
            history: History {
                keep_days: self.history_days,
            },
            metrics: self
                .metrics_file
                .clone()
                .map(|textfile| Metrics { textfile }),
            log: Log {
                personal_data: self.log_personal_data,
            },
            portal: self.portals.iter().map(Portal::of).collect(),
        }
    }
}

impl Portal {
    fn of(portal: &PortalConfig) -> Self {
        let names = &portal.names;
        Self {
            name: portal.name.clone(),
            url: written(&portal.url).to_owned(),
            client_id: portal.client_id.clone(),
            client_secret: match portal.secret_problem {
                Some(_) => "missing".to_owned(),
                None => format!("hidden (from {})", portal.client_secret_source),
            },
            oauth_url: portal.oauth_url.as_ref().map(ToString::to_string),
            auth_connector: portal.connector.as_ref().map(|it| it.as_str().to_owned()),
            burst: portal.burst,
            rate: portal.rate,
            share: portal.share,
            operating_limit: portal.operating_limit,
            contacts_api: entry::word(&CONTACTS_APIS, portal.contacts_api),
            max_changes_per_hour: portal.max_changes_per_hour,
            contested_after_writes: portal.contest.writes,
            contested_period_minutes: portal.contest.period.as_secs() / 60,
            batch_seconds: portal.batch_seconds,
            heartbeat_url: portal.heartbeat_url.as_ref().map(|_| "hidden"),
            names: Names {
                style: entry::word(&STYLES, names.style),
                language: names.language.to_string(),
                fields: portal
                    .fields
                    .iter()
                    .map(|field| entry::word(&FIELDS, *field))
                    .collect(),
                leading_particle: entry::word(&LEADING_PARTICLES, names.leading_particle),
                particles: Particles {
                    enabled: names.particles_enabled,
                    extra: names.extra_particles.clone(),
                },
                mac_names: names.mac_names.clone(),
                overrides_file: portal.overrides_file.clone(),
            },
        }
    }
}

impl fmt::Display for Effective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = toml::to_string(self).map_err(|_| fmt::Error)?;
        f.write_str(&text)
    }
}
