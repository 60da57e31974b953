//! How much of the queue is open: counts and dates of the rows that this store answers for.

use jiff::Timestamp;
use rusqlite::params;

use super::{PortalId, QueueKey, Store, StoreFault, moment};

/// How much of a portal's queue is ours, over all its connectors.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OpenTotals {
    /// Reservations that are not finished.
    pub reservations: u64,
    /// Rows that are not settled.
    pub rows: u64,
    /// How many of them are error rows.
    pub errors: u64,
}

impl Store {
    /// The process ids of a queue's open reservations with the number of their rows and whether they
    /// hold error rows.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn open_processes(
        &self,
        queue: &QueueKey,
    ) -> Result<Vec<(String, u32, bool)>, StoreFault> {
        let queue = queue.clone();
        self.read(move |db| {
            db.prepare(
                "SELECT process_id, count(*), max(error) FROM event
                 WHERE portal_id = ?1 AND connector = ?2 AND process_id <> '' GROUP BY process_id, error",
            )?
            .query_map(params![queue.portal.0, queue.connector], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })?
            .collect()
        }).await
    }

    /// How much of a portal's queue is ours.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn open_totals(&self, portal: PortalId) -> Result<OpenTotals, StoreFault> {
        self.read(move |db| {
            db.query_row(
                "SELECT count(DISTINCT nullif(process_id, '')), count(*), coalesce(sum(error), 0)
                 FROM event WHERE portal_id = ?1",
                params![portal.0],
                |row| {
                    Ok(OpenTotals {
                        reservations: row.get::<_, i64>(0)?.unsigned_abs(),
                        rows: row.get::<_, i64>(1)?.unsigned_abs(),
                        errors: row.get::<_, i64>(2)?.unsigned_abs(),
                    })
                },
            )
        })
        .await
    }

    /// When the first of the rows that were put off may be tried.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn next_due(&self, queue: &QueueKey) -> Result<Option<Timestamp>, StoreFault> {
        let queue = queue.clone();
        self.read(move |db| {
            db.query_row(
                "SELECT min(next_try_at) FROM event WHERE portal_id = ?1 AND connector = ?2",
                params![queue.portal.0, queue.connector],
                |row| row.get::<_, Option<i64>>(0),
            )
            .map(|found| found.map(moment))
        })
        .await
    }
}
