//! Metrics for node_exporter's textfile collector.
//!
//! Everything is read from the store, so that the file is whole whoever writes it: a worker of the
//! daemon, or a one-shot run. Counters are kept there too; a one-shot run would begin anew each time.

use std::{
    fmt::Write as _,
    fs::{self, File, Permissions},
    io::{self, Write as _},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use jiff::Timestamp;

use crate::{
    config::Config,
    portal::Meter,
    store::{PortalId, PortalRecord, RunTotals, Store, StoreFault, Tally},
};

/// Where metrics go. Clones write the same file.
#[derive(Debug, Clone)]
pub(super) struct Metrics {
    file: Arc<Path>,
    /// Name, address and client id of every configured portal.
    portals: Arc<[(String, String, String)]>,
    /// The last attempt failed: said once.
    failing: Arc<AtomicBool>,
}

/// A drain that came to an end, well or not.
#[derive(Debug)]
pub(super) struct Drained<'a> {
    /// The portal.
    pub portal: PortalId,
    /// What the drain did.
    pub totals: RunTotals,
    /// What it sent.
    pub meter: Meter,
    /// How it ended, in a word or two.
    pub outcome: &'a str,
    /// Whether it ended without a failure.
    pub success: bool,
}

/// Counters and moments: name, what they are, whether they are counters.
const TALLIES: [(&str, &str, bool); 8] = [
    ("events_total", "Queue rows settled.", true),
    ("changes_total", "Contacts written by drains.", true),
    ("drains_total", "Drains by how they ended.", true),
    ("requests_total", "Requests by method and result.", true),
    (
        "limiter_wait_seconds_total",
        "Seconds spent waiting for limits and retries.",
        true,
    ),
    (
        "token_renewals_total",
        "Renewals of the access token.",
        true,
    ),
    (
        "last_drain_timestamp_seconds",
        "When the last drain ended.",
        false,
    ),
    (
        "last_success_timestamp_seconds",
        "When the last drain ended that did not fail.",
        false,
    ),
];

impl Metrics {
    /// The metrics that the configuration asks for, if it does.
    pub(super) fn of(config: &Config) -> Option<Self> {
        let portals = config.portals.iter().map(|portal| {
            let url = portal.url.as_str().to_owned();
            (portal.name.clone(), url, portal.client_id.clone())
        });
        Some(Self {
            file: config.metrics_file.as_deref()?.into(),
            portals: portals.collect(),
            failing: Arc::default(),
        })
    }

    /// Counts a drain and writes the file anew. What goes wrong is logged, once.
    pub(super) fn after_drain(&self, store: &Store, drained: &Drained<'_>, now: Timestamp) {
        let outcome = count(store, drained, now)
            .map_err(io::Error::other)
            .and_then(|()| self.render(store).map_err(io::Error::other))
            .and_then(|text| write_whole(&self.file, &text));
        let failed = outcome.is_err();
        let failed_before = self.failing.swap(failed, Ordering::Relaxed);
        match outcome {
            Err(error) if !failed_before => {
                tracing::warn!(file = %self.file.display(), %error, "metrics cannot be written");
            }
            Ok(()) if failed_before => {
                tracing::info!(file = %self.file.display(), "metrics are written again");
            }
            _ => {}
        }
    }

    /// The whole file.
    fn render(&self, store: &Store) -> Result<String, StoreFault> {
        let mut page = Page::default();
        let mut portals = Vec::new();
        for (name, url, client_id) in self.portals.iter() {
            if let Some(record) = store.find_portal(url, client_id)? {
                portals.push((name.as_str(), record));
            }
        }
        page.head("build_info", "The version that wrote this.", "gauge");
        page.sample(
            "build_info",
            &[("version", env!("CARGO_PKG_VERSION"))],
            "",
            1.0,
        );
        for (name, help, counts) in TALLIES {
            page.head(name, help, if counts { "counter" } else { "gauge" });
            for (portal, record) in &portals {
                let tallies = store.tallies(record.id)?;
                for tally in tallies.iter().filter(|tally| tally.name == name) {
                    page.sample(name, &[("portal", portal)], &tally.labels, tally.value);
                }
            }
        }
        for (name, help, gauge) in GAUGES {
            page.head(name, help, "gauge");
            for (portal, record) in &portals {
                if let Some(value) = gauge(store, record)? {
                    page.sample(name, &[("portal", portal)], "", value);
                }
            }
        }
        Ok(page.0)
    }
}

