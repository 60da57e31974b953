//! The heart: one pass over a portal's queue, shared by the daemon and by `run --once`.
//!
//! Order is everything here. Rows are reserved, the reservation is stored, the contacts are read,
//! changed under guard, and only then are their rows acknowledged. Each turn of the pass sends one
//! request that carries as many of these steps as fit, always for different contacts.

mod adopt;
mod failure;
mod judge;
mod read;
mod reserve;
mod size;
mod survey;
mod turn;
mod wait;
mod work;
mod write;

use std::collections::{HashSet, VecDeque};

use jiff::Timestamp;

pub use failure::DrainFailure;

use crate::{
    clock::after,
    config::PortalConfig,
    names::Engine,
    portal::{Portal, RetryPolicy},
    store::{Cursor, PlanFacts, RunId, RunKind, RunTotals},
};
use size::Cap;
use work::{Correction, Item, Row, Settled};

/// Until when rows may have been put off in earnest; beyond that the clock was set back.
const LONGEST_DEFERRAL_SECONDS: f64 = 2.0 * 3600.0;

/// How often the bindings, the application and the plan are looked at, in seconds.
const SURVEY_SECONDS: f64 = 3600.0;

/// What a pass did and what it left.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// Events settled, contacts changed, requests sent.
    pub totals: RunTotals,
    /// Contacts that were parked in this pass.
    pub parked: u64,
    /// What is left.
    pub outcome: Outcome,
}

/// How a pass ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The queue is empty and nothing of ours is open.
    Done,
    /// Work is left that cannot be done now; `until` is when to try again.
    WorkLeft {
        /// When the first of it may be tried.
        until: Timestamp,
        /// Why it waits.
        why: String,
    },
    /// A stop was asked for; the rest stays reserved.
    Stopped,
    /// The portal is paused.
    Paused,
}

impl Outcome {
    /// The outcome in a word or two, as `status` shows it.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::WorkLeft { .. } => "work left",
            Self::Stopped => "stopped",
            Self::Paused => "paused",
        }
    }
}

/// How far a pass has come; reported after each turn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Events settled so far.
    pub events: u64,
    /// Contacts changed so far.
    pub changed: u64,
    /// Contacts in hand that are not done yet.
    pub in_hand: u64,
}

/// Drains one portal, pass by pass, and remembers between them what need not be asked each time.
pub struct Drain {
    portal: Portal,
    engine: Engine,
    limit: u32,
    memory: Memory,
}

/// What was learnt since the process started.
#[derive(Debug, Default)]
struct Memory {
    surveyed_at: Option<Timestamp>,
    /// The portal's time of that survey, where everything was found in order.
    proven_at: Option<Timestamp>,
    facts: PlanFacts,
    /// The guard was proved since the start.
    guards_proven: bool,
    /// The answer to a reservation may have been lost.
    may_have_orphans: bool,
    /// Contacts with a write whose answer never arrived.
    unanswered: HashSet<u64>,
    /// Refusals of guards that a fresh read contradicted, in a row.
    false_refusals: u32,
    /// Error rows were looked for.
    errors_drained_at: Option<Timestamp>,
    /// Contacts that a request writes at most.
    writes: Cap<{ write::MOST_CONTACTS }>,
    /// Pages that a request reads at most.
    pages: Cap<{ read::MOST_PAGES }>,
}

