//! How far each queue is known to be complete, and what may have passed us by.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::{QueueKey, Store, StoreFault, db::Db, millis, moment};

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
    pub async fn cursor(&self, queue: &QueueKey) -> Result<Cursor, StoreFault> {
        let queue = queue.clone();
        self.read(move |db| read(db, &queue)).await
    }

    /// Remembers that changes since the queue was last known to be complete may not have been
    /// recorded, and answers since when, where that is news. A first installation has no such moment,
    /// and nothing to make up for. Where the gap is open already, it is swept from the start: what a
    /// sweep has passed may have changed again.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn open_gap(&self, queue: &QueueKey) -> Result<Option<Timestamp>, StoreFault> {
        let queue = queue.clone();
        self.write(move |db| {
            let mut cursor = read(db, &queue)?;
            let complete = match cursor.complete_until {
                // The connector was configured anew: the queue before it was complete until then.
                None => db.query_row(
                    "SELECT max(complete_until) FROM cursor WHERE portal_id = ?1",
                    params![queue.portal.0],
                    |row| row.get::<_, Option<i64>>(0).map(|at| at.map(moment)),
                )?,
                known => known,
            };
            let Some(since) = cursor.gap_since.or(complete) else {
                return Ok(None);
            };
            let is_news = cursor.gap_since.is_none();
            cursor.gap_since = Some(since);
            cursor.swept_to = 0;
            write(db, &queue, cursor)?;
            Ok(is_news.then_some(since))
        })
        .await
    }

    /// Stores the cursor of a queue.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn set_cursor(&self, queue: &QueueKey, cursor: Cursor) -> Result<(), StoreFault> {
        let queue = queue.clone();
        self.write(move |db| write(db, &queue, cursor)).await
    }
}

fn read(db: &Db, queue: &QueueKey) -> rusqlite::Result<Cursor> {
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
}

fn write(db: &Db, queue: &QueueKey, cursor: Cursor) -> rusqlite::Result<()> {
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
}
