//! The corrections in hand: guarded writes where guards work, plain ones where they do not, and what
//! keeps us from writing for a while.

use std::{collections::VecDeque, sync::Arc};

use jiff::Timestamp;

use super::{
    books::Books,
    brake::Brake,
    failure::TidyFailure,
    guards::Guards,
    item::{Correction, Item},
    plain::{self, Plain},
    size::Cap,
    verdict::is_said,
    wait::Wait,
    write::{MOST_CONTACTS, Way, Writes, way},
};
use crate::{
    bitrix::{Batch, BatchAnswer, Problem, batch::Guarded, contacts::Contact, limits::Step},
    clock::after,
    portal::{CallFailure, Portal},
};

/// `DATE_MODIFY` has whole seconds: a read in the second of the last edit is repeated this much later.
const NEXT_SECOND: f64 = 1.0;

/// What became of a correction.
pub(super) enum Wrote {
    /// It was made.
    Written(Correction),
    /// Nothing was written: the contact has to be read again.
    Again(Item),
    /// Somebody changed the contact meanwhile: this is how it stands now, and nothing was written.
    Changed(Item, Contact),
    /// It met a problem.
    Failed(Correction, Problem),
}

/// The corrections in hand.
pub(super) struct Writing {
    portal: Arc<Portal>,
    pub(super) guards: Guards,
    pub(super) books: Books,
    pub(super) brake: Brake,
    waiting: VecDeque<Correction>,
    /// Contacts that a request writes at most.
    contacts: Cap<MOST_CONTACTS>,
    /// Values that we wrote are put back: they are to be left alone from then on.
    puts_back: bool,
}

impl Writing {
    pub(super) fn new(portal: Arc<Portal>) -> Self {
        Self {
            guards: Guards::new(portal.clone()),
            books: Books::new(portal.clone()),
            brake: Brake::new(portal.clone()),
            waiting: VecDeque::new(),
            contacts: Cap::default(),
            puts_back: false,
            portal,
        }
    }

    /// A pass begins.
    pub(super) fn begin(&mut self, puts_back: bool) {
        self.puts_back = puts_back;
    }

