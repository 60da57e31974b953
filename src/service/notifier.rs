//! What the service manager is told, and how often it wants a sign of life.

use std::{sync::Arc, time::Duration};

use sd_notify::NotifyState;

/// A way to tell somebody.
type Tell = dyn Fn(&[NotifyState<'_>]) + Send + Sync;

/// The service manager's ear. Clones share it.
#[derive(Clone)]
pub struct Notifier {
    tell: Arc<Tell>,
    watchdog: Option<Duration>,
}

impl Notifier {
    /// systemd, as `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID` describe it; nobody where they
    /// are unset.
    #[must_use]
    pub fn systemd() -> Self {
        let tell = |states: &[NotifyState<'_>]| {
            if let Err(error) = sd_notify::notify(states) {
                tracing::debug!(%error, "the service manager does not listen");
            }
        };
        Self::new(tell, sd_notify::watchdog_enabled())
    }

    /// Tells `tell`, which expects a sign of life at least every `watchdog`.
    pub fn new(
        tell: impl Fn(&[NotifyState<'_>]) + Send + Sync + 'static,
        watchdog: Option<Duration>,
    ) -> Self {
        Self {
            tell: Arc::new(tell),
            watchdog: watchdog.filter(|interval| !interval.is_zero()),
        }
    }

    /// How long the service manager waits for a sign of life before it restarts the service.
    #[must_use]
    pub fn watchdog(&self) -> Option<Duration> {
        self.watchdog
    }

    pub(super) fn ready(&self) {
        (self.tell)(&[NotifyState::Ready]);
    }

    /// One line for people. Texts of a portal may be part of it: what could end the line does not
    /// get through.
    pub(super) fn status(&self, text: &str) {
        let line: String = text
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        (self.tell)(&[NotifyState::Status(&line)]);
    }

    pub(super) fn reloading(&self) {
        match NotifyState::monotonic_usec_now() {
            Ok(moment) => (self.tell)(&[NotifyState::Reloading, moment]),
            Err(error) => tracing::debug!(%error, "no monotonic clock"),
        }
    }

    pub(super) fn stopping(&self) {
        (self.tell)(&[NotifyState::Stopping]);
    }

    pub(super) fn alive(&self) {
        (self.tell)(&[NotifyState::Watchdog]);
    }
}
