//! Passes over a portal and what came of them.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::{PortalId, Store, StoreFault, millis, moment};

/// The number of a pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunId(pub i64);

/// What a pass was for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RunKind {
    /// The queue was drained.
    #[default]
    Drain,
    /// Contacts were walked by id or by their date of change.
    Sweep,
    /// Old values were put back.
    Undo,
}

impl RunKind {
    /// The word in the store and in the history.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Drain => "drain",
            Self::Sweep => "sweep",
            Self::Undo => "undo",
        }
    }
}

/// What a pass did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RunTotals {
    /// Queue rows that were settled.
    pub events: u64,
    /// Contacts that were written.
    pub changed: u64,
    /// HTTP requests sent.
    pub requests: u64,
}

/// The last drain of a portal that ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastRun {
    /// When it ended.
    pub at: Timestamp,
    /// What it did.
    pub totals: RunTotals,
    /// How it ended, in a word or two.
    pub outcome: String,
}

impl Store {
    /// Opens a pass.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn start_run(
        &self,
        portal: PortalId,
        kind: RunKind,
        now: Timestamp,
    ) -> Result<RunId, StoreFault> {
        self.write(move |db| {
            db.query_row(
                "INSERT INTO run (portal_id, kind, started_at) VALUES (?1, ?2, ?3) RETURNING id",
                params![portal.0, kind.as_str(), millis(now)],
                |row| row.get(0).map(RunId),
            )
        })
        .await
    }

    /// Closes a pass with what it did.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn end_run(
        &self,
        run: RunId,
        totals: RunTotals,
        outcome: &str,
        now: Timestamp,
    ) -> Result<(), StoreFault> {
        let outcome = outcome.to_owned();
        self.write_relaxed(move |db| {
            db.execute(
                "UPDATE run SET ended_at = ?2, events = ?3, changed = ?4, requests = ?5, outcome = ?6
                 WHERE id = ?1",
                params![
                    run.0,
                    millis(now),
                    totals.events as i64,
                    totals.changed as i64,
                    totals.requests as i64,
                    outcome
                ],
            )
            .map(drop)
        }).await
    }

    /// Notes a drain that found nothing to do. Such drains in a row share one entry.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn note_idle_run(
        &self,
        portal: PortalId,
        totals: RunTotals,
        outcome: &str,
        now: Timestamp,
    ) -> Result<(), StoreFault> {
        let outcome = outcome.to_owned();
        self.write_relaxed(move |db| {
            let (events, requests) = (totals.events as i64, totals.requests as i64);
            let reused = db.execute(
                "UPDATE run SET ended_at = ?2, requests = ?3, outcome = ?4
                 WHERE id = (SELECT max(id) FROM run WHERE portal_id = ?1)
                   AND kind = 'drain' AND events = 0 AND changed = 0 AND ?5 = 0",
                params![portal.0, millis(now), requests, outcome, events],
            )?;
            if reused == 0 {
                db.execute(
                    "INSERT INTO run (portal_id, kind, started_at, ended_at, events, requests, outcome)
                     VALUES (?1, 'drain', ?2, ?2, ?3, ?4, ?5)",
                    params![portal.0, millis(now), events, requests, outcome],
                )?;
            }
            Ok(())
        }).await
    }

    /// The last drain that ended.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn last_drain(&self, portal: PortalId) -> Result<Option<LastRun>, StoreFault> {
        self.read(move |db| {
            db.query_row(
                "SELECT ended_at, events, changed, requests, outcome FROM run
                 WHERE portal_id = ?1 AND kind = 'drain' AND ended_at IS NOT NULL
                 ORDER BY id DESC LIMIT 1",
                params![portal.0],
                |row| {
                    Ok(LastRun {
                        at: moment(row.get(0)?),
                        totals: RunTotals {
                            events: row.get::<_, i64>(1)?.unsigned_abs(),
                            changed: row.get::<_, i64>(2)?.unsigned_abs(),
                            requests: row.get::<_, i64>(3)?.unsigned_abs(),
                        },
                        outcome: row.get(4)?,
                    })
                },
            )
            .optional()
        })
        .await
    }
}
