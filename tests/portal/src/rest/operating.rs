//! Operating time: execution seconds per method in a sliding window of ten one-minute buckets
//! (protocol document, section 4).

use std::collections::{HashMap, VecDeque};

/// Seconds of the window.
const WINDOW: f64 = 600.0;
/// Calls shorter than this are not booked.
const UNBOOKED: f64 = 0.1;

struct Minute {
    first_call: f64,
    seconds: f64,
}

/// The books of all methods.
#[derive(Default)]
pub(crate) struct Operating {
    methods: HashMap<String, VecDeque<Minute>>,
}

impl Operating {
    /// Books a call.
    pub(crate) fn book(&mut self, method: &str, seconds: f64, now: f64) {
        if seconds < UNBOOKED {
            return;
        }
        self.forget(method, now);
        let minutes = self.methods.entry(method.to_owned()).or_default();
        match minutes.back_mut() {
            Some(minute) if now < minute.first_call + 60.0 => minute.seconds += seconds,
            _ => minutes.push_back(Minute {
                first_call: now,
                seconds,
            }),
        }
    }

    /// Running sum of a method, and when its oldest bucket leaves the window (Unix seconds).
    pub(crate) fn sum(&mut self, method: &str, now: f64) -> (f64, i64) {
        self.forget(method, now);
        let minutes = self.methods.get(method);
        let sum = minutes
            .into_iter()
            .flatten()
            .map(|minute| minute.seconds)
            .sum();
        let oldest = minutes.and_then(VecDeque::front);
        let reset = oldest.map_or(now, |minute| minute.first_call) + WINDOW;
        #[allow(clippy::cast_possible_truncation)]
        (sum, reset.ceil() as i64)
    }

    fn forget(&mut self, method: &str, now: f64) {
        if let Some(minutes) = self.methods.get_mut(method) {
            while minutes
                .front()
                .is_some_and(|minute| minute.first_call + WINDOW <= now)
            {
                minutes.pop_front();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Operating;

    #[test]
    fn the_sum_runs_and_slides_by_minutes() {
        let mut operating = Operating::default();
        operating.book("m", 0.09, 1000.0);
        assert_eq!(operating.sum("m", 1000.0), (0.0, 1600));
        operating.book("m", 2.0, 1000.0);
        operating.book("m", 3.0, 1059.0);
        operating.book("m", 4.0, 1061.0);
        assert_eq!(operating.sum("m", 1100.0), (9.0, 1600));
        assert_eq!(operating.sum("other", 1100.0), (0.0, 1700));
        assert_eq!(operating.sum("m", 1600.0), (4.0, 1661));
    }
}
