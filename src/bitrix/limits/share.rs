//! The share of the request rate that a steady stream of work may take, over any minute.

use std::collections::VecDeque;

use jiff::Timestamp;

use super::Plan;
use crate::clock::after;

/// The stretch over which the share is counted, in seconds.
const STRETCH: f64 = 60.0;

/// The moments of the last requests, as many as one stretch may see.
#[derive(Debug, Clone, Default)]
pub struct Share {
    sent: VecDeque<Timestamp>,
}

impl Share {
    /// Notes a request that is sent now.
    pub fn sent(&mut self, plan: Plan, now: Timestamp) {
        self.sent.push_back(now);
        while self.sent.len() > Allowance::of(plan).requests {
            self.sent.pop_front();
        }
    }

    /// When the next request of a steady stream may be sent: never more than the share in any stretch, what
    /// was sent at full speed before included.
    #[must_use]
    pub fn free_at(&self, plan: Plan, now: Timestamp) -> Timestamp {
        let allowance = Allowance::of(plan);
        // A clock that was set back leaves moments that have not come yet.
        let known = self.sent.iter().filter(|sent| **sent <= now);
        let known: Vec<&Timestamp> = known.collect();
        match known.len().checked_sub(allowance.requests) {
            Some(first) => now.max(after(*known[first], allowance.seconds)),
            None => now,
        }
    }
}

/// So many requests in so many seconds.
struct Allowance {
    requests: usize,
    seconds: f64,
}

impl Allowance {
    fn of(plan: Plan) -> Self {
        let per_second = plan.rate * plan.share;
        let requests = (per_second * STRETCH).floor().min(1e6);
        if requests >= 1.0 {
            return Self {
                requests: requests as usize,
                seconds: STRETCH,
            };
        }
        // Less than one in a minute: one in as many minutes as it takes.
        Self {
            requests: 1,
            seconds: 1.0 / per_second,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::seconds_between;

    const PLAN: Plan = Plan {
        burst: 50.0,
        rate: 2.0,
        share: 0.8,
        operating_limit: 480.0,
    };

    /// The moments of a client that always asks as early as it may, in seconds.
    fn stream(plan: Plan, already: usize, count: usize) -> Vec<f64> {
        let start = Timestamp::UNIX_EPOCH;
        let mut share = Share::default();
        let mut now = start;
        let mut moments = Vec::new();
        for nth in 0..already + count {
            if nth >= already {
                now = share.free_at(plan, now);
            }
            share.sent(plan, now);
            moments.push(seconds_between(start, now));
        }
        moments
    }

    fn most_in_a_minute(moments: &[f64]) -> usize {
        let within = |from: f64| {
            moments
                .iter()
                .filter(|at| (from..from + 60.0).contains(*at))
                .count()
        };
        moments.iter().map(|from| within(*from)).max().unwrap_or(0)
    }

    /// Break: count from the beginning of each minute.
    #[test]
    fn no_minute_sees_more_than_the_share() {
        let moments = stream(PLAN, 0, 1000);
        assert_eq!(most_in_a_minute(&moments), 96);
        // Over many minutes it is the share that is used, and no less.
        let last = moments.last().copied().unwrap_or_default();
        assert!((500.0..=630.0).contains(&last), "{last}");
    }

    #[test]
    fn what_was_sent_at_full_speed_before_counts() {
        let moments = stream(PLAN, 96, 1);
        assert_eq!(moments.last().copied(), Some(60.0));
    }

    #[test]
    fn a_slow_plan_is_not_stopped() {
        let plan = Plan { rate: 0.01, ..PLAN };
        assert_eq!(stream(plan, 0, 3), [0.0, 125.0, 250.0]);
    }

    #[test]
    fn a_clock_that_is_set_back_stops_nothing() {
        let start = Timestamp::UNIX_EPOCH;
        let mut share = Share::default();
        for _ in 0..96 {
            share.sent(PLAN, after(start, 86_400.0));
        }
        assert_eq!(share.free_at(PLAN, start), start);
    }
}
