//! Time as the portal sees it.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Time as the portal sees it. Tests pass one that they share with the client; the served portal
/// passes [`SystemClock`].
pub trait PortalClock: Send + Sync + 'static {
    /// Unix seconds with a fraction.
    fn now(&self) -> f64;

    /// The portal works for that long: the system clock sleeps, an injected clock moves forward at
    /// once.
    fn spend(&self, seconds: f64) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;

    /// Moves time forward on request of the control interface; `false` where this clock cannot.
    fn advance(&self, _seconds: f64) -> bool {
        false
    }

    /// Whether [`PortalClock::spend`] really waits. Where it does not, a hanging answer is held
    /// back for a moment of real time, so that a client on the same clock sees its own timeout
    /// first.
    fn waits(&self) -> bool {
        false
    }
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl PortalClock for SystemClock {
    fn now(&self) -> f64 {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0.0, |since| since.as_secs_f64())
    }

    fn spend(&self, seconds: f64) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(tokio::time::sleep(Duration::from_secs_f64(
            seconds.max(0.0),
        )))
    }

    fn waits(&self) -> bool {
        true
    }
}

/// A clock that stands still until somebody moves it. Clones share the time.
#[derive(Debug, Clone)]
pub struct ManualClock {
    seconds: Arc<Mutex<f64>>,
}

impl ManualClock {
    /// A clock that shows `seconds` since the Unix epoch.
    #[must_use]
    pub fn at(seconds: f64) -> Self {
        Self {
            seconds: Arc::new(Mutex::new(seconds)),
        }
    }

    /// Sets the time, forwards or backwards.
    pub fn set(&self, seconds: f64) {
        *self.seconds.lock().unwrap_or_else(PoisonError::into_inner) = seconds;
    }

    /// Moves the time forward.
    pub fn advance(&self, seconds: f64) {
        *self.seconds.lock().unwrap_or_else(PoisonError::into_inner) += seconds;
    }
}

impl Default for ManualClock {
    /// Monday, 5 January 2026, 07:00:00 UTC.
    fn default() -> Self {
        Self::at(1_767_596_400.0)
    }
}

impl PortalClock for ManualClock {
    fn now(&self) -> f64 {
        *self.seconds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn spend(&self, seconds: f64) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        ManualClock::advance(self, seconds.max(0.0));
        Box::pin(std::future::ready(()))
    }

    fn advance(&self, seconds: f64) -> bool {
        ManualClock::advance(self, seconds);
        true
    }
}
