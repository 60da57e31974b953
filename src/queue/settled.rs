//! Rows that were given back as settled and wait for their acknowledgement.

use std::collections::BTreeMap;

use super::{line::Line, row::Row};
use crate::{
    bitrix::{
        Batch, BatchAnswer, Problem,
        events::{self, ProcessId, RowId, RowIds},
    },
    portal::CallFailure,
};

/// The most rows that one acknowledgement names. PHP reads no more than `max_input_vars` values from
/// a command (1000 as it comes), and says nothing about the others: they would stay reserved.
const MOST_ACKNOWLEDGED: usize = 900;

/// Rows that are settled and not acknowledged yet.
#[derive(Debug, Default)]
pub(super) struct Settled {
    by_process: BTreeMap<ProcessId, Vec<RowId>>,
    taken: Vec<u64>,
}

/// The acknowledgements of a request.
#[derive(Debug, Default)]
pub struct Acknowledgements(Vec<(ProcessId, Vec<u64>)>);

impl Settled {
    pub(super) fn add(&mut self, rows: Vec<Row>) {
        for row in rows {
            match row.process() {
                Some(process) => {
                    let rows = self.by_process.entry(process.clone()).or_default();
                    rows.push(row.id());
                }
                // The portal holds it no longer: the store alone has to forget it.
                None => self.taken.push(row.id().get()),
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_process.is_empty() && self.taken.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.by_process.values().map(Vec::len).sum::<usize>() + self.taken.len()
    }

    /// Rows that only the store has to forget.
    pub(super) fn take_local(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.taken)
    }

    /// Puts as many acknowledgements into a request as fit.
    pub(super) fn put(&self, batch: &mut Batch) -> Acknowledgements {
        let mut ticket = Acknowledgements::default();
        for (process, rows) in &self.by_process {
            for chunk in rows.chunks(MOST_ACKNOWLEDGED) {
                let Some(rows) = RowIds::new(chunk.to_vec()) else {
                    continue;
                };
                let call = events::acknowledge(process, &rows);
                if !batch.push(key(ticket.0.len()), &call) {
                    return ticket;
                }
                let ids = chunk.iter().map(|row| row.get()).collect();
                ticket.0.push((process.clone(), ids));
            }
        }
        ticket
    }

    /// Takes in what became of them. Answers the rows that are gone from the portal, and the last
    /// passing problem: unconfirmed rows stay on the list, as acknowledging twice does no harm.
    pub(super) async fn redeem(
        &mut self,
        line: &Line,
        ticket: Acknowledgements,
        answer: &mut BatchAnswer,
    ) -> Result<(Vec<u64>, Option<Problem>), CallFailure> {
        let (mut gone, mut trouble) = (Vec::new(), None);
        for (at, (process, rows)) in ticket.0.into_iter().enumerate() {
            match answer.take(&key(at)) {
                Ok(_) => {
                    self.confirmed(&process, &rows);
                    let store = line.portal.store();
                    store.forget_events(&line.key(), &rows).await?;
                    gone.extend(rows);
                }
                Err(problem) if problem.is_temporary() => trouble = Some(problem),
                Err(problem) => return Err(problem.into()),
            }
        }
        Ok((gone, trouble))
    }

    fn confirmed(&mut self, process: &ProcessId, rows: &[u64]) {
        if let Some(waiting) = self.by_process.get_mut(process) {
            waiting.retain(|row| !rows.contains(&row.get()));
            if waiting.is_empty() {
                self.by_process.remove(process);
            }
        }
    }
}

fn key(at: usize) -> String {
    format!("a{at}")
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::store::StoredEvent;

    fn row(row_id: u64) -> Option<Row> {
        Row::of(StoredEvent {
            row_id,
            process_id: Some("p".to_owned()),
            taken: true,
            error: false,
            event_name: "ONCRMDEALADD".to_owned(),
            contact_id: Some(row_id),
            changed_at: None,
            attempts: 0,
            next_try_at: Timestamp::UNIX_EPOCH,
        })
    }

    #[test]
    fn acknowledgements_are_split_and_forgotten_only_when_confirmed() {
        let mut settled = Settled::default();
        settled.add((1..=2000).filter_map(row).collect());
        let ticket = settled.put(&mut Batch::new());
        let counts: Vec<usize> = ticket.0.iter().map(|(_, ids)| ids.len()).collect();
        assert_eq!(counts, [900, 900, 200]);
        let (process, ids) = &ticket.0[0];
        settled.confirmed(process, ids);
        assert_eq!(settled.len(), 1100);
    }
}
