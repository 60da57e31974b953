//! What every part of the queue works on: the portal, and the events that are ours.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;

use crate::{
    bitrix::{
        Problem,
        events::{EventRow, Page},
    },
    portal::{CallFailure, Portal},
    store::{QueueKey, StoreFault, StoredEvent},
};

/// A queue of one portal: its events, and how many rows are asked for at once.
pub(super) struct Line {
    pub portal: Arc<Portal>,
    /// The names of the events that are ours, upper case.
    pub events: &'static [&'static str],
    /// Rows that a reservation holds at most.
    pub limit: u32,
}

/// Until when rows may have been put off in earnest; beyond that the clock was set back.
const LONGEST_DEFERRAL: Duration = Duration::from_secs(2 * 3600);

impl Line {
    pub(super) fn key(&self) -> QueueKey {
        self.portal.queue()
    }

    pub(super) fn now(&self) -> Timestamp {
        self.portal.now()
    }

    /// The portal's configured name, for the log.
    pub(super) fn name(&self) -> &str {
        &self.portal.config.name
    }

    /// Whether the calls carry a connector at the moment.
    pub(super) fn uses_connector(&self) -> bool {
        !self.key().connector.is_empty()
    }

    /// The moment beyond which nothing can have been put off in earnest.
    pub(super) fn horizon(&self) -> Timestamp {
        crate::clock::after(self.now(), LONGEST_DEFERRAL.as_secs_f64())
    }

    /// Whether a row is one of our events and stands in our queue, whatever was asked for: a portal
    /// that ignores a condition answers rows of other handlers as well.
    pub(super) fn is_ours(&self, row: &EventRow) -> bool {
        let ours = |event: &&str| event.eq_ignore_ascii_case(&row.name);
        let connector = self.key().connector;
        self.events.iter().any(ours) && row.connector.as_ref().is_none_or(|it| *it == connector)
    }

    /// The rows of a page that are ours. What else it holds is nobody's to touch: the log says so.
    pub(super) fn ours(&self, page: Page) -> Vec<EventRow> {
        for odd in &page.odd {
            tracing::warn!(portal = self.name(), row = ?cut(odd),
                "a row of the queue cannot be read; it is left where it is");
        }
        let (ours, others): (Vec<EventRow>, Vec<EventRow>) =
            page.rows.into_iter().partition(|row| self.is_ours(row));
        if let Some(first) = others.first() {
            tracing::warn!(portal = self.name(), rows = others.len(), event = ?cut(&first.name),
                "the portal answers rows of another handler; they are left alone");
        }
        ours
    }

    /// Stores rows that are ours from now on.
    pub(super) async fn store(&self, rows: &[StoredEvent]) -> Result<(), StoreFault> {
        let store = self.portal.store();
        store.store_events(&self.key(), rows, self.now()).await
    }
}

/// Whether a failure is about this one call rather than about the portal, or the way there: what only
/// looks, or repairs, is done without then.
pub(super) fn is_its_own(failure: &CallFailure) -> bool {
    matches!(
        failure,
        CallFailure::Problem(
            Problem::Failed(_)
                | Problem::Unclear(_)
                | Problem::RequestRefused(_)
                | Problem::Misuse(_)
                | Problem::Refused(_)
                | Problem::Denied(_)
                | Problem::Gone
                | Problem::InvalidId(_)
                | Problem::MethodBlocked
        )
    )
}

/// The beginning of a text that came from outside.
fn cut(text: &str) -> String {
    text.chars().take(300).collect()
}
