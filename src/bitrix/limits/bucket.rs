//! The leaky bucket for requests (protocol document, section 4).
//!
//! The portal takes requests off its bucket once a second, on a grid of its own that we do not know.
//! Our bucket leaks smoothly, and holds so much less that the portal's never overflows, wherever its
//! grid lies: between two of its steps the portal's level is ahead of ours by less than what one
//! step takes off.

use jiff::{SignedDuration, Timestamp};

use super::Plan;
use crate::clock::{after, seconds_between};

/// How full the request bucket is, as far as we know.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucket {
    /// Requests in the bucket.
    pub level: f64,
    /// When that was so, in whole milliseconds.
    pub as_of: Timestamp,
}

/// What our bucket holds and loses.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Shape {
    capacity: f64,
    per_second: f64,
}

/// Room for sums of fractions.
const ROUNDING: f64 = 1e-9;

impl Bucket {
    /// An empty bucket.
    #[must_use]
    pub fn empty(now: Timestamp) -> Self {
        Self {
            level: 0.0,
            as_of: now,
        }
    }

    /// Takes room for one request.
    ///
    /// # Errors
    /// The moment at which there will be room; nothing is taken then.
    pub fn take(&mut self, plan: Plan, now: Timestamp) -> Result<(), Timestamp> {
        let shape = Shape::of(plan);
        self.leak(shape, now);
        let excess = self.level + 1.0 - shape.capacity;
        if excess <= ROUNDING {
            self.level += 1.0;
            return Ok(());
        }
        Err(after(now, excess / shape.per_second))
    }

    /// The portal said that its bucket is full: others use it, too.
    pub fn overflowed(&mut self, plan: Plan, now: Timestamp) {
        self.leak(Shape::of(plan), now);
        self.level = self.level.max(plan.burst);
    }

    /// How many requests are in the bucket at `now`.
    pub fn level_at(&mut self, plan: Plan, now: Timestamp) -> f64 {
        self.leak(Shape::of(plan), now);
        self.level
    }

    /// Whole milliseconds alone leak, as the store keeps no less: nothing is lost or won by rounding,
    /// however often the bucket is looked at.
    fn leak(&mut self, shape: Shape, now: Timestamp) {
        let elapsed = seconds_between(self.as_of, now);
        if elapsed < 0.0 {
            // A clock that was set back must not freeze the bucket.
            self.as_of = now;
            return;
        }
        let whole = now.duration_since(self.as_of).as_millis();
        let step = SignedDuration::from_millis(i64::try_from(whole).unwrap_or(i64::MAX));
        self.as_of = self.as_of.checked_add(step).unwrap_or(now);
        self.level = (self.level - step.as_secs_f64() * shape.per_second).max(0.0);
    }
}

impl Shape {
    fn of(plan: Plan) -> Self {
        let burst = plan.burst.max(1.0);
        // What a step takes off, and one request that is on its way, stay in hand.
        let roomy = burst - plan.rate - 1.0;
        if roomy >= 1.0 {
            return Self {
                capacity: roomy,
                per_second: plan.rate,
            };
        }
        // A small bucket: so few at once and so few a second that no second sees more than it holds.
        if plan.rate >= 1.0 {
            let per_second = plan.rate.min(burst).floor();
            return Self {
                capacity: (burst.floor() + 1.0 - per_second).max(1.0),
                per_second,
            };
        }
        Self {
            capacity: burst.floor(),
            per_second: 1.0 / (1.0 / plan.rate).ceil(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(burst: f64, rate: f64) -> Plan {
        Plan {
            burst,
            rate,
            share: 1.0,
            operating_limit: 480.0,
        }
    }

    fn start() -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    #[test]
    fn the_bucket_lets_a_burst_through_and_then_the_rate() {
        let plan = plan(50.0, 2.0);
        let mut bucket = Bucket::empty(start());
        let burst = (0..100)
            .take_while(|_| bucket.take(plan, start()).is_ok())
            .count();
        assert_eq!(burst, 47);
        assert_eq!(bucket.take(plan, start()), Err(after(start(), 0.5)));
    }

    /// A portal whose bucket falls on a grid, and a client that always asks as early as it may.
    fn requests_in_a_minute(plan: Plan, phase: f64, pause: f64) -> usize {
        let mut bucket = Bucket::empty(start());
        let (mut now, mut sent, mut level, mut ticks) = (start(), 0, 0.0, 0.0);
        while seconds_between(start(), now) < 60.0 {
            match bucket.take(plan, now) {
                Err(room) => now = after(room, 1e-6),
                Ok(()) => {
                    let passed = (seconds_between(start(), now) + phase).floor();
                    level = f64::max(level - (passed - ticks) * plan.rate, 0.0) + 1.0;
                    ticks = passed;
                    assert!(level <= plan.burst, "{plan:?} at phase {phase}, {now}");
                    sent += 1;
                    now = after(now, pause);
                }
            }
        }
        sent
    }

    /// Catches a bucket that leaks ahead of the portal's grid, and one that starves small plans.
    #[test]
    fn no_plan_overflows_wherever_the_portals_grid_lies() {
        let plans = [
            (1.0, 2.0, 59),
            (1.0, 0.3, 14),
            (2.0, 2.0, 118),
            (2.0, 1.5, 59),
            (2.5, 0.5, 30),
            (5.0, 2.0, 119),
            (5.0, 5.0, 290),
            (50.0, 2.0, 165),
            (50.0, 2.5, 190),
            (250.0, 5.0, 540),
            (1000.0, 2.0, 1100),
            (1000.0, 1000.0, 5000),
        ];
        for (burst, rate, least) in plans {
            for phase in 0..20 {
                for pause in [0.0, 0.013, 0.31] {
                    let phase = f64::from(phase) / 20.0;
                    let sent = requests_in_a_minute(plan(burst, rate), phase, pause);
                    if pause == 0.0 {
                        assert!(sent >= least, "{burst} and {rate}: {sent}");
                    }
                }
            }
        }
    }

    #[test]
    fn news_of_a_full_bucket_counts() {
        let plan = plan(50.0, 2.0);
        let mut bucket = Bucket::empty(start());
        bucket.overflowed(plan, start());
        assert_eq!(bucket.take(plan, start()), Err(after(start(), 2.0)));
        assert_eq!(bucket.take(plan, after(start(), 2.0)), Ok(()));
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_freeze_the_bucket() {
        let plan = plan(1.0, 1.0);
        let mut bucket = Bucket::empty(start());
        assert_eq!(bucket.take(plan, start()), Ok(()));
        let earlier = after(start(), -86_400.0);
        assert_eq!(bucket.take(plan, earlier), Err(after(earlier, 1.0)));
        assert_eq!(bucket.take(plan, after(earlier, 1.0)), Ok(()));
    }
}
