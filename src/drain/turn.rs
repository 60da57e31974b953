//! One turn of a pass: compose a request from the steps that fit, send it, settle what it answers.

use super::{
    Drain, DrainFailure, Pass,
    work::{Correction, Item},
};
use crate::{
    bitrix::{
        Batch, BatchAnswer, Problem,
        contacts::Family,
        events::{self, ProcessId},
    },
    clock::after,
    portal::{CallFailure, Repeat, RetryPolicy},
};

/// How many turns in a row may go wrong before the pass gives up for now.
const MOST_FAILURES: u32 = 5;

/// What a turn's request carries.
pub(super) struct Turn {
    /// By which contacts are read in it.
    pub family: Family,
    pub batch: Batch,
    acknowledged: Vec<(ProcessId, Vec<u64>)>,
    pub writes: Vec<Correction>,
    pub pages: Vec<Vec<Item>>,
    pub gets: Vec<Item>,
    /// A contact that was asked for with a condition that cannot hold.
    pub proof: Option<u64>,
    pub reserves: bool,
}

impl Turn {
    fn new(family: Family) -> Self {
        Self {
            family,
            batch: Batch::new(),
            acknowledged: Vec::new(),
            writes: Vec::new(),
            pages: Vec::new(),
            gets: Vec::new(),
            proof: None,
            reserves: false,
        }
    }
}

impl Drain {
    /// Sends one request with as many steps as fit and are due.
    pub(super) async fn turn(&mut self, pass: &mut Pass) -> Result<(), DrainFailure> {
        let local = pass.settled.take_local();
        self.portal
            .store()
            .forget_events(&self.portal.queue(), &local)
            .await?;
        for row in &local {
            pass.in_hand.remove(row);
        }
        // Before anything is reserved anew: a pass must not end with reserved rows nobody knows of.
        self.adopt_if_needed(pass).await?;
        self.brake(pass).await?;
        if self.write_next_plainly(pass).await? {
            return Ok(());
        }
        let mut turn = Turn::new(self.portal.contacts());
        add_acknowledgements(pass, &mut turn);
        self.add_writes(pass, &mut turn);
        if pass.to_write.is_empty() {
            self.add_reads(pass, &mut turn);
            if pass.to_read.is_empty() && turn.pages.is_empty() && turn.gets.is_empty() {
                self.add_reservation(pass, &mut turn).await?;
            }
        }
        if turn.batch.is_empty() {
            return self.wait_for_next_look(pass).await;
        }
        self.note_sending(pass, &turn).await?;
        let once = turn.reserves || !turn.writes.is_empty();
        let repeat = if once { Repeat::Never } else { Repeat::Freely };
        match self.portal.batch(&turn.batch, repeat).await {
            Ok(answer) => {
                self.note_size_worked(&turn);
                self.apply(pass, turn, answer).await
            }
            Err(failure) => self.recover(pass, turn, failure).await,
        }
    }

    async fn apply(
        &mut self,
        pass: &mut Pass,
        mut turn: Turn,
        mut answer: BatchAnswer,
    ) -> Result<(), DrainFailure> {
        let failures_before = std::mem::take(&mut pass.failures);
        // A reservation is of no use to anybody until it is stored: this comes first.
        self.store_reservation(pass, &turn, &mut answer).await?;
        for (at, (process, rows)) in turn.acknowledged.iter().enumerate() {
            match answer.take(&format!("a{at}")) {
                Ok(_) => {
                    pass.settled.confirmed(process, rows);
                    self.portal
                        .store()
                        .forget_events(&self.portal.queue(), rows)
                        .await?;
                    for row in rows {
                        pass.in_hand.remove(row);
                    }
                }
                // Unconfirmed rows stay on the list: acknowledging twice does no harm.
                Err(problem) if problem.is_temporary() => pass.failures += 1,
                Err(problem) => return Err(problem.into()),
            }
        }
        self.apply_writes(pass, std::mem::take(&mut turn.writes), &mut answer)
            .await?;
        self.apply_reads(pass, turn, &mut answer).await?;
        // A turn with many commands that failed is one failure, and one without any ends the row.
        if pass.failures > 0 {
            pass.failures = failures_before + 1;
        }
        self.pause_after_failures(pass).await
    }

