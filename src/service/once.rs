//! `run --once`: drain, wait a little where that helps, report.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::task::JoinSet;

use super::{
    conditions::{HostBook, Ledger, Proof, of_outcome, of_secret},
    heartbeat::Heartbeat,
    metrics::{Drained, Metrics},
    pulse::{self, Pulse},
};
use crate::{
    clock::{after, seconds_between},
    config::{Config, PortalConfig, Problems},
    drain::{Drain, DrainFailure, Outcome, Progress},
    portal::{Context, Meter, Patience, RetryPolicy},
    store::{PortalId, RunTotals, StoreFault},
};

/// How a one-shot drain of a portal ended.
#[derive(Debug)]
pub enum Ending {
    /// As the last pass says.
    Ended(Outcome),
    /// The last pass failed.
    Failed(DrainFailure),
    /// There are no tokens for this portal.
    NoTokens,
    /// The client secret is missing or was refused.
    NoSecret(Problems),
}

/// What a one-shot drain of a portal did.
#[derive(Debug)]
pub struct PortalReport {
    /// The portal's configured name.
    pub name: String,
    /// The store's number for it; none where there are no tokens.
    pub id: Option<PortalId>,
    /// Over all passes.
    pub totals: RunTotals,
    /// Contacts that were parked.
    pub parked: u64,
    /// What was sent.
    pub meter: Meter,
    /// How it ended.
    pub ending: Ending,
}

impl PortalReport {
    /// Of a portal that nobody has authorised yet, or whose client secret is missing.
    #[must_use]
    pub fn without_tokens(portal: &PortalConfig) -> Self {
        Self {
            name: portal.name.clone(),
            totals: RunTotals::default(),
            id: None,
            parked: 0,
            meter: Meter::default(),
            ending: match portal.require_secret() {
                Ok(()) => Ending::NoTokens,
                Err(problems) => Ending::NoSecret(problems),
            },
        }
    }
}

impl Ending {
    /// The ending in a word or two.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Ended(outcome) => outcome.as_str(),
            Self::Failed(failure) => failure.word(),
            Self::NoTokens => "no tokens",
            Self::NoSecret(_) => "no client secret",
        }
    }

    fn is_success(&self) -> bool {
        matches!(self, Self::Ended(outcome) if outcome.is_success())
    }
}

/// What a one-shot drain reports to while it works: the portal's name, and how far it has come.
pub type OnProgress = Arc<dyn Fn(&str, Progress) + Send + Sync>;

/// Drains every portal of `portals` until its queue is empty, all side by side, in the order given.
pub async fn drain_all_once(
    context: &Context,
    config: &Config,
    portals: Vec<PortalConfig>,
    max_wait: Duration,
    on_progress: &OnProgress,
) -> Vec<PortalReport> {
    let limit = config.poll.limit.get();
    let host = HostBook::open(context.store.path());
    let metrics = Metrics::of(config, &host);
    let kept_seconds = f64::from(config.history_days) * 86400.0;
    let mut tasks = JoinSet::new();
    for (at, portal) in portals.into_iter().enumerate() {
        let (context, metrics, portal) = (context.clone(), metrics.clone(), Arc::new(portal));
        let (on_progress, host) = (Arc::clone(on_progress), host.clone());
        tasks.spawn(async move {
            let mut progress = |progress| on_progress(&portal.name, progress);
            let passing = passes(&context, portal.clone(), limit, max_wait, &mut progress);
            let report = passing.await;
            note(&context, &portal, &report, &host).await;
            wind_up(&context, &portal, &report, kept_seconds, metrics, host).await;
            (at, report)
        });
    }
    let mut reports: Vec<(usize, PortalReport)> = tasks.join_all().await;
    if let Some(metrics) = metrics {
        metrics
            .keeper()
            .write(Some(&context.store), context.clock.now())
            .await;
    }
    reports.sort_by_key(|(at, _)| *at);
    reports.into_iter().map(|(_, report)| report).collect()
}

/// What a one-shot run comes to where there is no state file yet: nobody has authorised anything.
pub async fn without_store(
    config: &Config,
    portals: &[PortalConfig],
    now: Timestamp,
) -> Vec<PortalReport> {
    if let Some(metrics) = Metrics::of(config, &HostBook::open(&config.store)) {
        metrics.keeper().write(None, now).await;
    }
    let portals = portals.iter();
    portals.map(PortalReport::without_tokens).collect()
}

