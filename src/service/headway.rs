//! How a long drain gets on: done, left, rate, estimated end. Pure.

use std::time::Duration;

use crate::drain::Progress;

/// How a drain gets on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Headway {
    /// Events done.
    pub done: u64,
    /// Contacts changed.
    pub changed: u64,
    /// Events that wait or are in hand, as far as the portal has told.
    pub left: Option<u64>,
    /// Events done each second so far.
    pub per_second: f64,
    /// How long it will still take at that rate.
    pub rest: Option<Duration>,
}

impl Headway {
    /// How a drain gets on that has come so far after `elapsed`.
    #[must_use]
    pub fn of(progress: Progress, elapsed: Duration) -> Self {
        let per_second = progress.events as f64 / elapsed.as_secs_f64().max(1e-3);
        let left = progress.waiting.map(|waiting| waiting + progress.in_hand);
        let rest = left.filter(|_| progress.events > 0);
        let rest = rest.map(|left| left as f64 / per_second);
        Self {
            done: progress.events,
            changed: progress.changed,
            left,
            per_second,
            rest: rest.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
        }
    }

    /// The part that is done, 0 to 1; none while nobody knows how much is left.
    #[must_use]
    pub fn share(&self) -> Option<f64> {
        let all = self.done + self.left?;
        Some(self.done as f64 / all.max(1) as f64)
    }
}

/// A length of time in one or two units.
#[must_use]
pub fn about(length: Duration) -> String {
    let seconds = length.as_secs();
    match (seconds / 3600, seconds % 3600 / 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, _) => format!("{minutes} min"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(events: u64, waiting: Option<u64>) -> Progress {
        Progress {
            events,
            changed: events,
            in_hand: 500,
            waiting,
        }
    }

    #[test]
    fn what_is_left_ends_at_the_rate_so_far() {
        let headway = Headway::of(progress(1000, Some(9500)), Duration::from_secs(50));
        assert_eq!(headway.left, Some(10_000));
        assert_eq!(headway.per_second, 20.0);
        assert_eq!(headway.rest, Some(Duration::from_secs(500)));
        assert_eq!(
            headway.share().map(|share| (share * 11.0).round()),
            Some(1.0)
        );
    }

    #[test]
    fn nothing_is_claimed_that_nobody_knows() {
        let headway = Headway::of(progress(1000, None), Duration::from_secs(50));
        assert_eq!(
            (headway.left, headway.rest, headway.share()),
            (None, None, None)
        );
        let headway = Headway::of(progress(0, Some(1)), Duration::ZERO);
        assert_eq!(headway.rest, None);
    }

    #[test]
    fn lengths_are_told_in_words_that_fit() {
        let told = [0, 59, 61, 3600, 9000].map(|seconds| about(Duration::from_secs(seconds)));
        assert_eq!(told, ["0 s", "59 s", "1 min", "1 h 0 min", "2 h 30 min"]);
    }
}
