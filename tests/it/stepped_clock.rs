//! A clock that stands still until a test moves it; whoever waits for the time wakes then.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use b24_tidyd::clock::{Clock, Pause, after};
use jiff::Timestamp;
use tokio::sync::watch;

/// A clock that stands still. Clones share the time.
#[derive(Clone)]
pub(crate) struct SteppedClock {
    began: Instant,
    passed: Arc<watch::Sender<Duration>>,
}

impl SteppedClock {
    pub(crate) fn new() -> Self {
        Self {
            began: Instant::now(),
            passed: Arc::default(),
        }
    }

    /// Moves the time on.
    pub(crate) fn step(&self, seconds: f64) {
        self.passed
            .send_modify(|passed| *passed += Duration::from_secs_f64(seconds));
    }

    /// How many waits are under way.
    pub(crate) fn waiting(&self) -> usize {
        self.passed.receiver_count()
    }

    fn passed(&self) -> Duration {
        *self.passed.borrow()
    }
}

impl Clock for SteppedClock {
    fn now(&self) -> Timestamp {
        let start = Timestamp::from_second(1_767_596_400).unwrap();
        after(start, self.passed().as_secs_f64())
    }

    fn sleep_until(&self, moment: Timestamp) -> Pause<'_> {
        Box::pin(async move {
            let mut time = self.passed.subscribe();
            while self.now() < moment {
                time.changed().await.unwrap();
            }
        })
    }

    fn alarm_at(&self, moment: Timestamp) -> Pause<'_> {
        self.sleep_until(moment)
    }

    fn steady(&self) -> Instant {
        self.began + self.passed()
    }
}