    /// Drops what is in hand.
    pub(super) fn clear(&mut self) {
        self.waiting.clear();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Takes a correction in hand.
    pub(super) fn push(&mut self, correction: Correction) {
        self.waiting.push_back(correction);
    }

    /// Until when corrections in hand have to wait, where they have to: `known`, the brake, or the portal's
    /// execution time.
    pub(super) async fn wait(&mut self, known: Option<Wait>) -> Result<Option<Wait>, TidyFailure> {
        if self.waiting.is_empty() || known.is_some() {
            return Ok(known);
        }
        if let Some(wait) = self.brake.engage().await? {
            return Ok(Some(wait));
        }
        let wait = self.portal.writes_wait();
        Ok(wait.map(|(until, why)| Wait::new(until, &why)))
    }

    /// Gives up what is in hand: it is read and judged anew later.
    pub(super) fn give_up(&mut self) -> Vec<Item> {
        let waiting = std::mem::take(&mut self.waiting);
        waiting.into_iter().map(|it| it.item).collect()
    }

    /// Writes the correction in front, where it may not travel in a batch. None where it may, or there
    /// is none.
    pub(super) async fn next_plainly(&mut self) -> Result<Option<Plainly>, TidyFailure> {
        let Some(correction) = self.waiting.front() else {
            return Ok(None);
        };
        let way = way(&self.guards, correction);
        if way == Way::Guarded {
            return Ok(None);
        }
        // A contact that no list shows could not be guarded anywhere.
        let unlisted = correction.item.missing_from_list && correction.item.by.is_none();
        let may_be_guarded = way == Way::Plain && !unlisted;
        if may_be_guarded && self.guards.work_again(&correction.contact).await? {
            return Ok(Some(Plainly::NotYet));
        }
        let Some(mut correction) = self.waiting.pop_front() else {
            return Ok(None);
        };
        if way == Way::ReadAgain {
            if correction.contact.is_settled() == Some(false) {
                correction.item.not_before = Some(after(self.portal.now(), NEXT_SECOND));
            }
            return Ok(Some(Plainly::done(Wrote::Again(correction.item))));
        }
        self.write_plainly(correction).await.map(Some)
    }

    async fn write_plainly(&mut self, correction: Correction) -> Result<Plainly, TidyFailure> {
        let id = correction.contact.id;
        // Before the read, which has to be the last thing before the write.
        self.books.sending([&correction], self.puts_back).await?;
        self.brake.sent(1);
        let failure = match plain::write(&self.portal, &correction).await {
            Plain::Written => return Ok(Plainly::done(Wrote::Written(correction))),
            Plain::Unanswered(problem) => {
                return Ok(Plainly::done(Wrote::Failed(correction, problem)));
            }
            Plain::Changed(fresh) => {
                self.books.not_made(&[id]).await?;
                return Ok(Plainly::done(Wrote::Changed(correction.item, fresh)));
            }
            Plain::NotWritten(failure) => failure,
        };
        self.books.not_made(&[id]).await?;
        match failure {
            CallFailure::Problem(problem)
                if !problem.is_unreachable() || problem.may_have_been_processed() =>
            {
                Ok(Plainly::done(Wrote::Failed(correction, problem)))
            }
            CallFailure::MustWait { until, why } => {
                self.waiting.push_front(correction);
                Ok(Plainly::Waits(Wait::new(until, &why)))
            }
            other => Err(other.into()),
        }
    }

    /// Puts as many guarded writes into a request as fit, and notes in the history what is about to be
    /// written.
    ///
    /// # Errors
    /// A fault of the state file: the request must not be sent.
    pub(super) async fn put(&mut self, batch: &mut Batch) -> Result<Writes, TidyFailure> {
        let most = self.most().min(self.brake.allowance() as usize);
        let writes = Writes::put(&mut self.waiting, &self.guards, most, batch);
        self.books.sending(writes.iter(), self.puts_back).await?;
        self.brake.sent(writes.len());
        Ok(writes)
    }

    /// As many contacts as the portal writes in the configured time, by the measured cost.
    fn most(&self) -> usize {
        let family = self.portal.contacts();
        let cost = self.portal.cost(Step::guard(family)) + self.portal.cost(Step::update(family));
        let most = self.contacts.fit(self.portal.config.batch_seconds, cost);
        self.portal.writes_that_fit(most)
    }

    /// What the pairs of a request answered.
    pub(super) async fn redeem(
        &mut self,
        writes: Writes,
        answer: &mut BatchAnswer,
    ) -> Result<Vec<Wrote>, TidyFailure> {
        self.contacts.worked(writes.len());
        let mut wrote = Vec::new();
        let mut again = Vec::new();
        for (mut correction, outcome) in writes.redeem(answer) {
            match outcome {
                Guarded::Written => {
                    self.guards.held();
                    wrote.push(Wrote::Written(correction));
                }
                Guarded::Touched => again.push((correction, true)),
                // The guard did not refuse: it failed, which says nothing of guards.
                Guarded::Unguarded => again.push((correction, false)),
                Guarded::Misread => {
                    correction.item.plainly = true;
                    again.push((correction, true));
                }
                Guarded::Failed(problem) => {
                    if !problem.may_have_been_processed() {
                        self.books.not_made(&[correction.contact.id]).await?;
                    }
                    wrote.push(Wrote::Failed(correction, problem));
                }
            }
        }
        let untouched: Vec<u64> = again.iter().map(|(it, _)| it.contact.id).collect();
        self.books.not_made(&untouched).await?;
        for (mut correction, refused) in again {
            let twice = correction.was_refused_again();
            // A contact that only the other methods see tells nothing of the guards of ours.
            let ours = correction.item.by.is_none();
            if refused && ours && (twice || correction.item.plainly) {
                self.guards.refused_falsely().await?;
            }
            wrote.push(Wrote::Again(correction.item));
        }
        Ok(wrote)
    }

    /// A request with these writes brought no answer: what it may have done is looked at.
    pub(super) async fn lost(
        &mut self,
        writes: Writes,
        failure: &CallFailure,
    ) -> Result<Vec<Item>, TidyFailure> {
        let problem = match failure {
            CallFailure::Problem(problem) => Some(problem),
            _ => None,
        };
        if problem.is_some_and(Problem::may_have_been_processed) {
            self.contacts.shrink(writes.len());
        } else {
            let sent: Vec<u64> = writes.iter().map(|it| it.contact.id).collect();
            self.books.not_made(&sent).await?;
        }
        let answered = problem.is_some_and(is_said);
        let items = writes.corrections().into_iter().map(|mut correction| {
            if answered {
                correction.was_refused_again();
            }
            correction.item
        });
        Ok(items.collect())
    }

    /// When the portal lets a contact be written again.
    pub(super) fn blocked_until(&self, correction: &Correction) -> Timestamp {
        let method = correction.contact.family.update();
        let until = self.portal.blocked_until(method);
        until.unwrap_or(self.portal.now())
    }
}

/// What came of writing the correction in front.
pub(super) enum Plainly {
    /// It is decided.
    Done(Box<Wrote>),
    /// Guards turned out to work: it stays in hand.
    NotYet,
    /// It has to wait, and stays in hand.
    Waits(Wait),
}

impl Plainly {
    fn done(wrote: Wrote) -> Self {
        Self::Done(Box::new(wrote))
    }
}
