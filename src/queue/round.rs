//! What one pass has had from the queue so far.

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;

use super::row::Row;
use crate::store::StoredEvent;

/// What one pass has had from the queue. All of it stands in the store as well, so that it may be
/// dropped at any time.
#[derive(Default)]
pub(super) struct Round {
    in_hand: HashSet<u64>,
    fresh: Vec<Row>,
    /// No more is fetched in this pass.
    pub closed: bool,
    /// Everything that was queued when the pass began is ours by now.
    pub emptied: bool,
    /// Error rows are asked for, too.
    pub errors: bool,
    /// The last page was long: more may wait behind it.
    pub is_long: bool,
    /// Rows that still wait in the portal, where that was asked.
    pub waiting: Option<u64>,
    /// How far the queue was listed, on a plan without confirmation: by event, error rows apart.
    pub listed_to: BTreeMap<(&'static str, bool), u64>,
    /// Rows that were put off.
    pub deferred: u64,
    /// Rows that were given back as settled.
    pub settled: u64,
    /// The portal's time when this pass first asked: rows that changed later can wait for the next.
    began: Option<Timestamp>,
}

impl Round {
    /// Takes stored rows in hand.
    pub(super) fn take_up(&mut self, events: Vec<StoredEvent>) {
        self.in_hand.extend(events.iter().map(|event| event.row_id));
        self.fresh.extend(events.into_iter().filter_map(Row::of));
    }

    /// Hands out the rows that came in hand since the last time.
    pub(super) fn rows(&mut self) -> Vec<Row> {
        std::mem::take(&mut self.fresh)
    }

    pub(super) fn has_fresh(&self) -> bool {
        !self.fresh.is_empty()
    }

    pub(super) fn has(&self, row: u64) -> bool {
        self.in_hand.contains(&row)
    }

    pub(super) fn in_hand(&self) -> usize {
        self.in_hand.len()
    }

    /// These rows are no longer in hand.
    pub(super) fn let_go(&mut self, rows: &[u64]) {
        for row in rows {
            self.in_hand.remove(row);
        }
    }

    /// Nothing of what this pass is for is left in the portal.
    pub(super) fn end(&mut self) {
        self.closed = true;
        self.emptied = true;
    }

    /// The portal was asked at `asked`, its own time.
    pub(super) fn asked(&mut self, asked: Option<Timestamp>) {
        self.began = self.began.or(asked);
    }

    /// Whether a row changed after the pass began. One from the portal's future says nothing.
    pub(super) fn is_new(&self, changed_at: Option<Timestamp>, asked: Option<Timestamp>) -> bool {
        match (changed_at, self.began, asked) {
            (Some(changed), Some(began), Some(asked)) => changed > began && changed <= asked,
            _ => false,
        }
    }
}
