//! The offline queue of one portal, for any events: what we are bound to, and the rows that are ours
//! from the moment they are reserved until the portal has confirmed that they are done with.
//!
//! It knows nothing of what an event is about. It hands out [`Row`]s, and takes them back as
//! [`Handled`]; only what was given back as settled is ever acknowledged, and nobody but the queue can
//! make a row. Everything it has in hand is stored before it is handed out, so that a process may
//! end at any moment.
//!
//! | file | noun |
//! | --- | --- |
//! | `row` | a row, and what may become of it |
//! | `round` | what one pass has had so far, and when there is no more for it |
//! | `reserve` | the gets of a request, on plans that confirm |
//! | `take` | listing and taking away, on plans that do not |
//! | `settled` | acknowledging |
//! | `resume`, `orphans` | reservations of an earlier process, and those whose answer got lost |
//! | `bindings` | what the portal records for us, and under which connector |
//! | `plan` | what the portal's plan allows |
//! | `complete` | until when nothing has passed us by |

mod bindings;
mod complete;
mod line;
mod orphans;
mod plan;
mod reserve;
mod resume;
mod round;
mod row;
mod settled;
mod take;

use std::{collections::HashSet, sync::Arc};

use jiff::Timestamp;

use bindings::{StandIn, choose_connector};
use complete::Completeness;
use line::{Line, is_its_own};
use plan::Plan;
pub use reserve::Reservation;
use resume::Resumed;
use round::Round;
pub use row::{Handled, Row};
pub use settled::Acknowledgements;
use settled::Settled;

use crate::{
    bitrix::{
        Batch, BatchAnswer, Problem, Said,
        application::{self, Feature},
        events::{self, Listed},
    },
    clock::after,
    portal::{CallFailure, Portal, Repeat},
    store::PortalRecord,
};

/// How often error rows are looked for, in seconds.
const ERROR_ROWS_SECONDS: f64 = 6.0 * 3600.0;

/// While the work waits, the queue is fetched until so many rows (or a page, where that is more) are
/// ours.
const MOST_WAITING: u64 = 1000;

/// Rows are written a moment after the change they tell of: so long after bindings are removed one
/// more is still looked for, in seconds.
const LATE_ROWS_SECONDS: f64 = 60.0;

/// The offline queue of one portal.
pub struct Queue {
    line: Line,
    plan: Plan,
    stand_in: StandIn,
    complete: Completeness,
    round: Round,
    settled: Settled,
    /// The answer to a reservation may have been lost.
    may_have_orphans: bool,
    errors_drained_at: Option<Timestamp>,
    /// A survey failed that listed the queue: perhaps that is what the portal fails over.
    listing_is_doubtful: bool,
    /// The portal lets nobody reserve before then.
    rests: Option<(Timestamp, String)>,
}

/// What a survey asks about the queue.
#[derive(Debug)]
pub struct Look {
    resumed: Resumed,
}

