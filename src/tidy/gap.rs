//! The sweep of a gap: contacts that may have been changed while nothing was recorded for us, looked
//! at chunk by chunk.

use std::sync::Arc;

use jiff::Timestamp;

use super::{wait::Wait, walk::Stretch};
use crate::{
    clock::after,
    portal::Portal,
    store::{Cursor, StoreFault},
};

/// Edits shortly before a gap are looked at as well: rows are queued a moment after the edit.
const MARGIN_SECONDS: f64 = 120.0;

/// How long a sweep rests whose contacts could not all be settled, in seconds.
const REST_SECONDS: f64 = 60.0;

/// The sweep of a gap.
pub(super) struct Gap {
    portal: Arc<Portal>,
    /// The chunk in hand: its last contact, and whether it is the last.
    chunk: Option<(u64, bool)>,
    rests_until: Option<Timestamp>,
}

impl Gap {
    pub(super) fn new(portal: Arc<Portal>) -> Self {
        Self {
            portal,
            chunk: None,
            rests_until: None,
        }
    }

    /// A pass begins.
    pub(super) fn begin(&mut self) {
        self.chunk = None;
    }

    /// Whether a chunk is in hand.
    pub(super) fn is_under_way(&self) -> bool {
        self.chunk.is_some()
    }

    /// A chunk came in hand.
    pub(super) fn took(&mut self, stretch: &Stretch) {
        self.chunk = Some((stretch.reached, stretch.is_last));
    }

    /// The chunk in hand is settled: the sweep goes on behind it.
    pub(super) async fn settled(&mut self) -> Result<(), StoreFault> {
        let Some((reached, is_last)) = self.chunk.take() else {
            return Ok(());
        };
        let (store, key) = (self.portal.store(), self.portal.configured_queue());
        let cursor = store.cursor(&key).await?;
        let next = if is_last {
            tracing::info!(portal = %self.portal.config.name, "the gap is closed");
            Cursor {
                gap_since: None,
                swept_to: 0,
                ..cursor
            }
        } else {
            Cursor {
                swept_to: reached,
                ..cursor
            }
        };
        store.set_cursor(&key, next).await
    }

    /// The chunk in hand could not be settled: it is read again after a rest, no sooner than `wait`
    /// lets anything be written.
    pub(super) fn unsettled(&mut self, wait: Option<&Wait>) {
        self.chunk = None;
        let rest = after(self.portal.now(), REST_SECONDS);
        self.rests_until = Some(wait.map_or(rest, |wait| wait.until.max(rest)));
    }

    /// What is to be swept next: behind which contact, and changed since when.
    pub(super) async fn next(&self) -> Result<Option<(u64, Timestamp)>, StoreFault> {
        let key = self.portal.configured_queue();
        let cursor = self.portal.store().cursor(&key).await?;
        let rests = self.rest();
        Ok(cursor.gap_since.filter(|_| rests.is_none()).map(|since| {
            let since = since.min(self.portal.now());
            (cursor.swept_to, after(since, -MARGIN_SECONDS))
        }))
    }

    /// When the sweep goes on, where a gap is open.
    pub(super) async fn goes_on(&self) -> Result<Option<Timestamp>, StoreFault> {
        let key = self.portal.configured_queue();
        let cursor = self.portal.store().cursor(&key).await?;
        let at = self.rest().unwrap_or(self.portal.now());
        Ok(cursor.gap_since.map(|_| at))
    }

    /// Until when it rests. A rest that reaches too far was taken before the clock was set back.
    fn rest(&self) -> Option<Timestamp> {
        let now = self.portal.now();
        self.rests_until
            .filter(|until| *until > now && *until <= after(now, 7200.0))
    }
}
