//! How a portal is doing, and what people are told of it: a change in the log, the rest in the status.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    board::{Board, Standing},
    headway::{Headway, about},
};
use crate::{
    clock::Clock,
    drain::{DrainFailure, Outcome, Progress, Summary},
};

/// How often a long drain says how far it is.
const BETWEEN_PROGRESS: Duration = Duration::from_secs(60);

/// How a portal is doing.
pub(super) struct Condition {
    portal: String,
    board: Board,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Fresh,
    Well,
    Paused,
    NoTokens,
    Failing {
        since: Timestamp,
        times: u32,
        word: &'static str,
    },
}

impl Condition {
    pub(super) fn new(portal: &str, board: Board) -> Self {
        Self {
            portal: portal.to_owned(),
            board,
            state: State::Fresh,
        }
    }

    /// A pass came to an end.
    pub(super) fn passed(&mut self, summary: &Summary, now: Timestamp) {
        let portal = self.portal.as_str();
        let state = match summary.outcome {
            Outcome::Paused => State::Paused,
            _ => State::Well,
        };
        match (self.state, state) {
            (State::Paused, State::Paused) | (State::Fresh | State::Well, State::Well) => {}
            (_, State::Paused) => {
                tracing::info!(portal, "paused; `b24-tidyd resume` lets it go on");
            }
            (State::Failing { since, .. }, _) => {
                let seconds = now.duration_since(since).as_secs();
                tracing::info!(portal, seconds, "working again");
            }
            _ => tracing::info!(portal, "working again"),
        }
        self.state = state;
        let totals = summary.totals;
        let done = format!(
            "{} events, {} contacts changed at {now:.0}",
            totals.events, totals.changed
        );
        if totals.events > 0 || totals.changed > 0 || summary.parked > 0 {
            tracing::info!(
                portal,
                events = totals.events,
                changed = totals.changed,
                parked = summary.parked,
                requests = totals.requests,
                outcome = summary.outcome.as_str(),
                "drained"
            );
            self.board.worked(portal, &done);
        }
        let word = match &summary.outcome {
            Outcome::Paused => "paused".to_owned(),
            Outcome::Stopped => return,
            Outcome::WorkLeft { until, why } => format!("work left: {why}; again at {until:.0}"),
            Outcome::Done if totals.events == 0 => format!("the queue is empty at {now:.0}"),
            Outcome::Done => done,
        };
        self.board.heard(portal, Standing::Well(word));
    }

    /// The store knows no tokens for the portal.
    pub(super) fn without_tokens(&mut self) {
        let remedy = "no tokens yet; run `b24-tidyd auth login` or `b24-tidyd auth import`";
        if self.state != State::NoTokens {
            tracing::warn!(portal = self.portal, "{remedy}");
        }
        self.state = State::NoTokens;
        self.board
            .heard(&self.portal, Standing::Troubled(remedy.to_owned()));
    }

    /// A pass failed. Answers how many before it did in a row.
    pub(super) fn failed(&mut self, failure: &DrainFailure, now: Timestamp) -> u32 {
        let (word, reason) = (failure.word(), failure.to_string());
        let (since, times, known) = match self.state {
            State::Failing {
                since,
                times,
                word: before,
            } => (since, times + 1, before == word),
            _ => (now, 0, false),
        };
        if !known {
            tracing::warn!(
                portal = self.portal,
                reason,
                "cannot work; trying again by itself"
            );
        }
        self.state = State::Failing { since, times, word };
        let text = format!("{reason} (since {since:.0})");
        self.board.heard(&self.portal, Standing::Troubled(text));
        times
    }

    /// What a drain reports to while it works: the portal answers, and a long drain says how far it
    /// is.
    pub(super) fn progress<C: Clock>(&self, clock: C) -> impl FnMut(Progress) + Send + use<C> {
        let (portal, board) = (self.portal.clone(), self.board.clone());
        let began = clock.steady();
        let mut told = began;
        move |progress| {
            board.answers(&portal);
            let now = clock.steady();
            if now.duration_since(told) < BETWEEN_PROGRESS {
                return;
            }
            told = now;
            let headway = Headway::of(progress, now.duration_since(began));
            tracing::info!(
                portal,
                done = headway.done,
                changed = headway.changed,
                left = headway.left,
                per_second = format!("{:.1}", headway.per_second),
                ends_in = headway.rest.map(about),
                "still draining"
            );
            let so_far = format!("at work, {} events so far", progress.events);
            board.heard(&portal, Standing::Well(so_far));
        }
    }
}
