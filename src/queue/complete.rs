//! Until when everything is known to be complete, and the gaps in which nothing was recorded for us.

use jiff::Timestamp;

use super::line::Line;
use crate::{
    clock::{after, seconds_between},
    store::{Cursor, StoreFault},
};

/// Rows are purged from the portal without a sign after some 34 days, 30 by the documentation: after
/// an absence as long as that the queue may have lost some.
const LONGEST_ABSENCE_SECONDS: f64 = 30.0 * 86400.0;

/// So far ahead of ours the portal's clock may be and still be believed, in seconds.
const CLOCK_MARGIN_SECONDS: f64 = 300.0;

/// The moment of the last survey in which everything was found in order.
#[derive(Debug, Default)]
pub(super) struct Completeness {
    proven_at: Option<Timestamp>,
}

impl Completeness {
    /// From the portal's time `told` on everything is recorded; none where that is not known.
    pub(super) fn proven(&mut self, line: &Line, told: Option<Timestamp>) {
        self.proven_at = told.map(|told| believed(told, line.now()));
    }

    /// Everything recorded until the last survey is settled, or safely in the store.
    pub(super) async fn advance(&self, line: &Line) -> Result<(), StoreFault> {
        let Some(proven) = self.proven_at else {
            return Ok(());
        };
        let (store, key) = (line.portal.store(), line.portal.configured_queue());
        let mut cursor = store.cursor(&key).await?;
        let ahead = cursor
            .complete_until
            .is_some_and(|until| is_beyond(until, line.now()));
        let known = cursor.complete_until.is_some_and(|until| until >= proven);
        if cursor.gap_since.is_some() || known && !ahead {
            return Ok(());
        }
        if ahead {
            tracing::warn!(
                portal = line.name(),
                "the queue was noted as complete until a moment in the future; that is taken back"
            );
        }
        cursor.complete_until = Some(proven);
        store.set_cursor(&key, cursor).await
    }
}

/// Nothing may have been recorded since the queue was last known to be complete.
pub(super) async fn note_gap(line: &Line, why: &str) -> Result<(), StoreFault> {
    let (store, key) = (line.portal.store(), line.portal.configured_queue());
    take_back(line, store.cursor(&key).await?).await?;
    if let Some(since) = store.open_gap(&key).await? {
        tracing::warn!(portal = line.name(), %since, why,
            "changes may not have been recorded; contacts changed since then will be looked at");
    }
    Ok(())
}

/// After a long absence the portal may have purged rows. `now` is the portal's time.
pub(super) async fn note_absence(line: &Line, now: Option<Timestamp>) -> Result<(), StoreFault> {
    let store = line.portal.store();
    let cursor = store.cursor(&line.portal.configured_queue()).await?;
    let now = now.map(|told| believed(told, line.now()));
    match (cursor.complete_until, now) {
        (Some(until), Some(now))
            if cursor.gap_since.is_none()
                && seconds_between(until, now) > LONGEST_ABSENCE_SECONDS =>
        {
            note_gap(line, "the last complete drain was a month ago").await
        }
        _ => Ok(()),
    }
}

/// A mark in the future says nothing: everything that a portal still has is looked at then.
async fn take_back(line: &Line, mut cursor: Cursor) -> Result<(), StoreFault> {
    let now = line.now();
    let ahead = |mark: &mut Option<Timestamp>| {
        let is_ahead = mark.is_some_and(|at| is_beyond(at, now));
        if is_ahead {
            *mark = Some(after(now, -LONGEST_ABSENCE_SECONDS));
        }
        is_ahead
    };
    let (complete, gap) = (
        ahead(&mut cursor.complete_until),
        ahead(&mut cursor.gap_since),
    );
    if complete || gap {
        tracing::warn!(
            portal = line.name(),
            "a clock was wrong when the queue was last noted as complete; the last 30 days count as open"
        );
        let key = line.portal.configured_queue();
        line.portal.store().set_cursor(&key, cursor).await?;
    }
    Ok(())
}

/// A moment that the portal told; ours where its clock is far ahead.
fn believed(told: Timestamp, ours: Timestamp) -> Timestamp {
    if is_beyond(told, ours) { ours } else { told }
}

fn is_beyond(moment: Timestamp, ours: Timestamp) -> bool {
    moment > after(ours, CLOCK_MARGIN_SECONDS)
}
