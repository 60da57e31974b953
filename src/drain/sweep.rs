//! Sweeps: contacts are walked by id and tidied with the machinery of a drain, after a gap by
//! itself, or because somebody asked for it.

use jiff::Timestamp;

use super::{Drain, DrainFailure, Outcome, Pass, Summary, walk::Walked, work::Item};
use crate::{
    clock::after,
    contact::FieldChange,
    store::{Cursor, RunKind},
};

/// Edits shortly before a gap are looked at as well: rows are queued a moment after the edit.
const MARGIN_SECONDS: f64 = 120.0;

/// How long a sweep rests whose contacts could not all be settled, in seconds.
pub(super) const SWEEP_REST: f64 = 60.0;

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

/// Goes on after a step of a gap's sweep.
pub(super) enum Step {
    /// There is nothing (more) to sweep now.
    Nothing,
    /// Contacts are in hand, or the queue is looked at next.
    Working,
    /// The pass ends.
    End(Outcome),
}

impl Drain {
    /// Walks contacts and corrects them, or tells what it would correct. The queue is left alone.
    ///
    /// `report` is told as it goes; a failure of it ends the sweep.
    ///
    /// With [`Sweep::apply`] the caller holds the drain lock, as for a drain.
    ///
    /// # Errors
    /// A [`DrainFailure`]. The sweep may be resumed behind the last [`Swept::UpTo`].
    pub async fn sweep_pass(
        &mut self,
        sweep: &Sweep,
        mut report: impl AsyncFnMut(Swept<'_>) -> Result<(), DrainFailure>,
    ) -> Result<Summary, DrainFailure> {
        let before = self.portal.requests();
        let mut pass = Pass {
            kind: RunKind::Sweep,
            drained: true,
            queue_only: true,
            ..Pass::default()
        };
        let outcome = self.sweep_through(&mut pass, sweep, &mut report).await;
        pass.totals.requests = self.portal.requests() - before;
        let word = outcome
            .as_ref()
            .map_or_else(DrainFailure::word, Outcome::as_str);
        if let Some(run) = pass.run {
            let (store, now) = (self.portal.store(), self.portal.now());
            store.end_run(run, pass.totals, word, now).await?;
        }
        Ok(Summary {
            totals: pass.totals,
            parked: pass.parked,
            outcome: outcome?,
        })
    }

    async fn sweep_through(
        &mut self,
        pass: &mut Pass,
        sweep: &Sweep,
        report: &mut impl AsyncFnMut(Swept<'_>) -> Result<(), DrainFailure>,
    ) -> Result<Outcome, DrainFailure> {
        if let Some(outcome) = self.begin_sweep(pass, sweep.apply).await? {
            return Ok(outcome);
        }
        let (mut reached, mut looked_at, mut found) = (sweep.after, 0, 0);
        loop {
            if self.portal.is_stopping() {
                return Ok(Outcome::Stopped);
            }
            let stretch = match self.walk(pass, reached, sweep.modified_since).await? {
                Walked::Stretch(stretch) => stretch,
                Walked::Wait(until, why) => return Ok(Outcome::WorkLeft { until, why }),
            };
            let alone = self.left_alone(&stretch.contacts).await?;
            let mut full = false;
            for contact in stretch.contacts {
                reached = contact.id;
                looked_at += 1;
                let changes = self.wanted(pass, &contact, &alone);
                if changes.is_empty() {
                    continue;
                }
                found += 1;
                report(Swept::Found {
                    contact_id: contact.id,
                    changes: &changes,
                })
                .await?;
                if sweep.apply {
                    self.judge(pass, Item::without_rows(contact.id), contact, &alone)
                        .await?;
                }
                full = sweep.limit.is_some_and(|limit| found >= limit);
                if full {
                    break;
                }
            }
            if !full {
                reached = stretch.reached;
            }
            if let Some(unfinished) = self.finish(pass).await? {
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

    /// Everything that has to stand before contacts may be changed. Answers how the sweep ends where
    /// it may not begin.
    async fn begin_sweep(
        &mut self,
        pass: &mut Pass,
        apply: bool,
    ) -> Result<Option<Outcome>, DrainFailure> {
        if !apply {
            let record = self.portal.reread().await?;
            self.memory.facts = record.facts;
            // Reading needs no connector, and no survey that might bind something.
            self.portal.use_connector(None);
            self.load_contests(pass).await?;
            return Ok(None);
        }
        self.begin(pass).await
    }

    /// Works until no contact is in hand. Answers how the sweep ends where that was not possible.
    async fn finish(&mut self, pass: &mut Pass) -> Result<Option<Outcome>, DrainFailure> {
        pass.unswept = false;
        while !pass.is_idle() {
            if self.portal.is_stopping() {
                return Ok(Some(Outcome::Stopped));
            }
            self.turn(pass).await?;
        }
        if let Some((until, why)) = pass.writes_wait.take() {
            return Ok(Some(Outcome::WorkLeft { until, why }));
        }
        Ok(pass.unswept.then(|| Outcome::WorkLeft {
            until: after(self.portal.now(), SWEEP_REST),
            why: "some contacts could not be settled".to_owned(),
        }))
    }

    /// The next step of the sweep that a gap demands, the queue being empty.
    pub(super) async fn sweep_gap(&mut self, pass: &mut Pass) -> Result<Step, DrainFailure> {
        if pass.queue_only || pass.writes_wait.is_some() {
            return Ok(Step::Nothing);
        }
        let (store, key) = (self.portal.store().clone(), self.portal.configured_queue());
        let mut cursor = store.cursor(&key).await?;
        let Some(since) = cursor.gap_since else {
            return Ok(Step::Nothing);
        };
        if let Some((reached, is_last)) = pass.chunk.take() {
            if pass.unswept {
                return Ok(Step::Nothing);
            }
            cursor = swept(cursor, reached, is_last);
            store.set_cursor(&key, cursor).await?;
            if is_last {
                tracing::info!(portal = %self.config().name, %since, "the gap is closed");
                return Ok(Step::Nothing);
            }
            // What came meanwhile is not kept waiting by a long sweep.
            pass.drained = false;
            pass.emptied = false;
            return Ok(Step::Working);
        }
        if self.portal.reread().await?.paused_at.is_some() {
            return Ok(Step::End(Outcome::Paused));
        }
        if self.survey_is_due() {
            return Ok(Step::Nothing);
        }
        let from = after(since, -MARGIN_SECONDS);
        let stretch = match self.walk(pass, cursor.swept_to, Some(from)).await? {
            Walked::Stretch(stretch) => stretch,
            Walked::Wait(until, why) => {
                pass.writes_wait = Some((until, why));
                return Ok(Step::Nothing);
            }
        };
        pass.chunk = Some((stretch.reached, stretch.is_last));
        pass.unswept = false;
        let alone = self.left_alone(&stretch.contacts).await?;
        for contact in stretch.contacts {
            self.judge(pass, Item::without_rows(contact.id), contact, &alone)
                .await?;
        }
        Ok(Step::Working)
    }
}

/// The cursor after a chunk that ended at `reached`.
fn swept(cursor: Cursor, reached: u64, is_last: bool) -> Cursor {
    if is_last {
        return Cursor {
            gap_since: None,
            swept_to: 0,
            ..cursor
        };
    }
    Cursor {
        swept_to: reached,
        ..cursor
    }
}
