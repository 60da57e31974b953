//! What was sent to a portal, counted.

use std::collections::BTreeMap;

use crate::bitrix::Problem;

/// The result of a request that brought no answer.
const AWAY: &str = "unreachable";

/// Counters since they were taken last.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Meter {
    /// Requests by method and result.
    pub calls: BTreeMap<(&'static str, &'static str), u64>,
    /// Seconds spent waiting for limits and retries.
    pub waited: f64,
    /// Renewals of the access token.
    pub renewals: u64,
}

impl Meter {
    /// All requests to the portal.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.calls.values().sum()
    }

    /// Whether the portal answered anything, be it an error.
    #[must_use]
    pub fn answered(&self) -> bool {
        self.calls.keys().any(|(_, result)| *result != AWAY)
    }

    /// Adds another meter's counts to this one.
    pub fn add(&mut self, other: &Self) {
        for (key, count) in &other.calls {
            *self.calls.entry(*key).or_default() += count;
        }
        self.waited += other.waited;
        self.renewals += other.renewals;
    }

    pub(super) fn sent(&mut self, method: &'static str, problem: Option<&Problem>) {
        *self
            .calls
            .entry((method, problem.map_or("ok", word)))
            .or_default() += 1;
    }

    pub(super) fn rested(&mut self, seconds: f64) {
        self.waited += seconds.max(0.0);
    }
}

/// A word for a problem, as metrics have it.
fn word(problem: &Problem) -> &'static str {
    match problem {
        Problem::TokenExpired | Problem::TokenUnknown(_) => "token",
        Problem::Unauthorised(_) => "unauthorised",
        Problem::Licence(_) => "licence",
        Problem::RateLimited => "rate_limited",
        Problem::MethodBlocked | Problem::Overload(_) => "blocked",
        Problem::Failed(_) | Problem::Unclear(_) => "failed",
        Problem::Unreachable(_) | Problem::Unanswered(_) => AWAY,
        Problem::Moved(_) | Problem::Misdirected(_) => "moved",
        Problem::Gone
        | Problem::Refused(_)
        | Problem::RequestRefused(_)
        | Problem::Denied(_)
        | Problem::InvalidId(_)
        | Problem::AlreadyBound
        | Problem::NotOffered(_)
        | Problem::Misuse(_) => "refused",
    }
}
