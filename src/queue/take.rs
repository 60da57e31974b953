//! Plans without confirmation: rows are listed, which reserves nothing, stored, and taken away one by
//! one. Durable in our store counts as reserved there.
//!
//! A lost answer at any step loses nothing: listing may be repeated, and so may taking a row away,
//! as a row that is gone is simply not answered. Only what was taken away is handed out: a change in
//! between is part of the row, or makes a new one.

use jiff::Timestamp;

use super::{line::Line, round::Round, row::stored};
use crate::{
    bitrix::{
        Batch, BatchAnswer, Problem, Reply,
        batch::MOST_COMMANDS,
        events::{self, Listed, RowId},
    },
    clock::after,
    portal::{CallFailure, Repeat, RetryPolicy},
    store::StoredEvent,
};

/// Rows on a page of a list.
const PAGE: u32 = 50;

/// After so many requests in which rows could not be taken the others wait as well.
const MOST_FAILURES: u32 = 5;

/// Lists rows that nobody has listed in this pass, as many as one reservation would hold. None where
/// nothing is left of what was queued when the pass began.
pub(super) async fn list_some(
    line: &Line,
    round: &mut Round,
) -> Result<Vec<StoredEvent>, CallFailure> {
    let kinds: Vec<(&'static str, bool)> = [false, true]
        .into_iter()
        .filter(|errors| round.errors || !errors)
        .flat_map(|errors| line.events.iter().map(move |event| (*event, errors)))
        .collect();
    let most = MOST_COMMANDS / kinds.len().max(1);
    let pages = line.limit.div_ceil(PAGE).clamp(1, most.max(1) as u32);
    let mut first = Batch::new();
    for (at, kind) in kinds.iter().enumerate() {
        first.push(key(at, 0), &page(round, *kind, 0));
    }
    let mut answer = line.portal.batch(&first, Repeat::Freely).await?;
    let asked = answer.time.began;
    round.asked(asked);
    let mut further = Batch::new();
    let mut replies = Vec::new();
    for (at, kind) in kinds.iter().enumerate() {
        let reply = answer.take(&key(at, 0))?;
        let there = reply.total.unwrap_or(0).min(u64::from(pages * PAGE)) as u32;
        for number in 1..there.div_ceil(PAGE) {
            further.push(key(at, number), &page(round, *kind, number));
        }
        replies.push((*kind, reply));
    }
    if !further.is_empty() {
        let mut answer = line.portal.batch(&further, Repeat::Freely).await?;
        for (at, kind) in kinds.iter().enumerate() {
            replies.extend(rest(&mut answer, at, pages)?.map(|reply| (*kind, reply)));
        }
    }
    let mut found = Vec::new();
    let mut any_old = false;
    for (kind, reply) in replies {
        let listed_to = round.listed_to.get(&kind).copied().unwrap_or(0);
        let mut reached = listed_to;
        for row in events::read_rows(reply.result)? {
            // A portal that ignores a part of the filter answers more than was asked for, or the same
            // once more.
            let id = row.id.get();
            let asked_for = row.process_id.is_none()
                && row.error == kind.1
                && row.name.eq_ignore_ascii_case(kind.0)
                && line.is_ours(&row);
            reached = reached.max(id);
            if asked_for && id > listed_to {
                any_old |= !round.is_new(row.changed_at, asked);
                found.push(StoredEvent {
                    taken: false,
                    ..stored(row, None, kind.1)
                });
            }
        }
        let known = round.listed_to.entry(kind).or_default();
        *known = reached.max(*known);
    }
    if !any_old {
        found.clear();
    }
    Ok(found)
}

/// The further pages of one kind.
fn rest(
    answer: &mut BatchAnswer,
    at: usize,
    pages: u32,
) -> Result<impl Iterator<Item = Reply> + use<>, Problem> {
    let mut replies = Vec::new();
    for number in 1..pages {
        if answer.has(&key(at, number)) {
            replies.push(answer.take(&key(at, number))?);
        }
    }
    Ok(replies.into_iter())
}

fn page(round: &Round, kind: (&'static str, bool), number: u32) -> crate::bitrix::Call {
    let (event, errors) = kind;
    let which = if errors {
        Listed::Errors(event)
    } else {
        Listed::Pending(event)
    };
    let behind = round.listed_to.get(&kind).copied().unwrap_or(0);
    events::list_behind(which, behind, number * PAGE)
}

fn key(at: usize, page: u32) -> String {
    format!("l{at}p{page}")
}

/// Takes exactly these rows out of the portal's queue, and in hand. They are stored by now. Answers the
/// last passing problem: such rows stay where they are, and on our list.
pub(super) async fn take_away(
    line: &Line,
    round: &mut Round,
    rows: Vec<StoredEvent>,
) -> Result<Option<Problem>, CallFailure> {
    let (mut trouble, mut failures) = (None, 0);
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let portion: Vec<StoredEvent> = rows.by_ref().take(MOST_COMMANDS).collect();
        let mut batch = Batch::new();
        for row in &portion {
            if let Some(id) = RowId::new(row.row_id) {
                batch.push(format!("t{id}"), &events::take_away(id, row.error));
            }
        }
        let mut answer = line.portal.batch(&batch, Repeat::Freely).await?;
        let (mut taken, mut failed) = (Vec::new(), Vec::new());
        for row in portion {
            let outcome = answer.take(&format!("t{}", row.row_id));
            match outcome.and_then(|reply| events::read_page(reply.result)) {
                // Answered or not: it is no longer there.
                Ok(_) => taken.push(row),
                Err(problem) if problem.is_temporary() => {
                    failed.push(row.row_id);
                    trouble = Some(problem);
                }
                Err(problem) => return Err(problem.into()),
            }
        }
        let (store, key) = (line.portal.store(), line.key());
        let ids: Vec<u64> = taken.iter().map(|row| row.row_id).collect();
        store.mark_taken(&key, &ids).await?;
        round.take_up(taken);
        if !failed.is_empty() {
            store.defer_events(&key, &failed, later(line)).await?;
            failures += 1;
            if failures > MOST_FAILURES {
                break;
            }
        }
    }
    Ok(trouble)
}

fn later(line: &Line) -> Timestamp {
    after(line.now(), line.portal.delay(&RetryPolicy::CONTACTS, 0))
}