    /// A request that brought no answer: what it may have done is looked at, never repeated blindly.
    async fn recover(
        &mut self,
        pass: &mut Pass,
        turn: Turn,
        failure: CallFailure,
    ) -> Result<(), DrainFailure> {
        let processed = match &failure {
            CallFailure::Problem(problem) => problem.may_have_been_processed(),
            _ => false,
        };
        self.memory.may_have_orphans |= turn.reserves && processed;
        if processed {
            self.note_size_failed(&turn);
        }
        let writes = !turn.writes.is_empty();
        if !processed {
            self.strike_sent(&turn.writes).await?;
        }
        let answered = matches!(
            &failure,
            CallFailure::Problem(
                Problem::Failed(_) | Problem::Unclear(_) | Problem::RequestRefused(_)
            )
        );
        if let CallFailure::MustWait { until, .. } = &failure {
            let items = turn.writes.into_iter().map(|correction| correction.item);
            self.put_off(pass, items.collect(), *until).await?;
        } else {
            for mut correction in turn.writes {
                if answered {
                    correction.was_refused_again();
                }
                self.look_again(pass, correction.item).await?;
            }
        }
        for item in turn.pages.into_iter().flatten().chain(turn.gets) {
            pass.look_at(item);
        }
        match failure {
            CallFailure::Problem(_) if processed && pass.failures < MOST_FAILURES => {
                pass.failures += 1;
                self.pause_after_failures(pass).await
            }
            CallFailure::MustWait { until, why } if writes => {
                pass.writes_wait = Some((until, why.to_string()));
                Ok(())
            }
            other => Err(other.into()),
        }
    }

    pub(super) async fn pause_after_failures(&self, pass: &Pass) -> Result<(), DrainFailure> {
        if pass.failures == 0 {
            return Ok(());
        }
        if pass.failures > MOST_FAILURES {
            return Err(DrainFailure::Temporary(
                "the portal keeps failing".to_owned(),
            ));
        }
        let delay = self.portal.delay(&RetryPolicy::CALLS, pass.failures - 1);
        self.portal
            .rest_until(after(self.portal.now(), delay), "the portal failed")
            .await?;
        Ok(())
    }

    /// Nothing fits in a request now: contacts are waited for whose read was too fresh to guard a
    /// write, or there is nothing left to do.
    async fn wait_for_next_look(&self, pass: &mut Pass) -> Result<(), DrainFailure> {
        match pass.to_read.iter().filter_map(|item| item.not_before).min() {
            Some(moment) => {
                self.portal
                    .rest_until(moment, "a contact was edited this very second")
                    .await?;
            }
            None => pass.drained = true,
        }
        Ok(())
    }

    /// A temporary problem of one contact: one more look at once, then it is put off, so that it never
    /// holds up the others.
    pub(super) async fn stumble(
        &mut self,
        pass: &mut Pass,
        mut item: Item,
    ) -> Result<(), DrainFailure> {
        item.stumbles += 1;
        if item.stumbles > 1 {
            return self.defer_by_policy(pass, item).await;
        }
        self.look_again(pass, item).await
    }

    /// Puts a contact back to be read again, or off where that has not helped often enough.
    pub(super) async fn look_again(
        &mut self,
        pass: &mut Pass,
        mut item: Item,
    ) -> Result<(), DrainFailure> {
        item.looks += 1;
        if item.looks > super::judge::MOST_LOOKS {
            return self.defer_by_policy(pass, item).await;
        }
        pass.look_at(item);
        Ok(())
    }
}

fn add_acknowledgements(pass: &Pass, turn: &mut Turn) {
    for (process, rows, ids) in pass.settled.portions() {
        let key = format!("a{}", turn.acknowledged.len());
        if !turn.batch.push(key, &events::acknowledge(&process, &rows)) {
            break;
        }
        turn.acknowledged.push((process, ids));
    }
}
