//! Reservations whose answer never reached us: found in the queue's list, stored, finished.

use super::{Drain, DrainFailure, Pass, reserve::stored};
use crate::{
    bitrix::{
        Batch, Reply,
        events::{self, EventRow, Listed},
    },
    portal::Repeat,
    store::StoredEvent,
};

/// Rows on a page of `event.offline.list`.
const PAGE: u32 = 50;

/// Pages asked for in one request.
const PAGES: u32 = 40;

impl Drain {
    /// After an answer was lost: looks for reservations that we do not know.
    pub(super) async fn adopt_if_needed(&mut self, pass: &mut Pass) -> Result<(), DrainFailure> {
        if !self.memory.may_have_orphans {
            return Ok(());
        }
        let first = self
            .portal
            .call(&events::list(Listed::Reserved, 0), Repeat::Freely)
            .await?;
        let adopted = self.adopt(first).await?;
        self.memory.may_have_orphans = false;
        pass.take_up(adopted);
        Ok(())
    }

    /// Stores the rows of unknown reservations, `first` being the first page of the reserved rows.
    /// Rows of other handlers of the same application are left alone.
    pub(super) async fn adopt(&mut self, first: Reply) -> Result<Vec<StoredEvent>, DrainFailure> {
        let rows = self.all_pages(Listed::Reserved, first).await?;
        // A portal that ignores the filter answers its pending rows as well: list it all then, and
        // group here.
        let rows = if rows.iter().any(|row| row.process_id.is_none()) {
            let call = events::list(Listed::Everything, 0);
            let first = self.portal.call(&call, Repeat::Freely).await?;
            self.all_pages(Listed::Everything, first).await?
        } else {
            rows
        };
        let queue = self.portal.queue();
        let known: std::collections::HashSet<u64> = self
            .portal
            .store()
            .open_events(&queue)?
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
            .store_events(&queue, &orphans, self.portal.now())?;
        Ok(orphans)
    }

    /// The rows of a list, its first page being there already.
    pub(super) async fn all_pages(
        &self,
        which: Listed,
        first: Reply,
    ) -> Result<Vec<EventRow>, DrainFailure> {
        let total = first.total.unwrap_or(0).min(u64::from(u32::MAX)) as u32;
        let mut rows = events::read_rows(first.result)?;
        let mut start = PAGE;
        while start < total {
            let mut batch = Batch::new();
            let end = total.min(start.saturating_add(PAGE * PAGES));
            let starts: Vec<u32> = (start..end).step_by(PAGE as usize).collect();
            for at in &starts {
                batch.push(format!("p{at}"), &events::list(which, *at));
            }
            let mut answer = self.portal.batch(&batch, Repeat::Freely).await?;
            for at in starts {
                rows.extend(events::read_rows(answer.take(&format!("p{at}"))?.result)?);
            }
            start = end;
        }
        Ok(rows)
    }
}
