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
    /// The portal's time until which everything queued was taken in hand, or lies in the gap. What
    /// waits for longer than the portal keeps it is lost without a sign.
    pub accounted_until: Option<Timestamp>,
    /// The same moment by our clock: either of them may be wrong.
    pub accounted_at: Option<Timestamp>,
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
    /// recorded, or not kept, and answers since when, where that is news. A first installation has no
    /// such moment, and nothing to make up for. Where the gap is open already, it is swept from the
    /// start: what a sweep has passed may have changed again.
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
            let known = complete.or(cursor.accounted_until);
            let Some(since) = cursor.gap_since.or(known) else {
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

    /// Begins to count, at the first look at a queue, from when on what it holds has to be accounted
    /// for; nothing where that is known. `now` is our own clock's.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn begin_account(
        &self,
        queue: &QueueKey,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreFault> {
        let queue = queue.clone();
        self.write(move |db| {
            let cursor = read(db, &queue)?;
            if cursor.accounted_until.or(cursor.complete_until).is_some() {
                return Ok(());
            }
            let begun = Cursor {
                accounted_until: Some(until),
                accounted_at: Some(now),
                ..cursor
            };
            write(db, &queue, begun)
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
        "SELECT complete_until, gap_since, swept_to_id, accounted_until, accounted_at FROM cursor
         WHERE portal_id = ?1 AND connector = ?2",
        params![queue.portal.0, queue.connector],
        |row| {
            Ok(Cursor {
                complete_until: row.get::<_, Option<i64>>(0)?.map(moment),
                gap_since: row.get::<_, Option<i64>>(1)?.map(moment),
                swept_to: row.get::<_, i64>(2)?.unsigned_abs(),
                accounted_until: row.get::<_, Option<i64>>(3)?.map(moment),
                accounted_at: row.get::<_, Option<i64>>(4)?.map(moment),
            })
        },
    )
    .optional()
    .map(Option::unwrap_or_default)
}

fn write(db: &Db, queue: &QueueKey, cursor: Cursor) -> rusqlite::Result<()> {
    db.execute(
        "INSERT INTO cursor (portal_id, connector, complete_until, gap_since, swept_to_id,
           accounted_until, accounted_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT DO UPDATE SET complete_until = ?3, gap_since = ?4, swept_to_id = ?5,
           accounted_until = ?6, accounted_at = ?7",
        params![
            queue.portal.0,
            queue.connector,
            cursor.complete_until.map(millis),
            cursor.gap_since.map(millis),
            cursor.swept_to as i64,
            cursor.accounted_until.map(millis),
            cursor.accounted_at.map(millis)
        ],
    )
    .map(drop)
}
