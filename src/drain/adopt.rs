//! Reservations whose answer never reached us: found in the queue's list, stored, finished.

use super::{Drain, DrainFailure, Pass, reserve::stored};
use crate::{
    bitrix::{
        Reply,
        events::{self, Listed},
    },
    portal::Repeat,
    store::StoredEvent,
};

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
        let rows = self.portal.queue_rows_from(Listed::Reserved, first).await?;
        // A portal that ignores the filter answers its pending rows as well: list it all then, and
        // group here.
        let rows = if rows.iter().any(|row| row.process_id.is_none()) {
            let call = events::list(Listed::Everything, 0);
            let first = self.portal.call(&call, Repeat::Freely).await?;
            self.portal
                .queue_rows_from(Listed::Everything, first)
                .await?
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
}
