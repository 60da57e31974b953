//! Reserving the next page of the queue: a get for each event, and what it brings.

use super::{line::Line, round::Round, row::stored};
use crate::{
    bitrix::{
        Batch, BatchAnswer, Problem,
        events::{self, Listed},
    },
    store::StoredEvent,
};

/// After a page of so many rows (or as many as were asked for) it is asked how many still wait.
const LONG: usize = 500;

/// The gets of a request.
#[derive(Debug)]
pub struct Reservation {
    /// Event, and whether error rows are meant.
    gets: Vec<(&'static str, bool)>,
}

/// What a reservation brought.
pub(super) struct Reserved {
    pub rows: Vec<StoredEvent>,
    /// Nothing is left of what was queued when the pass began.
    pub ended: bool,
    /// A get that brought nothing.
    pub trouble: Option<Problem>,
    /// Rows may be reserved that we do not know.
    pub lost: bool,
    /// Rows that still wait, where that was asked.
    pub waiting: Option<u64>,
}

/// Adds the gets for all events. None where they do not fit.
pub(super) fn put(line: &Line, round: &Round, batch: &mut Batch) -> Option<Reservation> {
    let gets: Vec<(&'static str, bool)> = [false, true]
        .into_iter()
        .filter(|errors| round.errors || !errors)
        .flat_map(|errors| line.events.iter().map(move |event| (*event, errors)))
        .collect();
    let mut with_gets = batch.clone();
    let fits = gets.iter().all(|(event, errors)| {
        with_gets.push(
            key(event, *errors),
            &events::reserve(event, line.limit, *errors),
        )
    });
    if !fits {
        return None;
    }
    if round.is_long {
        for event in line.events {
            with_gets.push(left_key(event), &events::list(Listed::Pending(event), 0));
        }
    }
    *batch = with_gets;
    Some(Reservation { gets })
}

/// Reads what the gets answered.
pub(super) fn read(
    line: &Line,
    round: &Round,
    ticket: Reservation,
    answer: &mut BatchAnswer,
) -> Reserved {
    let mut reserved = Reserved {
        rows: Vec::new(),
        ended: true,
        trouble: None,
        lost: false,
        waiting: None,
    };
    for (event, errors) in ticket.gets {
        let page = answer
            .take(&key(event, errors))
            .and_then(|reply| Ok((reply.time.began, events::read_page(reply.result)?)));
        match page {
            Ok((asked, page)) => {
                let process = page.process_id.clone();
                let came = !page.rows.is_empty();
                let rows = line.ours(page);
                // The oldest change comes first: where the last row is new, all that is older is here.
                let is_new = |at| round.is_new(at, asked);
                let newest = rows.iter().filter_map(|row| row.changed_at).max();
                reserved.ended &= !came || is_new(newest);
                let rows = rows.into_iter();
                let rows = rows.map(|row| stored(row, process.as_ref(), errors));
                reserved.rows.extend(rows);
            }
            Err(problem) => {
                reserved.lost |= problem.may_have_been_processed();
                reserved.trouble = Some(problem);
            }
        }
    }
    let left = line.events.iter();
    reserved.waiting = left
        .filter_map(|event| answer.take(&left_key(event)).ok()?.total)
        .reduce(|one, two| one + two);
    reserved
}

/// Whether a page of so many rows is a long one.
pub(super) fn is_long(line: &Line, rows: usize) -> bool {
    rows >= LONG.min(line.limit as usize)
}

fn key(event: &str, errors: bool) -> String {
    format!("{}{event}", if errors { "error" } else { "get" })
}

/// The list whose total tells how many events wait.
fn left_key(event: &str) -> String {
    format!("left{event}")
}
