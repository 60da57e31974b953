//! Judging a contact that was read: nothing to do, or a correction.

use super::{
    Drain, DrainFailure, Pass,
    contest::Standing,
    work::{Correction, Item},
};
use crate::{
    bitrix::contacts::Contact,
    clock::after,
    contact::{FieldChange, changes},
    portal::RetryPolicy,
    store::SentChange,
};

/// How often a contact is read in one pass before it is put off.
pub(super) const MOST_LOOKS: u32 = 6;

impl Drain {
    /// Decides what a freshly read contact needs.
    pub(super) fn judge(
        &mut self,
        pass: &mut Pass,
        item: Item,
        contact: Contact,
    ) -> Result<(), DrainFailure> {
        self.resolve_unanswered(&contact)?;
        let changes = self.needed(&contact);
        if changes.is_empty() || self.is_contested(pass, &contact, &changes)? {
            return self.settle(pass, item);
        }
        pass.to_write.push_back(Correction {
            item,
            contact,
            changes,
        });
        Ok(())
    }

    /// The changes that the rules ask for.
    fn needed(&self, contact: &Contact) -> Vec<FieldChange> {
        let value_of =
            |field: crate::names::Field| contact.fields.get(field.as_str()).map(String::as_str);
        changes(&self.engine, &self.config().fields, value_of, |_, _| false)
    }

    /// The changes that would be made now; none for a contact that is left alone.
    pub(super) fn wanted(&self, pass: &Pass, contact: &Contact) -> Vec<FieldChange> {
        match pass.contests.get(&contact.id) {
            Some(Standing::Truce(_)) => Vec::new(),
            _ => self.needed(contact),
        }
    }

    /// The contact is as it should be, or gone, or left alone: its rows may be acknowledged.
    pub(super) fn settle(&mut self, pass: &mut Pass, item: Item) -> Result<(), DrainFailure> {
        self.end_truces(pass, &[item.contact_id])?;
        self.portal
            .store()
            .unpark(self.portal.id, &[item.contact_id])?;
        pass.settle(item.rows);
        Ok(())
    }

    /// The portal refuses the contact for good: remembered first, acknowledged then.
    pub(super) fn park(
        &mut self,
        pass: &mut Pass,
        item: Item,
        reason: &str,
    ) -> Result<(), DrainFailure> {
        let now = self.portal.now();
        let attempts =
            self.portal
                .store()
                .park(self.portal.id, item.contact_id, reason, now, |attempts| {
                    after(now, RetryPolicy::PARKED.delay(attempts - 1))
                })?;
        if attempts == 1 {
            tracing::warn!(portal = %self.config().name, contact = item.contact_id, reason,
                "the portal refuses this contact; it is on the list of failures and tried again later");
        }
        self.end_truces(pass, &[item.contact_id])?;
        pass.parked += 1;
        pass.settle(item.rows);
        Ok(())
    }

    /// A write whose answer never arrived: what stands in the contact now tells whether it was made.
    fn resolve_unanswered(&mut self, contact: &Contact) -> Result<(), DrainFailure> {
        if !self.memory.unanswered.remove(&contact.id) {
            return Ok(());
        }
        let store = self.portal.store();
        let sent: Vec<SentChange> = store
            .unanswered_changes(self.portal.id)?
            .into_iter()
            .filter(|change| change.contact_id == contact.id)
            .collect();
        let made = !sent.is_empty()
            && sent.iter().all(|change| {
                contact
                    .fields
                    .get(change.field.as_str())
                    .is_some_and(|value| *value == change.new)
            });
        let (written, refused): (&[u64], &[u64]) = if made {
            (&[contact.id], &[])
        } else {
            (&[], &[contact.id])
        };
        Ok(store.changes_answered(self.portal.id, written, refused)?)
    }
}
