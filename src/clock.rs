//! Wall clock as a value that is passed in, so that tests own the time.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};

/// A future that ends when a moment has come.
pub type Pause<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// Where the program takes the time from.
pub trait Clock: Send + Sync {
    /// The current moment.
    fn now(&self) -> Timestamp;

    /// Rests until `moment`: there is nothing else to do. An injected clock may jump there.
    fn sleep_until(&self, moment: Timestamp) -> Pause<'_>;

    /// Ends once `moment` has passed: the limit on something else that is under way. An injected
    /// clock never moves because of it.
    fn alarm_at(&self, moment: Timestamp) -> Pause<'_>;

    /// A moment on a clock that nobody sets: for how long something took or may take.
    fn steady(&self) -> Instant {
        Instant::now()
    }
}

/// The clock every part shares.
pub type SharedClock = Arc<dyn Clock>;

/// The machine's own clock.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemClock;

/// The longest stretch slept at once: after a suspend or a clock jump the wall clock is looked at
/// again this soon.
const LONGEST_NAP: Duration = Duration::from_secs(60);

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn sleep_until(&self, moment: Timestamp) -> Pause<'_> {
        Box::pin(async move {
            // The wall clock may jump either way: never sleep longer than was meant at the start,
            // and notice within a nap that the moment has already come.
            let mut left = until(self.now(), moment);
            while !left.is_zero() {
                let nap = left.min(LONGEST_NAP);
                tokio::time::sleep(nap).await;
                left = (left - nap).min(until(self.now(), moment));
            }
        })
    }

    fn alarm_at(&self, moment: Timestamp) -> Pause<'_> {
        self.sleep_until(moment)
    }
}

/// The time from `now` to `moment`; zero where it has passed.
#[must_use]
pub fn until(now: Timestamp, moment: Timestamp) -> Duration {
    Duration::try_from(moment.duration_since(now)).unwrap_or_default()
}

/// `moment` moved by `seconds`, saturating at the ends of time.
#[must_use]
pub fn after(moment: Timestamp, seconds: f64) -> Timestamp {
    let end = match seconds > 0.0 {
        true => Timestamp::MAX,
        false => Timestamp::MIN,
    };
    match SignedDuration::try_from_secs_f64(seconds) {
        Ok(step) => moment.checked_add(step).unwrap_or(end),
        Err(_) if seconds.is_nan() => moment,
        Err(_) => end,
    }
}

/// The seconds from `earlier` to `later`, negative where the order is the other way round.
#[must_use]
pub fn seconds_between(earlier: Timestamp, later: Timestamp) -> f64 {
    later.duration_since(earlier).as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_beyond_all_time_is_the_end_of_time_and_never_now() {
        let now = Timestamp::UNIX_EPOCH;
        for seconds in [1e12, 1e30, f64::INFINITY, f64::MAX] {
            assert_eq!(after(now, seconds), Timestamp::MAX, "{seconds}");
            assert_eq!(after(now, -seconds), Timestamp::MIN, "{seconds}");
        }
        assert_eq!(seconds_between(now, after(now, 1.5)), 1.5);
    }
}