/// Drains one portal until its queue is empty, waiting up to `max_wait` where a limit or a retry
/// demands it, and notes what was found.
pub async fn drain_once(
    context: &Context,
    config: Arc<PortalConfig>,
    limit: u32,
    max_wait: Duration,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> PortalReport {
    let host = HostBook::open(context.store.path());
    let report = passes(context, config.clone(), limit, max_wait, progress).await;
    note(context, &config, &report, &host).await;
    report
}

/// Notes the conditions of a portal after its drain, and how the drain got on.
async fn note(
    context: &Context,
    config: &Arc<PortalConfig>,
    report: &PortalReport,
    host: &HostBook,
) {
    let (store, now) = (&context.store, context.clock.now());
    let found = match &report.ending {
        Ending::Failed(DrainFailure::Store(fault)) => return host.failed(fault, now),
        Ending::Failed(failure) => failure.trouble().cloned(),
        Ending::Ended(outcome) => of_outcome(outcome),
        Ending::NoSecret(problems) => Some(of_secret(problems)),
        Ending::NoTokens => None,
    };
    let mut ledger = Ledger::new(config.clone(), host.clone()).taking_over();
    let (found, proof) = (Vec::from_iter(found), Proof::of(report.totals));
    ledger.note(store, &found, proof, now).await;
    if let Some(id) = report.id
        && let Err(fault) = Pulse::default()
            .ended(store, id, report.ending.is_success(), now)
            .await
    {
        tracing::debug!(portal = %config.name, %fault, "the drain's end was not noted");
    }
}

async fn passes(
    context: &Context,
    config: Arc<PortalConfig>,
    limit: u32,
    max_wait: Duration,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> PortalReport {
    let mut report = PortalReport::without_tokens(&config);
    let patience = Patience {
        longest_wait: max_wait.as_secs_f64(),
    };
    if config.secret_problem.is_some() {
        return report;
    }
    let mut drain = match Drain::open(context.clone(), config, limit, patience).await {
        Ok(Some(drain)) => drain,
        Ok(None) => return report,
        Err(failure) => {
            report.ending = Ending::Failed(failure.into());
            return report;
        }
    };
    report.id = Some(drain.portal().id);
    let mut left_to_wait = max_wait.as_secs_f64();
    let mut failing = Failing::default();
    let mut answered = false;
    loop {
        let before = Progress {
            events: report.totals.events,
            changed: report.totals.changed,
            ..Progress::default()
        };
        let clock = context.clock.clone();
        let outcome = pulse::pass(&mut drain, clock, &mut |now| progress(before.with(now))).await;
        let totals = drain.last_totals();
        report.totals.events += totals.events;
        report.totals.changed += totals.changed;
        report.totals.requests += totals.requests;
        let meter = drain.portal().take_meter();
        report.meter.add(&meter);
        answered |= meter.answered();
        if totals.changed > 0 {
            // It goes on: the next obstacle is another one. (Rows that are settled prove nothing: their
            // acknowledgement may be what fails.)
            failing = Failing::default();
        }
        let summary = match outcome {
            Ok(summary) => {
                failing = Failing::default();
                summary
            }
            Err(failure) => {
                let next = failing.next_try(context, max_wait);
                let Some(next) = next.filter(|_| is_passing(&failure, answered)) else {
                    report.ending = Ending::Failed(failure);
                    return report;
                };
                tokio::select! {
                    () = context.stop.cancelled() => {
                        report.ending = Ending::Failed(failure);
                        return report;
                    }
                    () = context.clock.sleep_until(next) => continue,
                }
            }
        };
        report.parked += summary.parked;
        if let Outcome::WorkLeft { until, .. } = &summary.outcome {
            let wait = seconds_between(context.clock.now(), *until).max(0.0);
            if wait <= left_to_wait {
                left_to_wait -= wait.max(0.1);
                tokio::select! {
                    () = context.stop.cancelled() => {}
                    () = context.clock.sleep_until(after(*until, 0.001)) => continue,
                }
            }
        }
        report.ending = Ending::Ended(summary.outcome);
        return report;
    }
}

/// Passes that fail one after another.
#[derive(Default)]
struct Failing {
    since: Option<Timestamp>,
    times: u32,
}

impl Failing {
    /// When to try again after one more failure now; none where that is too long after the first.
    fn next_try(&mut self, context: &Context, max_wait: Duration) -> Option<Timestamp> {
        let now = context.clock.now();
        let since = *self.since.get_or_insert(now);
        let next = after(now, context.delay(&RetryPolicy::PORTALS, self.times));
        self.times += 1;
        (next <= after(since, max_wait.as_secs_f64())).then_some(next)
    }
}

/// Whether a failure is worth waiting for. A portal that was not there at all in this run may stay away
/// for long: that is told at once.
fn is_passing(failure: &DrainFailure, answered: bool) -> bool {
    match failure {
        DrainFailure::Temporary(_) => true,
        DrainFailure::Unreachable(_) => answered,
        _ => false,
    }
}

/// Forgets what was written before `before`, a portion at a time: everybody else gets their turn in
/// between, and a stop leaves the rest to the next run.
async fn forget_history(
    context: &Context,
    portal: PortalId,
    before: Timestamp,
) -> Result<(), StoreFault> {
    while !context.stop.is_cancelled() && context.store.prune_history(portal, before).await? {
        tokio::task::yield_now().await;
    }
    Ok(())
}

/// What follows a drain: old history goes, and those who watch from outside are told.
async fn wind_up(
    context: &Context,
    config: &PortalConfig,
    report: &PortalReport,
    kept_seconds: f64,
    metrics: Option<Metrics>,
    host: HostBook,
) {
    let Some(id) = report.id else {
        return;
    };
    let now = context.clock.now();
    if let Err(fault) = forget_history(context, id, after(now, -kept_seconds)).await {
        tracing::warn!(portal = %config.name, %fault, "old changes could not be removed");
    }
    if let Some(metrics) = metrics {
        let drained = Drained {
            portal: id,
            totals: report.totals,
            meter: report.meter.clone(),
            outcome: report.ending.as_str(),
            success: report.ending.is_success(),
        };
        metrics.after_drain(&context.store, &drained, now).await;
    }
    if report.ending.is_success() {
        let mut heartbeat = Heartbeat::new(&config.name, config.heartbeat_url.clone(), host);
        heartbeat.beat(context).await;
    }
}