/// What a pass has in hand.
#[derive(Default)]
struct Pass {
    run: Option<RunId>,
    to_read: Vec<Item>,
    to_write: VecDeque<Correction>,
    settled: Settled,
    in_hand: HashSet<u64>,
    drained: bool,
    drain_errors: bool,
    failures: u32,
    totals: RunTotals,
    parked: u64,
    writes_wait: Option<(Timestamp, String)>,
    deferred: u64,
    cursor: Cursor,
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
        }
    }

    /// The portal that is drained.
    #[must_use]
    pub fn portal(&self) -> &Portal {
        &self.portal
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
        let outcome = self.run_pass(&mut pass, progress).await;
        pass.totals.requests = self.portal.requests() - before;
        let word = match &outcome {
            Ok(outcome) => outcome.as_str(),
            Err(failure) => failure.word(),
        };
        self.note_run(&mut pass, word)?;
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
        let record = self.portal.reread()?;
        if let Some(reason) = record.unverified {
            return Err(DrainFailure::Unverified(reason));
        }
        if record.paused_at.is_some() {
            return Ok(Outcome::Paused);
        }
        self.memory.facts = record.facts;
        let now = self.portal.now();
        let surveyed = self.memory.surveyed_at;
        if surveyed.is_none_or(|at| now >= after(at, SURVEY_SECONDS) || now < at) {
            self.survey().await?;
        }
        pass.cursor = self.portal.store().cursor(&self.portal.queue())?;
        let due = self
            .portal
            .store()
            .parked_due(self.portal.id, now, self.limit)?;
        pass.to_read.extend(due.into_iter().map(Item::without_rows));
        let outcome = self.turns(pass, progress).await?;
        if outcome == Outcome::Done {
            self.advance_cursor(pass)?;
        }
        Ok(outcome)
    }

    /// Turn after turn until nothing is left to do now.
    async fn turns(
        &mut self,
        pass: &mut Pass,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Outcome, DrainFailure> {
        loop {
            if self.portal.is_stopping() {
                return Ok(Outcome::Stopped);
            }
            if pass.to_read.is_empty() && pass.to_write.is_empty() {
                self.pick_up_due(pass)?;
            }
            let idle = pass.to_read.is_empty() && pass.to_write.is_empty();
            if idle && pass.drained && pass.settled.is_empty() {
                return self.what_is_left(pass);
            }
            self.turn(pass).await?;
            progress(Progress {
                events: pass.totals.events,
                changed: pass.totals.changed,
                in_hand: (pass.to_read.len() + pass.to_write.len()) as u64,
            });
        }
    }

    /// Takes up rows that are ours and may be tried now.
    fn pick_up_due(&mut self, pass: &mut Pass) -> Result<(), DrainFailure> {
        let now = self.portal.now();
        let horizon = after(now, LONGEST_DEFERRAL_SECONDS);
        let limit = self.limit.saturating_add(pass.in_hand.len() as u32);
        let due = self
            .portal
            .store()
            .due_events(&self.portal.queue(), now, horizon, limit)?;
        let fresh = due
            .into_iter()
            .filter(|event| !pass.in_hand.contains(&event.row_id))
            .collect();
        pass.take_up(fresh);
        Ok(())
    }

    fn what_is_left(&self, pass: &Pass) -> Result<Outcome, DrainFailure> {
        if let Some((until, why)) = &pass.writes_wait {
            return Ok(Outcome::WorkLeft {
                until: *until,
                why: why.clone(),
            });
        }
        Ok(match self.portal.store().next_due(&self.portal.queue())? {
            None => Outcome::Done,
            Some(until) => Outcome::WorkLeft {
                until,
                why: "some contacts are tried again later".to_owned(),
            },
        })
    }

    /// Everything queued until the last survey has been settled.
    fn advance_cursor(&mut self, pass: &mut Pass) -> Result<(), DrainFailure> {
        let Some(proven) = self.memory.proven_at else {
            return Ok(());
        };
        if pass.cursor.gap_since.is_some() || pass.cursor.complete_until == Some(proven) {
            return Ok(());
        }
        pass.cursor.complete_until = Some(proven);
        self.portal
            .store()
            .set_cursor(&self.portal.queue(), pass.cursor)?;
        Ok(())
    }

    /// Puts an item off: its rows stay ours and are tried again at `until`.
    fn defer(&self, pass: &mut Pass, item: &Item, until: Timestamp) -> Result<(), DrainFailure> {
        self.portal
            .store()
            .defer_events(&self.portal.queue(), &item.row_ids(), until)?;
        for row in item.row_ids() {
            pass.in_hand.remove(&row);
        }
        pass.deferred += item.rows.len() as u64;
        Ok(())
    }

    /// Puts an item off by the policy for contacts.
    fn defer_by_policy(&self, pass: &mut Pass, item: &Item) -> Result<(), DrainFailure> {
        let until = after(
            self.portal.now(),
            RetryPolicy::CONTACTS.delay(item.attempts()),
        );
        self.defer(pass, item, until)
    }

    /// The number of this pass in the history; begun with its first event.
    fn run_id(&self, pass: &mut Pass) -> Result<RunId, DrainFailure> {
        if let Some(run) = pass.run {
            return Ok(run);
        }
        let run =
            self.portal
                .store()
                .start_run(self.portal.id, RunKind::Drain, self.portal.now())?;
        pass.run = Some(run);
        Ok(run)
    }

    fn note_run(&self, pass: &mut Pass, outcome: &str) -> Result<(), DrainFailure> {
        let (store, now) = (self.portal.store(), self.portal.now());
        match pass.run {
            Some(run) => store.end_run(run, pass.totals, outcome, now)?,
            None => store.note_idle_run(self.portal.id, pass.totals, outcome, now)?,
        }
        Ok(())
    }
}

impl Pass {
    /// Takes stored rows in hand.
    fn take_up(&mut self, events: Vec<crate::store::StoredEvent>) {
        self.in_hand.extend(events.iter().map(|event| event.row_id));
        let (items, nameless) = work::group(events);
        for item in items {
            // A contact that is being looked at anyway gets the new rows, too.
            match self
                .to_read
                .iter_mut()
                .find(|other| other.contact_id == item.contact_id)
            {
                Some(other) => other.rows.extend(item.rows),
                None => self.to_read.push(item),
            }
        }
        self.settle(nameless);
    }

    /// These rows are done with: they are acknowledged with the next request.
    fn settle(&mut self, rows: Vec<Row>) {
        self.totals.events += rows.len() as u64;
        self.settled.add(rows);
    }
}
