//! Plans without confirmation: rows are listed, which reserves nothing, stored, and taken away one by
//! one. Durable in our store counts as reserved there.
//!
//! A lost answer at any step loses nothing: listing may be repeated, and so may taking a row away,
//! as a row that is gone is simply not answered. Only what was taken away is read: a change in between
//! is part of the row, or makes a new one.

use std::num::NonZeroU64;

use super::{Drain, DrainFailure, LONGEST_DEFERRAL_SECONDS, Pass, reserve::stored};
use crate::{
    bitrix::{
        Batch, Problem,
        batch::MOST_COMMANDS,
        events::{self, ContactEvent, Listed},
    },
    clock::after,
    portal::{Repeat, RetryPolicy},
    store::StoredEvent,
};

/// Rows on a page of a list.
const PAGE: u32 = 50;

impl Drain {
    /// Whether rows have to be taken away because the plan does not confirm.
    pub(super) fn takes_away(&self) -> bool {
        self.memory.facts.plan_confirms == Some(false)
    }

    /// Takes away what was listed before, in this process or an earlier one, and may still stand in
    /// the queue. That needs no licence, so that it is done on every plan.
    pub(super) async fn take_leftovers(&mut self, pass: &mut Pass) -> Result<(), DrainFailure> {
        let now = self.portal.now();
        let rows = self
            .portal
            .store()
            .listed_events(
                &self.portal.queue(),
                now,
                after(now, LONGEST_DEFERRAL_SECONDS),
                u32::MAX,
            )
            .await?;
        self.take_away(pass, rows).await
    }

    /// Lists some of the queue, stores it, and takes it in hand.
    pub(super) async fn take_page(&mut self, pass: &mut Pass) -> Result<(), DrainFailure> {
        if pass.deferred >= u64::from(self.limit) {
            pass.drained = true;
            return Ok(());
        }
        self.look_for_errors_when_due(pass);
        let rows = self.list_some(pass).await?;
        if rows.is_empty() {
            self.nothing_came(pass);
            return Ok(());
        }
        let (store, queue) = (self.portal.store(), self.portal.queue());
        store.store_events(&queue, &rows, self.portal.now()).await?;
        self.take_away(pass, rows).await
    }

    /// Rows that nobody has listed in this pass, as many as one reservation would hold.
    async fn list_some(&self, pass: &mut Pass) -> Result<Vec<StoredEvent>, DrainFailure> {
        let kinds: Vec<(ContactEvent, bool)> = [false, true]
            .into_iter()
            .filter(|errors| pass.drain_errors || !errors)
            .flat_map(|errors| ContactEvent::ALL.map(|event| (event, errors)))
            .collect();
        let pages = (self.limit.div_ceil(PAGE)).clamp(1, MOST_COMMANDS as u32 / 4);
        let mut first = Batch::new();
        let mut further = Batch::new();
        let mut totals = Vec::new();
        let call = |pass: &Pass, (event, errors): (ContactEvent, bool), page: u32| {
            let which = if errors {
                Listed::Errors(event)
            } else {
                Listed::Pending(event)
            };
            let behind = pass.listed_to.get(&(event, errors)).copied().unwrap_or(0);
            events::list_behind(which, behind, page * PAGE)
        };
        for (at, kind) in kinds.iter().enumerate() {
            first.push(format!("l{at}p0"), &call(pass, *kind, 0));
        }
        let mut answer = self.portal.batch(&first, Repeat::Freely).await?;
        let mut rows = Vec::new();
        for (at, kind) in kinds.iter().enumerate() {
            let reply = answer.take(&format!("l{at}p0"))?;
            let there = reply.total.unwrap_or(0).min(u64::from(pages * PAGE)) as u32;
            rows.push((*kind, events::read_rows(reply.result)?));
            totals.push(there.div_ceil(PAGE));
        }
        for (at, kind) in kinds.iter().enumerate() {
            for page in 1..totals[at] {
                further.push(format!("l{at}p{page}"), &call(pass, *kind, page));
            }
        }
        if !further.is_empty() {
            let mut answer = self.portal.batch(&further, Repeat::Freely).await?;
            for (at, kind) in kinds.iter().enumerate() {
                for page in 1..totals[at] {
                    let reply = answer.take(&format!("l{at}p{page}"))?;
                    rows.push((*kind, events::read_rows(reply.result)?));
                }
            }
        }
        let mut found = Vec::new();
        for (kind, page) in rows {
            let listed_to = pass.listed_to.entry(kind).or_default();
            for row in page {
                *listed_to = row.id.get().max(*listed_to);
                // A portal that ignores a part of the filter answers more than was asked for.
                let asked = row.process_id.is_none() && row.error == kind.1;
                if asked && row.event() == Some(kind.0) {
                    found.push(StoredEvent {
                        taken: false,
                        ..stored(row, None, kind.1)
                    });
                }
            }
        }
        Ok(found)
    }

    /// Takes exactly these rows out of the portal's queue, and in hand. They are stored by now.
    async fn take_away(
        &mut self,
        pass: &mut Pass,
        rows: Vec<StoredEvent>,
    ) -> Result<(), DrainFailure> {
        let mut rows = rows.into_iter().peekable();
        while rows.peek().is_some() {
            let portion: Vec<StoredEvent> = rows.by_ref().take(MOST_COMMANDS).collect();
            let mut batch = Batch::new();
            for row in &portion {
                if let Some(id) = NonZeroU64::new(row.row_id) {
                    batch.push(format!("t{id}"), &events::take_away(id, row.error));
                }
            }
            let mut answer = self.portal.batch(&batch, Repeat::Freely).await?;
            let mut taken = Vec::new();
            let mut failed = Vec::new();
            for row in portion {
                let outcome = answer
                    .take(&format!("t{}", row.row_id))
                    .and_then(|reply| events::read_page(reply.result));
                match outcome {
                    // Answered or not: it is no longer there.
                    Ok(_) => taken.push(row),
                    Err(problem) if problem.is_temporary() => failed.push((row.row_id, problem)),
                    Err(problem) => return Err(problem.into()),
                }
            }
            self.taken(pass, taken).await?;
            self.not_taken(pass, failed).await?;
        }
        Ok(())
    }

    async fn taken(&self, pass: &mut Pass, rows: Vec<StoredEvent>) -> Result<(), DrainFailure> {
        let ids: Vec<u64> = rows.iter().map(|row| row.row_id).collect();
        self.portal
            .store()
            .mark_taken(&self.portal.queue(), &ids)
            .await?;
        pass.take_up(rows);
        Ok(())
    }

    /// These rows stay where they are, and on our list: they are taken away later.
    async fn not_taken(
        &self,
        pass: &mut Pass,
        failed: Vec<(u64, Problem)>,
    ) -> Result<(), DrainFailure> {
        if failed.is_empty() {
            return Ok(());
        }
        let ids: Vec<u64> = failed.iter().map(|(row, _)| *row).collect();
        let until = after(
            self.portal.now(),
            self.portal.delay(&RetryPolicy::CONTACTS, 0),
        );
        let store = self.portal.store();
        store
            .defer_events(&self.portal.queue(), &ids, until)
            .await?;
        pass.failures += 1;
        self.pause_after_failures(pass).await
    }
}
