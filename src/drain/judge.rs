//! Judging a contact that was read: nothing to do, or a correction.

use super::{
    Drain, DrainFailure, Pass,
    task::PutBack,
    work::{Correction, Item},
};
use crate::{
    bitrix::contacts::Contact,
    clock::after,
    contact::{FieldChange, changes},
    names::Field,
    portal::RetryPolicy,
    store::{LeftAlone, SentChange},
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
        alone: &LeftAlone,
    ) -> Result<(), DrainFailure> {
        pass.judged += u64::from(item.looks == 0);
        if !pass.task.dry {
            self.resolve_unanswered(&contact)?;
            let outdated = alone.outdated(contact.id, |field| {
                contact.fields.get(field).map(String::as_str)
            });
            self.portal
                .store()
                .forget_left_alone(self.portal.id, contact.id, &outdated)?;
        }
        let changes = self.needed(pass, &contact, alone);
        if changes.is_empty() {
            return self.settle(pass, item);
        }
        if pass.task.dry {
            pass.report(contact.id, changes);
            return Ok(());
        }
        pass.to_write.push_back(Correction {
            item,
            contact,
            changes,
        });
        Ok(())
    }

    /// The changes that a contact needs for the pass's task.
    fn needed(&self, pass: &Pass, contact: &Contact, alone: &LeftAlone) -> Vec<FieldChange> {
        let value_of = |field: Field| contact.fields.get(field.as_str()).map(String::as_str);
        if let Some(values) = &pass.task.put_back {
            let values = values.get(&contact.id).into_iter().flatten();
            return values
                .filter(|value| value_of(value.field) == Some(&value.ours))
                .map(PutBack::change)
                .collect();
        }
        if alone.contact(contact.id) {
            return Vec::new();
        }
        changes(
            &self.engine,
            &self.config().fields,
            value_of,
            |field, value| alone.value(contact.id, field.as_str(), value),
        )
    }

    /// The contact is as it should be, or gone: its rows may be acknowledged.
    pub(super) fn settle(&mut self, pass: &mut Pass, item: Item) -> Result<(), DrainFailure> {
        if pass.task.tidies() {
            self.portal
                .store()
                .unpark(self.portal.id, &[item.contact_id])?;
        }
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
        if pass.task.reports {
            pass.refusals.push((item.contact_id, reason.to_owned()));
        }
        if pass.task.dry {
            return Ok(());
        }
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
