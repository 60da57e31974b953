//! Numbers for monitoring that only ever grow, kept here because a one-shot run ends after each
//! drain, and the moments of last events.

use jiff::Timestamp;
use rusqlite::params;

use super::{PortalId, Store, StoreFault, moment};

/// A number of one portal.
#[derive(Debug, Clone, PartialEq)]
pub struct Tally {
    /// What is counted.
    pub name: String,
    /// What tells it from its siblings, in the form `method="batch",result="ok"`; may be empty.
    pub labels: String,
    /// The number.
    pub value: f64,
}

/// Rows of the queue that are ours and not settled yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    /// How many.
    pub rows: u64,
    /// When the contact of the oldest one changed.
    pub oldest: Option<Timestamp>,
}

impl Store {
    /// Adds to the numbers of a portal; those named in `replaced` are set instead.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn tally(
        &self,
        portal: PortalId,
        added: &[Tally],
        replaced: &[Tally],
    ) -> Result<(), StoreFault> {
        let added = added.to_vec();
        let replaced = replaced.to_vec();
        self.write_relaxed(move |db| {
            let mut add = db.prepare(
                "INSERT INTO tally (portal_id, name, labels, value) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT DO UPDATE SET value = value + ?4",
            )?;
            for tally in &added {
                add.execute(params![portal.0, tally.name, tally.labels, tally.value])?;
            }
            let mut set = db.prepare(
                "INSERT INTO tally (portal_id, name, labels, value) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT DO UPDATE SET value = ?4",
            )?;
            for tally in &replaced {
                set.execute(params![portal.0, tally.name, tally.labels, tally.value])?;
            }
            Ok(())
        })
        .await
    }

    /// The numbers of a portal, by name and labels.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn tallies(&self, portal: PortalId) -> Result<Vec<Tally>, StoreFault> {
        self.read(move |db| {
            db.prepare(
                "SELECT name, labels, value FROM tally WHERE portal_id = ?1 ORDER BY name, labels",
            )?
            .query_map(params![portal.0], |row| {
                Ok(Tally {
                    name: row.get(0)?,
                    labels: row.get(1)?,
                    value: row.get(2)?,
                })
            })?
            .collect()
        })
        .await
    }

    /// The rows of all queues of a portal that are ours.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn backlog(&self, portal: PortalId) -> Result<Backlog, StoreFault> {
        self.read(move |db| {
            db.query_row(
                "SELECT count(*), min(changed_at) FROM event WHERE portal_id = ?1",
                params![portal.0],
                |row| {
                    Ok(Backlog {
                        rows: row.get::<_, i64>(0)?.unsigned_abs(),
                        oldest: row.get::<_, Option<i64>>(1)?.map(moment),
                    })
                },
            )
        })
        .await
    }
}
