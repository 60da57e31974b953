//! The heart: one pass over a portal's queue, shared by the daemon and by `run --once`.
//!
//! Order is everything here. Rows are reserved, the reservation is stored, the contacts are read,
//! changed under guard, and only then are their rows acknowledged. Each turn of the pass sends one
//! request that carries as many of these steps as fit, always for different contacts.

mod adopt;
mod brake;
mod connector;
mod contest;
mod denied;
mod failure;
mod gap;
mod guards;
mod judge;
mod later;
mod outcome;
mod pass;
mod preview;
mod read;
mod reserve;
mod size;
mod survey;
mod sweep;
mod take;
mod task;
mod turn;
mod undo;
mod wait;
mod walk;
mod work;
mod write;

use std::{collections::HashSet, sync::Arc};

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

pub use failure::DrainFailure;
pub use outcome::{Outcome, Progress, Summary};
pub use sweep::{Sweep, Swept};
pub use task::{Finding, Listener, PutBack, TaskSummary};
pub use undo::values_to_put_back;

use crate::{
    clock::after,
    config::PortalConfig,
    names::Engine,
    portal::{CallFailure, Context, Patience, Portal},
    store::{PlanFacts, PortalRecord, RunId, RunTotals},
};
use pass::Pass;
use size::Cap;
use sweep::Step;
use work::Item;

/// Until when rows may have been put off in earnest; beyond that the clock was set back.
const LONGEST_DEFERRAL_SECONDS: f64 = 2.0 * 3600.0;

/// How often the bindings, the application and the plan are looked at, in seconds.
const SURVEY_SECONDS: f64 = 3600.0;

/// Drains one portal, pass by pass, and remembers between them what need not be asked each time.
pub struct Drain {
    portal: Portal,
    engine: Engine,
    limit: u32,
    memory: Memory,
    last_totals: RunTotals,
}

/// What was learnt since the process started.
#[derive(Debug, Default)]
struct Memory {
    surveyed_at: Option<Timestamp>,
    /// The portal's time of that survey, where everything was found in order.
    proven_at: Option<Timestamp>,
    facts: PlanFacts,
    /// The queue without a connector was bound to stand in for ours.
    stand_in: bool,
    /// It was unbound, since the start.
    stand_in_unbound_at: Option<Timestamp>,
    /// The guard was proved since the start.
    guards_proven: bool,
    /// The answer to a reservation may have been lost.
    may_have_orphans: bool,
    /// Contacts with a write whose answer never arrived.
    unanswered: HashSet<u64>,
    /// Refusals of guards that a fresh read contradicted, in a row.
    false_refusals: u32,
    /// The portal refused to reserve for want of a licence, whatever it says of its plan.
    reserving_refused_at: Option<Timestamp>,
    /// Error rows were looked for.
    errors_drained_at: Option<Timestamp>,
    /// Contacts that a request writes at most.
    writes: Cap<{ write::MOST_CONTACTS }>,
    /// Pages that a request reads at most.
    pages: Cap<{ read::MOST_PAGES }>,
    /// The portal does not follow references in filters.
    walks_by_page: bool,
}

