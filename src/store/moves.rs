//! Addresses that portals point to and that nobody has confirmed.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::{PortalId, Store, StoreFault, millis, moment};

/// An address that a portal pointed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// The REST address, ending in `/rest/`.
    pub target: String,
    /// When the authorisation server was asked about it; it named another one.
    pub asked_at: Timestamp,
}

impl Store {
    /// The unconfirmed address that a portal last pointed to.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn unconfirmed_move(&self, portal: PortalId) -> Result<Option<Move>, StoreFault> {
        self.read(move |db| {
            db.query_row(
                "SELECT target, asked_at FROM unconfirmed_move WHERE portal_id = ?1",
                params![portal.0],
                |row| {
                    Ok(Move {
                        target: row.get(0)?,
                        asked_at: moment(row.get(1)?),
                    })
                },
            )
            .optional()
        })
        .await
    }

    /// Remembers that the authorisation server did not confirm an address.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn set_unconfirmed_move(
        &self,
        portal: PortalId,
        target: &str,
        now: Timestamp,
    ) -> Result<(), StoreFault> {
        let target = target.to_owned();
        self.write(move |db| {
            db.execute(
                "INSERT OR REPLACE INTO unconfirmed_move (portal_id, target, asked_at) VALUES (?1, ?2, ?3)",
                params![portal.0, target, millis(now)],
            )
            .map(drop)
        })
        .await
    }

    /// Remembers where the portal that is configured as `url` answers. Nothing else is unconfirmed then.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn set_address(
        &self,
        portal: PortalId,
        url: &str,
        endpoint: &str,
    ) -> Result<(), StoreFault> {
        let (url, endpoint) = (url.to_owned(), endpoint.to_owned());
        self.write(move |db| {
            db.execute(
                "UPDATE portal SET url = ?2, endpoint = ?3 WHERE id = ?1",
                params![portal.0, url, endpoint],
            )?;
            db.execute(
                "DELETE FROM unconfirmed_move WHERE portal_id = ?1",
                params![portal.0],
            )
            .map(drop)
        })
        .await
    }

    /// Corrects a portal's lasting id. False where another authorised portal has it.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn set_member(&self, portal: PortalId, member_id: &str) -> Result<bool, StoreFault> {
        let member_id = member_id.to_owned();
        self.write(move |db| {
            db.execute(
                "UPDATE OR IGNORE portal SET member_id = ?2 WHERE id = ?1",
                params![portal.0, member_id],
            )
            .map(|rows| rows > 0)
        })
        .await
    }
}
