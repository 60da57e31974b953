//! What is left alone: whole contacts, and single values that were put back by an undo.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use rusqlite::params;

use super::{PortalId, SentChange, Store, StoreFault, millis, moment};

/// Something that is left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    /// The contact.
    pub contact_id: u64,
    /// One value of one field; none where the whole contact is left alone.
    pub value: Option<(String, String)>,
    /// Since when.
    pub since: Timestamp,
}

/// What is left alone of some contacts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeftAlone {
    contacts: HashSet<u64>,
    values: HashMap<u64, Vec<(String, String)>>,
}

impl LeftAlone {
    /// Whether nothing of the contact may be written.
    #[must_use]
    pub fn contact(&self, contact_id: u64) -> bool {
        self.contacts.contains(&contact_id)
    }

    /// Whether this value of this field stays as it is.
    #[must_use]
    pub fn value(&self, contact_id: u64, field: &str, value: &str) -> bool {
        self.of(contact_id)
            .any(|(its_field, its_value)| its_field == field && its_value == value)
    }

    /// The fields of a contact that no longer hold the value to be left alone; `now` reads a field.
    #[must_use]
    pub fn outdated<'a>(
        &self,
        contact_id: u64,
        now: impl Fn(&str) -> Option<&'a str>,
    ) -> Vec<String> {
        self.of(contact_id)
            .filter(|(field, value)| now(field).unwrap_or_default() != value)
            .map(|(field, _)| field.clone())
            .collect()
    }

    fn of(&self, contact_id: u64) -> impl Iterator<Item = &(String, String)> {
        self.values.get(&contact_id).into_iter().flatten()
    }
}

impl Store {
    /// Leaves whole contacts alone from now on.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn ignore(
        &self,
        portal: PortalId,
        contacts: &[u64],
        now: Timestamp,
    ) -> Result<(), StoreFault> {
        let contacts = contacts.to_vec();
        self.write(move |db| {
            let mut insert = db.prepare(
                "INSERT INTO ignored (portal_id, contact_id, field, value, since)
                 VALUES (?1, ?2, '', '', ?3) ON CONFLICT DO NOTHING",
            )?;
            for contact in &contacts {
                insert.execute(params![portal.0, *contact as i64, millis(now)])?;
            }
            Ok(())
        })
        .await
    }

    /// Tidies contacts again, those values included that an undo had put back. Returns those of
    /// them that had been left alone in some way.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn stop_ignoring(
        &self,
        portal: PortalId,
        contacts: &[u64],
    ) -> Result<Vec<u64>, StoreFault> {
        let contacts = contacts.to_vec();
        self.write(move |db| {
            let mut delete =
                db.prepare("DELETE FROM ignored WHERE portal_id = ?1 AND contact_id = ?2")?;
            let mut freed = Vec::new();
            for contact in &contacts {
                if delete.execute(params![portal.0, *contact as i64])? > 0 {
                    freed.push(*contact);
                }
            }
            Ok(freed)
        })
        .await
    }

    /// Everything that is left alone, by contact.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn ignored(&self, portal: PortalId) -> Result<Vec<Ignored>, StoreFault> {
        self.read(move |db| {
            db.prepare(
                "SELECT contact_id, field, value, since FROM ignored WHERE portal_id = ?1
                 ORDER BY contact_id, field",
            )?
            .query_map(params![portal.0], |row| {
                let field: String = row.get(1)?;
                let value = row.get(2)?;
                Ok(Ignored {
                    contact_id: row.get::<_, i64>(0)?.unsigned_abs(),
                    value: (!field.is_empty()).then_some((field, value)),
                    since: moment(row.get(3)?),
                })
            })?
            .collect()
        })
        .await
    }

    /// What is left alone of these contacts, a page of them at a time.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn left_alone(
        &self,
        portal: PortalId,
        contacts: &[u64],
    ) -> Result<LeftAlone, StoreFault> {
        let contacts = contacts.to_vec();
        self.read(move |db| {
            let mut select = db.prepare(
                "SELECT field, value FROM ignored WHERE portal_id = ?1 AND contact_id = ?2",
            )?;
            let mut found = LeftAlone::default();
            for contact in &contacts {
                let mut rows = select.query(params![portal.0, *contact as i64])?;
                while let Some(row) = rows.next()? {
                    let field: String = row.get(0)?;
                    if field.is_empty() {
                        found.contacts.insert(*contact);
                    } else {
                        let values = found.values.entry(*contact).or_default();
                        values.push((field, row.get(1)?));
                    }
                }
            }
            Ok(found)
        })
        .await
    }

    /// Leaves the values alone that these changes write, until they change again.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn leave_values_alone(
        &self,
        portal: PortalId,
        changes: &[SentChange],
        now: Timestamp,
    ) -> Result<(), StoreFault> {
        let changes = changes.to_vec();
        self.write(move |db| {
            let mut insert = db.prepare(
                "INSERT INTO ignored (portal_id, contact_id, field, value, since)
                 VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET value = ?4, since = ?5",
            )?;
            for change in &changes {
                let contact = change.contact_id as i64;
                let (field, value) = (&change.field, &change.new);
                insert.execute(params![portal.0, contact, field, value, millis(now)])?;
            }
            Ok(())
        })
        .await
    }

    /// Forgets values of a contact that were to be left alone: they have changed.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn forget_left_alone(
        &self,
        portal: PortalId,
        contact_id: u64,
        fields: &[String],
    ) -> Result<(), StoreFault> {
        if fields.is_empty() {
            return Ok(());
        }
        let fields = fields.to_vec();
        self.write(move |db| {
            let mut delete = db.prepare(
                "DELETE FROM ignored WHERE portal_id = ?1 AND contact_id = ?2 AND field = ?3",
            )?;
            for field in &fields {
                delete.execute(params![portal.0, contact_id as i64, field])?;
            }
            Ok(())
        })
        .await
    }
}
