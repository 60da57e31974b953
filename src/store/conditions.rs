//! What is not as it should be at a portal, as whoever found it stored it.

use rusqlite::{Row, params};

use super::{PortalId, Store, StoreFault, millis, moment};
use crate::condition::{Acts, Condition, Kind};

impl Store {
    /// The stored conditions of a portal, oldest first.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn conditions(&self, portal: PortalId) -> Result<Vec<Condition>, StoreFault> {
        self.read(move |db| {
            let found: Vec<Option<Condition>> = db
                .prepare(
                    "SELECT kind, since, text, remedy, acts, next_try_at FROM condition
                     WHERE portal_id = ?1 ORDER BY since, kind",
                )?
                .query_map(params![portal.0], condition)?
                .collect::<rusqlite::Result<_>>()?;
            // A kind that a newer version knows is not told by this one.
            Ok(found.into_iter().flatten().collect())
        })
        .await
    }

    /// Stores the conditions of a portal in place of those before. Not worth a wait for the disk.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn set_conditions(
        &self,
        portal: PortalId,
        conditions: &[Condition],
    ) -> Result<(), StoreFault> {
        let conditions = conditions.to_vec();
        self.write_relaxed(move |db| {
            db.execute(
                "DELETE FROM condition WHERE portal_id = ?1",
                params![portal.0],
            )?;
            for it in &conditions {
                db.execute(
                    "INSERT INTO condition (portal_id, kind, since, text, remedy, acts, next_try_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                    params![
                        portal.0,
                        it.kind.as_str(),
                        millis(it.since),
                        it.text,
                        it.remedy,
                        it.acts.as_str(),
                        it.next_try_at.map(millis)
                    ],
                )?;
            }
            Ok(())
        })
        .await
    }
}

fn condition(row: &Row<'_>) -> rusqlite::Result<Option<Condition>> {
    let (kind, acts): (String, String) = (row.get(0)?, row.get(4)?);
    let Some(kind) = Kind::named(&kind) else {
        return Ok(None);
    };
    Ok(Some(Condition {
        kind,
        since: moment(row.get(1)?),
        text: row.get(2)?,
        remedy: row.get(3)?,
        acts: Acts::named(&acts),
        next_try_at: row.get::<_, Option<i64>>(5)?.map(moment),
    }))
}
