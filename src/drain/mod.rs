//! The heart: one pass over a portal's queue, shared by the daemon and by `run --once`.
//!
//! A pass begins by looking whether it may: the portal is not paused, the tokens have passed their
//! checks, and once an hour a survey has found bindings, application and plan in order. Then it takes
//! turn after turn ([`turn`]), each of them one request, until everything that was queued when it
//! began is settled, or nothing more can be done now. What it has in hand belongs to the parts, the
//! queue's rows to [`Queue`], the contacts to [`Tidy`]; all of it stands in the store as well, so
//! that a pass may end at any moment.
//!
//! `errand` is what somebody asks for besides: a sweep, a preview, an undo.

mod errand;
mod failure;
mod outcome;
mod streak;
mod survey;
mod turn;

use std::{collections::HashMap, sync::Arc};

use errand::Errand;
pub use errand::{Listener, Sweep, Swept, TaskSummary};
pub use failure::{Cause, DrainFailure};
pub use outcome::{Outcome, Progress, Summary};
use streak::Streak;
use survey::Survey;
use turn::{Took, hand_over};

use crate::{
    clock::after,
    config::{ContactsApi, PortalConfig},
    portal::{CallFailure, Context, Patience, Portal},
    queue::Queue,
    store::{PortalRecord, RunTotals},
    tidy::{self, Purpose, PutBack, SweptGap, Tidy, Wait},
};

/// A pass ends after this long, in seconds, so that everything between passes goes on; the next one
/// takes up the rest at once.
const LONGEST_PASS_SECONDS: f64 = 600.0;

/// Drains one portal, pass by pass, and remembers between them what need not be asked each time.
pub struct Drain {
    portal: Arc<Portal>,
    queue: Queue,
    tidy: Tidy,
    survey: Survey,
    limit: u32,
    last_totals: RunTotals,
}

impl Drain {
    /// A drain for one portal. `limit` is the number of events reserved per call.
    #[must_use]
    pub fn new(portal: Portal, limit: u32) -> Self {
        let portal = Arc::new(portal);
        Self {
            queue: Queue::new(portal.clone(), &tidy::EVENTS, limit),
            tidy: Tidy::new(portal.clone()),
            survey: Survey::default(),
            limit,
            last_totals: RunTotals::default(),
            portal,
        }
    }

    /// A drain for a portal with the tokens in the store; none where there are none yet.
    ///
    /// # Errors
    /// Where the store fails, or the stored endpoint is no address.
    pub async fn open(
        context: Context,
        config: Arc<PortalConfig>,
        limit: u32,
        patience: Patience,
    ) -> Result<Option<Self>, CallFailure> {
        let (url, client_id) = (config.url.as_str(), &config.client_id);
        let Some(record) = context.store.find_portal(url, client_id).await? else {
            return Ok(None);
        };
        let portal = Portal::open(context, config, &record, patience).await?;
        Ok(Some(Self::new(portal, limit)))
    }

    /// The portal that is drained.
    #[must_use]
    pub fn portal(&self) -> &Portal {
        &self.portal
    }

    /// What the last pass did, also where it failed.
    #[must_use]
    pub fn last_totals(&self) -> RunTotals {
        self.last_totals
    }

