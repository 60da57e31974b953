//! Contacts whose names another robot keeps changing back, and the truces over them.

use jiff::Timestamp;
use rusqlite::params;

use super::{PortalId, Store, StoreFault, millis, moment};

/// A contact whose name another robot keeps changing back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contested {
    /// The contact.
    pub contact_id: u64,
    /// Our spelling.
    pub ours: String,
    /// The spelling that comes back.
    pub theirs: String,
    /// Since when it is contested.
    pub since: Timestamp,
    /// Until when it is left alone.
    pub until: Timestamp,
}

/// A truce over a contact: the contact is left alone until it ends, and then looked at once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Truce {
    /// The contact.
    pub contact_id: u64,
    /// When it ends.
    pub until: Timestamp,
    /// The contact was looked at after the end; writes are counted anew from here.
    pub resumed_at: Option<Timestamp>,
}

impl Store {
    /// Remembers that another robot fights over a contact's name.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn contest(&self, portal: PortalId, contested: &Contested) -> Result<(), StoreFault> {
        let contested = contested.clone();
        self.write(move |db| {
            db.execute(
                "INSERT INTO contested (portal_id, contact_id, ours, theirs, since, until)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT DO UPDATE SET ours = ?3, theirs = ?4, since = ?5, until = ?6, resumed_at = NULL",
                params![
                    portal.0,
                    contested.contact_id as i64,
                    contested.ours,
                    contested.theirs,
                    millis(contested.since),
                    millis(contested.until)
                ],
            )
            .map(drop)
        }).await
    }

    /// Ends the truce over contacts at once: the next pass looks at them again.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn settle_contest(
        &self,
        portal: PortalId,
        contacts: &[u64],
    ) -> Result<(), StoreFault> {
        self.for_contacts(
            portal,
            contacts,
            "UPDATE contested SET until = 0 WHERE portal_id = ?1 AND contact_id = ?2",
        )
        .await
    }

    /// Remembers that a contact was looked at after its truce: from `counted_from` on our writes to it
    /// are counted anew.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn resume_contest(
        &self,
        portal: PortalId,
        contact_id: u64,
        counted_from: Timestamp,
    ) -> Result<(), StoreFault> {
        self.write(move |db| {
            db.execute(
                "UPDATE contested SET resumed_at = ?3 WHERE portal_id = ?1 AND contact_id = ?2",
                params![portal.0, contact_id as i64, millis(counted_from)],
            )
            .map(drop)
        })
        .await
    }

    /// Forgets contests that were resumed before `moment`: their writes no longer count anyway.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn forget_contests(
        &self,
        portal: PortalId,
        before: Timestamp,
    ) -> Result<(), StoreFault> {
        self.write(move |db| {
            db.execute(
                "DELETE FROM contested WHERE portal_id = ?1 AND resumed_at < ?2",
                params![portal.0, millis(before)],
            )
            .map(drop)
        })
        .await
    }

    /// The contested contacts, by id; those whose truce is over as well, until they were looked at.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn contested(&self, portal: PortalId) -> Result<Vec<Contested>, StoreFault> {
        self.read(move |db| {
            db.prepare(
                "SELECT contact_id, ours, theirs, since, until FROM contested
                 WHERE portal_id = ?1 AND resumed_at IS NULL ORDER BY contact_id",
            )?
            .query_map(params![portal.0], |row| {
                Ok(Contested {
                    contact_id: row.get::<_, i64>(0)?.unsigned_abs(),
                    ours: row.get(1)?,
                    theirs: row.get(2)?,
                    since: moment(row.get(3)?),
                    until: moment(row.get(4)?),
                })
            })?
            .collect()
        })
        .await
    }

    /// Every truce of a portal, those that are over included.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn truces(&self, portal: PortalId) -> Result<Vec<Truce>, StoreFault> {
        self.read(move |db| {
            db.prepare("SELECT contact_id, until, resumed_at FROM contested WHERE portal_id = ?1")?
                .query_map(params![portal.0], |row| {
                    Ok(Truce {
                        contact_id: row.get::<_, i64>(0)?.unsigned_abs(),
                        until: moment(row.get(1)?),
                        resumed_at: row.get::<_, Option<i64>>(2)?.map(moment),
                    })
                })?
                .collect()
        })
        .await
    }
}
