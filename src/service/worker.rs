//! The loop that owns one portal's drain.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{
    heartbeat::Heartbeat,
    metrics::{Drained, Metrics},
    pulse::{self, Pulse},
    telling::Telling,
    watch::WatchedClock,
};
use crate::{
    clock::{Clock, after, until},
    config::PortalConfig,
    drain::{Drain, DrainFailure, Outcome, Summary},
    portal::{Context, Patience, Portal, RetryPolicy},
    store::{PortalId, PortalRecord},
};

/// The longest rest that a pass of the daemon takes in front of a limit, in seconds; longer ones are
/// left to the next pass, so that everything else goes on meanwhile.
const LONGEST_WAIT: f64 = 30.0;

/// How often the history is cleared of what is too old, in seconds.
const PRUNING_SECONDS: f64 = 3600.0;

/// What a worker is told by the part of the configuration that all portals share.
#[derive(Debug, Clone)]
pub(super) struct Orders {
    /// Events reserved per call.
    pub limit: u32,
    /// Days for which old and new values are kept.
    pub history_days: u32,
    /// Seconds that this worker lets pass after each poke, so that not all portals are asked at once.
    pub lag: f64,
    /// Where metrics go, if anywhere.
    pub metrics: Option<Metrics>,
}

/// One portal's worker.
pub(super) struct Worker {
    context: Context,
    clock: WatchedClock,
    config: Arc<PortalConfig>,
    orders: Orders,
    leave: CancellationToken,
    drain: Option<Drain>,
    /// What the last pass began with.
    known: Option<Authorisation>,
    telling: Telling,
    pulse: Pulse,
    /// Passes that failed in a row.
    failures: u32,
    heartbeat: Heartbeat,
    pruned_at: Option<Timestamp>,
}

/// What a person or another process may change in the store so that trying again makes sense.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Authorisation {
    id: PortalId,
    imported_at: Option<Timestamp>,
    unverified: Option<String>,
    paused_at: Option<Timestamp>,
    lost: bool,
}

impl Authorisation {
    fn of(record: &PortalRecord) -> Self {
        Self {
            id: record.id,
            imported_at: record.imported_at,
            unverified: record.unverified.clone(),
            paused_at: record.paused_at,
            lost: record.lost.is_some(),
        }
    }

    /// Whether a person has changed anything since `known`. That it is lost may be our own doing.
    fn is_news_to(&self, known: &Self) -> bool {
        let lost = self.lost;
        *self
            != Self {
                lost,
                ..known.clone()
            }
    }
}

/// When the next pass is due.
enum Next {
    /// At the next poke.
    Poke,
    /// At the next poke, or at this moment.
    PokeOr(Timestamp),
    /// Not before this moment, unless the authorisation changes.
    NotBefore(Timestamp),
}

impl Worker {
    /// A worker that waits on `clock` and ends at the next safe point once `leave` is cancelled.
    pub(super) fn new(
        context: Context,
        clock: WatchedClock,
        config: Arc<PortalConfig>,
        orders: Orders,
        telling: Telling,
        leave: CancellationToken,
    ) -> Self {
        let shared = Arc::new(clock.clone());
        let context = Context {
            transport: context.transport.with_clock(shared.clone()),
            clock: shared,
            ..context
        };
        Self {
            context,
            clock,
            pulse: Pulse::default(),
            failures: 0,
            heartbeat: Heartbeat::new(&config.name, config.heartbeat_url.clone(), telling.host()),
            telling,
            config,
            orders,
            leave,
            drain: None,
            known: None,
            pruned_at: None,
        }
    }

