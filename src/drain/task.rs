//! What a pass is for besides the queue: to show what would be written, to walk over contacts, to
//! put old values back. All of it goes through the same reading, judging and guarded writing.

use std::collections::HashMap;

use super::{Drain, DrainFailure, Outcome, Pass, work::Item};
use crate::{
    bitrix::contacts::Contact,
    contact::FieldChange,
    names::Field,
    store::{RunKind, RunTotals},
};

/// What a pass does with the contacts that it judges. By default it tidies them.
#[derive(Default)]
pub(super) struct Task {
    /// Only tells what it would write.
    pub dry: bool,
    /// Values to put back, by contact; none where contacts are to be tidied.
    pub put_back: Option<HashMap<u64, Vec<PutBack>>>,
}

impl Task {
    /// Whether it tidies in earnest, and keeps the books of contacts that cannot be tidied.
    pub(super) fn tidies(&self) -> bool {
        !self.dry && self.put_back.is_none()
    }
}

/// A value of a field that we wrote, and the one that stood there before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutBack {
    /// The field.
    pub field: Field,
    /// What we wrote: only where it still stands is anything put back.
    pub ours: String,
    /// What stood there before.
    pub earlier: String,
}

/// The changes that put back what still stands in a contact as we wrote it.
pub(super) fn due(values: &HashMap<u64, Vec<PutBack>>, contact: &Contact) -> Vec<FieldChange> {
    let values = values.get(&contact.id).into_iter().flatten();
    values
        .filter(|value| contact.fields.get(value.field.as_str()) == Some(&value.ours))
        .map(|value| FieldChange {
            field: value.field,
            old: value.ours.clone(),
            new: value.earlier.clone(),
            rules: "undo".to_owned(),
        })
        .collect()
}

/// A contact that is to change (in a pass that only shows), or was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The contact.
    pub contact_id: u64,
    /// Its fields that change.
    pub changes: Vec<FieldChange>,
}

/// What a task did or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskSummary {
    /// Contacts looked at.
    pub contacts: u64,
    /// Contacts changed, and requests sent.
    pub totals: RunTotals,
    /// Contacts that the portal refuses, with its reason.
    pub refused: Vec<(u64, String)>,
    /// Contacts that could not be done now: somebody kept editing them.
    pub put_off: Vec<u64>,
}

/// Who is told of findings as they come. An error ends the task.
pub type Listener<'a> = dyn FnMut(Finding) -> std::io::Result<()> + Send + 'a;

impl Pass {
    /// A pass that has a task of its own and takes nothing from the queue.
    pub(super) fn for_task(kind: RunKind, task: Task) -> Self {
        Self {
            kind,
            task,
            drained: true,
            queue_only: true,
            ..Self::default()
        }
    }

    /// Keeps a finding for the task's listener.
    pub(super) fn report(&mut self, contact_id: u64, changes: Vec<FieldChange>) {
        if !self.task.tidies() {
            self.findings.push(Finding {
                contact_id,
                changes,
            });
        }
    }
}

impl Drain {
    /// Makes ready for a task that only shows: nothing is bound, adopted or learnt.
    pub(super) async fn begin_showing(&mut self) -> Result<(), DrainFailure> {
        self.admitted().await?;
        self.choose_connector();
        Ok(())
    }

    /// Works until nothing is in hand. Contacts that met a limit are taken up again when it ends.
    pub(super) async fn work_off(
        &mut self,
        pass: &mut Pass,
        listener: &mut Listener<'_>,
    ) -> Result<(), DrainFailure> {
        loop {
            while !(pass.to_read.is_empty() && pass.to_write.is_empty()) {
                if self.portal.is_stopping() {
                    return Err(DrainFailure::Stopped);
                }
                let outcome = self.turn(pass).await;
                for finding in pass.findings.drain(..) {
                    listener(finding)?;
                }
                outcome?;
            }
            match pass.writes_wait.take() {
                Some((until, why)) if !pass.put_off.is_empty() => {
                    self.portal.rest_until(until, &why).await?;
                    let again = std::mem::take(&mut pass.put_off);
                    pass.to_read
                        .extend(again.into_iter().map(Item::without_rows));
                }
                _ => return Ok(()),
            }
        }
    }

    /// Closes a task's entry in the history and sums up.
    pub(super) async fn end_task(
        &self,
        pass: &mut Pass,
        requests_before: u64,
        outcome: &Result<(), DrainFailure>,
    ) -> Result<TaskSummary, DrainFailure> {
        pass.totals.requests = self.portal.requests() - requests_before;
        if let Some(run) = pass.run {
            let word = match outcome {
                Ok(()) => "done",
                Err(failure) => failure.word(),
            };
            let now = self.portal.now();
            self.portal
                .store()
                .end_run(run, pass.totals, word, now)
                .await?;
        }
        Ok(TaskSummary {
            contacts: pass.judged,
            totals: pass.totals,
            refused: std::mem::take(&mut pass.refusals),
            put_off: std::mem::take(&mut pass.put_off),
        })
    }

    /// Puts old values back, or shows what would be put back.
    ///
    /// # Errors
    /// A [`DrainFailure`]; what was written until then is in the history.
    pub async fn put_back(
        &mut self,
        values: HashMap<u64, Vec<PutBack>>,
        dry: bool,
        listener: &mut Listener<'_>,
    ) -> Result<TaskSummary, DrainFailure> {
        let before = self.portal.requests();
        let mut contacts: Vec<u64> = values.keys().copied().collect();
        contacts.sort_unstable();
        let put_back = Some(values);
        let mut pass = Pass::for_task(RunKind::Undo, Task { dry, put_back });
        if dry {
            self.begin_showing().await?;
        } else if self.begin(&mut pass).await? == Some(Outcome::Paused) {
            return Err(DrainFailure::Temporary(
                "the portal is paused; run `b24-tidyd resume` first"
                    .to_owned()
                    .into(),
            ));
        }
        // The brake is there against too many corrections, not against taking them back.
        pass.allowance = u32::MAX;
        pass.to_read
            .extend(contacts.into_iter().map(Item::without_rows));
        let outcome = self.work_off(&mut pass, listener).await;
        let summary = self.end_task(&mut pass, before, &outcome).await?;
        outcome.map(|()| summary)
    }
}
