//! Every row of the queue, page by page, without touching it.

use std::collections::BTreeMap;

use super::{CallFailure, Portal, Repeat};
use crate::bitrix::{
    Batch, Reply,
    events::{self, EventRow, Listed},
};

/// Rows on a page of `event.offline.list`.
const PAGE: u32 = 50;

/// Pages asked for in one request.
const PAGES: u32 = 40;

impl Portal {
    /// The rows that `which` means, by id. Rows that come or go meanwhile may be missing.
    ///
    /// # Errors
    /// A [`CallFailure`].
    pub async fn queue_rows(&self, which: Listed<'_>) -> Result<Vec<EventRow>, CallFailure> {
        let first = self.call(&events::list(which, 0), Repeat::Freely).await?;
        self.queue_rows_from(which, first).await
    }

    /// The same where the answer for the first page is there already.
    ///
    /// # Errors
    /// A [`CallFailure`].
    pub async fn queue_rows_from(
        &self,
        which: Listed<'_>,
        first: Reply,
    ) -> Result<Vec<EventRow>, CallFailure> {
        let told = first
            .total
            .map(|total| total.min(u64::from(u32::MAX)) as u32);
        let mut rows = events::read_rows(first.result)?;
        let mut start = PAGE;
        // A portal that does not tell how many there are is asked until a page is not full.
        let mut full = rows.len() >= PAGE as usize;
        while told.is_none() && full {
            let call = events::list(which, start);
            let page = events::read_rows(self.call(&call, Repeat::Freely).await?.result)?;
            let known = |row: &EventRow| rows.iter().any(|other| other.id == row.id);
            // One that ignores where a page begins gives the same one for ever.
            full = page.len() >= PAGE as usize && !page.iter().all(known);
            rows.extend(page);
            start += PAGE;
        }
        let total = told.unwrap_or(0);
        while start < total {
            let mut batch = Batch::new();
            let end = total.min(start.saturating_add(PAGE * PAGES));
            let starts: Vec<u32> = (start..end).step_by(PAGE as usize).collect();
            for at in &starts {
                batch.push(format!("p{at}"), &events::list(which, *at));
            }
            let mut answer = self.batch(&batch, Repeat::Freely).await?;
            for at in starts {
                rows.extend(events::read_rows(answer.take(&format!("p{at}"))?.result)?);
            }
            start = end;
        }
        // While the queue shrinks or grows the same row may stand on two pages.
        let by_id: BTreeMap<_, _> = rows.into_iter().map(|row| (row.id, row)).collect();
        Ok(by_id.into_values().collect())
    }
}
