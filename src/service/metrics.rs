//! Metrics for node_exporter's textfile collector.
//!
//! Everything is read from the store, so that the file is whole whoever writes it: the daemon, or a
//! one-shot run. Counters are kept there too; a one-shot run would begin anew each time.

use std::{
    fmt::Write as _,
    fs::{self, File, Permissions},
    io::{self, Write as _},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::Timestamp;
use tokio::sync::watch;

use crate::{
    clock::after,
    config::Config,
    portal::{Context, Meter},
    store::{Backlog, PortalId, PortalRecord, RunTotals, Store, StoreFault, Tally},
};

/// The file is written no more often, in seconds: collectors come by every fifteen or so.
const BETWEEN_WRITES: f64 = 5.0;

/// What a drain is reported to. Clones count for the same file.
#[derive(Debug, Clone)]
pub(super) struct Metrics {
    file: Arc<Path>,
    /// Name, address and client id of every configured portal.
    portals: Arc<[(String, String, String)]>,
    /// Counts drains; whoever keeps the file is told by it.
    drains: watch::Sender<u64>,
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
            drains: watch::Sender::new(0),
        })
    }

    /// Counts a drain. What goes wrong with that the drain itself has met as well.
    pub(super) async fn after_drain(&self, store: &Store, drained: &Drained<'_>, now: Timestamp) {
        if let Err(fault) = count(store, drained, now).await {
            tracing::debug!(%fault, "a drain was not counted");
        }
        self.drains.send_modify(|drains| *drains += 1);
    }

    /// The file's keeper: it writes after drains for as long as anybody may report one, at once where
    /// the last time is a while ago. However many portals there are, and however quickly they are
    /// drained, the file costs the same.
    pub(super) fn keeper(&self) -> Keeper {
        Keeper {
            file: self.file.clone(),
            portals: self.portals.clone(),
            drains: self.drains.subscribe(),
            failing: false,
        }
    }
}

/// Keeps the file.
pub(super) struct Keeper {
    file: Arc<Path>,
    portals: Arc<[(String, String, String)]>,
    drains: watch::Receiver<u64>,
    /// The last attempt failed: said once.
    failing: bool,
}

impl Keeper {
    /// Writes after drains, until nobody is left who could report one. `stop` ends the pauses.
    pub(super) async fn run(mut self, context: Context) {
        while self.drains.changed().await.is_ok() {
            self.write(&context.store).await;
            let next = after(context.clock.now(), BETWEEN_WRITES);
            tokio::select! {
                () = context.stop.cancelled() => {}
                () = context.clock.alarm_at(next) => {}
            }
        }
    }

    /// Writes the file anew. What goes wrong is logged, once.
    pub(super) async fn write(&mut self, store: &Store) {
        let outcome = self
            .render(store)
            .await
            .map_err(io::Error::other)
            .and_then(|text| write_whole(&self.file, &text));
        let failed_before = std::mem::replace(&mut self.failing, outcome.is_err());
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
    async fn render(&self, store: &Store) -> Result<String, StoreFault> {
        let mut page = Page::default();
        let mut portals = Vec::new();
        for (name, url, client_id) in self.portals.iter() {
            if let Some(record) = store.find_portal(url, client_id).await? {
                portals.push(Observed {
                    name,
                    tallies: store.tallies(record.id).await?,
                    backlog: store.backlog(record.id).await?,
                    parked: store.parked(record.id).await?.len(),
                    contested: store.contested(record.id).await?.len(),
                    record,
                });
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
            for portal in &portals {
                for tally in portal.tallies.iter().filter(|tally| tally.name == name) {
                    let labels = [("portal", portal.name)];
                    page.sample(name, &labels, &tally.labels, tally.value);
                }
            }
        }
        for (name, help, gauge) in GAUGES {
            page.head(name, help, "gauge");
            for portal in &portals {
                if let Some(value) = gauge(portal) {
                    page.sample(name, &[("portal", portal.name)], "", value);
                }
            }
        }
        Ok(page.0)
    }
}

/// What the store tells of a portal.
struct Observed<'a> {
    name: &'a str,
    record: PortalRecord,
    tallies: Vec<Tally>,
    backlog: Backlog,
    parked: usize,
    contested: usize,
}

/// One gauge of a portal; none where there is nothing to tell.
type Gauge = fn(&Observed<'_>) -> Option<f64>;

/// What is so at the moment.
const GAUGES: [(&str, &str, Gauge); 7] = [
    (
        "queue_rows",
        "Queue rows taken over and not settled yet.",
        |portal| Some(portal.backlog.rows as f64),
    ),
    (
        "queue_oldest_timestamp_seconds",
        "When the oldest of these rows was queued; absent where there are none.",
        |portal| portal.backlog.oldest.map(seconds),
    ),
    (
        "parked_contacts",
        "Contacts that the portal refuses.",
        |portal| Some(portal.parked as f64),
    ),
    (
        "contested_contacts",
        "Contacts left to another robot.",
        |portal| Some(portal.contested as f64),
    ),
    (
        "authorised",
        "1 where the portal accepts the stored tokens.",
        |portal| {
            let record = &portal.record;
            Some(flag(record.lost.is_none() && record.unverified.is_none()))
        },
    ),
    ("paused", "1 where the portal is paused.", |portal| {
        Some(flag(portal.record.paused_at.is_some()))
    }),
    (
        "braked_until_timestamp_seconds",
        "Until when max_changes_per_hour stops writing; absent where it does not.",
        |portal| portal.record.braked_until.map(seconds),
    ),
];

fn flag(value: bool) -> f64 {
    f64::from(u8::from(value))
}

fn seconds(moment: Timestamp) -> f64 {
    moment.as_millisecond() as f64 / 1000.0
}

async fn count(store: &Store, drained: &Drained<'_>, now: Timestamp) -> Result<(), StoreFault> {
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
    store.tally(drained.portal, &added, &replaced).await
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
    // What a process of our number left behind; never through a link that somebody put there.
    let _ = fs::remove_file(&draft);
    let made = File::options().write(true).create_new(true).open(&draft);
    let written = made.and_then(|mut file| {
        file.set_permissions(Permissions::from_mode(0o644))?;
        file.write_all(text.as_bytes())?;
        fs::rename(&draft, path)
    });
    if written.is_err() {
        let _ = fs::remove_file(&draft);
    }
    written
}
