//! Open reservations read again: the store is brought in line with what the portal still holds.

use std::collections::HashSet;

use super::{line::Line, row::stored};
use crate::{
    bitrix::{
        Batch, BatchAnswer,
        events::{self, ProcessId},
    },
    portal::CallFailure,
    store::StoreFault,
};

/// Reservations that a request reads again: process id, and whether it holds error rows.
#[derive(Debug, Default)]
pub(super) struct Resumed(Vec<(ProcessId, bool)>);

/// Adds the calls that read open reservations again, as many as fit.
pub(super) async fn put(line: &Line, batch: &mut Batch) -> Result<Resumed, StoreFault> {
    let mut resumed = Resumed::default();
    for (process, rows, errors) in line.portal.store().open_processes(&line.key()).await? {
        let Some(process) = ProcessId::new(process) else {
            continue;
        };
        // Leave room for rows that the store does not know.
        let call = events::resume(&process, rows.saturating_add(1000), errors);
        if !batch.push(key(resumed.0.len()), &call) {
            break;
        }
        resumed.0.push((process, errors));
    }
    Ok(resumed)
}

/// Takes in what they answered.
pub(super) async fn redeem(
    line: &Line,
    resumed: Resumed,
    answer: &mut BatchAnswer,
) -> Result<(), CallFailure> {
    let store = line.portal.store();
    let known = store.open_events(&line.key()).await?;
    for (at, (process, errors)) in resumed.0.into_iter().enumerate() {
        let page = answer
            .take(&key(at))
            .and_then(|reply| events::read_page(reply.result));
        // Where the plan has lost confirmation, or this alone fails, the store knows the rows as well,
        // and acknowledging needs no licence.
        let Ok(page) = page else {
            continue;
        };
        let there: HashSet<u64> = page.rows.iter().map(|row| row.id.get()).collect();
        let gone: Vec<u64> = known
            .iter()
            .filter(|event| event.process_id.as_deref() == Some(process.as_str()))
            .filter(|event| event.error == errors && !there.contains(&event.row_id))
            .map(|event| event.row_id)
            .collect();
        if !gone.is_empty() {
            // Acknowledged, the answer having been lost; purged; or cleared by somebody else. They are
            // ours, and their contacts are looked at all the same.
            tracing::info!(
                portal = line.name(),
                rows = gone.len(),
                "reserved events are gone from the portal; they are finished from the state file"
            );
            store.keep_here(&line.key(), &gone).await?;
        }
        let rows = line.ours(page).into_iter();
        let unknown: Vec<_> = rows
            .filter(|row| !known.iter().any(|event| event.row_id == row.id.get()))
            .map(|row| stored(row, Some(&process), errors))
            .collect();
        line.store(&unknown).await?;
    }
    Ok(())
}

fn key(at: usize) -> String {
    format!("resume{at}")
}
