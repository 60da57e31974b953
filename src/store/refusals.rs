//! Features of a plan that were claimed and then refused.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::{PortalId, Store, StoreFault, millis, moment};

impl Store {
    /// When a portal last refused a feature that it claims to have.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn refused_at(
        &self,
        portal: PortalId,
        feature: &str,
    ) -> Result<Option<Timestamp>, StoreFault> {
        let feature = feature.to_owned();
        self.read(move |db| {
            db.query_row(
                "SELECT at FROM refusal WHERE portal_id = ?1 AND feature = ?2",
                params![portal.0, feature],
                |row| row.get(0).map(moment),
            )
            .optional()
        })
        .await
    }

    /// Remembers that a portal refused a feature, or that it no longer counts (`None`).
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn set_refused(
        &self,
        portal: PortalId,
        feature: &str,
        at: Option<Timestamp>,
    ) -> Result<(), StoreFault> {
        let feature = feature.to_owned();
        self.write(move |db| {
            match at {
                Some(at) => db.execute(
                    "INSERT OR REPLACE INTO refusal (portal_id, feature, at) VALUES (?1, ?2, ?3)",
                    params![portal.0, feature, millis(at)],
                ),
                None => db.execute(
                    "DELETE FROM refusal WHERE portal_id = ?1 AND feature = ?2",
                    params![portal.0, feature],
                ),
            }
            .map(drop)
        })
        .await
    }
}
