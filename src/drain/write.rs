//! Writing corrections: as conditional pairs in a batch, or by get and update where that is not
//! possible.

use super::{
    Drain, DrainFailure, Pass,
    turn::Turn,
    work::{Correction, Fate, fate},
};
use crate::{
    bitrix::{
        BatchAnswer, Problem, Reply,
        batch::Guarded,
        contacts::{self, Contact},
        limits::Step,
    },
    clock::after,
    portal::{CallFailure, Repeat},
    store::SentChange,
};

/// Contacts in one request at most: two commands each, and room for acknowledgements.
pub(super) const MOST_CONTACTS: usize = 24;

/// After this many looks in one pass guards that cannot be proved, or a `DATE_MODIFY` that lies in the
/// portal's own future, are given up on.
const GUARDED_LOOKS: u32 = 3;

/// `DATE_MODIFY` has whole seconds: a read in the second of the last edit is repeated this much later.
const NEXT_SECOND: f64 = 1.0;

/// How a correction has to travel.
#[derive(Debug, PartialEq, Eq)]
enum Way {
    Guarded,
    Plain,
    /// The read is too fresh to guard a write, or the guard is not proved yet.
    ReadAgain,
}

impl Drain {
    /// Moves as many corrections as fit into the turn, each as a conditional pair.
    pub(super) fn add_writes(&self, pass: &mut Pass, turn: &mut Turn) {
        let most = self.most_contacts().min(pass.allowance as usize);
        while turn.writes.len() < most {
            let Some(correction) = pass.to_write.front() else {
                break;
            };
            if self.way(correction) != Way::Guarded {
                break;
            }
            let modified = correction.contact.modified.as_deref().unwrap_or_default();
            let Contact { id, family, .. } = correction.contact;
            let pair = contacts::guarded_update(family, id, modified, &correction.fields());
            if !turn.batch.push_guarded(&pair) {
                break;
            }
            turn.writes.extend(pass.to_write.pop_front());
        }
    }

    /// As many contacts as the portal writes in the configured time, by the measured cost.
    fn most_contacts(&self) -> usize {
        let family = self.portal.contacts();
        let cost = self.portal.cost(Step::guard(family)) + self.portal.cost(Step::update(family));
        let most = self.memory.writes.fit(self.config().batch_seconds, cost);
        self.portal.writes_that_fit(most)
    }

    fn way(&self, correction: &Correction) -> Way {
        let Correction { item, contact, .. } = correction;
        let in_batch = !correction
            .fields()
            .iter()
            .any(|(_, value)| crate::bitrix::call::is_reference(value));
        let cannot = self.memory.facts.guards_work == Some(false)
            || item.missing_from_list
            || item.plainly
            || contact.modified.is_none();
        let looked_enough = item.looks >= GUARDED_LOOKS;
        match contact.is_settled() {
            _ if cannot || !in_batch => Way::Plain,
            None => Way::Plain,
            Some(false) if looked_enough && contact.is_from_the_future() => Way::Plain,
            Some(false) => Way::ReadAgain,
            Some(true) if self.memory.guards_proven => Way::Guarded,
            Some(true) if looked_enough => Way::Plain,
            Some(true) => Way::ReadAgain,
        }
    }

    /// Handles the correction in front where it may not travel in a batch. Returns whether it did.
    pub(super) async fn write_next_plainly(
        &mut self,
        pass: &mut Pass,
    ) -> Result<bool, DrainFailure> {
        self.notice_wait(pass).await?;
        let Some(correction) = pass.to_write.front() else {
            return Ok(false);
        };
        let way = self.way(correction);
        if way == Way::Guarded {
            return Ok(false);
        }
        // A contact that no list shows could not be guarded anywhere.
        let may_be_guarded = way == Way::Plain && !correction.item.missing_from_list;
        if may_be_guarded && self.guards_work_again(&correction.contact).await? {
            return Ok(true);
        }
        let Some(mut correction) = pass.to_write.pop_front() else {
            return Ok(false);
        };
        if way == Way::ReadAgain {
            if correction.contact.is_settled() == Some(false) {
                correction.item.not_before = Some(after(self.portal.now(), NEXT_SECOND));
            }
            self.look_again(pass, correction.item).await?;
            return Ok(true);
        }
        self.write_plainly(pass, correction).await?;
        Ok(true)
    }

