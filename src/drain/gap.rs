//! How far everything is known to be complete, and the gaps in which nothing was recorded for us.
//!
//! The cursor belongs to the queue as it is configured, also while the queue without a connector
//! stands in for it: one moment tells until when nothing has passed us by.

use jiff::Timestamp;

use super::{Drain, DrainFailure, Pass};
use crate::{clock::seconds_between, store::QueueKey};

/// Reserved rows are purged from the portal without a sign after some 34 days, 30 by the
/// documentation: after an absence as long as that the queue may have lost some.
pub(super) const LONGEST_ABSENCE_SECONDS: f64 = 30.0 * 86400.0;

impl Drain {
    /// Whose cursor is kept.
    pub(super) fn cursor_key(&self) -> QueueKey {
        let connector = self.config().connector.as_ref();
        QueueKey {
            portal: self.portal.id,
            connector: connector
                .map(|connector| connector.as_str().to_owned())
                .unwrap_or_default(),
        }
    }

    /// Nothing may have been recorded since the queue was last known to be complete. A first
    /// installation has no such moment, and nothing to make up for.
    pub(super) fn note_gap(&self, why: &str) -> Result<(), DrainFailure> {
        let (store, key) = (self.portal.store(), self.cursor_key());
        let mut cursor = store.cursor(&key)?;
        let complete = match cursor.complete_until {
            // The connector was configured anew: the queue before it was complete until then.
            None => store.complete_until(self.portal.id)?,
            known => known,
        };
        let Some(since) = cursor.gap_since.or(complete) else {
            return Ok(());
        };
        if cursor.gap_since.is_none() {
            tracing::warn!(portal = %self.config().name, %since, why,
                "changes may not have been recorded; contacts changed since then will be looked at");
        }
        cursor.gap_since = Some(since);
        // What a sweep that is under way has passed already may have changed again.
        cursor.swept_to = 0;
        Ok(store.set_cursor(&key, cursor)?)
    }

    /// After a long absence the portal may have purged rows that were reserved.
    pub(super) fn note_absence(&self, now: Option<Timestamp>) -> Result<(), DrainFailure> {
        let cursor = self.portal.store().cursor(&self.cursor_key())?;
        match (cursor.complete_until, now) {
            (Some(until), Some(now))
                if cursor.gap_since.is_none()
                    && seconds_between(until, now) > LONGEST_ABSENCE_SECONDS =>
            {
                self.note_gap("the last complete drain was a month ago")
            }
            _ => Ok(()),
        }
    }

    /// Everything recorded until the last survey is settled, or safely in the store.
    pub(super) fn advance_cursor(&self, pass: &Pass) -> Result<(), DrainFailure> {
        let Some(proven) = self.memory.proven_at.filter(|_| pass.emptied) else {
            return Ok(());
        };
        let (store, key) = (self.portal.store(), self.cursor_key());
        let mut cursor = store.cursor(&key)?;
        let known = cursor.complete_until.is_some_and(|until| until >= proven);
        // While another queue stood in for ours, what it holds is part of the whole.
        if cursor.gap_since.is_some() || known || (self.memory.stand_in && self.uses_connector()) {
            return Ok(());
        }
        cursor.complete_until = Some(proven);
        Ok(store.set_cursor(&key, cursor)?)
    }
}
