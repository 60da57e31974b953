//! Walks over all contacts that go on where they were interrupted.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::{PortalId, Store, StoreFault, millis, moment};

/// A walk that is not finished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Walk {
    /// Everything up to this contact is done.
    pub reached: u64,
    /// What its owner counted so far, in its own form.
    pub state: String,
    /// When it began.
    pub begun_at: Timestamp,
}

impl Store {
    /// The unfinished walk of that purpose, if there is one.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn walk(&self, portal: PortalId, purpose: &str) -> Result<Option<Walk>, StoreFault> {
        let purpose = purpose.to_owned();
        self.read(move |db| {
            db.query_row(
                "SELECT reached, state, begun_at FROM walk WHERE portal_id = ?1 AND purpose = ?2",
                params![portal.0, purpose],
                |row| {
                    Ok(Walk {
                        reached: row.get::<_, i64>(0)?.unsigned_abs(),
                        state: row.get(1)?,
                        begun_at: moment(row.get(2)?),
                    })
                },
            )
            .optional()
        })
        .await
    }

    /// Remembers how far a walk has come.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn set_walk(
        &self,
        portal: PortalId,
        purpose: &str,
        walk: &Walk,
    ) -> Result<(), StoreFault> {
        let purpose = purpose.to_owned();
        let walk = walk.clone();
        self.write(move |db| {
            db.execute(
                "INSERT INTO walk (portal_id, purpose, reached, state, begun_at)
                 VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO UPDATE SET reached = ?3, state = ?4, begun_at = ?5",
                params![
                    portal.0,
                    purpose,
                    walk.reached as i64,
                    walk.state,
                    millis(walk.begun_at)
                ],
            )
            .map(drop)
        })
        .await
    }

    /// Forgets a walk: it is finished, or the next one begins anew.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn end_walk(&self, portal: PortalId, purpose: &str) -> Result<(), StoreFault> {
        let purpose = purpose.to_owned();
        self.write(move |db| {
            db.execute(
                "DELETE FROM walk WHERE portal_id = ?1 AND purpose = ?2",
                params![portal.0, purpose],
            )
            .map(drop)
        })
        .await
    }
}
