//! `run --once`: drain, wait a little where that helps, report.

use std::{sync::Arc, time::Duration};

use tokio::task::JoinSet;

use crate::{
    clock::{after, seconds_between},
    config::{Config, PortalConfig},
    drain::{Drain, DrainFailure, Outcome, Progress},
    portal::{CallFailure, Context, Patience, Portal},
    store::RunTotals,
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
}

/// What a one-shot drain of a portal did.
#[derive(Debug)]
pub struct PortalReport {
    /// The portal's configured name.
    pub name: String,
    /// Over all passes.
    pub totals: RunTotals,
    /// Contacts that were parked.
    pub parked: u64,
    /// How it ended.
    pub ending: Ending,
}

/// Drains every portal of `portals` until its queue is empty, all side by side, in the order given.
pub async fn drain_all_once(
    context: &Context,
    config: &Config,
    portals: Vec<PortalConfig>,
    max_wait: Duration,
) -> Vec<PortalReport> {
    let limit = config.poll.limit.get();
    let mut tasks = JoinSet::new();
    for (at, portal) in portals.into_iter().enumerate() {
        let context = context.clone();
        tasks.spawn(async move {
            (
                at,
                drain_once(&context, Arc::new(portal), limit, max_wait, &mut |_| {}).await,
            )
        });
    }
    let mut reports: Vec<(usize, PortalReport)> = tasks.join_all().await;
    reports.sort_by_key(|(at, _)| *at);
    reports.into_iter().map(|(_, report)| report).collect()
}

/// Drains one portal until its queue is empty, waiting up to `max_wait` where a limit or a retry
/// demands it.
pub async fn drain_once(
    context: &Context,
    config: Arc<PortalConfig>,
    limit: u32,
    max_wait: Duration,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> PortalReport {
    let mut report = PortalReport {
        name: config.name.clone(),
        totals: RunTotals::default(),
        parked: 0,
        ending: Ending::NoTokens,
    };
    let patience = Patience {
        longest_wait: max_wait.as_secs_f64(),
    };
    let mut drain = match open_drain(context, &config, limit, patience) {
        Ok(Some(drain)) => drain,
        Ok(None) => return report,
        Err(failure) => {
            report.ending = Ending::Failed(failure.into());
            return report;
        }
    };
    let mut left_to_wait = max_wait.as_secs_f64();
    loop {
        let summary = match drain.pass(progress).await {
            Ok(summary) => summary,
            Err(failure) => {
                report.totals.requests += drain.portal().take_meter().requests();
                report.ending = Ending::Failed(failure);
                return report;
            }
        };
        drain.portal().take_meter();
        report.totals.events += summary.totals.events;
        report.totals.changed += summary.totals.changed;
        report.totals.requests += summary.totals.requests;
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

/// Opens a portal's drain with the tokens in the store; none where there are none yet.
fn open_drain(
    context: &Context,
    config: &Arc<PortalConfig>,
    limit: u32,
    patience: Patience,
) -> Result<Option<Drain>, CallFailure> {
    let (url, client_id) = (config.url.as_str(), &config.client_id);
    let Some(record) = context.store.find_portal(url, client_id)? else {
        return Ok(None);
    };
    let portal = Portal::open(context.clone(), config.clone(), &record, patience)?;
    Ok(Some(Drain::new(portal, limit)))
}