/// Reads one gauge of a portal; none where there is nothing to tell.
type Gauge = fn(&Store, &PortalRecord) -> Result<Option<f64>, StoreFault>;

/// What is so at the moment.
const GAUGES: [(&str, &str, Gauge); 7] = [
    (
        "queue_rows",
        "Queue rows taken over and not settled yet.",
        |store, portal| Ok(Some(store.backlog(portal.id)?.rows as f64)),
    ),
    (
        "queue_oldest_timestamp_seconds",
        "When the oldest of these rows was queued; absent where there are none.",
        |store, portal| Ok(store.backlog(portal.id)?.oldest.map(seconds)),
    ),
    (
        "parked_contacts",
        "Contacts that the portal refuses.",
        |store, portal| Ok(Some(store.parked(portal.id)?.len() as f64)),
    ),
    (
        "contested_contacts",
        "Contacts left to another robot.",
        |store, portal| Ok(Some(store.contested(portal.id)?.len() as f64)),
    ),
    (
        "authorised",
        "1 where the portal accepts the stored tokens.",
        |_, portal| {
            Ok(Some(flag(
                portal.lost.is_none() && portal.unverified.is_none(),
            )))
        },
    ),
    ("paused", "1 where the portal is paused.", |_, portal| {
        Ok(Some(flag(portal.paused_at.is_some())))
    }),
    (
        "braked_until_timestamp_seconds",
        "Until when max_changes_per_hour stops writing; absent where it does not.",
        |_, portal| Ok(portal.braked_until.map(seconds)),
    ),
];

fn flag(value: bool) -> f64 {
    f64::from(u8::from(value))
}

fn seconds(moment: Timestamp) -> f64 {
    moment.as_millisecond() as f64 / 1000.0
}

fn count(store: &Store, drained: &Drained<'_>, now: Timestamp) -> Result<(), StoreFault> {
    let tally = |name: &str, labels: String, value: f64| Tally {
        name: name.to_owned(),
        labels,
        value,
    };
    let plain = |name, value| tally(name, String::new(), value);
    let Drained { totals, meter, .. } = drained;
    let mut added = vec![
        plain("events_total", totals.events as f64),
        plain("changes_total", totals.changed as f64),
        plain("limiter_wait_seconds_total", meter.waited),
        plain("token_renewals_total", meter.renewals as f64),
        tally(
            "drains_total",
            format!("outcome={:?}", drained.outcome),
            1.0,
        ),
    ];
    for ((method, result), calls) in &meter.calls {
        let labels = format!("method={method:?},result={result:?}");
        added.push(tally("requests_total", labels, *calls as f64));
    }
    let mut replaced = vec![plain("last_drain_timestamp_seconds", seconds(now))];
    if drained.success {
        replaced.push(plain("last_success_timestamp_seconds", seconds(now)));
    }
    store.tally(drained.portal, &added, &replaced)
}

/// The file as it grows.
#[derive(Default)]
struct Page(String);

impl Page {
    fn head(&mut self, name: &str, help: &str, kind: &str) {
        let _ = writeln!(self.0, "# HELP b24_tidyd_{name} {help}");
        let _ = writeln!(self.0, "# TYPE b24_tidyd_{name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], more: &str, value: f64) {
        let mut all: Vec<String> = labels
            .iter()
            .map(|(label, text)| format!("{label}=\"{}\"", escaped(text)))
            .collect();
        if !more.is_empty() {
            all.push(more.to_owned());
        }
        let _ = writeln!(self.0, "b24_tidyd_{name}{{{}}} {value}", all.join(","));
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

/// Replaces the file in one step, readable by all: the collector runs as somebody else, and the
/// service's umask is 0077. The draft's name does not end like a file that is collected.
fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let draft = PathBuf::from(format!("{}.{}", path.display(), std::process::id()));
    let written = File::create(&draft).and_then(|mut file| {
        file.set_permissions(Permissions::from_mode(0o644))?;
        file.write_all(text.as_bytes())?;
        fs::rename(&draft, path)
    });
    if written.is_err() {
        let _ = fs::remove_file(&draft);
    }
    written
}
