//! What somebody asks for besides draining: a sweep over all contacts, a look at what the next drain
//! would do, an undo. The queue is left alone: nothing is bound, reserved or acknowledged.

use std::collections::HashMap;

use jiff::Timestamp;

use super::{
    failure::DrainFailure,
    outcome::{Outcome, Summary},
    streak::Streak,
    survey,
    turn::{self, hand_over},
};
use crate::{
    clock::after,
    contact::FieldChange,
    portal::Portal,
    queue::Queue,
    store::{PortalRecord, RunTotals},
    tidy::{Finding, Purpose, PutBack, Tidy, Wait, Walked},
};

/// How long a sweep rests whose contacts could not all be settled, in seconds.
const REST_SECONDS: f64 = 60.0;

/// Which contacts a sweep looks at, and what it does about them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sweep {
    /// Only contacts changed since then; none for all.
    pub modified_since: Option<Timestamp>,
    /// Begin behind this contact; 0 for the first one.
    pub after: u64,
    /// End once so many contacts were found that need a change.
    pub limit: Option<u64>,
    /// Write the corrections, as a drain does. Without it nothing at all is changed on the portal.
    pub apply: bool,
}

/// What a sweep tells on its way.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Swept<'a> {
    /// This contact needs these changes.
    Found {
        /// The contact.
        contact_id: u64,
        /// What would be, or is about to be, written.
        changes: &'a [FieldChange],
    },
    /// Everything up to this contact is done: a sweep may be resumed behind it.
    UpTo {
        /// The contact; a sweep that has seen none says nothing.
        contact_id: u64,
        /// How many contacts this sweep has looked at.
        looked_at: u64,
    },
}

/// Who is told of findings as they come. An error ends the errand.
pub type Listener<'a> = dyn FnMut(Finding) -> std::io::Result<()> + Send + 'a;

/// What an errand did or would do.
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

/// An errand at a portal, with the parts that do the work.
pub(super) struct Errand<'a> {
    pub portal: &'a Portal,
    pub queue: &'a mut Queue,
    pub tidy: &'a mut Tidy,
}

