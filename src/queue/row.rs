//! A row of the queue that is ours, and what may become of it.

use jiff::Timestamp;

use crate::{
    bitrix::events::{EventRow, ProcessId, RowId},
    store::StoredEvent,
};

/// A row of the queue that this process has in hand. There is one of each: it cannot be copied, only
/// the queue makes them, and only what was given back to it can be acknowledged.
#[derive(Debug, PartialEq, Eq)]
pub struct Row {
    id: RowId,
    process: Option<ProcessId>,
    event: String,
    subject: Option<u64>,
    attempts: u32,
}

/// What became of rows, told by whoever had them in hand.
#[derive(Debug)]
pub enum Handled {
    /// They are done with, or what they speak of stands safely on a list of failures: they are
    /// acknowledged with the next request.
    Settled(Vec<Row>),
    /// They are taken up again at a moment, through no fault of theirs.
    PutOff(Vec<Row>, Timestamp),
    /// They were tried in vain, and are tried again at a moment.
    Failed(Vec<Row>, Timestamp),
}

impl Row {
    /// The row that the store keeps; none where it has no id.
    pub(super) fn of(stored: StoredEvent) -> Option<Self> {
        Some(Self {
            id: RowId::new(stored.row_id)?,
            process: stored.process_id.and_then(ProcessId::new),
            event: stored.event_name,
            subject: stored.contact_id,
            attempts: stored.attempts,
        })
    }

    /// Its number in the portal's queue.
    #[must_use]
    pub fn id(&self) -> RowId {
        self.id
    }

    /// The event's name, as the portal wrote it.
    #[must_use]
    pub fn event(&self) -> &str {
        &self.event
    }

    /// The id of what it speaks of; none where it names none.
    #[must_use]
    pub fn subject(&self) -> Option<u64> {
        self.subject
    }

    /// How often it was tried in vain before this pass.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// The reservation that holds it; none where the portal holds it no longer.
    pub(super) fn process(&self) -> Option<&ProcessId> {
        self.process.as_ref()
    }
}

/// A row of an answer as the store keeps it.
pub(super) fn stored(row: EventRow, process: Option<&ProcessId>, error: bool) -> StoredEvent {
    StoredEvent {
        row_id: row.id.get(),
        process_id: process.map(|process| process.as_str().to_owned()),
        taken: true,
        error,
        event_name: row.name,
        contact_id: row.subject,
        changed_at: row.changed_at,
        attempts: 0,
        next_try_at: Timestamp::UNIX_EPOCH,
    }
}