    /// A get and an update back to back: the smallest window that the API allows without a guard.
    async fn write_plainly(
        &mut self,
        pass: &mut Pass,
        correction: Correction,
    ) -> Result<(), DrainFailure> {
        let Contact { id, family, .. } = correction.contact;
        let get = contacts::get(family, id);
        let fresh = match self.portal.call(&get, Repeat::Freely).await {
            Ok(Reply { result, time, .. }) => {
                contacts::read_one(family, &result, time.began).map_err(Into::into)
            }
            Err(failure) => Err(failure),
        };
        let fresh = match fresh {
            Ok(fresh) => fresh,
            Err(failure) => return self.plain_call_failed(pass, correction, failure).await,
        };
        if !fresh.is_as(&correction.contact) {
            let alone = self.left_alone([&fresh]).await?;
            return self.judge(pass, correction.item, fresh, &alone).await;
        }
        self.note_sent(pass, std::slice::from_ref(&correction))
            .await?;
        let update = contacts::update(family, id, &correction.fields());
        let answer = self.portal.call(&update, Repeat::Never).await;
        let answer = answer.and_then(|reply| {
            contacts::expect_done(update.method, &reply.result, id).map_err(Into::into)
        });
        match answer {
            Ok(()) => self.written(pass, vec![correction]).await,
            Err(failure) => {
                let lost = matches!(&failure, CallFailure::Problem(problem) if problem.may_have_been_processed());
                if !lost {
                    self.strike_sent(std::slice::from_ref(&correction)).await?;
                }
                self.plain_call_failed(pass, correction, failure).await
            }
        }
    }

    async fn plain_call_failed(
        &mut self,
        pass: &mut Pass,
        correction: Correction,
        failure: CallFailure,
    ) -> Result<(), DrainFailure> {
        match failure {
            CallFailure::Problem(problem)
                if !problem.is_unreachable() || problem.may_have_been_processed() =>
            {
                self.write_failed(pass, correction, problem).await
            }
            CallFailure::MustWait { until, why } => {
                pass.writes_wait = Some((until, why.to_string()));
                pass.to_write.push_front(correction);
                Ok(())
            }
            other => Err(other.into()),
        }
    }

    /// Settles what the conditional pairs of a turn answered.
    pub(super) async fn apply_writes(
        &mut self,
        pass: &mut Pass,
        writes: Vec<Correction>,
        answer: &mut BatchAnswer,
    ) -> Result<(), DrainFailure> {
        let mut written = Vec::new();
        let mut untouched = Vec::new();
        let mut failed = Vec::new();
        for mut correction in writes {
            match answer.take_guarded(correction.contact.id) {
                Guarded::Written => written.push(correction),
                Guarded::Touched | Guarded::Unguarded => untouched.push(correction),
                Guarded::Misread => {
                    correction.item.plainly = true;
                    untouched.push(correction);
                }
                Guarded::Failed(problem) => failed.push((correction, problem)),
            }
        }
        if !written.is_empty() {
            self.memory.false_refusals = 0;
        }
        self.written(pass, written).await?;
        self.strike_sent(&untouched).await?;
        for mut correction in untouched {
            if correction.was_refused_again() || correction.item.plainly {
                self.count_false_refusal().await?;
            }
            self.look_again(pass, correction.item).await?;
        }
        for (correction, problem) in failed {
            if !problem.may_have_been_processed() {
                self.strike_sent(std::slice::from_ref(&correction)).await?;
            }
            self.write_failed(pass, correction, problem).await?;
        }
        Ok(())
    }

