//! Reserving the next page of the queue, and storing the reservation before anything else.

use super::{Drain, DrainFailure, Pass, turn::Turn};
use crate::{
    bitrix::{
        Batch, BatchAnswer, Problem,
        events::{self, ContactEvent, EventRow, Listed, ProcessId},
    },
    clock::after,
    store::StoredEvent,
};

/// How often error rows are looked for, in seconds.
const ERROR_ROWS_SECONDS: f64 = 6.0 * 3600.0;

/// After a page of so many rows (or as many as were asked for) it is asked how many still wait.
const LONG: usize = 500;

impl Drain {
    /// Adds the gets for both events, where the pass still looks for more.
    pub(super) async fn add_reservation(
        &self,
        pass: &mut Pass,
        turn: &mut Turn,
    ) -> Result<(), DrainFailure> {
        let not_now = pass.drained || self.memory.may_have_orphans || self.takes_away();
        if not_now || self.enough_waits(pass).await? {
            return Ok(());
        }
        self.look_for_errors_when_due(pass);
        let mut with_gets = turn.batch.clone();
        let fits = keys(pass.drain_errors).all(|(key, event, errors)| {
            with_gets.push(key, &events::reserve(event, self.limit, errors))
        });
        if fits {
            if pass.is_long {
                for event in ContactEvent::ALL {
                    let list = events::list(Listed::Pending(event), 0);
                    with_gets.push(left_key(event), &list);
                }
            }
            turn.batch = with_gets;
            turn.reserves = true;
        }
        Ok(())
    }

    /// Error rows swallow later changes of their contact: they are asked for at the start and now
    /// and then.
    pub(super) fn look_for_errors_when_due(&self, pass: &mut Pass) {
        let now = self.portal.now();
        pass.drain_errors |= self
            .memory
            .errors_drained_at
            .is_none_or(|at| now >= after(at, ERROR_ROWS_SECONDS) || now < at);
    }

    /// The queue holds nothing more for us.
    pub(super) fn nothing_came(&mut self, pass: &mut Pass) {
        pass.drained = true;
        pass.emptied = true;
        if pass.drain_errors {
            self.memory.errors_drained_at = Some(self.portal.now());
            pass.drain_errors = false;
        }
    }

    /// Stores what the turn reserved, in one transaction, and takes it in hand.
    pub(super) async fn store_reservation(
        &mut self,
        pass: &mut Pass,
        turn: &Turn,
        answer: &mut BatchAnswer,
    ) -> Result<(), DrainFailure> {
        if !turn.reserves {
            return Ok(());
        }
        let mut reserved = Vec::new();
        let (mut trouble, mut lost) = (None, false);
        for (key, _, errors) in keys(pass.drain_errors) {
            let page = answer
                .take(&key)
                .and_then(|reply| events::read_page(reply.result));
            match page {
                Ok(page) => {
                    let rows = page.rows.into_iter();
                    reserved.extend(rows.map(|row| stored(row, page.process_id.as_ref(), errors)));
                }
                Err(problem) => {
                    lost |= problem.may_have_been_processed();
                    trouble = Some(problem);
                }
            }
        }
        // Should the store fail now, the rows are reserved and nobody knows of them.
        self.memory.may_have_orphans = true;
        self.portal
            .store()
            .store_events(&self.portal.queue(), &reserved, self.portal.now())
            .await?;
        self.memory.may_have_orphans = lost;
        let nothing_came = reserved.is_empty();
        pass.waiting = ContactEvent::ALL
            .into_iter()
            .filter_map(|event| answer.take(&left_key(event)).ok()?.total)
            .reduce(|one, two| one + two);
        pass.is_long = reserved.len() >= LONG.min(self.limit as usize);
        pass.take_up(reserved);
        match trouble {
            None => {
                if nothing_came {
                    self.nothing_came(pass);
                }
                Ok(())
            }
            Some(problem) if problem.may_have_been_processed() => {
                pass.failures += 1;
                Ok(())
            }
            Some(Problem::MethodBlocked) => {
                pass.drained = true;
                pass.writes_wait = self
                    .portal
                    .blocked_until("event.offline.get")
                    .map(|until| (until, Problem::MethodBlocked.to_string()));
                Ok(())
            }
            Some(problem) => {
                if matches!(problem, Problem::Licence(_)) {
                    self.memory.reserving_refused_at = Some(self.portal.now());
                }
                Err(problem.into())
            }
        }
    }
}

/// The list whose total tells how many events wait.
fn left_key(event: ContactEvent) -> String {
    format!("left{}", event.as_str())
}

/// The gets of a turn: key, event, and whether error rows are meant.
fn keys(errors_too: bool) -> impl Iterator<Item = (String, ContactEvent, bool)> {
    [false, true]
        .into_iter()
        .filter(move |errors| errors_too || !errors)
        .flat_map(|errors| ContactEvent::ALL.map(|event| (event, errors)))
        .map(|(event, errors)| {
            let key = format!("{}{}", if errors { "error" } else { "get" }, event.as_str());
            (key, event, errors)
        })
}

/// A row as the store keeps it.
pub(super) fn stored(row: EventRow, process: Option<&ProcessId>, error: bool) -> StoredEvent {
    StoredEvent {
        row_id: row.id.get(),
        process_id: process.map(|process| process.as_str().to_owned()),
        taken: true,
        error,
        event_name: row.name,
        contact_id: row.contact_id,
        changed_at: row.changed_at,
        attempts: 0,
        next_try_at: jiff::Timestamp::UNIX_EPOCH,
    }
}

/// Adds the calls that read open reservations again, as many as fit. Returns their process ids.
pub(super) fn add_resumptions(
    batch: &mut Batch,
    open: Vec<(String, u32, bool)>,
) -> Vec<(ProcessId, bool)> {
    let mut resumed = Vec::new();
    for (process, rows, errors) in open {
        let Some(process) = ProcessId::new(process) else {
            continue;
        };
        // Leave room for rows that the store does not know.
        let call = events::resume(&process, rows.saturating_add(1000), errors);
        if !batch.push(format!("resume{}", resumed.len()), &call) {
            break;
        }
        resumed.push((process, errors));
    }
    resumed
}
