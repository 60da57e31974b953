//! The history of what we write: noted before it is sent, confirmed by the answer, or by what is found
//! in the contact where no answer came.

use std::{collections::BTreeMap, sync::Arc};

use super::item::Correction;
use crate::{
    bitrix::contacts::Contact,
    contact::FieldChange,
    portal::Portal,
    store::{RunId, RunKind, RunTotals, SentChange, StoreFault},
};

/// The history of what we write.
pub(super) struct Books {
    portal: Arc<Portal>,
    kind: RunKind,
    /// The number of this pass in the history; begun with its first event.
    run: Option<RunId>,
    /// Writes whose answer never arrived, by contact; with what was sent in this pass.
    unanswered: BTreeMap<u64, Vec<FieldChange>>,
}

impl Books {
    pub(super) fn new(portal: Arc<Portal>) -> Self {
        Self {
            portal,
            kind: RunKind::Drain,
            run: None,
            unanswered: BTreeMap::new(),
        }
    }

    /// A pass begins.
    pub(super) fn begin(&mut self, kind: RunKind) {
        self.kind = kind;
        for sent in self.unanswered.values_mut() {
            sent.clear();
        }
    }

    /// Learns which writes of earlier processes were never answered.
    pub(super) async fn load(&mut self) -> Result<(), StoreFault> {
        let store = self.portal.store();
        for change in store.unanswered_changes(self.portal.id).await? {
            self.unanswered.entry(change.contact_id).or_default();
        }
        Ok(())
    }

    /// Closes the pass in the history. One that did nothing is noted only where it `is_a_drain`.
    pub(super) async fn end(
        &mut self,
        totals: RunTotals,
        outcome: &str,
        is_a_drain: bool,
    ) -> Result<(), StoreFault> {
        let (store, now) = (self.portal.store(), self.portal.now());
        match self.run.take() {
            Some(run) => store.end_run(run, totals, outcome, now).await,
            None if is_a_drain => {
                let portal = self.portal.id;
                store.note_idle_run(portal, totals, outcome, now).await
            }
            None => Ok(()),
        }
    }

    /// Writes down what is about to be sent.
    pub(super) async fn sending<'a>(
        &mut self,
        corrections: impl IntoIterator<Item = &'a Correction>,
        left_alone: bool,
    ) -> Result<(), StoreFault> {
        let corrections: Vec<&Correction> = corrections.into_iter().collect();
        if corrections.is_empty() {
            return Ok(());
        }
        let (store, portal, now) = (self.portal.store(), self.portal.id, self.portal.now());
        let run = match self.run {
            Some(run) => run,
            None => store.start_run(portal, self.kind, now).await?,
        };
        self.run = Some(run);
        let sent: Vec<SentChange> = corrections.iter().flat_map(|it| sent(it)).collect();
        if left_alone {
            // Before the write: once it is made, no pass may take the old value for a new mistake.
            store.leave_values_alone(portal, &sent, now).await?;
        }
        store
            .changes_sent(portal, run, self.kind, &sent, now)
            .await?;
        for correction in corrections {
            let changes = correction.changes.clone();
            self.unanswered.insert(correction.contact.id, changes);
        }
        Ok(())
    }

    /// Strikes out writes that were certainly not made.
    pub(super) async fn not_made(&mut self, contacts: &[u64]) -> Result<(), StoreFault> {
        self.answered(&[], contacts).await
    }

    /// These writes were made.
    pub(super) async fn made(&mut self, contacts: &[u64]) -> Result<(), StoreFault> {
        self.answered(contacts, &[]).await
    }

    /// A write whose answer never arrived: what stands in the contact now tells whether it was made.
    /// Answers what was sent in this pass, where it was.
    pub(super) async fn resolve(
        &mut self,
        contact: &Contact,
    ) -> Result<Option<Vec<FieldChange>>, StoreFault> {
        let Some(changes) = self.unanswered.get(&contact.id).cloned() else {
            return Ok(None);
        };
        let store = self.portal.store();
        let sent = store
            .unanswered_changes_of(self.portal.id, contact.id)
            .await?;
        let stands = |change: &SentChange| {
            let value = contact.fields.get(change.field.as_str());
            value.is_some_and(|value| *value == change.new)
        };
        if sent.is_empty() || !sent.iter().all(stands) {
            self.not_made(&[contact.id]).await?;
            return Ok(None);
        }
        self.made(&[contact.id]).await?;
        Ok(Some(changes).filter(|changes| !changes.is_empty()))
    }

    async fn answered(&mut self, made: &[u64], not_made: &[u64]) -> Result<(), StoreFault> {
        let store = self.portal.store();
        store
            .changes_answered(self.portal.id, made, not_made)
            .await?;
        for contact in made.iter().chain(not_made) {
            self.unanswered.remove(contact);
        }
        Ok(())
    }
}

fn sent(correction: &Correction) -> impl Iterator<Item = SentChange> + '_ {
    correction.changes.iter().map(|change| SentChange {
        contact_id: correction.contact.id,
        field: change.field.as_str().to_owned(),
        old: change.old.clone(),
        new: change.new.clone(),
        rule: change.rules.clone(),
    })
}
