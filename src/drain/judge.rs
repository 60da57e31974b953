//! Judging a contact that was read: nothing to do, or a correction.

use super::{
    Drain, DrainFailure, Pass,
    contest::Standing,
    task,
    work::{Correction, Item},
};
use crate::{
    bitrix::contacts::Contact,
    clock::after,
    contact::{FieldChange, changes},
    portal::RetryPolicy,
    store::LeftAlone,
};

/// How often a contact is read in one pass before it is put off.
pub(super) const MOST_LOOKS: u32 = 6;

impl Drain {
    /// Decides what a freshly read contact needs.
    pub(super) async fn judge(
        &mut self,
        pass: &mut Pass,
        item: Item,
        contact: Contact,
        alone: &LeftAlone,
    ) -> Result<(), DrainFailure> {
        pass.judged += u64::from(item.looks == 0);
        if !pass.task.dry {
            self.resolve_unanswered(&contact).await?;
            self.forget_what_changed(&contact, alone).await?;
        }
        let changes = match &pass.task.put_back {
            Some(values) => task::due(values, &contact),
            None => self.needed(&contact, alone),
        };
        let settled = changes.is_empty()
            || pass.task.put_back.is_none() && self.is_contested(pass, &contact, &changes).await?;
        if settled {
            return self.settle(pass, item).await;
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

    /// The changes that the rules ask for, where nobody has asked to leave things as they are.
    fn needed(&self, contact: &Contact, alone: &LeftAlone) -> Vec<FieldChange> {
        if alone.contact(contact.id) {
            return Vec::new();
        }
        changes(
            &self.engine,
            &self.config().fields,
            |field| contact.fields.get(field.as_str()).map(String::as_str),
            |field, value| alone.value(contact.id, field.as_str(), value),
        )
    }

    /// What of these contacts is to be left alone.
    pub(super) async fn left_alone<'a>(
        &self,
        contacts: impl IntoIterator<Item = &'a Contact>,
    ) -> Result<LeftAlone, DrainFailure> {
        let ids: Vec<u64> = contacts.into_iter().map(|contact| contact.id).collect();
        Ok(self.portal.store().left_alone(self.portal.id, &ids).await?)
    }

    /// Values that were to be left alone until they change, and have changed.
    async fn forget_what_changed(
        &self,
        contact: &Contact,
        alone: &LeftAlone,
    ) -> Result<(), DrainFailure> {
        let outdated = alone.outdated(contact.id, |field| {
            contact.fields.get(field).map(String::as_str)
        });
        let store = self.portal.store();
        Ok(store
            .forget_left_alone(self.portal.id, contact.id, &outdated)
            .await?)
    }

    /// The changes that would be made now; none for a contact that is left alone.
    pub(super) fn wanted(
        &self,
        pass: &Pass,
        contact: &Contact,
        alone: &LeftAlone,
    ) -> Vec<FieldChange> {
        match pass.contests.get(&contact.id) {
            Some(Standing::Truce(_)) => Vec::new(),
            _ => self.needed(contact, alone),
        }
    }

    /// The contact is as it should be, or gone, or left alone: its rows may be acknowledged.
    pub(super) async fn settle(&mut self, pass: &mut Pass, item: Item) -> Result<(), DrainFailure> {
        if pass.task.tidies() {
            self.end_truces(pass, &[item.contact_id]).await?;
            let store = self.portal.store();
            store.unpark(self.portal.id, &[item.contact_id]).await?;
        }
        pass.settle(item.rows);
        Ok(())
    }

    /// The portal refuses the contact for good: remembered first, acknowledged then.
    pub(super) async fn park(
        &mut self,
        pass: &mut Pass,
        item: Item,
        reason: &str,
    ) -> Result<(), DrainFailure> {
        if !pass.task.tidies() {
            pass.refusals.push((item.contact_id, reason.to_owned()));
            return Ok(());
        }
        let now = self.portal.now();
        let chance = self.portal.chance();
        let attempts = self
            .portal
            .store()
            .park(
                self.portal.id,
                item.contact_id,
                reason,
                now,
                move |attempts| after(now, RetryPolicy::PARKED.delay(attempts - 1, &*chance)),
            )
            .await?;
        if attempts == 1 {
            tracing::warn!(portal = %self.config().name, contact = item.contact_id, reason,
                "the portal refuses this contact; it is on the list of failures and tried again later");
        }
        self.end_truces(pass, &[item.contact_id]).await?;
        pass.parked += 1;
        pass.settle(item.rows);
        Ok(())
    }

    /// A write whose answer never arrived: what stands in the contact now tells whether it was made.
    async fn resolve_unanswered(&mut self, contact: &Contact) -> Result<(), DrainFailure> {
        if !self.memory.unanswered.contains(&contact.id) {
            return Ok(());
        }
        let store = self.portal.store();
        let sent = store
            .unanswered_changes_of(self.portal.id, contact.id)
            .await?;
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
        store
            .changes_answered(self.portal.id, written, refused)
            .await?;
        self.memory.unanswered.remove(&contact.id);
        Ok(())
    }
}
