//! Rows of the offline queue that are ours: reserved in the portal, or taken away from it.

use jiff::Timestamp;
use rusqlite::{Row, params};

use super::{PortalId, Store, StoreFault, millis, moment};

/// A queue: a portal's, for one connector (the empty one where none is used).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct QueueKey {
    /// The portal.
    pub portal: PortalId,
    /// The connector; empty for the queue without one.
    pub connector: String,
}

/// A row of the queue that this store answers for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    /// The row's id in the portal.
    pub row_id: u64,
    /// The reservation it belongs to; none on a plan without confirmation.
    pub process_id: Option<String>,
    /// False while the row was only listed and still stands in the portal's queue.
    pub taken: bool,
    /// Whether it was an error row (`ERROR=1`).
    pub error: bool,
    /// The event's name, upper case.
    pub event_name: String,
    /// The contact it speaks of; none where the row names none.
    pub contact_id: Option<u64>,
    /// The portal's time of the last change in this row.
    pub changed_at: Option<Timestamp>,
    /// How often its contact was tried in vain.
    pub attempts: u32,
    /// Not to be tried before.
    pub next_try_at: Timestamp,
}

impl Store {
    /// Stores rows that were reserved (or listed, on a plan without confirmation) in one transaction.
    /// Rows that are known already keep their attempts, unless they speak of another contact now: a
    /// portal that was restored from a backup gives the same numbers again. The contact that such a
    /// row spoke of before goes to the list of failures, to be looked at once more.
    ///
    /// # Errors
    /// A fault of the state file; no row is stored then.
    pub async fn store_events(
        &self,
        queue: &QueueKey,
        events: &[StoredEvent],
        now: Timestamp,
    ) -> Result<(), StoreFault> {
        if events.is_empty() {
            return Ok(());
        }
        let queue = queue.clone();
        let events = events.to_vec();
        self.write(move |db| {
            let mut keep = db.prepare(
                "INSERT OR IGNORE INTO parked
                   (portal_id, contact_id, reason, attempts, parked_at, next_try_at)
                 SELECT portal_id, contact_id, ?5, 1, ?6, ?6 FROM event
                 WHERE portal_id = ?1 AND connector = ?2 AND row_id = ?3
                   AND contact_id IS NOT NULL AND contact_id IS NOT ?4",
            )?;
            let mut insert = db.prepare(
                "INSERT INTO event (portal_id, connector, row_id, process_id, taken, error, event_name,
                   contact_id, changed_at, stored_at, attempts, next_try_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
                 ON CONFLICT DO UPDATE SET process_id = excluded.process_id, error = excluded.error,
                   changed_at = excluded.changed_at, taken = excluded.taken,
                   event_name = excluded.event_name, contact_id = excluded.contact_id,
                   attempts = iif(contact_id IS excluded.contact_id, attempts, 0),
                   next_try_at = iif(contact_id IS excluded.contact_id, next_try_at, 0)",
            )?;
            for event in &events {
                keep.execute(params![
                    queue.portal.0,
                    queue.connector,
                    event.row_id as i64,
                    event.contact_id.map(|id| id as i64),
                    REUSED,
                    millis(now),
                ])?;
                insert.execute(params![
                    queue.portal.0,
                    queue.connector,
                    event.row_id as i64,
                    event.process_id.as_deref().unwrap_or_default(),
                    event.taken,
                    event.error,
                    event.event_name,
                    event.contact_id.map(|id| id as i64),
                    event.changed_at.map(millis),
                    millis(now),
                    event.attempts,
                    millis(event.next_try_at),
                ])?;
            }
            Ok(())
        }).await
    }

