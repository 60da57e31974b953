//! What a pass is for besides the queue: to show what would be written, to walk over contacts, to
//! put old values back. All of it goes through the same reading, judging and guarded writing.

use std::collections::HashMap;

use super::{Drain, DrainFailure, Pass, work::Item};
use crate::{
    contact::FieldChange,
    names::Field,
    store::{RunKind, RunTotals},
};

/// What a pass is for.
pub(super) struct Task {
    /// What the history calls it.
    pub kind: RunKind,
    /// Only to show: nothing is written, not even in the store.
    pub dry: bool,
    /// Values to put back, by contact; none where contacts are to be tidied.
    pub put_back: Option<HashMap<u64, Vec<PutBack>>>,
    /// Whether [`Pass::findings`] are wanted.
    pub reports: bool,
}

impl Default for Task {
    /// The daily work.
    fn default() -> Self {
        Self {
            kind: RunKind::Drain,
            dry: false,
            put_back: None,
            reports: false,
        }
    }
}

impl Task {
    /// Whether contacts that need nothing are known to be tidy after it.
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

impl PutBack {
    /// The change that puts the earlier value back.
    pub(super) fn change(&self) -> FieldChange {
        FieldChange {
            field: self.field,
            old: self.ours.clone(),
            new: self.earlier.clone(),
            rules: "undo".to_owned(),
        }
    }
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
    pub(super) fn for_task(task: Task) -> Self {
        Self {
            task,
            drained: true,
            ..Self::default()
        }
    }

    /// Keeps a finding for the task's listener.
    pub(super) fn report(&mut self, contact_id: u64, changes: Vec<FieldChange>) {
        if self.task.reports {
            self.findings.push(Finding {
                contact_id,
                changes,
            });
        }
    }
}

impl Drain {
    /// Makes ready for a task: tokens, connector.
    pub(super) fn begin_task(&mut self, dry: bool) -> Result<(), DrainFailure> {
        let record = self.portal.reread()?;
        if let Some(reason) = record.unverified {
            return Err(DrainFailure::Unverified(reason));
        }
        if record.paused_at.is_some() && !dry {
            return Err(DrainFailure::Temporary(
                "the portal is paused; run `b24-tidyd resume` first".to_owned(),
            ));
        }
        self.memory.facts = record.facts;
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
    pub(super) fn end_task(
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
            self.portal.store().end_run(run, pass.totals, word, now)?;
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
        self.begin_task(dry)?;
        let before = self.portal.requests();
        let mut contacts: Vec<u64> = values.keys().copied().collect();
        contacts.sort_unstable();
        let mut pass = Pass::for_task(Task {
            kind: RunKind::Undo,
            dry,
            put_back: Some(values),
            reports: true,
        });
        pass.to_read
            .extend(contacts.into_iter().map(Item::without_rows));
        let outcome = self.work_off(&mut pass, listener).await;
        let summary = self.end_task(&mut pass, before, &outcome)?;
        outcome.map(|()| summary)
    }
}