    /// Works until it is told to stop or to leave: at once, then whenever it is poked.
    pub(super) async fn run(mut self, mut pokes: watch::Receiver<u64>) {
        let (stop, leave) = (self.context.stop.clone(), self.leave.clone());
        while !stop.is_cancelled() && !leave.is_cancelled() {
            if self.orders.lag > 0.0 {
                let turn = after(self.clock.now(), self.orders.lag);
                tokio::select! {
                    biased;
                    () = stop.cancelled() => return,
                    () = leave.cancelled() => return,
                    () = self.clock.sleep_until(turn) => {}
                }
            }
            // Seen before the work is looked at: a poke during a pass is not lost, and many are one.
            pokes.mark_unchanged();
            let next = self.pass().await;
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = leave.cancelled() => return,
                () = self.rest(next, &mut pokes) => {}
            }
        }
    }

    async fn rest(&self, next: Next, pokes: &mut watch::Receiver<u64>) {
        match next {
            Next::Poke => self.poked(pokes).await,
            Next::PokeOr(moment) => tokio::select! {
                () = self.poked(pokes) => {}
                () = self.clock.sleep_until(moment) => {}
            },
            Next::NotBefore(moment) => {
                let was_lost = self.authorisation().await.is_some_and(|it| it.lost);
                let rest = self.clock.sleep_until(moment);
                tokio::pin!(rest);
                loop {
                    tokio::select! {
                        () = &mut rest => return,
                        () = self.poked(pokes) => {}
                    }
                    let Some(now) = self.authorisation().await else {
                        continue;
                    };
                    // A renewal of our own ends a loss as well, but not while we rest.
                    let found = was_lost && !now.lost;
                    if found
                        || self
                            .known
                            .as_ref()
                            .is_none_or(|known| now.is_news_to(known))
                    {
                        return;
                    }
                }
            }
        }
    }

    /// Waits for a poke, under watch.
    async fn poked(&self, pokes: &mut watch::Receiver<u64>) {
        tokio::select! {
            poked = pokes.changed() => {
                if poked.is_err() {
                    // Nobody pokes any more: the service is about to stop.
                    self.clock.idle().await;
                }
            }
            () = self.clock.idle() => {}
        }
    }

    /// Of the portal as it is stored now; none where that cannot be read.
    async fn authorisation(&self) -> Option<Authorisation> {
        let (url, client_id) = (self.config.url.as_str(), &self.config.client_id);
        let record = self
            .context
            .store
            .find_portal(url, client_id)
            .await
            .ok()??;
        Some(Authorisation::of(&record))
    }

    async fn pass(&mut self) -> Next {
        if let Err(problems) = self.config.require_secret() {
            let (store, now) = (&self.context.store, self.clock.now());
            self.telling.without_secret(store, &problems, now).await;
            self.touch_metrics();
            return Next::Poke;
        }
        let mut drain = match self.open().await {
            Ok(Some(drain)) => drain,
            Ok(None) => {
                let now = self.clock.now();
                self.telling.without_tokens(&self.context.store, now).await;
                self.touch_metrics();
                return Next::Poke;
            }
            Err(failure) => return self.failed(&failure).await,
        };
        let mut progress = self.telling.progress(self.clock.clone());
        let outcome = pulse::pass(&mut drain, self.clock.unwatched(), &mut progress).await;
        let next = match &outcome {
            Ok(summary) => self.after_drain(summary).await,
            Err(failure) => self.failed(failure).await,
        };
        // After what was found is stored: metrics tell it, too.
        self.tell(&drain, &outcome).await;
        self.drain = Some(drain);
        next
    }

    /// The drain as it was left, or a new one where the portal was authorised anew.
    async fn open(&mut self) -> Result<Option<Drain>, DrainFailure> {
        let (url, client_id) = (self.config.url.as_str(), &self.config.client_id);
        let Some(record) = self.context.store.find_portal(url, client_id).await? else {
            self.drain = None;
            return Ok(None);
        };
        self.known = Some(Authorisation::of(&record));
        self.prune(record.id).await;
        // Not before the store was read: a drain may hold a renewed pair that could not be stored yet.
        // Other tokens may mean another application of the same name: nothing learnt before counts.
        let drain = self.drain.take();
        if let Some(drain) = drain.filter(|drain| drain.portal().is_of(&record)) {
            return Ok(Some(drain));
        }
        let patience = Patience {
            longest_wait: LONGEST_WAIT,
        };
        let (context, config) = (self.context.clone(), self.config.clone());
        let portal = Portal::open(context, config, &record, patience).await?;
        let portal = portal.leaving_on(self.leave.clone());
        Ok(Some(Drain::new(portal, self.orders.limit)))
    }

    /// Forgets a portion of the old and new names that were kept for long enough, whether the portal
    /// answers or not: where there are more, the next pass goes on.
    async fn prune(&mut self, portal: PortalId) {
        let now = self.clock.now();
        let recent = |at: Timestamp| at <= now && now < after(at, PRUNING_SECONDS);
        if self.pruned_at.is_some_and(recent) {
            return;
        }
        let kept = f64::from(self.orders.history_days) * 86400.0;
        match self
            .context
            .store
            .prune_history(portal, after(now, -kept))
            .await
        {
            Ok(true) => {}
            Ok(false) => self.pruned_at = Some(now),
            Err(fault) => {
                tracing::debug!(portal = %self.config.name, %fault, "old changes could not be removed");
            }
        }
    }

    /// Tells those who watch from outside: metrics, and the sign of life.
    async fn tell(&mut self, drain: &Drain, outcome: &Result<Summary, DrainFailure>) {
        let meter = drain.portal().take_meter();
        let success = matches!(outcome, Ok(summary) if summary.outcome.is_success());
        if let Some(metrics) = &self.orders.metrics {
            let drained = Drained {
                portal: drain.portal().id,
                totals: drain.last_totals(),
                meter,
                outcome: match outcome {
                    Ok(summary) => summary.outcome.as_str(),
                    Err(failure) => failure.word(),
                },
                success,
            };
            metrics
                .after_drain(&self.context.store, &drained, self.clock.now())
                .await;
        }
        let (store, portal, now) = (&self.context.store, drain.portal().id, self.clock.now());
        if let Err(fault) = self.pulse.ended(store, portal, success, now).await {
            tracing::debug!(portal = %self.config.name, %fault, "the drain's end was not noted");
        }
        if success {
            self.heartbeat.beat(&self.context).await;
        }
    }

    /// Everything that follows a pass that came to an end.
    async fn after_drain(&mut self, summary: &Summary) -> Next {
        self.failures = 0;
        let now = self.clock.now();
        self.telling.passed(&self.context.store, summary, now).await;
        match &summary.outcome {
            Outcome::WorkLeft { until, .. } => Next::PokeOr(*until),
            _ => Next::Poke,
        }
    }

    fn touch_metrics(&self) {
        if let Some(metrics) = &self.orders.metrics {
            metrics.touch();
        }
    }

    async fn failed(&mut self, failure: &DrainFailure) -> Next {
        if matches!(failure, DrainFailure::Stopped) {
            return Next::Poke;
        }
        let policy = match failure {
            DrainFailure::NeedsPerson(_)
            | DrainFailure::Unverified(_)
            | DrainFailure::ContactsNotOffered(_) => RetryPolicy::PROBES,
            DrainFailure::Overloaded(_) => RetryPolicy::OVERLOADED,
            _ => RetryPolicy::PORTALS,
        };
        let now = self.clock.now();
        let moment = after(now, self.context.delay(&policy, self.failures));
        self.failures += 1;
        self.telling
            .failed(&self.context.store, failure, now, moment)
            .await;
        self.touch_metrics();
        tracing::debug!(portal = %self.config.name, rest = ?until(now, moment), "resting");
        Next::NotBefore(moment)
    }
}
