//! How far everything is known to be complete, and the gaps in which nothing was recorded for us.

use jiff::Timestamp;

use super::{Drain, DrainFailure, Pass};
use crate::clock::seconds_between;

/// Reserved rows are purged from the portal without a sign after some 34 days, 30 by the
/// documentation: after an absence as long as that the queue may have lost some.
pub(super) const LONGEST_ABSENCE_SECONDS: f64 = 30.0 * 86400.0;

impl Drain {
    /// Nothing may have been recorded since the queue was last known to be complete.
    pub(super) async fn note_gap(&self, why: &str) -> Result<(), DrainFailure> {
        let opened = self
            .portal
            .store()
            .open_gap(&self.portal.configured_queue())
            .await?;
        if let Some(since) = opened {
            tracing::warn!(portal = %self.config().name, %since, why,
                "changes may not have been recorded; contacts changed since then will be looked at");
        }
        Ok(())
    }

    /// After a long absence the portal may have purged rows that were reserved.
    pub(super) async fn note_absence(&self, now: Option<Timestamp>) -> Result<(), DrainFailure> {
        let cursor = self
            .portal
            .store()
            .cursor(&self.portal.configured_queue())
            .await?;
        match (cursor.complete_until, now) {
            (Some(until), Some(now))
                if cursor.gap_since.is_none()
                    && seconds_between(until, now) > LONGEST_ABSENCE_SECONDS =>
            {
                self.note_gap("the last complete drain was a month ago")
                    .await
            }
            _ => Ok(()),
        }
    }

    /// Everything recorded until the last survey is settled, or safely in the store.
    pub(super) async fn advance_cursor(&self, pass: &Pass) -> Result<(), DrainFailure> {
        let Some(proven) = self.memory.proven_at.filter(|_| pass.emptied) else {
            return Ok(());
        };
        let (store, key) = (self.portal.store(), self.portal.configured_queue());
        let mut cursor = store.cursor(&key).await?;
        let known = cursor.complete_until.is_some_and(|until| until >= proven);
        // While another queue stood in for ours, what it holds is part of the whole.
        if cursor.gap_since.is_some() || known || (self.memory.stand_in && self.uses_connector()) {
            return Ok(());
        }
        cursor.complete_until = Some(proven);
        Ok(store.set_cursor(&key, cursor).await?)
    }
}
