//! Contacts that the portal refuses for good.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::{PortalId, Store, StoreFault, millis, moment};

/// A contact that the portal refuses for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parked {
    /// The contact.
    pub contact_id: u64,
    /// What the portal said.
    pub reason: String,
    /// How often it was tried.
    pub attempts: u32,
    /// Since when it is on the list.
    pub parked_at: Timestamp,
    /// When it is tried again.
    pub next_try_at: Timestamp,
}

impl Store {
    /// Remembers that the portal refuses a contact, counting the attempt. Durable when it returns:
    /// its rows may be acknowledged after that. Returns the number of attempts so far.
    ///
    /// # Errors
    /// A fault of the state file: nothing may be acknowledged then.
    pub async fn park(
        &self,
        portal: PortalId,
        contact_id: u64,
        reason: &str,
        now: Timestamp,
        next_try_at: impl Fn(u32) -> Timestamp + Send + 'static,
    ) -> Result<u32, StoreFault> {
        let reason = reason.to_owned();
        self.write(move |db| {
            let before: Option<u32> = db
                .query_row(
                    "SELECT attempts FROM parked WHERE portal_id = ?1 AND contact_id = ?2",
                    params![portal.0, contact_id as i64],
                    |row| row.get(0),
                )
                .optional()?;
            let attempts = before.unwrap_or(0) + 1;
            db.execute(
                "INSERT INTO parked (portal_id, contact_id, reason, attempts, parked_at, next_try_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT DO UPDATE SET reason = ?3, attempts = ?4, next_try_at = ?6",
                params![
                    portal.0,
                    contact_id as i64,
                    reason,
                    attempts,
                    millis(now),
                    millis(next_try_at(attempts))
                ],
            )?;
            Ok(attempts)
        }).await
    }

    /// Takes contacts off the list of refused ones.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn unpark(&self, portal: PortalId, contacts: &[u64]) -> Result<(), StoreFault> {
        // Hardly any contact is on the list, and this is asked for each one that is done with.
        let contacts = contacts.to_vec();
        let listed: Vec<u64> = self
            .read(move |db| {
                let mut find = db.prepare(
                    "SELECT contact_id FROM parked WHERE portal_id = ?1 AND contact_id = ?2",
                )?;
                let mut listed = Vec::new();
                for contact in &contacts {
                    if find.exists(params![portal.0, *contact as i64])? {
                        listed.push(*contact);
                    }
                }
                Ok(listed)
            })
            .await?;
        self.for_contacts(
            portal,
            &listed,
            "DELETE FROM parked WHERE portal_id = ?1 AND contact_id = ?2",
        )
        .await
    }

    /// The contacts that the portal refuses, by id.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn parked(&self, portal: PortalId) -> Result<Vec<Parked>, StoreFault> {
        self.read(move |db| {
            db.prepare(
                "SELECT contact_id, reason, attempts, parked_at, next_try_at FROM parked
                 WHERE portal_id = ?1 ORDER BY contact_id",
            )?
            .query_map(params![portal.0], |row| {
                Ok(Parked {
                    contact_id: row.get::<_, i64>(0)?.unsigned_abs(),
                    reason: row.get(1)?,
                    attempts: row.get(2)?,
                    parked_at: moment(row.get(3)?),
                    next_try_at: moment(row.get(4)?),
                })
            })?
            .collect()
        })
        .await
    }

    /// Refused contacts whose next try is due, `limit` at most. One that was put off further than
    /// `horizon` counts as due: the clock was set back.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn parked_due(
        &self,
        portal: PortalId,
        now: Timestamp,
        horizon: Timestamp,
        limit: u32,
    ) -> Result<Vec<u64>, StoreFault> {
        self.read(move |db| {
            db.prepare(
                "SELECT contact_id FROM parked
                 WHERE portal_id = ?1 AND (next_try_at <= ?2 OR next_try_at > ?3)
                 ORDER BY next_try_at LIMIT ?4",
            )?
            .query_map(
                params![portal.0, millis(now), millis(horizon), limit],
                |row| row.get::<_, i64>(0).map(i64::unsigned_abs),
            )?
            .collect()
        })
        .await
    }

    /// Makes refused contacts due at once.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn retry_parked(&self, portal: PortalId, contacts: &[u64]) -> Result<(), StoreFault> {
        self.for_contacts(
            portal,
            contacts,
            "UPDATE parked SET next_try_at = 0 WHERE portal_id = ?1 AND contact_id = ?2",
        )
        .await
    }

    /// Puts refused contacts off until `moment`, without counting a try.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn postpone_parked(
        &self,
        portal: PortalId,
        contact_id: u64,
        moment: Timestamp,
    ) -> Result<(), StoreFault> {
        self.write(move |db| {
            db.execute(
                "UPDATE parked SET next_try_at = max(next_try_at, ?3)
                 WHERE portal_id = ?1 AND contact_id = ?2",
                params![portal.0, contact_id as i64, millis(moment)],
            )
            .map(drop)
        })
        .await
    }

    /// Forgets that contacts were refused or fought over.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn drop_failures(
        &self,
        portal: PortalId,
        contacts: &[u64],
    ) -> Result<(), StoreFault> {
        let contacts = contacts.to_vec();
        self.write(move |db| {
            for table in ["parked", "contested"] {
                let delete =
                    format!("DELETE FROM {table} WHERE portal_id = ?1 AND contact_id = ?2");
                let mut each = db.prepare(&delete)?;
                for contact in &contacts {
                    each.execute(params![portal.0, *contact as i64])?;
                }
            }
            Ok(())
        })
        .await
    }

    pub(super) async fn for_contacts(
        &self,
        portal: PortalId,
        contacts: &[u64],
        statement: &'static str,
    ) -> Result<(), StoreFault> {
        if contacts.is_empty() {
            return Ok(());
        }
        let contacts = contacts.to_vec();
        self.write(move |db| {
            let mut each = db.prepare(statement)?;
            for contact in &contacts {
                each.execute(params![portal.0, *contact as i64])?;
            }
            Ok(())
        })
        .await
    }
}
