//! The loop that owns one portal's drain.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::Notify;

use super::open_drain;
use crate::{
    clock::{after, until},
    config::PortalConfig,
    drain::{Drain, DrainFailure, Outcome, Summary},
    portal::{Context, Patience, RetryPolicy},
};

/// The longest rest that a pass of the daemon takes in front of a limit, in seconds; longer ones are
/// left to the next pass, so that everything else goes on meanwhile.
const LONGEST_WAIT: f64 = 30.0;

/// One portal's worker.
pub(super) struct Worker {
    context: Context,
    config: Arc<PortalConfig>,
    limit: u32,
    drain: Option<Drain>,
    state: State,
}

/// How the portal is doing; a change of it is worth a line in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Fresh,
    Working,
    NoTokens,
    Failing { times: u32, word: &'static str },
}

/// When the next pass is due.
enum Next {
    /// At the next poke.
    Poke,
    /// At the next poke, or at this moment.
    PokeOr(Timestamp),
    /// Not before this moment, unless new tokens arrive.
    NotBefore(Timestamp),
}

impl Worker {
    pub(super) fn new(context: Context, config: Arc<PortalConfig>, limit: u32) -> Self {
        Self {
            context,
            config,
            limit,
            drain: None,
            state: State::Fresh,
        }
    }

    /// Works until a stop is asked for.
    pub(super) async fn run(mut self, poke: Arc<Notify>) {
        while !self.context.stop.is_cancelled() {
            // Armed before the work is looked at: a poke during a pass is not lost, and many are one.
            let poked = poke.notified();
            let next = self.pass().await;
            tokio::select! {
                () = self.context.stop.cancelled() => {}
                () = self.rest(next, poked) => {}
            }
        }
    }

    async fn rest(&self, next: Next, poked: impl Future<Output = ()>) {
        match next {
            Next::Poke => poked.await,
            Next::PokeOr(moment) => tokio::select! {
                () = poked => {}
                () = self.context.clock.sleep_until(moment) => {}
            },
            Next::NotBefore(moment) => self.context.clock.sleep_until(moment).await,
        }
    }

    async fn pass(&mut self) -> Next {
        if self.drain.is_none() {
            let patience = Patience {
                longest_wait: LONGEST_WAIT,
            };
            match open_drain(&self.context, &self.config, self.limit, patience) {
                Ok(Some(drain)) => self.drain = Some(drain),
                Ok(None) => return self.no_tokens(),
                Err(failure) => return self.failed(&failure.into()),
            }
        }
        let Some(drain) = &mut self.drain else {
            return Next::Poke;
        };
        match drain.pass(&mut |_| {}).await {
            Ok(summary) => self.passed(&summary),
            Err(failure) => self.failed(&failure),
        }
    }

    fn passed(&mut self, summary: &Summary) -> Next {
        let name = &self.config.name;
        if let State::Failing { .. } | State::NoTokens = self.state {
            tracing::info!(portal = %name, "working again");
        }
        self.state = State::Working;
        let totals = summary.totals;
        if totals.events > 0 {
            tracing::info!(portal = %name, events = totals.events, changed = totals.changed,
                parked = summary.parked, requests = totals.requests,
                outcome = summary.outcome.as_str(), "drained");
        }
        match &summary.outcome {
            Outcome::WorkLeft { until, .. } => Next::PokeOr(*until),
            _ => Next::Poke,
        }
    }

    fn no_tokens(&mut self) -> Next {
        if self.state != State::NoTokens {
            tracing::warn!(portal = %self.config.name,
                "no tokens yet; run `b24-tidyd auth login` or `b24-tidyd auth import`");
        }
        self.state = State::NoTokens;
        Next::Poke
    }

    fn failed(&mut self, failure: &DrainFailure) -> Next {
        if matches!(failure, DrainFailure::Stopped) {
            return Next::Poke;
        }
        let times = match self.state {
            State::Failing { times, word } if word == failure.word() => times + 1,
            _ => 0,
        };
        if times == 0 {
            tracing::warn!(portal = %self.config.name, reason = %failure, "cannot work; trying again by itself");
        }
        self.state = State::Failing {
            times,
            word: failure.word(),
        };
        let policy = match failure {
            DrainFailure::NeedsPerson(_) | DrainFailure::Unverified(_) => RetryPolicy::PROBES,
            _ => RetryPolicy::PORTALS,
        };
        let now = self.context.clock.now();
        let moment = after(now, policy.delay(times));
        tracing::debug!(portal = %self.config.name, rest = ?until(now, moment), "resting");
        Next::NotBefore(moment)
    }
}
