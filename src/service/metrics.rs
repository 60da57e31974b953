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

use super::conditions::{HostBook, of_portal};
use crate::{
    clock::after,
    condition::{Condition, Kind, Trouble},
    config::{Config, PortalConfig},
    portal::{Context, Meter},
    store::{Backlog, PortalId, PortalRecord, RunTotals, Store, StoreFault, Tally},
};

/// The file is written no more often, in seconds: collectors come by every fifteen or so.
const BETWEEN_WRITES: f64 = 5.0;

/// What a drain is reported to. Clones count for the same file.
#[derive(Debug, Clone)]
pub(super) struct Metrics {
    file: Arc<Path>,
    portals: Arc<[PortalConfig]>,
    host: HostBook,
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
    pub(super) fn of(config: &Config, host: &HostBook) -> Option<Self> {
        Some(Self {
            file: config.metrics_file.as_deref()?.into(),
            portals: config.portals.as_slice().into(),
            host: host.clone(),
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

    /// Something is other than before, although no drain ended.
    pub(super) fn touch(&self) {
        self.drains.send_modify(|drains| *drains += 1);
    }

    /// The file's keeper: it writes after drains for as long as anybody may report one, at once where
    /// the last time is a while ago. However many portals there are, and however quickly they are
    /// drained, the file costs the same.
    pub(super) fn keeper(&self) -> Keeper {
        Keeper {
            file: self.file.clone(),
            portals: self.portals.clone(),
            host: self.host.clone(),
            drains: self.drains.subscribe(),
            observed: Vec::new(),
        }
    }
}

/// Keeps the file.
pub(super) struct Keeper {
    file: Arc<Path>,
    portals: Arc<[PortalConfig]>,
    host: HostBook,
    drains: watch::Receiver<u64>,
    /// The portals as the state file last told them.
    observed: Vec<Observed>,
}

impl Keeper {
    /// Writes after drains, until nobody is left who could report one. `stop` ends the pauses.
    pub(super) async fn run(mut self, context: Context) {
        while self.drains.changed().await.is_ok() {
            let now = context.clock.now();
            self.write(Some(&context.store), now).await;
            let next = after(context.clock.now(), BETWEEN_WRITES);
            tokio::select! {
                () = context.stop.cancelled() => {}
                () = context.clock.alarm_at(next) => {}
            }
        }
    }

    /// Writes the file anew; `store` is the state file, where there is one. What goes wrong with that is a
    /// condition of the host.
    pub(super) async fn write(&mut self, store: Option<&Store>, now: Timestamp) {
        match observe_all(store, &self.portals, now).await {
            Ok(observed) => self.observed = observed,
            // What the state file told before is better than nothing, beside the condition.
            Err(fault) => self.host.failed(&fault, now),
        }
        let text = self.render(now);
        let trouble = write_whole(&self.file, &text)
            .err()
            .map(|error| Trouble::said(Kind::Metrics, format!("{}: {error}", self.file.display())));
        self.host.set(Kind::Metrics, trouble, now);
    }

    /// The whole file.
    fn render(&self, now: Timestamp) -> String {
        let mut page = Page::default();
        let portals = &self.observed;
        page.head("build_info", "The version that wrote this.", "gauge");
        page.sample(
            "build_info",
            &[("version", env!("CARGO_PKG_VERSION"))],
            "",
            1.0,
        );
        for (name, help, counts) in TALLIES {
            page.head(name, help, if counts { "counter" } else { "gauge" });
            for portal in portals {
                for tally in portal.tallies.iter().filter(|tally| tally.name == name) {
                    let labels = [("portal", portal.name.as_str())];
                    page.sample(name, &labels, &tally.labels, tally.value);
                }
            }
        }
        for (name, help, gauge) in GAUGES {
            page.head(name, help, "gauge");
            for portal in portals {
                if let Some(value) = gauge(portal) {
                    page.sample(name, &[("portal", portal.name.as_str())], "", value);
                }
            }
        }
        page.head(
            "condition",
            "1 for each thing that is not as it should be.",
            "gauge",
        );
        let of_host = self.host.list(now);
        let of_host = of_host.iter().map(|it| ("", it.kind));
        let of_portals = portals.iter().flat_map(|portal| {
            let name = portal.name.as_str();
            portal.conditions.iter().map(move |it| (name, it.kind))
        });
        for (portal, kind) in of_host.chain(of_portals) {
            let labels = [("portal", portal), ("kind", kind.as_str())];
            page.sample("condition", &labels, "", 1.0);
        }
        page.0
    }
}

async fn observe_all(
    store: Option<&Store>,
    portals: &[PortalConfig],
    now: Timestamp,
) -> Result<Vec<Observed>, StoreFault> {
    let mut observed = Vec::new();
    for portal in portals {
        observed.push(match store {
            Some(store) => observe(store, portal, now).await?,
            None => Observed::without_tokens(portal, now),
        });
    }
    Ok(observed)
}

async fn observe(
    store: &Store,
    config: &PortalConfig,
    now: Timestamp,
) -> Result<Observed, StoreFault> {
    let found = store
        .find_portal(config.url.as_str(), &config.client_id)
        .await?;
    let conditions = of_portal(store, config, found.as_ref(), now).await?;
    let (tallies, known) = match found {
        None => (Vec::new(), None),
        Some(record) => {
            let id = record.id;
            let known = Known {
                backlog: store.backlog(id).await?,
                parked: store.parked(id).await?.len(),
                contested: store.contested(id).await?.len(),
                record,
            };
            (store.tallies(id).await?, Some(known))
        }
    };
    Ok(Observed {
        name: config.name.clone(),
        conditions,
        tallies,
        known,
    })
}

/// What the state file tells of a configured portal.
struct Observed {
    name: String,
    conditions: Vec<Condition>,
    tallies: Vec<Tally>,
    known: Option<Known>,
}

impl Observed {
    fn without_tokens(config: &PortalConfig, now: Timestamp) -> Self {
        Self {
            name: config.name.clone(),
            conditions: vec![Trouble::new(Kind::NoTokens).since(now, Some(&config.name))],
            tallies: Vec::new(),
            known: None,
        }
    }
}

/// What it tells of one that was authorised.
struct Known {
    record: PortalRecord,
    backlog: Backlog,
    parked: usize,
    contested: usize,
}

/// One gauge of a portal; none where there is nothing to tell.
type Gauge = fn(&Observed) -> Option<f64>;

/// What is so at the moment.
const GAUGES: [(&str, &str, Gauge); 7] = [
    (
        "queue_rows",
        "Queue rows taken over and not settled yet.",
        |portal| Some(portal.known.as_ref()?.backlog.rows as f64),
    ),
    (
        "queue_oldest_timestamp_seconds",
        "When the oldest of these rows was queued; absent where there are none.",
        |portal| portal.known.as_ref()?.backlog.oldest.map(seconds),
    ),
    (
        "parked_contacts",
        "Contacts that the portal refuses.",
        |portal| Some(portal.known.as_ref()?.parked as f64),
    ),
    (
        "contested_contacts",
        "Contacts left to another robot.",
        |portal| Some(portal.known.as_ref()?.contested as f64),
    ),
    (
        "authorised",
        "1 where tokens are stored and nothing and nobody is refused to them.",
        |portal| {
            let refused = portal.conditions.iter().any(|it| it.kind.is_refusal());
            Some(flag(portal.known.is_some() && !refused))
        },
    ),
    ("paused", "1 where the portal is paused.", |portal| {
        Some(flag(portal.known.as_ref()?.record.paused_at.is_some()))
    }),
    (
        "braked_until_timestamp_seconds",
        "Until when max_changes_per_hour stops writing; absent where it does not.",
        |portal| portal.known.as_ref()?.record.braked_until.map(seconds),
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