impl Drain {
    /// A drain for one portal. `limit` is the number of events reserved per call.
    #[must_use]
    pub fn new(portal: Portal, limit: u32) -> Self {
        let engine = Engine::new(portal.config.names.clone());
        Self {
            portal,
            engine,
            limit,
            memory: Memory::default(),
            last_totals: RunTotals::default(),
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

    /// Ends at the next safe point once `leave` is cancelled, see [`Portal::leaving_on`].
    #[must_use]
    pub fn leaving_on(mut self, leave: CancellationToken) -> Self {
        self.portal = self.portal.leaving_on(leave);
        self
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

    fn config(&self) -> &PortalConfig {
        &self.portal.config
    }

    /// Works until the queue is empty or nothing can be done now. `progress` is called after each
    /// turn.
    ///
    /// # Errors
    /// A [`DrainFailure`]: nothing was acknowledged because of it, and what was reserved is stored.
    pub async fn pass(
        &mut self,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Summary, DrainFailure> {
        let before = self.portal.requests();
        let mut pass = Pass::default();
        let mut outcome = self.run_pass(&mut pass, progress).await;
        if let Err(DrainFailure::PlanChanged(_)) = outcome {
            // All that was in hand is in the store: begin anew with what the plan offers now.
            self.memory.surveyed_at = None;
            pass = pass.begun_anew();
            outcome = self.run_pass(&mut pass, progress).await;
        }
        if let Err(failure @ DrainFailure::NeedsPerson(_)) = &outcome {
            // An application that is switched off, unpaid or removed gets no events.
            self.memory.surveyed_at = None;
            self.note_gap(&failure.to_string()).await?;
        }
        pass.totals.requests = self.portal.requests() - before;
        self.last_totals = pass.totals;
        let word = match &outcome {
            Ok(outcome) => outcome.as_str(),
            Err(failure) => failure.word(),
        };
        self.note_run(&mut pass, word).await?;
        Ok(Summary {
            totals: pass.totals,
            parked: pass.parked,
            outcome: outcome?,
        })
    }

    async fn run_pass(
        &mut self,
        pass: &mut Pass,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Outcome, DrainFailure> {
        if let Some(outcome) = self.begin(pass).await? {
            return Ok(outcome);
        }
        self.leave_stand_in(pass, progress).await?;
        let due = self.parked_due().await?;
        pass.to_read.extend(due.into_iter().map(Item::without_rows));
        Self::pick_up_contests(pass);
        let outcome = self.turns(pass, progress).await?;
        self.advance_cursor(pass).await?;
        Ok(outcome)
    }

    /// Everything that has to stand before contacts may be changed. Answers how the pass ends where
    /// it may not begin.
    async fn begin(&mut self, pass: &mut Pass) -> Result<Option<Outcome>, DrainFailure> {
        if self.portal.reread().await?.paused_at.is_some() {
            return Ok(Some(Outcome::Paused));
        }
        let record = self.admitted().await?;
        self.memory.stand_in = record.stand_in;
        if self.survey_is_due() {
            self.survey().await?;
        }
        self.load_contests(pass).await?;
        self.check_brake(pass, record.braked_until).await
    }

    /// The portal as it is stored, once its tokens have passed their checks.
    async fn admitted(&mut self) -> Result<PortalRecord, DrainFailure> {
        let mut record = self.portal.reread().await?;
        if record.unverified.is_some() {
            // What was wrong when they were imported may have been put right meanwhile.
            if let Err(unfit) = self.portal.verify().await? {
                // Whether the portal records anything for such an application, nobody knows.
                self.note_gap(&unfit.to_string()).await?;
                return Err(DrainFailure::Unverified(unfit.into()));
            }
            tracing::info!(portal = %self.config().name, "the tokens have passed their checks");
            record = self.portal.reread().await?;
        }
        self.memory.facts = record.facts;
        Ok(record)
    }

    /// Turn after turn until nothing is left to do now.
    async fn turns(
        &mut self,
        pass: &mut Pass,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Outcome, DrainFailure> {
        self.take_leftovers(pass).await?;
        loop {
            if self.portal.is_stopping() {
                return Ok(Outcome::Stopped);
            }
            if self
                .portal
                .store()
                .portal(self.portal.id)
                .await?
                .paused_at
                .is_some()
            {
                return Ok(Outcome::Paused);
            }
            if self.decide_denied(pass).await? {
                continue;
            }
            if pass.is_idle() {
                self.pick_up_due(pass).await?;
            }
            let known = !self.memory.may_have_orphans;
            if pass.is_idle() && pass.drained && pass.settled.is_empty() && known {
                match self.sweep_gap(pass).await? {
                    Step::Nothing => return self.what_is_left(pass).await,
                    Step::Working => {}
                    Step::End(outcome) => return Ok(outcome),
                }
            } else if pass.is_idle() && !pass.drained && self.takes_away() {
                self.take_page(pass).await?;
            } else {
                self.turn(pass).await?;
            }
            progress(pass.progress());
        }
    }

    fn survey_is_due(&self) -> bool {
        let now = self.portal.now();
        self.memory
            .surveyed_at
            .is_none_or(|at| now >= after(at, SURVEY_SECONDS) || now < at)
    }

    /// The number of this pass in the history; begun with its first event.
    async fn run_id(&self, pass: &mut Pass) -> Result<RunId, DrainFailure> {
        if let Some(run) = pass.run {
            return Ok(run);
        }
        let run = self
            .portal
            .store()
            .start_run(self.portal.id, pass.kind, self.portal.now())
            .await?;
        pass.run = Some(run);
        Ok(run)
    }

    async fn note_run(&self, pass: &mut Pass, outcome: &str) -> Result<(), DrainFailure> {
        let (store, now) = (self.portal.store(), self.portal.now());
        match pass.run {
            Some(run) => store.end_run(run, pass.totals, outcome, now).await?,
            None => {
                store
                    .note_idle_run(self.portal.id, pass.totals, outcome, now)
                    .await?
            }
        }
        Ok(())
    }
}
