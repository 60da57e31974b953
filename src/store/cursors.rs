//! How far each queue is known to be complete, and what may have passed us by.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::{PortalId, QueueKey, Store, StoreFault, millis, moment};

/// How far a queue is known to be complete.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cursor {
    /// The portal's time of the last moment at which bindings and an active application were proven
    /// and everything queued until then was drained.
    pub complete_until: Option<Timestamp>,
    /// Changes from here on may have passed us by; a sweep is under way or due.
    pub gap_since: Option<Timestamp>,
    /// The sweep of that gap has come as far as this contact.
    pub swept_to: u64,
}

impl Store {
    /// The cursor of a queue.
    ///
    /// # Errors
    /// A fault of the state file.
    pub fn cursor(&self, queue: &QueueKey) -> Result<Cursor, StoreFault> {
        self.read(|db| {
            db.query_row(
                "SELECT complete_until, gap_since, swept_to_id FROM cursor
                 WHERE portal_id = ?1 AND connector = ?2",
                params![queue.portal.0, queue.connector],
                |row| {
                    Ok(Cursor {
                        complete_until: row.get::<_, Option<i64>>(0)?.map(moment),
                        gap_since: row.get::<_, Option<i64>>(1)?.map(moment),
                        swept_to: row.get::<_, i64>(2)?.unsigned_abs(),
                    })
                },
            )
            .optional()
            .map(Option::unwrap_or_default)
        })
    }

    /// Remembers that changes since the queue was last known to be complete may not have been
    /// recorded. A gap that is open already stays as it is.
    ///
    /// # Errors
    /// A fault of the state file.
    pub fn open_gap(&self, queue: &QueueKey) -> Result<(), StoreFault> {
        self.write(|db| {
            db.execute(
                "UPDATE cursor SET gap_since = complete_until, swept_to_id = 0
                 WHERE portal_id = ?1 AND connector = ?2 AND gap_since IS NULL",
                params![queue.portal.0, queue.connector],
            )
            .map(drop)
        })
    }

    /// The latest moment until which any queue of a portal is known to be complete.
    ///
    /// # Errors
    /// A fault of the state file.
    pub fn complete_until(&self, portal: PortalId) -> Result<Option<Timestamp>, StoreFault> {
        self.read(|db| {
            db.query_row(
                "SELECT max(complete_until) FROM cursor WHERE portal_id = ?1",
                params![portal.0],
                |row| row.get::<_, Option<i64>>(0),
            )
            .map(|found| found.map(moment))
        })
    }

    /// Stores the cursor of a queue.
    ///
    /// # Errors
    /// A fault of the state file.
    pub fn set_cursor(&self, queue: &QueueKey, cursor: Cursor) -> Result<(), StoreFault> {
        self.write(|db| {
            db.execute(
                "INSERT INTO cursor (portal_id, connector, complete_until, gap_since, swept_to_id)
                 VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO UPDATE SET complete_until = ?3, gap_since = ?4, swept_to_id = ?5",
                params![
                    queue.portal.0,
                    queue.connector,
                    cursor.complete_until.map(millis),
                    cursor.gap_since.map(millis),
                    cursor.swept_to as i64
                ],
            )
            .map(drop)
        })
    }
}
