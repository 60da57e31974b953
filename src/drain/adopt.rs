//! Reservations whose answer never reached us: found in the queue's list, stored, finished.

use super::{Drain, DrainFailure, Pass, reserve::stored};
use crate::{
    bitrix::{
        Batch, BatchAnswer,
        events::{self, EventRow, Listed},
    },
    portal::{CallFailure, Repeat},
    store::StoredEvent,
};

/// Asks for the first page of the reserved rows, and for that of all rows beside it, which shows whether
/// the portal understands the condition.
pub(super) fn ask_for_reserved(batch: &mut Batch) {
    batch.push("reserved", &events::list(Listed::Reserved, 0));
    batch.push("some", &events::list(Listed::Everything, 0));
}

impl Drain {
    /// After an answer was lost: looks for reservations that we do not know.
    pub(super) async fn adopt_if_needed(&mut self, pass: &mut Pass) -> Result<(), DrainFailure> {
        if !self.memory.may_have_orphans {
            return Ok(());
        }
        let mut batch = Batch::new();
        ask_for_reserved(&mut batch);
        let mut answer = self.portal.batch(&batch, Repeat::Freely).await?;
        let adopted = self.adopt(&mut answer).await?;
        self.memory.may_have_orphans = false;
        pass.take_up(adopted);
        Ok(())
    }

    /// Stores the rows of unknown reservations, from an answer to [`ask_for_reserved`]. Rows of other
    /// handlers of the same application are left alone.
    pub(super) async fn adopt(
        &mut self,
        answer: &mut BatchAnswer,
    ) -> Result<Vec<StoredEvent>, DrainFailure> {
        let first = answer.take("reserved");
        // What cannot be read there shows nothing, and is perhaps none of ours.
        let some = answer
            .take("some")
            .and_then(|it| events::read_rows(it.result));
        let some = some.unwrap_or_default();
        let is_reserved = |row: &EventRow| row.process_id.is_some();
        let rows = match first {
            Ok(first) => {
                let rows = self.portal.queue_rows_from(Listed::Reserved, first).await?;
                // A portal that ignores the condition answers its pending rows as well; one that reads it
                // in another way leaves out reserved rows that stand there for all to see.
                let hides = rows.is_empty() && some.iter().any(is_reserved);
                if hides || !rows.iter().all(is_reserved) {
                    self.everything().await?
                } else {
                    rows
                }
            }
            Err(problem) if problem.is_temporary() => return Err(problem.into()),
            // The condition is not understood. What it means shows only in the whole list.
            Err(_) => self.everything().await?,
        };
        let queue = self.portal.queue();
        let known: std::collections::HashSet<u64> = self
            .portal
            .store()
            .open_events(&queue)
            .await?
            .iter()
            .map(|event| event.row_id)
            .collect();
        let orphans: Vec<StoredEvent> = rows
            .into_iter()
            .filter(|row| row.event().is_some() && !known.contains(&row.id.get()))
            .filter_map(|row| {
                let process = row.process_id.clone()?;
                let error = row.error;
                Some(stored(row, Some(&process), error))
            })
            .collect();
        if !orphans.is_empty() {
            tracing::info!(portal = %self.config().name, rows = orphans.len(),
                "took over reserved events whose reservation had not been stored");
        }
        self.portal
            .store()
            .store_events(&queue, &orphans, self.portal.now())
            .await?;
        Ok(orphans)
    }

    /// Every row of the queue; none where the portal does not list it at all, which is no reason not to
    /// drain it.
    async fn everything(&self) -> Result<Vec<EventRow>, DrainFailure> {
        match self.portal.queue_rows(Listed::Everything).await {
            Err(CallFailure::Problem(problem)) if !problem.is_temporary() => {
                tracing::warn!(portal = %self.config().name, %problem,
                    "the queue cannot be listed: reservations whose answer got lost stay unknown");
                Ok(Vec::new())
            }
            rows => Ok(rows?),
        }
    }
}
