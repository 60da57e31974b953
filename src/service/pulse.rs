//! How the drains of a portal get on, noted in the state file for whoever asks: when the last one
//! succeeded, and how far a long one is.

use std::convert::Infallible;

use jiff::Timestamp;
use tokio::sync::watch;

use crate::{
    clock::{SharedClock, after},
    drain::{Drain, DrainFailure, Progress, Summary},
    store::{Headway, PortalId, RunningDrain, Store, StoreFault},
};

/// How often it is noted, in seconds: often enough for any alarm, too seldom to cost anything.
const BETWEEN_NOTES: f64 = 60.0;

/// Notes how the drains of one portal get on.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    succeeded_at: Option<Timestamp>,
}

impl Pulse {
    /// A drain ended at `now`, with or without success.
    ///
    /// # Errors
    /// A fault of the state file.
    pub(super) async fn ended(
        &mut self,
        store: &Store,
        portal: PortalId,
        success: bool,
        now: Timestamp,
    ) -> Result<(), StoreFault> {
        let before = store.headway(portal).await?;
        let recent = |at: Timestamp| at <= now && now < after(at, BETWEEN_NOTES);
        if before.running.is_none() && (!success || self.succeeded_at.is_some_and(recent)) {
            return Ok(());
        }
        let succeeded_at = match success {
            true => Some(now),
            false => before.succeeded_at,
        };
        let running = None;
        let headway = Headway {
            succeeded_at,
            running,
        };
        store.set_headway(portal, headway).await?;
        self.succeeded_at = succeeded_at.filter(|_| success).or(self.succeeded_at);
        Ok(())
    }
}

/// One pass of a drain, noting how far it is. `clock` is one that nobody watches: a pass that is stuck has
/// to show, although the notes go on.
///
/// # Errors
/// As the pass.
pub(super) async fn pass(
    drain: &mut Drain,
    clock: SharedClock,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<Summary, DrainFailure> {
    let (seen, sight) = watch::channel(Progress::default());
    let mut progress = |now| {
        progress(now);
        seen.send_replace(now);
    };
    let (store, portal) = (drain.portal().store().clone(), drain.portal().id);
    let noting = note(&store, clock, portal, sight);
    tokio::select! {
        biased;
        outcome = drain.pass(&mut progress) => outcome,
        never = noting => match never {},
    }
}

/// Notes once a minute how far a drain is that has just begun, for as long as it gets on.
async fn note(
    store: &Store,
    clock: SharedClock,
    portal: PortalId,
    seen: watch::Receiver<Progress>,
) -> Infallible {
    let began_at = clock.now();
    let mut noted = Progress::default();
    loop {
        clock.alarm_at(after(clock.now(), BETWEEN_NOTES)).await;
        let progress = *seen.borrow();
        if (progress.events, progress.changed) == (noted.events, noted.changed) {
            continue;
        }
        noted = progress;
        let running = RunningDrain {
            began_at,
            seen_at: clock.now(),
            events: progress.events,
            changed: progress.changed,
            left: progress.waiting.map(|left| left + progress.in_hand),
        };
        if let Err(fault) = note_running(store, portal, running).await {
            tracing::debug!(%fault, "how far the drain is was not noted");
        }
    }
}

async fn note_running(
    store: &Store,
    portal: PortalId,
    running: RunningDrain,
) -> Result<(), StoreFault> {
    let before = store.headway(portal).await?;
    let running = Some(running);
    store
        .set_headway(portal, Headway { running, ..before })
        .await
}