impl Errand<'_> {
    /// Walks contacts and corrects them, or tells what it would correct.
    pub(super) async fn sweep(
        mut self,
        record: &PortalRecord,
        sweep: &Sweep,
        report: &mut impl AsyncFnMut(Swept<'_>) -> Result<(), DrainFailure>,
    ) -> Result<Summary, DrainFailure> {
        let before = self.portal.requests();
        let outcome = self.sweep_through(record, sweep, report).await;
        let word = outcome
            .as_ref()
            .map_or_else(DrainFailure::word, Outcome::as_str);
        let totals = self.totals(before);
        self.tidy.end(totals, word, false).await?;
        Ok(Summary {
            totals,
            parked: self.tidy.parked(),
            outcome: outcome?,
        })
    }

    async fn sweep_through(
        &mut self,
        record: &PortalRecord,
        sweep: &Sweep,
        report: &mut impl AsyncFnMut(Swept<'_>) -> Result<(), DrainFailure>,
    ) -> Result<Outcome, DrainFailure> {
        let purpose = if sweep.apply {
            Purpose::Tidy
        } else {
            Purpose::Report
        };
        if let Some(Wait { until, why }) = self.begin(purpose, sweep.apply, true, record).await? {
            return Ok(Outcome::WorkLeft { until, why });
        }
        let (mut reached, mut looked_at, mut found) = (sweep.after, 0, 0);
        loop {
            if self.portal.is_stopping() {
                return Ok(Outcome::Stopped);
            }
            let stretch = match self.tidy.walk(reached, sweep.modified_since).await? {
                Walked::Stretch(stretch) => stretch,
                Walked::Wait(Wait { until, why }) => return Ok(Outcome::WorkLeft { until, why }),
            };
            let mut wanted = self.tidy.wanted(&stretch.contacts).await?;
            let mut chosen = Vec::new();
            let mut full = false;
            for contact in stretch.contacts {
                reached = contact.id;
                looked_at += 1;
                let Some(changes) = wanted.remove(&contact.id) else {
                    continue;
                };
                found += 1;
                report(Swept::Found {
                    contact_id: contact.id,
                    changes: &changes,
                })
                .await?;
                chosen.push(contact);
                full = sweep.limit.is_some_and(|limit| found >= limit);
                if full {
                    break;
                }
            }
            if !full {
                reached = stretch.reached;
            }
            if sweep.apply {
                self.tidy.take_read(chosen).await?;
            }
            if let Some(contact) = stretch.lone {
                looked_at += 1;
                self.tidy.take_lone(contact);
            }
            let unfinished = self.finish().await;
            for finding in self.tidy.findings() {
                found += 1;
                report(Swept::Found {
                    contact_id: finding.contact_id,
                    changes: &finding.changes,
                })
                .await?;
            }
            if let Some(unfinished) = unfinished? {
                return Ok(unfinished);
            }
            if looked_at > 0 {
                report(Swept::UpTo {
                    contact_id: reached,
                    looked_at,
                })
                .await?;
            }
            if full || stretch.is_last {
                return Ok(Outcome::Done);
            }
        }
    }

    /// Works until no contact is in hand. Answers how the sweep ends where that was not possible.
    async fn finish(&mut self) -> Result<Option<Outcome>, DrainFailure> {
        self.tidy.take_unsettled();
        let mut streak = Streak::default();
        while !self.tidy.is_idle() {
            if self.portal.is_stopping() {
                return Ok(Some(Outcome::Stopped));
            }
            turn::take(self.portal, self.queue, self.tidy, &mut streak).await?;
        }
        let decided = self.tidy.decide_denied(true).await;
        hand_over(self.queue, self.tidy).await?;
        decided?;
        if let Some(Wait { until, why }) = self.tidy.take_wait() {
            return Ok(Some(Outcome::WorkLeft { until, why }));
        }
        Ok(self.tidy.take_unsettled().then(|| Outcome::WorkLeft {
            until: after(self.portal.now(), REST_SECONDS),
            why: "some contacts could not be settled".to_owned(),
        }))
    }

    /// Judges every contact that the next drain would look at: those in the queue, those whose rows
    /// are ours already, and those that are due without an event.
    pub(super) async fn preview(
        mut self,
        record: &PortalRecord,
        most_due: u32,
        listener: &mut Listener<'_>,
    ) -> Result<TaskSummary, DrainFailure> {
        self.begin(Purpose::Report, false, false, record).await?;
        let before = self.portal.requests();
        let mut contacts = self.queue.subjects().await?;
        for due in self.tidy.due_contacts(most_due).await? {
            if !contacts.contains(&due) {
                contacts.push(due);
            }
        }
        self.work_off(contacts, before, listener).await
    }

    /// Puts old values back, or shows what would be put back.
    pub(super) async fn put_back(
        mut self,
        record: &PortalRecord,
        values: HashMap<u64, Vec<PutBack>>,
        dry: bool,
        listener: &mut Listener<'_>,
    ) -> Result<TaskSummary, DrainFailure> {
        let before = self.portal.requests();
        let mut contacts: Vec<u64> = values.keys().copied().collect();
        contacts.sort_unstable();
        let purpose = Purpose::PutBack {
            values,
            write: !dry,
        };
        self.begin(purpose, !dry, false, record).await?;
        self.work_off(contacts, before, listener).await
    }

    /// Makes ready. What is going to write looks at application and plan first. Answers until when
    /// nothing may be written, where the brake is engaged.
    async fn begin(
        &mut self,
        purpose: Purpose,
        writes: bool,
        walked: bool,
        record: &PortalRecord,
    ) -> Result<Option<Wait>, DrainFailure> {
        self.queue.begin(record);
        self.queue.close();
        // Somebody waits for it.
        self.portal.set_steady(false);
        if writes {
            survey::look_only(self.portal, self.queue, self.tidy).await?;
            self.tidy.load_unanswered().await?;
            let record = self.portal.reread().await?;
            return Ok(self.tidy.begin(purpose, walked, &record).await?);
        }
        if walked {
            // Reading needs no connector, and no survey that might find out about one.
            self.portal.use_connector(None);
        } else {
            self.queue.choose_connector();
        }
        let wait = self.tidy.begin(purpose, walked, record).await?;
        self.tidy.look(record).await?;
        Ok(wait)
    }

    /// Works until nothing is in hand. Contacts that met a limit are taken up again when it ends.
    async fn work_off(
        &mut self,
        contacts: Vec<u64>,
        requests_before: u64,
        listener: &mut Listener<'_>,
    ) -> Result<TaskSummary, DrainFailure> {
        self.tidy.take_contacts(contacts);
        let outcome = self.until_idle(listener).await;
        let word = match &outcome {
            Ok(()) => "done",
            Err(failure) => failure.word(),
        };
        let totals = self.totals(requests_before);
        self.tidy.end(totals, word, false).await?;
        let summary = TaskSummary {
            contacts: self.tidy.judged(),
            totals,
            refused: self.tidy.refused(),
            put_off: self.tidy.put_off(),
        };
        outcome.map(|()| summary)
    }

    async fn until_idle(&mut self, listener: &mut Listener<'_>) -> Result<(), DrainFailure> {
        let mut streak = Streak::default();
        loop {
            while !self.tidy.is_idle() {
                if self.portal.is_stopping() {
                    return Err(DrainFailure::Stopped);
                }
                let outcome = turn::take(self.portal, self.queue, self.tidy, &mut streak).await;
                for finding in self.tidy.findings() {
                    listener(finding)?;
                }
                outcome?;
            }
            let put_off = self.tidy.put_off();
            match self.tidy.take_wait() {
                Some(wait) if !put_off.is_empty() => {
                    self.portal
                        .rest_until(wait.until, wait.why.as_str())
                        .await?;
                    self.tidy.take_contacts(put_off);
                }
                _ => {
                    self.tidy.still_put_off(put_off);
                    return Ok(());
                }
            }
        }
    }

    fn totals(&self, requests_before: u64) -> RunTotals {
        RunTotals {
            events: 0,
            changed: self.tidy.changed(),
            requests: self.portal.requests() - requests_before,
        }
    }
}