    /// Works until everything that was queued is settled or nothing can be done now. `progress` is
    /// called after each turn.
    ///
    /// # Errors
    /// A [`DrainFailure`]: nothing was acknowledged because of it, and what was reserved is stored.
    pub async fn pass(
        &mut self,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Summary, DrainFailure> {
        let before = self.portal.requests();
        self.forget();
        let mut done = Done::default();
        let mut outcome = self.run_pass(&mut done, progress).await;
        let changed = matches!(
            outcome,
            Err(DrainFailure::PlanChanged(_) | DrainFailure::ContactsNotOffered(_))
        );
        if changed {
            // All that was in hand is in the store: begin anew with what the plan offers now.
            self.survey.forget();
            done.add(&self.queue, &self.tidy);
            self.forget();
            outcome = self.run_pass(&mut done, progress).await;
        }
        if let Err(DrainFailure::ContactsNotOffered(cause)) = outcome {
            outcome = Err(self.no_contacts(cause));
        }
        if let Err(failure @ DrainFailure::NeedsPerson(_)) = &outcome {
            // An application that is switched off, unpaid or removed gets no events.
            self.survey.forget();
            self.queue.note_gap(&failure.to_string()).await?;
        }
        done.add(&self.queue, &self.tidy);
        let totals = RunTotals {
            requests: self.portal.requests() - before,
            ..done.totals
        };
        self.last_totals = totals;
        let word = outcome
            .as_ref()
            .map_or_else(DrainFailure::word, Outcome::as_str);
        self.tidy.end(totals, word, true).await?;
        Ok(Summary {
            totals,
            parked: done.parked,
            outcome: outcome?,
        })
    }

    /// The portal does not offer the methods, looked at anew: what a person has to do about it.
    fn no_contacts(&self, cause: Cause) -> DrainFailure {
        DrainFailure::ContactsNotOffered(cause.with_remedy(match self.portal.config.contacts_api {
            ContactsApi::Auto => {
                "switch on the CRM of the portal, and grant the application the scope `crm`"
            }
            ContactsApi::Universal | ContactsApi::Classic => {
                "set contacts_api = \"auto\" in the configuration"
            }
        }))
    }

    fn forget(&mut self) {
        self.queue.forget();
        self.tidy.forget();
    }

    async fn run_pass(
        &mut self,
        done: &mut Done,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Outcome, DrainFailure> {
        let record = match self.admit().await? {
            Ok(record) => record,
            Err(outcome) => return Ok(outcome),
        };
        self.queue.begin(&record);
        let record = if self.survey.is_due(self.portal.now()) {
            let (queue, tidy) = (&mut self.queue, &mut self.tidy);
            self.survey.take(&self.portal, queue, tidy).await?;
            self.tidy.load_unanswered().await?;
            self.portal.reread().await?
        } else {
            record
        };
        let braked = self.tidy.begin(Purpose::Tidy, false, &record).await?;
        if let Some(Wait { until, why }) = braked {
            return Ok(Outcome::WorkLeft { until, why });
        }
        if self.queue.is_left() {
            self.drain_stand_in(done, progress).await?;
        }
        let due = self.tidy.due_contacts(self.limit).await?;
        self.tidy.take_contacts(due);
        let outcome = self.turns(done, true, progress).await?;
        self.queue.advance().await?;
        Ok(outcome)
    }

    /// The portal as it is stored, once it is known that work may begin; else how the pass ends.
    async fn admit(&mut self) -> Result<Result<PortalRecord, Outcome>, DrainFailure> {
        if self.portal.reread().await?.paused_at.is_some() {
            return Ok(Err(Outcome::Paused));
        }
        Ok(Ok(self.verified().await?))
    }

    /// The portal as it is stored, once its tokens have passed their checks.
    async fn verified(&mut self) -> Result<PortalRecord, DrainFailure> {
        let record = self.portal.reread().await?;
        if record.unverified.is_none() {
            return Ok(record);
        }
        // What was wrong when they were imported may have been put right meanwhile.
        if let Err(unfit) = self.portal.verify().await? {
            // Whether the portal records anything for such an application, nobody knows.
            self.queue.note_gap(&unfit.to_string()).await?;
            return Err(DrainFailure::Unverified(unfit.into()));
        }
        tracing::info!(portal = %self.portal.config.name, "the tokens have passed their checks");
        Ok(self.portal.reread().await?)
    }

    /// The queue that stood in for the one of our connector, which is back.
    async fn drain_stand_in(
        &mut self,
        done: &mut Done,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<(), DrainFailure> {
        let outcome = match self.queue.enter_stand_in().await {
            Ok(()) => self.turns(done, false, progress).await,
            Err(failure) => Err(failure.into()),
        };
        let is_done = matches!(outcome, Ok(Outcome::Done));
        self.queue.leave_stand_in(is_done).await?;
        outcome.map(drop)
    }

    /// Turn after turn until nothing is left to do now. `sweeps`: the sweep of a gap is part of it.
    async fn turns(
        &mut self,
        done: &Done,
        sweeps: bool,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Outcome, DrainFailure> {
        let began = self.portal.now();
        let mut streak = Streak::default();
        let mut trouble = self.queue.take_leftovers().await?;
        loop {
            if let Some(problem) = trouble.take() {
                streak.failed(&problem);
                streak.rest(&self.portal).await?;
            }
            if self.portal.is_stopping() {
                return Ok(Outcome::Stopped);
            }
            let record = self.portal.store().portal(self.portal.id).await?;
            if record.paused_at.is_some() {
                return Ok(Outcome::Paused);
            }
            let late = self.portal.now() >= after(began, LONGEST_PASS_SECONDS);
            if late {
                self.queue.close();
            }
            hand_over(&mut self.queue, &mut self.tidy).await?;
            let all_done = self.tidy.is_idle() && !self.queue.is_open();
            let decided = self.tidy.decide_denied(all_done).await;
            hand_over(&mut self.queue, &mut self.tidy).await?;
            if decided? {
                continue;
            }
            if self.tidy.is_idle() {
                if !late {
                    self.queue.pick_up_due().await?;
                }
                hand_over(&mut self.queue, &mut self.tidy).await?;
            }
            let idle = self.tidy.is_idle();
            if idle && self.queue.is_done() {
                let may_sweep = sweeps && !late && !self.survey.is_due(self.portal.now());
                let swept = if may_sweep || sweeps && self.tidy.is_sweeping() {
                    self.tidy.sweep_gap().await?
                } else {
                    SweptGap::Nothing
                };
                match swept {
                    SweptGap::Nothing => return self.what_is_left(sweeps, late).await,
                    // What came meanwhile is not kept waiting by a long sweep.
                    SweptGap::Done => self.queue.reopen(),
                    SweptGap::InHand => {}
                }
            } else if idle && self.queue.takes_away() {
                let waits = self.tidy.has_to_wait();
                trouble = self.queue.take_page(waits).await?;
            } else {
                let (queue, tidy) = (&mut self.queue, &mut self.tidy);
                if turn::take(&self.portal, queue, tidy, &mut streak).await? == Took::Nothing {
                    self.queue.close();
                }
            }
            progress(done.progress(&self.queue, &self.tidy));
        }
    }

    /// Walks contacts and corrects them, or tells what it would correct. The queue is left alone.
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
        let record = if sweep.apply {
            match self.admit().await? {
                Ok(record) => record,
                Err(outcome) => return Ok(Summary::nothing(outcome)),
            }
        } else {
            self.portal.reread().await?
        };
        self.errand().sweep(&record, sweep, &mut report).await
    }

    /// Judges every contact that the next drain would look at. `listener` gets each that would change.
    /// Nothing is bound, reserved, written or learnt.
    ///
    /// # Errors
    /// A [`DrainFailure`].
    pub async fn preview(
        &mut self,
        listener: &mut Listener<'_>,
    ) -> Result<TaskSummary, DrainFailure> {
        let record = self.verified().await?;
        let most_due = self.limit;
        self.errand().preview(&record, most_due, listener).await
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
        let record = self.verified().await?;
        if record.paused_at.is_some() && !dry {
            return Err(DrainFailure::Temporary(
                "the portal is paused; run `b24-tidyd resume` first"
                    .to_owned()
                    .into(),
            ));
        }
        let errand = self.errand();
        errand.put_back(&record, values, dry, listener).await
    }

    fn errand(&mut self) -> Errand<'_> {
        Errand {
            portal: &self.portal,
            queue: &mut self.queue,
            tidy: &mut self.tidy,
        }
    }

    /// How a pass ends that has nothing more to do now.
    async fn what_is_left(&self, sweeps: bool, late: bool) -> Result<Outcome, DrainFailure> {
        if let Some(Wait { until, why }) = self.tidy.waits().cloned() {
            return Ok(Outcome::WorkLeft { until, why });
        }
        if let Some((until, why)) = self.queue.rests() {
            return Ok(Outcome::WorkLeft { until, why });
        }
        if late && !self.queue.is_emptied() {
            return Ok(Outcome::WorkLeft {
                until: self.portal.now(),
                why: "more events wait".to_owned(),
            });
        }
        if sweeps && let Some(until) = self.tidy.gap_goes_on().await? {
            return Ok(Outcome::WorkLeft {
                until,
                why: "contacts that were changed during a gap are being swept".to_owned(),
            });
        }
        Ok(match self.queue.next_due().await? {
            None => Outcome::Done,
            Some(until) => Outcome::WorkLeft {
                until,
                why: "some contacts are tried again later".to_owned(),
            },
        })
    }
}

/// What a pass has done so far; one that had to begin anew counts as one.
#[derive(Debug, Default)]
struct Done {
    totals: RunTotals,
    parked: u64,
}

impl Done {
    fn add(&mut self, queue: &Queue, tidy: &Tidy) {
        self.totals.events += queue.settled();
        self.totals.changed += tidy.changed();
        self.parked += tidy.parked();
    }

    fn progress(&self, queue: &Queue, tidy: &Tidy) -> Progress {
        Progress {
            events: self.totals.events + queue.settled(),
            changed: self.totals.changed + tidy.changed(),
            in_hand: tidy.in_hand() as u64,
            waiting: queue.waiting(),
        }
    }
}
