//! Reservations whose answer never reached us: found in the queue's list, stored, finished.
//!
//! All of it is a repair: where the portal cannot list its queue, the work goes on without.

use std::collections::HashSet;

use super::{
    line::{Line, is_its_own},
    row::stored,
};
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
pub(super) fn ask(batch: &mut Batch) {
    batch.push("reserved", &events::list(Listed::Reserved, 0));
    batch.push("some", &events::list(Listed::Everything, 0));
}

/// Looks for reservations that we do not know, and takes them over.
pub(super) async fn look(line: &Line) -> Result<Vec<StoredEvent>, CallFailure> {
    let mut batch = Batch::new();
    ask(&mut batch);
    match line.portal.batch(&batch, Repeat::Freely).await {
        Ok(mut answer) => adopt(line, &mut answer).await,
        // Perhaps the condition alone is what the portal fails over.
        Err(failure) if is_its_own(&failure) => look_at_everything(line).await,
        Err(failure) => Err(failure),
    }
}

/// The same by the whole list, without the condition.
pub(super) async fn look_at_everything(line: &Line) -> Result<Vec<StoredEvent>, CallFailure> {
    take_over(line, everything(line).await?).await
}

/// Stores the rows of unknown reservations, from an answer to [`ask`]. Rows of other handlers of the
/// same application are left alone.
pub(super) async fn adopt(
    line: &Line,
    answer: &mut BatchAnswer,
) -> Result<Vec<StoredEvent>, CallFailure> {
    let first = answer.take("reserved");
    // What cannot be read there shows nothing, and is perhaps none of ours.
    let some = answer
        .take("some")
        .and_then(|it| events::read_rows(it.result));
    let some = some.unwrap_or_default();
    let rows = match first {
        Ok(first) => line.portal.queue_rows_from(Listed::Reserved, first).await,
        Err(problem) => Err(problem.into()),
    };
    let is_reserved = |row: &EventRow| row.process_id.is_some();
    let rows = match rows {
        // A portal that ignores the condition answers its pending rows as well; one that reads it
        // in another way leaves out reserved rows that stand there for all to see.
        Ok(rows) if rows.is_empty() && some.iter().any(is_reserved) => everything(line).await?,
        Ok(rows) if !rows.iter().all(is_reserved) => everything(line).await?,
        Ok(rows) => rows,
        // What the condition means, or whether it is what fails, shows only in the whole list.
        Err(failure) if is_its_own(&failure) => everything(line).await?,
        Err(failure) => return Err(failure),
    };
    take_over(line, rows).await
}

async fn take_over(line: &Line, rows: Vec<EventRow>) -> Result<Vec<StoredEvent>, CallFailure> {
    let stored_rows = line.portal.store().open_events(&line.key()).await?;
    let known: HashSet<u64> = stored_rows.iter().map(|event| event.row_id).collect();
    let orphans: Vec<StoredEvent> = rows
        .into_iter()
        .filter(|row| line.is_ours(row) && !known.contains(&row.id.get()))
        .filter_map(|row| {
            let process = row.process_id.clone()?;
            let error = row.error;
            Some(stored(row, Some(&process), error))
        })
        .collect();
    if !orphans.is_empty() {
        tracing::info!(
            portal = line.name(),
            rows = orphans.len(),
            "took over reserved events whose reservation had not been stored"
        );
    }
    line.store(&orphans).await?;
    Ok(orphans)
}

/// Every row of the queue; none where the portal does not list it at all, which is no reason not to
/// drain it.
async fn everything(line: &Line) -> Result<Vec<EventRow>, CallFailure> {
    match line.portal.queue_rows(Listed::Everything).await {
        Err(failure) if is_its_own(&failure) => {
            tracing::warn!(portal = line.name(), %failure,
                "the queue cannot be listed: reservations whose answer got lost stay unknown");
            Ok(Vec::new())
        }
        rows => rows,
    }
}