    async fn write_failed(
        &mut self,
        pass: &mut Pass,
        correction: Correction,
        problem: Problem,
    ) -> Result<(), DrainFailure> {
        if fate(problem.clone()) == Fate::Blocked {
            let until = self
                .portal
                .blocked_until(correction.contact.family.update())
                .unwrap_or(self.portal.now());
            pass.writes_wait = Some((until, problem.to_string()));
            return self.put_off(pass, vec![correction.item], until).await;
        }
        if problem.may_have_been_processed() {
            self.memory.unanswered.insert(correction.contact.id);
        }
        match problem {
            Problem::Unanswered(_) => self.stumble(pass, correction.item).await,
            Problem::Denied(_) if pass.task.tidies() => {
                pass.denied.push((correction.item, problem.to_string()));
                Ok(())
            }
            problem => self.meet(pass, correction.item, problem).await,
        }
    }

    /// Writes down what a turn is about to send.
    pub(super) async fn note_sending(
        &mut self,
        pass: &mut Pass,
        turn: &Turn,
    ) -> Result<(), DrainFailure> {
        self.note_sent(pass, &turn.writes).await
    }

    async fn note_sent(
        &mut self,
        pass: &mut Pass,
        corrections: &[Correction],
    ) -> Result<(), DrainFailure> {
        if corrections.is_empty() {
            return Ok(());
        }
        let run = self.run_id(pass).await?;
        let sent: Vec<SentChange> = corrections
            .iter()
            .flat_map(|correction| {
                correction.changes.iter().map(|change| SentChange {
                    contact_id: correction.contact.id,
                    field: change.field.as_str().to_owned(),
                    old: change.old.clone(),
                    new: change.new.clone(),
                    rule: change.rules.clone(),
                })
            })
            .collect();
        let now = self.portal.now();
        let store = self.portal.store();
        if pass.task.put_back.is_some() {
            // Before the write: once it is made, no pass may take the old value for a new mistake.
            store.leave_values_alone(self.portal.id, &sent, now).await?;
        }
        store
            .changes_sent(self.portal.id, run, pass.kind, &sent, now)
            .await?;
        pass.allowance = pass.allowance.saturating_sub(corrections.len() as u32);
        self.memory
            .unanswered
            .extend(corrections.iter().map(|correction| correction.contact.id));
        Ok(())
    }

    /// Strikes out writes that were certainly not made.
    pub(super) async fn strike_sent(
        &mut self,
        corrections: &[Correction],
    ) -> Result<(), DrainFailure> {
        let ids: Vec<u64> = corrections
            .iter()
            .map(|correction| correction.contact.id)
            .collect();
        self.portal
            .store()
            .changes_answered(self.portal.id, &[], &ids)
            .await?;
        for id in ids {
            self.memory.unanswered.remove(&id);
        }
        Ok(())
    }

    async fn written(
        &mut self,
        pass: &mut Pass,
        corrections: Vec<Correction>,
    ) -> Result<(), DrainFailure> {
        if corrections.is_empty() {
            return Ok(());
        }
        let ids: Vec<u64> = corrections
            .iter()
            .map(|correction| correction.contact.id)
            .collect();
        let store = self.portal.store();
        store.changes_answered(self.portal.id, &ids, &[]).await?;
        store.unpark(self.portal.id, &ids).await?;
        self.end_truces(pass, &ids).await?;
        for correction in corrections {
            self.log_written(&correction);
            self.memory.unanswered.remove(&correction.contact.id);
            pass.totals.changed += 1;
            pass.settle(correction.item.rows);
            pass.report(correction.contact.id, correction.changes);
        }
        Ok(())
    }

    fn log_written(&self, correction: &Correction) {
        let (portal, contact) = (self.config().name.as_str(), correction.contact.id);
        if !self.config().log_personal_data {
            let fields = correction.changes.len();
            return tracing::debug!(portal, contact, fields, "written");
        }
        for change in &correction.changes {
            let field = change.field.as_str();
            tracing::info!(portal, contact, field, old = ?change.old, new = ?change.new, "written");
        }
    }
}
