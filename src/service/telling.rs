//! What people are told of a portal's drains: a line for each that did something, how far a long one is,
//! and the service manager's status.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;

use super::{
    board::{Board, Standing},
    conditions::{HostBook, Ledger, Proof, of_outcome, of_secret},
    headway::{Headway, about},
};
use crate::{
    clock::Clock,
    condition::{Condition, Trouble},
    config::{PortalConfig, Problems},
    drain::{DrainFailure, Outcome, Progress, Summary},
    store::Store,
};

/// How often a long drain says how far it is.
const BETWEEN_PROGRESS: Duration = Duration::from_secs(60);

/// What people are told of one portal.
pub(super) struct Telling {
    portal: String,
    board: Board,
    ledger: Ledger,
}

impl Telling {
    pub(super) fn new(config: &Arc<PortalConfig>, board: Board, host: HostBook) -> Self {
        Self {
            portal: config.name.clone(),
            board,
            ledger: Ledger::new(config.clone(), host),
        }
    }

    /// The host's conditions.
    pub(super) fn host(&self) -> HostBook {
        self.ledger.host().clone()
    }

    /// Goes on where another worker stopped.
    pub(super) fn taking_over(self) -> Self {
        Self {
            ledger: self.ledger.taking_over(),
            ..self
        }
    }

    /// A pass came to an end.
    pub(super) async fn passed(&mut self, store: &Store, summary: &Summary, now: Timestamp) {
        let portal = self.portal.as_str();
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
            Outcome::Stopped => return,
            Outcome::Done | Outcome::Paused if totals.events == 0 => {
                format!("the queue is empty at {now:.0}")
            }
            _ => done,
        };
        let found = Vec::from_iter(of_outcome(&summary.outcome));
        let proof = Proof::of(totals);
        let all = self.ledger.note(store, &found, proof, now).await;
        let standing = match all.first() {
            Some(first) if first.is_grave(now) => Standing::Troubled(told(first)),
            Some(first) => Standing::Well(format!("{word}; {}", told(first))),
            None => Standing::Well(word),
        };
        self.board.heard(&self.portal, standing);
    }

    /// The portal's client secret is missing or refused: without it the tokens would only be lost.
    pub(super) async fn without_secret(
        &mut self,
        store: &Store,
        problems: &Problems,
        now: Timestamp,
    ) {
        let found = [of_secret(problems)];
        let all = self.ledger.note(store, &found, Proof::default(), now).await;
        self.trouble(all.first());
    }

    /// The store knows no tokens for the portal.
    pub(super) async fn without_tokens(&mut self, store: &Store, now: Timestamp) {
        let all = self.ledger.note(store, &[], Proof::default(), now).await;
        self.trouble(all.first());
    }

    /// A pass failed; the next one is due at `next`.
    pub(super) async fn failed(
        &mut self,
        store: &Store,
        failure: &DrainFailure,
        now: Timestamp,
        next: Timestamp,
    ) {
        if let DrainFailure::Store(fault) = failure {
            self.ledger.host().failed(fault, now);
            return self.trouble(self.ledger.host().list(now).first());
        }
        let found = failure.trouble().cloned().map(|it| match it.next_try_at() {
            Some(_) => it,
            None => it.tried_again_at(next),
        });
        let found: Vec<Trouble> = found.into_iter().collect();
        let proof = Proof::default();
        let all = self.ledger.note(store, &found, proof, now).await;
        let first = all
            .iter()
            .find(|it| found.iter().any(|found| found.kind == it.kind));
        self.trouble(first.or(all.first()));
    }

    fn trouble(&self, first: Option<&Condition>) {
        if let Some(first) = first {
            self.board
                .heard(&self.portal, Standing::Troubled(told(first)));
        }
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

/// A condition in one line, with since when it is so.
fn told(condition: &Condition) -> String {
    format!("{} (since {:.0})", condition.text, condition.since)
}
