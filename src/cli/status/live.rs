//! What only the portal can tell: how long its queue is, how old, and whether it is fed at all.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use serde::Serialize;
use tokio::task::JoinSet;

use crate::{
    bitrix::{
        Batch, BatchAnswer, Problem,
        events::{self, ContactEvent, EventRow, Listed},
    },
    cli::{
        desk::Desk,
        exit::{Exit, Refusal},
    },
    clock::after,
    portal::{CallFailure, Portal, Repeat},
};

/// The queue as the portal shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Live {
    /// Both contact events are bound, with the configured connector: changes are recorded.
    pub bound: bool,
    /// Rows that nobody has reserved, of our two events.
    pub pending: u64,
    /// Rows that a reservation holds, of our two events.
    pub reserved: u64,
    /// Error rows that nobody has reserved, of our two events.
    pub errors: u64,
    /// Rows of other events, for other handlers of the application.
    pub foreign: u64,
    /// When the oldest row of our two events last changed.
    #[serde(serialize_with = "crate::cli::text::to_the_second_if_any")]
    pub oldest_at: Option<Timestamp>,
}

/// The three states of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::cli) enum RowState {
    Pending,
    Reserved,
    Error,
}

impl RowState {
    const ALL: [Self; 3] = [Self::Pending, Self::Reserved, Self::Error];

    pub(in crate::cli) fn of(row: &EventRow) -> Self {
        match (&row.process_id, row.error) {
            (Some(_), _) => Self::Reserved,
            (None, true) => Self::Error,
            (None, false) => Self::Pending,
        }
    }

    pub(in crate::cli) fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Reserved => "reserved",
            Self::Error => "error",
        }
    }

    fn listed(self, event: ContactEvent) -> Listed<'static> {
        let event = event.as_str();
        match self {
            Self::Pending => Listed::Pending(event),
            Self::Reserved => Listed::ReservedOf(event),
            Self::Error => Listed::Errors(event),
        }
    }

    fn key(self, event: ContactEvent) -> String {
        format!("{}{}", self.as_str(), event.as_str())
    }
}

/// A renewal that is under way when the time is up may take this much longer, in seconds: its answer is a
/// pair of tokens that cannot be had again.
const RENEWAL_SECONDS: f64 = 4.0;

/// Asks all portals of `desk` at the same time; each may take as long as `timeout`. The answers stand in
/// the order of the portals.
pub(super) async fn ask_all(desk: &Desk, timeout: Duration) -> Vec<anyhow::Result<Live>> {
    let mut asking = JoinSet::new();
    let mut answers = BTreeMap::new();
    let deadline = after(desk.now(), timeout.as_secs_f64());
    for (at, config) in desk.portals.iter().enumerate() {
        let portal = match desk.portal(config).await {
            Ok(portal) => portal.doing_without(),
            Err(error) => {
                answers.insert(at, Err(error));
                continue;
            }
        };
        let clock = desk.clock.clone();
        asking.spawn(async move {
            let asked = ask(&portal);
            tokio::pin!(asked);
            let answer = tokio::select! {
                biased;
                answer = &mut asked => Some(answer),
                () = clock.alarm_at(deadline) => None,
            };
            let answer = match answer {
                None if portal.is_renewing() => tokio::select! {
                    biased;
                    answer = &mut asked => Some(answer),
                    () = clock.alarm_at(after(deadline, RENEWAL_SECONDS)) => None,
                },
                answer => answer,
            };
            let late = || Refusal {
                exit: Exit::Unreachable,
                message: format!("no answer within {} s", timeout.as_secs_f64()),
            };
            let answer = answer.map(|it| it.map_err(anyhow::Error::from));
            (at, answer.unwrap_or_else(|| Err(late().into())))
        });
    }
    while let Some(answer) = asking.join_next().await {
        answers.extend(answer);
    }
    let of = |at: usize| {
        let answer = answers.remove(&at);
        // Only one that broke down is missing.
        answer.unwrap_or_else(|| Err(anyhow::anyhow!("it could not be asked")))
    };
    (0..desk.portals.len()).map(of).collect()
}

/// Asks the portal, in one request where it answers as documented.
///
/// # Errors
/// A [`CallFailure`].
pub(in crate::cli) async fn ask(portal: &Portal) -> Result<Live, CallFailure> {
    let mut batch = Batch::new();
    for event in ContactEvent::ALL {
        for state in RowState::ALL {
            batch.push(state.key(event), &events::oldest(state.listed(event)));
        }
    }
    batch.push("all", &events::list(Listed::Everything, 0));
    batch.push("bindings", &events::bindings());
    let mut answer = portal.batch(&batch, Repeat::Freely).await?;
    let bindings = events::read_bindings(answer.take("bindings")?.result)?;
    let mut live = match count(&mut answer)? {
        Some(live) => live,
        // The portal drops the condition: everything is looked at, and counted here.
        None => tally(&portal.queue_rows(Listed::Everything).await?),
    };
    live.bound =
        events::unbound(&bindings, &ContactEvent::NAMES, &portal.queue().connector).is_empty();
    Ok(live)
}

/// Adds the totals up; none where a row stands in a list that it does not belong to.
fn count(answer: &mut BatchAnswer) -> Result<Option<Live>, Problem> {
    let mut live = Live::default();
    for event in ContactEvent::ALL {
        for state in RowState::ALL {
            let reply = answer.take(&state.key(event))?;
            let total = reply.total.unwrap_or(0);
            let rows = events::read_rows(reply.result)?;
            let strange = |row: &EventRow| RowState::of(row) != state || row.event() != Some(event);
            if rows.iter().any(strange) {
                return Ok(None);
            }
            let oldest = rows.iter().filter_map(|row| row.changed_at).min();
            live.oldest_at = live.oldest_at.into_iter().chain(oldest).min();
            *live.of(state) += total;
        }
    }
    let all = answer.take("all")?.total.unwrap_or(0);
    live.foreign = all.saturating_sub(live.pending + live.reserved + live.errors);
    Ok(Some(live))
}

fn tally(rows: &[EventRow]) -> Live {
    let mut live = Live::default();
    for row in rows {
        if row.event().is_none() {
            live.foreign += 1;
            continue;
        }
        *live.of(RowState::of(row)) += 1;
        live.oldest_at = live.oldest_at.into_iter().chain(row.changed_at).min();
    }
    live
}

impl Live {
    fn of(&mut self, state: RowState) -> &mut u64 {
        match state {
            RowState::Pending => &mut self.pending,
            RowState::Reserved => &mut self.reserved,
            RowState::Error => &mut self.errors,
        }
    }
}
