//! Until when everything is known to be complete, and the gaps in which nothing was recorded for us, or
//! what was recorded may not have been kept.

use jiff::Timestamp;

use super::line::Line;
use crate::{
    clock::{after, seconds_between},
    store::{Cursor, StoreFault},
};

/// The portal drops rows of its queue without a sign after some 34 days, 30 by the documentation:
/// reserved ones in older versions, every one since 2026. What waited for longer may be gone.
const LONGEST_ABSENCE_SECONDS: f64 = 30.0 * 86400.0;

/// So much time is given to take in hand what waited before our first look, in seconds: nobody knows
/// how old it is.
const FIRST_DRAIN_SECONDS: f64 = 86400.0;

/// So far ahead of ours the portal's clock may be and still be believed, in seconds.
const CLOCK_MARGIN_SECONDS: f64 = 300.0;

/// The moment of the last survey in which everything was found in order.
#[derive(Debug, Default)]
pub(super) struct Completeness {
    proven_at: Option<Timestamp>,
    /// The same moment by our clock.
    noted_at: Option<Timestamp>,
}

impl Completeness {
    /// From the portal's time `told` on everything is recorded; none where that is not known.
    pub(super) fn proven(&mut self, line: &Line, told: Option<Timestamp>) {
        self.proven_at = told.map(|told| believed(told, line.now()));
        self.noted_at = Some(line.now());
    }

    /// Everything recorded until the last survey is settled, or safely in the store.
    pub(super) async fn advance(&self, line: &Line) -> Result<(), StoreFault> {
        let Some(proven) = self.proven_at else {
            return Ok(());
        };
        let (store, key) = (line.portal.store(), line.portal.configured_queue());
        let mut cursor = store.cursor(&key).await?;
        let known = cursor;
        let later = |mark: Option<Timestamp>| {
            mark.is_none_or(|mark| mark < proven || is_beyond(mark, line.now()))
        };
        if later(cursor.accounted_until) {
            cursor.accounted_until = Some(proven);
            cursor.accounted_at = self.noted_at;
        }
        if cursor.gap_since.is_none() && later(cursor.complete_until) {
            cursor.complete_until = Some(proven);
        }
        if cursor == known {
            return Ok(());
        }
        store.set_cursor(&key, cursor).await
    }
}

/// Nothing may have been recorded since the queue was last known to be complete.
pub(super) async fn note_gap(line: &Line, why: &str) -> Result<(), StoreFault> {
    let (store, key) = (line.portal.store(), line.portal.configured_queue());
    let (cursor, now) = (store.cursor(&key).await?, line.now());
    let marks = [cursor.complete_until, cursor.gap_since];
    if marks.into_iter().flatten().any(|mark| is_beyond(mark, now)) {
        hold_back(line, cursor, now).await?;
    }
    if let Some(since) = store.open_gap(&key).await? {
        tracing::warn!(portal = line.name(), %since, why,
            "changes may not have been recorded; contacts changed since then will be looked at");
    }
    Ok(())
}

/// After a long time in which the queue was never emptied the portal may have dropped rows. `told` is
/// the portal's time.
pub(super) async fn note_absence(line: &Line, told: Option<Timestamp>) -> Result<(), StoreFault> {
    let (store, key) = (line.portal.store(), line.portal.configured_queue());
    let cursor = store.cursor(&key).await?;
    let Some(accounted) = cursor.accounted_until.or(cursor.complete_until) else {
        return Ok(());
    };
    let ours = line.now();
    let theirs = told.map_or(ours, |told| believed(told, ours));
    let was_set_back = is_beyond(accounted, theirs);
    let by_ours = cursor
        .accounted_at
        .map_or(0.0, |at| seconds_between(at, ours));
    let absence = seconds_between(accounted, theirs).max(by_ours);
    if !was_set_back && absence <= LONGEST_ABSENCE_SECONDS {
        return Ok(());
    }
    if was_set_back {
        hold_back(line, cursor, theirs).await?;
        note_gap(line, "a clock was set back").await?;
    } else {
        note_gap(line, "the last complete drain was a month ago").await?;
    }
    // What was queued until now lies in the gap.
    let cursor = Cursor {
        accounted_until: Some(theirs),
        accounted_at: Some(ours),
        ..store.cursor(&key).await?
    };
    store.set_cursor(&key, cursor).await
}

/// Begins to count at the first look at a queue. Whoever bound it before us may have left rows.
pub(super) async fn begin_account(
    line: &Line,
    bound_by_us: bool,
    told: Option<Timestamp>,
) -> Result<(), StoreFault> {
    let ours = line.now();
    let older = match bound_by_us {
        true => 0.0,
        false => LONGEST_ABSENCE_SECONDS - FIRST_DRAIN_SECONDS,
    };
    let theirs = told.map_or(ours, |told| believed(told, ours));
    let key = line.portal.configured_queue();
    let store = line.portal.store();
    store.begin_account(&key, after(theirs, -older), ours).await
}

/// A clock was wrong when the queue was last noted as complete. How long ago that was nobody can tell,
/// so that everything since the authorisation counts as open.
async fn hold_back(line: &Line, cursor: Cursor, now: Timestamp) -> Result<(), StoreFault> {
    let record = line.portal.store().portal(line.portal.id).await?;
    let oldest = after(now, -LONGEST_ABSENCE_SECONDS);
    let since = record.imported_at.unwrap_or(record.stored_at).min(oldest);
    let earlier = |mark: Option<Timestamp>| mark.map(|mark| mark.min(since));
    let cursor = Cursor {
        complete_until: earlier(cursor.complete_until),
        gap_since: earlier(cursor.gap_since),
        accounted_until: earlier(cursor.accounted_until),
        ..cursor
    };
    tracing::warn!(portal = line.name(), %since,
        "a clock was wrong when the queue was last noted as complete");
    let key = line.portal.configured_queue();
    line.portal.store().set_cursor(&key, cursor).await
}

/// A moment that the portal told; ours where its clock is far ahead.
fn believed(told: Timestamp, ours: Timestamp) -> Timestamp {
    if is_beyond(told, ours) { ours } else { told }
}

fn is_beyond(moment: Timestamp, ours: Timestamp) -> bool {
    moment > after(ours, CLOCK_MARGIN_SECONDS)
}