    /// Marks listed rows as taken away from the portal's queue.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn mark_taken(&self, queue: &QueueKey, rows: &[u64]) -> Result<(), StoreFault> {
        self.for_rows(
            queue,
            rows,
            "UPDATE event SET taken = 1 WHERE portal_id = ?1 AND connector = ?2 AND row_id = ?3",
        )
        .await
    }

    /// Goes on with rows that the portal no longer holds, from this store alone.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn keep_here(&self, queue: &QueueKey, rows: &[u64]) -> Result<(), StoreFault> {
        self.for_rows(
            queue,
            rows,
            "UPDATE event SET process_id = '' WHERE portal_id = ?1 AND connector = ?2 AND row_id = ?3",
        ).await
    }

    /// Forgets rows that the portal has confirmed as cleared, or that are no longer there.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn forget_events(&self, queue: &QueueKey, rows: &[u64]) -> Result<(), StoreFault> {
        if rows.is_empty() {
            return Ok(());
        }
        // A row that comes back after a failure of the machine is looked at once more.
        let queue = queue.clone();
        let rows = rows.to_vec();
        self.write_relaxed(move |db| {
            let mut forget = db.prepare(
                "DELETE FROM event WHERE portal_id = ?1 AND connector = ?2 AND row_id = ?3",
            )?;
            for row in &rows {
                forget.execute(params![queue.portal.0, queue.connector, *row as i64])?;
            }
            Ok(())
        })
        .await
    }

    /// Puts rows off until `next_try_at`, counting the attempt.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn defer_events(
        &self,
        queue: &QueueKey,
        rows: &[u64],
        next_try_at: Timestamp,
    ) -> Result<(), StoreFault> {
        self.put_off(queue, rows, next_try_at, 1).await
    }

    /// Puts rows off until `next_try_at` through no fault of theirs: no attempt is counted.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn postpone_events(
        &self,
        queue: &QueueKey,
        rows: &[u64],
        next_try_at: Timestamp,
    ) -> Result<(), StoreFault> {
        self.put_off(queue, rows, next_try_at, 0).await
    }

    async fn put_off(
        &self,
        queue: &QueueKey,
        rows: &[u64],
        next_try_at: Timestamp,
        attempts: u32,
    ) -> Result<(), StoreFault> {
        if rows.is_empty() {
            return Ok(());
        }
        let queue = queue.clone();
        let rows = rows.to_vec();
        self.write_relaxed(move |db| {
            let mut update = db.prepare(
                "UPDATE event SET attempts = attempts + ?5, next_try_at = ?4
                 WHERE portal_id = ?1 AND connector = ?2 AND row_id = ?3",
            )?;
            for row in &rows {
                update.execute(params![
                    queue.portal.0,
                    queue.connector,
                    *row as i64,
                    millis(next_try_at),
                    attempts,
                ])?;
            }
            Ok(())
        })
        .await
    }

    /// How many rows of a queue are put off beyond `now`.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn count_put_off(&self, queue: &QueueKey, now: Timestamp) -> Result<u64, StoreFault> {
        let queue = queue.clone();
        self.read(move |db| {
            db.query_row(
                "SELECT count(*) FROM event
                 WHERE portal_id = ?1 AND connector = ?2 AND next_try_at > ?3",
                params![queue.portal.0, queue.connector, millis(now)],
                |row| row.get::<_, i64>(0).map(i64::unsigned_abs),
            )
        })
        .await
    }

    /// The rows of a queue that are ours and may be tried at `now`, oldest first, `limit` at most.
    /// A row that was put off further than `horizon` counts as due: the clock was set back.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn due_events(
        &self,
        queue: &QueueKey,
        now: Timestamp,
        horizon: Timestamp,
        limit: u32,
    ) -> Result<Vec<StoredEvent>, StoreFault> {
        self.due(queue, true, now, horizon, limit).await
    }

    /// The same for rows that were listed and are not taken away from the portal yet.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn listed_events(
        &self,
        queue: &QueueKey,
        now: Timestamp,
        horizon: Timestamp,
        limit: u32,
    ) -> Result<Vec<StoredEvent>, StoreFault> {
        self.due(queue, false, now, horizon, limit).await
    }

    async fn due(
        &self,
        queue: &QueueKey,
        taken: bool,
        now: Timestamp,
        horizon: Timestamp,
        limit: u32,
    ) -> Result<Vec<StoredEvent>, StoreFault> {
        let queue = queue.clone();
        self.read(move |db| {
            db.prepare(&format!(
                "{SELECT} WHERE portal_id = ?1 AND connector = ?2 AND taken = ?6
                   AND (next_try_at <= ?3 OR next_try_at > ?4)
                 ORDER BY row_id LIMIT ?5"
            ))?
            .query_map(
                params![
                    queue.portal.0,
                    queue.connector,
                    millis(now),
                    millis(horizon),
                    limit,
                    taken
                ],
                stored_event,
            )?
            .collect()
        })
        .await
    }

    /// Every stored row of a queue, oldest first.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn open_events(&self, queue: &QueueKey) -> Result<Vec<StoredEvent>, StoreFault> {
        let queue = queue.clone();
        self.read(move |db| {
            db.prepare(&format!(
                "{SELECT} WHERE portal_id = ?1 AND connector = ?2 ORDER BY row_id"
            ))?
            .query_map(params![queue.portal.0, queue.connector], stored_event)?
            .collect()
        })
        .await
    }

    /// Takes over the reserved rows that are open under other connectors of the same portal, save those
    /// of `others`, whose queues are served by somebody else: from now on they are finished in `queue`,
    /// from this store alone. Returns how many there were.
    ///
    /// # Errors
    /// A fault of the state file; every row stays where it was then.
    pub async fn take_over(
        &self,
        queue: &QueueKey,
        others: &[String],
    ) -> Result<usize, StoreFault> {
        let queue = queue.clone();
        let others = others.to_vec();
        self.write(move |db| {
            let mut connectors = db.prepare(
                "SELECT DISTINCT connector FROM event WHERE portal_id = ?1 AND connector <> ?2",
            )?;
            let connectors: Vec<String> = connectors
                .query_map(params![queue.portal.0, queue.connector], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            let mut rows = 0;
            for connector in connectors.iter().filter(|it| !others.contains(it)) {
                let of = params![queue.portal.0, queue.connector, connector];
                rows += db.execute(
                    "UPDATE OR IGNORE event SET connector = ?2, process_id = ''
                     WHERE portal_id = ?1 AND connector = ?3 AND taken = 1",
                    of,
                )?;
                // What stands in this queue already answers for the same row.
                db.execute(
                    "DELETE FROM event WHERE portal_id = ?1 AND connector = ?3 AND taken = 1
                       AND row_id IN (SELECT row_id FROM event WHERE portal_id = ?1 AND connector = ?2)",
                    of,
                )?;
            }
            Ok(rows)
        }).await
    }

    async fn for_rows(
        &self,
        queue: &QueueKey,
        rows: &[u64],
        statement: &'static str,
    ) -> Result<(), StoreFault> {
        if rows.is_empty() {
            return Ok(());
        }
        let queue = queue.clone();
        let rows = rows.to_vec();
        self.write(move |db| {
            let mut each = db.prepare(statement)?;
            for row in &rows {
                each.execute(params![queue.portal.0, queue.connector, *row as i64])?;
            }
            Ok(())
        })
        .await
    }
}

/// Why a contact is looked at once more whose row has gone.
const REUSED: &str = "the number of its event came again for another contact";

const SELECT: &str = "SELECT row_id, process_id, taken, error, event_name, contact_id, changed_at,
   attempts, next_try_at FROM event";

fn stored_event(row: &Row<'_>) -> rusqlite::Result<StoredEvent> {
    Ok(StoredEvent {
        row_id: row.get::<_, i64>("row_id")?.unsigned_abs(),
        process_id: Some(row.get::<_, String>("process_id")?).filter(|id| !id.is_empty()),
        taken: row.get("taken")?,
        error: row.get("error")?,
        event_name: row.get("event_name")?,
        contact_id: row
            .get::<_, Option<i64>>("contact_id")?
            .map(i64::unsigned_abs),
        changed_at: row.get::<_, Option<i64>>("changed_at")?.map(moment),
        attempts: row.get("attempts")?,
        next_try_at: moment(row.get("next_try_at")?),
    })
}