impl Queue {
    /// The queue of `portal` for the events of these names, `limit` rows at a time.
    #[must_use]
    pub fn new(portal: Arc<Portal>, events: &'static [&'static str], limit: u32) -> Self {
        Self {
            line: Line {
                portal,
                events,
                limit,
            },
            plan: Plan::default(),
            stand_in: StandIn::default(),
            complete: Completeness::default(),
            round: Round::default(),
            settled: Settled::default(),
            may_have_orphans: false,
            errors_drained_at: None,
            listing_is_doubtful: false,
            rests: None,
        }
    }

    /// Begins a pass with what the store knows. What the last one had in hand is there as well.
    pub fn begin(&mut self, record: &PortalRecord) {
        self.forget();
        self.line.portal.set_steady(true);
        self.plan.load(record.facts);
        self.stand_in.load(record.stand_in);
    }

    /// Drops what is in hand, and what was counted.
    pub fn forget(&mut self) {
        self.round = Round::default();
        self.settled = Settled::default();
        self.rests = None;
    }

    // --- Rows in and out.

    /// Hands out the rows that came in hand since the last time.
    pub fn rows(&mut self) -> Vec<Row> {
        self.round.rows()
    }

    /// Takes rows back.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn take_back(&mut self, handled: Handled) -> Result<(), CallFailure> {
        let (rows, until, counts) = match handled {
            Handled::Settled(rows) => {
                self.round.settled += rows.len() as u64;
                self.settled.add(rows);
                return Ok(());
            }
            Handled::PutOff(rows, until) => (rows, until, false),
            Handled::Failed(rows, until) => (rows, until, true),
        };
        let ids: Vec<u64> = rows.iter().map(|row| row.id().get()).collect();
        let (store, key) = (self.line.portal.store(), self.line.key());
        if counts {
            store.defer_events(&key, &ids, until).await?;
        } else {
            store.postpone_events(&key, &ids, until).await?;
        }
        self.round.let_go(&ids);
        self.round.deferred += ids.len() as u64;
        Ok(())
    }

    /// Takes up rows that are ours and may be tried now.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn pick_up_due(&mut self) -> Result<(), CallFailure> {
        let (line, round) = (&self.line, &self.round);
        let limit = line.limit.saturating_add(round.in_hand() as u32);
        let store = line.portal.store();
        let due = store
            .due_events(&line.key(), line.now(), line.horizon(), limit)
            .await?;
        let fresh = due.into_iter().filter(|event| !round.has(event.row_id));
        let fresh = fresh.collect();
        self.round.take_up(fresh);
        Ok(())
    }

    // --- What a request carries.

    /// Puts the acknowledgements of settled rows into a request.
    ///
    /// # Errors
    /// A fault of the state file, which forgets rows that the portal holds no longer.
    pub async fn put_acknowledgements(
        &mut self,
        batch: &mut Batch,
    ) -> Result<Acknowledgements, CallFailure> {
        let local = self.settled.take_local();
        let store = self.line.portal.store();
        store.forget_events(&self.line.key(), &local).await?;
        self.round.let_go(&local);
        Ok(self.settled.put(batch))
    }

    /// Takes in what became of acknowledgements. Answers the last passing problem.
    ///
    /// # Errors
    /// A lasting problem, or a fault of the state file.
    pub async fn redeem_acknowledgements(
        &mut self,
        ticket: Acknowledgements,
        answer: &mut BatchAnswer,
    ) -> Result<Option<Problem>, CallFailure> {
        let (gone, trouble) = self.settled.redeem(&self.line, ticket, answer).await?;
        self.round.let_go(&gone);
        Ok(trouble)
    }

    /// Puts the next reservation into a request, where this pass still looks for more. `work_waits`:
    /// what is done about the rows has to wait, so that most of them had better stay in the portal.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn put_reservation(
        &mut self,
        batch: &mut Batch,
        work_waits: bool,
    ) -> Result<Option<Reservation>, CallFailure> {
        let not_now = self.round.closed || self.may_have_orphans || self.plan.takes_away();
        if not_now || self.has_enough(work_waits).await? {
            return Ok(None);
        }
        self.look_for_errors_when_due();
        Ok(reserve::put(&self.line, &self.round, batch))
    }

    /// Stores what a request reserved, in one transaction, and takes it in hand. Answers a passing
    /// problem.
    ///
    /// # Errors
    /// A lasting problem, or a fault of the state file; what was reserved is looked for then.
    pub async fn redeem_reservation(
        &mut self,
        ticket: Reservation,
        answer: &mut BatchAnswer,
    ) -> Result<Option<Problem>, CallFailure> {
        self.round.asked(answer.time.began);
        let reserved = reserve::read(&self.line, &self.round, ticket, answer);
        // Should the store fail now, the rows are reserved and nobody knows of them.
        self.may_have_orphans = true;
        self.line.store(&reserved.rows).await?;
        self.may_have_orphans = reserved.lost;
        self.round.waiting = reserved.waiting;
        self.round.is_long = reserve::is_long(&self.line, reserved.rows.len());
        if self.round.is_long {
            self.hurry();
        }
        self.round.take_up(reserved.rows);
        match reserved.trouble {
            None => {
                if reserved.ended {
                    self.nothing_more();
                }
                Ok(None)
            }
            Some(Problem::MethodBlocked) => {
                self.round.closed = true;
                let until = self.line.portal.blocked_until("event.offline.get");
                self.rests = until.map(|until| (until, Problem::MethodBlocked.to_string()));
                Ok(None)
            }
            Some(problem) if problem.may_have_been_processed() => Ok(Some(problem)),
            Some(problem) => {
                if matches!(problem, Problem::Licence(_)) {
                    self.plan.reserving_refused(&self.line).await?;
                }
                Err(problem.into())
            }
        }
    }

    /// A request with a reservation brought no answer, and may have been processed.
    pub fn lost_reservation(&mut self) {
        self.may_have_orphans = true;
    }

    /// After an answer was lost: looks for reservations that we do not know, before anything is reserved
    /// anew. A pass must not end with reserved rows that nobody knows of.
    ///
    /// # Errors
    /// A failure of the portal; what it merely cannot list is done without.
    pub async fn find_orphans(&mut self) -> Result<(), CallFailure> {
        if self.may_have_orphans {
            let adopted = orphans::look(&self.line).await?;
            self.may_have_orphans = false;
            self.round.take_up(adopted);
        }
        Ok(())
    }

    // --- Plans without confirmation.

    /// Whether the next rows come by [`Self::take_page`]: the plan does not confirm.
    #[must_use]
    pub fn takes_away(&self) -> bool {
        !self.round.closed && self.plan.takes_away()
    }

    /// Lists some of the queue, stores it, and takes it away from the portal and in hand. Answers a
    /// passing problem.
    ///
    /// # Errors
    /// A failure of the portal or the state file.
    pub async fn take_page(&mut self, work_waits: bool) -> Result<Option<Problem>, CallFailure> {
        if self.has_enough(work_waits).await? {
            self.round.closed = true;
            return Ok(None);
        }
        self.look_for_errors_when_due();
        let rows = take::list_some(&self.line, &mut self.round).await?;
        if rows.is_empty() {
            self.nothing_more();
            return Ok(None);
        }
        if reserve::is_long(&self.line, rows.len()) {
            self.hurry();
        }
        self.line.store(&rows).await?;
        take::take_away(&self.line, &mut self.round, rows).await
    }

    /// Takes away what was listed before, in this process or an earlier one, and may still stand in
    /// the queue. That needs no licence, so that it is done on every plan.
    ///
    /// # Errors
    /// A failure of the portal or the state file.
    pub async fn take_leftovers(&mut self) -> Result<Option<Problem>, CallFailure> {
        let line = &self.line;
        let store = line.portal.store();
        let rows = store
            .listed_events(&line.key(), line.now(), line.horizon(), u32::MAX)
            .await?;
        take::take_away(&self.line, &mut self.round, rows).await
    }

    // --- How far the pass has come.

    /// Fetches nothing more in this pass.
    pub fn close(&mut self) {
        self.round.closed = true;
    }

    /// Whether this pass fetches more.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.round.closed
    }

    /// Whether nothing more comes, nothing waits for its acknowledgement, and nothing is unknown.
    #[must_use]
    pub fn is_done(&self) -> bool {
        let settled = self.settled.is_empty() && !self.round.has_fresh();
        self.round.closed && settled && !self.may_have_orphans
    }

    /// Whether the portal was asked for everything that was queued when the pass began.
    #[must_use]
    pub fn is_emptied(&self) -> bool {
        self.round.emptied
    }

    /// Rows that wait in the portal's queue, where that was asked.
    #[must_use]
    pub fn waiting(&self) -> Option<u64> {
        self.round.waiting
    }

    /// Until when, and why, nothing can be reserved.
    #[must_use]
    pub fn rests(&self) -> Option<(Timestamp, String)> {
        self.rests.clone()
    }

    /// When the next of the rows that were put off is due.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn next_due(&self) -> Result<Option<Timestamp>, CallFailure> {
        let store = self.line.portal.store();
        Ok(store.next_due(&self.line.key()).await?)
    }

    /// Rows given back as settled in this pass.
    #[must_use]
    pub fn settled(&self) -> u64 {
        self.round.settled
    }

    /// What the rows speak of that the next pass hands out, each once: those that are ours already, and
    /// those that wait in the portal. Nothing is touched.
    ///
    /// # Errors
    /// A failure of the portal or the state file.
    pub async fn subjects(&mut self) -> Result<Vec<u64>, CallFailure> {
        let portal = &self.line.portal;
        let call = events::list(Listed::Everything, 0);
        let first = match portal.call(&call, Repeat::Freely).await {
            // The plan may have lost connectors since it was last looked at.
            Err(CallFailure::Problem(Problem::Licence(_))) if self.uses_connector() => {
                portal.use_connector(None);
                portal.call(&call, Repeat::Freely).await?
            }
            other => other?,
        };
        // A daemon that works beside us may make the list miss rows: those it has settled by then.
        let listed = portal.queue_rows_from(Listed::Everything, first).await?;
        let listed = listed.into_iter().filter(|row| self.line.is_ours(row));
        let ours = portal.store().open_events(&self.line.key()).await?;
        let mut seen = HashSet::new();
        Ok(ours
            .iter()
            .filter_map(|event| event.contact_id)
            .chain(listed.filter_map(|row| row.subject))
            .filter(|subject| seen.insert(*subject))
            .collect())
    }

    /// Begins to look anew: what came meanwhile is not kept waiting by a long sweep.
    pub fn reopen(&mut self) {
        self.round.closed = false;
        self.round.emptied = false;
    }

    // --- Surveys: bindings, plan, open reservations.

    /// Asks about plan, bindings and reservations. With `repairs` what is found open is read again.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn put_look(&self, batch: &mut Batch, repairs: bool) -> Result<Look, CallFailure> {
        let features = [
            ("confirms", Feature::Reserving),
            ("connector", Feature::Connector),
        ];
        for (key, feature) in features {
            batch.push(key, &application::feature(feature.code()));
        }
        let mut resumed = Resumed::default();
        if repairs {
            batch.push("bindings", &events::bindings());
            if !self.listing_is_doubtful {
                orphans::ask(batch);
            }
            resumed = resume::put(&self.line, batch).await?;
        }
        Ok(Look { resumed })
    }

    /// A request failed that listed the queue: from now on the condition is left out.
    pub fn doubt_listing(&mut self) {
        self.listing_is_doubtful = true;
    }

    /// Learns what the plan has. Answers whether the configured connector, which was lacking, is offered
    /// now: then everything is to be asked again with it.
    ///
    /// # Errors
    /// A lasting problem, or a fault of the state file.
    pub async fn learn_plan(&mut self, answer: &mut BatchAnswer) -> Result<bool, CallFailure> {
        let lacked = self.lacks_connector();
        let mut has = |key: &str| match application::known(answer, key) {
            Ok(told) => Ok(Some(application::has_feature(&told))),
            Err(problem) if is_its_own(&problem.clone().into()) => Ok(None),
            Err(problem) => Err(problem),
        };
        let (confirms, connector) = (has("confirms")?, has("connector")?);
        self.plan.told(&self.line, confirms, connector).await?;
        Ok(lacked && !self.plan.lacks_connectors())
    }

    /// Repairs what a survey has found: binds what is missing, resumes open reservations, adopts
    /// unknown ones. What the portal cannot list is done without.
    ///
    /// # Errors
    /// A failure of the portal or the state file.
    pub async fn redeem_look(
        &mut self,
        look: Look,
        answer: &mut BatchAnswer,
    ) -> Result<(), CallFailure> {
        let began = answer.time.began;
        complete::note_absence(&self.line, began).await?;
        let bindings = answer
            .take("bindings")
            .and_then(|reply| events::read_bindings(reply.result));
        let proven = match bindings {
            Ok(bindings) => {
                let connector = self.line.key().connector;
                let missing = events::unbound(&bindings, self.line.events, &connector);
                let bound = if missing.is_empty() {
                    began
                } else {
                    self.note_gap("the contact events were not bound").await?;
                    self.bind(&missing).await?
                };
                let by_us = missing.len() == self.line.events.len();
                complete::begin_account(&self.line, by_us, bound.or(began)).await?;
                bound
            }
            Err(problem) if is_its_own(&problem.clone().into()) => {
                tracing::warn!(portal = self.line.name(), %problem, "the bindings cannot be read now");
                None
            }
            Err(problem) => return Err(problem.into()),
        };
        self.complete.proven(&self.line, proven);
        resume::redeem(&self.line, look.resumed, answer).await?;
        if self.listing_is_doubtful {
            orphans::look_at_everything(&self.line).await?;
        } else {
            orphans::adopt(&self.line, answer).await?;
        }
        self.may_have_orphans = false;
        self.take_over_other_queues().await
    }

    /// Nothing may have been recorded since the queue was last known to be complete.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn note_gap(&self, why: &str) -> Result<(), CallFailure> {
        Ok(complete::note_gap(&self.line, why).await?)
    }

    /// Notes until when everything is complete, where this pass has had all of it.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn advance(&self) -> Result<(), CallFailure> {
        // While another queue stood in for ours, what it holds is part of the whole.
        if self.round.emptied && !self.is_left() {
            self.complete.advance(&self.line).await?;
        }
        Ok(())
    }

    // --- The connector, and what stands in for it.

    /// Sends all further calls with the configured connector, where the plan has it.
    pub fn choose_connector(&mut self) {
        if choose_connector(&self.line, self.plan.lacks_connectors()) {
            // The other queue may hold error rows and reservations of its own.
            self.errors_drained_at = None;
        }
    }

    /// Whether the calls carry a connector at the moment.
    #[must_use]
    pub fn uses_connector(&self) -> bool {
        self.line.uses_connector()
    }

    /// Goes on without the connector. What is queued under it cannot be seen until it is back.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn lose_connector(&mut self, said: &Said) -> Result<(), CallFailure> {
        tracing::warn!(portal = self.line.name(), %said,
            "the plan has no rest_auth_connector; working without `auth_connector`");
        self.plan.connectors_refused(&self.line).await?;
        self.choose_connector();
        self.note_gap("the queue of the connector is out of reach")
            .await
    }

    /// Whether a queue stood in for the configured one, which is back: it is to be left.
    #[must_use]
    pub fn is_left(&self) -> bool {
        self.stand_in.is_active() && self.uses_connector()
    }

    /// Turns to the queue that stood in: what was bound is unbound, so that it does not fill for ever,
    /// and what it has recorded is worked off next.
    ///
    /// # Errors
    /// A failure of the portal or the state file.
    pub async fn enter_stand_in(&mut self) -> Result<(), CallFailure> {
        self.line.portal.use_connector(None);
        self.errors_drained_at = None;
        if self.stand_in.unbound_at().is_some() {
            return Ok(());
        }
        let mut batch = Batch::new();
        for event in self.line.events {
            batch.push(*event, &events::unbind(event));
        }
        orphans::ask(&mut batch);
        let resumed = resume::put(&self.line, &mut batch).await?;
        let mut answer = self.line.portal.batch(&batch, Repeat::Freely).await?;
        for event in self.line.events {
            answer.take(event)?;
        }
        resume::redeem(&self.line, resumed, &mut answer).await?;
        orphans::adopt(&self.line, &mut answer).await?;
        self.stand_in.unbound(self.line.now());
        Ok(())
    }

    /// Back to the connector. `done`: everything that was found there is worked off.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn leave_stand_in(&mut self, done: bool) -> Result<(), CallFailure> {
        let unbound_at = self.stand_in.unbound_at();
        let late = |at| self.line.now() >= after(at, LATE_ROWS_SECONDS);
        if done && self.round.emptied && unbound_at.is_some_and(late) {
            self.stand_in.end(&self.line).await?;
            tracing::info!(
                portal = self.line.name(),
                "back to `auth_connector`; the bindings without it are removed, their queue is empty"
            );
        }
        self.round.closed = false;
        self.round.emptied = false;
        self.round.listed_to.clear();
        self.choose_connector();
        Ok(())
    }

    /// Whether a connector is configured that the plan is known to lack.
    fn lacks_connector(&self) -> bool {
        self.line.portal.config.connector.is_some() && !self.uses_connector()
    }

    async fn bind(&mut self, missing: &[&str]) -> Result<Option<Timestamp>, CallFailure> {
        // Bindings that stood there before us are somebody else's to remove.
        if self.lacks_connector() && missing.len() == self.line.events.len() {
            self.stand_in.begin(&self.line).await?;
        }
        bindings::bind(&self.line, missing).await
    }

    /// Events that were reserved under a connector which is out of reach or no longer configured
    /// cannot be acknowledged there, and need not be: their contacts are looked at all the same. Should
    /// it come back, whatever is still reserved under it is found in its list.
    async fn take_over_other_queues(&self) -> Result<(), CallFailure> {
        // Both are drained, and acknowledged, while the queue that stood in is left.
        if self.is_left() {
            return Ok(());
        }
        let (portal, key) = (&self.line.portal, self.line.key());
        let others = &portal.config.other_connectors;
        let rows = portal.store().take_over(&key, others).await?;
        if rows > 0 {
            tracing::info!(
                portal = self.line.name(),
                rows,
                "took over events that were reserved with another `auth_connector`"
            );
        }
        Ok(())
    }

    /// Whether so much is ours already that the rest of the queue had better stay in the portal.
    async fn has_enough(&self, work_waits: bool) -> Result<bool, CallFailure> {
        let limit = u64::from(self.line.limit);
        if self.round.deferred >= limit {
            return Ok(true);
        }
        let most = MOST_WAITING.max(limit);
        let store = self.line.portal.store();
        let open = store.open_totals(self.line.portal.id).await?.rows;
        let ours = open.saturating_sub(self.settled.len() as u64);
        if ours < most || work_waits {
            return Ok(ours >= most);
        }
        // Rows that were tried in vain hold up nobody else.
        let rows = store.open_events(&self.line.key()).await?;
        let waiting = rows.iter().filter(|row| row.attempts == 0).count();
        Ok(waiting.saturating_sub(self.settled.len()) as u64 >= most)
    }

    /// This is a backlog, not a steady stream of which others want their part of the request rate.
    fn hurry(&self) {
        self.line.portal.set_steady(false);
    }

    /// Error rows swallow later changes of what they speak of: they are asked for at the start and now
    /// and then.
    fn look_for_errors_when_due(&mut self) {
        let now = self.line.now();
        self.round.errors |= self
            .errors_drained_at
            .is_none_or(|at| now >= after(at, ERROR_ROWS_SECONDS) || now < at);
    }

    /// The queue holds nothing more for this pass.
    fn nothing_more(&mut self) {
        self.round.end();
        if self.round.errors {
            self.errors_drained_at = Some(self.line.now());
            self.round.errors = false;
        }
    }
}
