//! The state file is waited for where that helps: the first import makes it, and a one-shot run ends.

use super::{
    daemon::{OpenStore, Service},
    metrics::Metrics,
};
use crate::{
    clock::{Clock, after},
    portal::Context,
    store::{Holder, Lock, StoreFault},
};

/// What a one-shot run calls itself where it holds the drain lock.
pub const ONE_SHOT: &str = "b24-tidyd run --once";

/// How often a lock that somebody holds is tried again, in seconds.
const BETWEEN_TRIES: f64 = 1.0;

/// Somebody else drains.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the drain lock is held by {0}; stop it first, or let it do the work")]
pub struct DrainLockHeld(pub Holder);

impl DrainLockHeld {
    /// Whether the holder will be done by itself before long.
    fn is_passing(&self) -> bool {
        self.0.0.starts_with(ONE_SHOT)
    }
}

impl Service {
    /// Opens the state file. The first import makes it: until then the daemon waits, so that it may be
    /// started before; and it waits for a one-shot run that is at work. None where a stop was asked for
    /// meanwhile.
    pub(super) async fn await_store(
        &mut self,
        open: &OpenStore,
    ) -> anyhow::Result<Option<(Context, Lock)>> {
        let clock = self.watch.clock_of("state file");
        let mut told = String::new();
        loop {
            let error = match open(self.config.store.clone()).await {
                Ok(opened) => {
                    self.host.works(clock.now());
                    return Ok(Some(opened));
                }
                Err(error) => error,
            };
            let held: Option<&DrainLockHeld> = error.downcast_ref();
            let missing = matches!(error.downcast_ref(), Some(StoreFault::Missing(_)));
            let (text, next) = match held.filter(|held| held.is_passing()) {
                Some(DrainLockHeld(holder)) => (
                    format!("waiting for {holder} to end"),
                    after(clock.now(), BETWEEN_TRIES),
                ),
                None if missing => {
                    let next = self.config.poll.schedule.next_after(clock.now());
                    let next = next.unwrap_or_else(|| after(clock.now(), 60.0));
                    (format!("{error}; waiting for it"), next)
                }
                None => return Err(error),
            };
            if told != text {
                tracing::warn!("{text}");
                self.board.ready();
                self.board.say(&text);
                told = text;
                if missing && let Some(metrics) = Metrics::of(&self.config, &self.host) {
                    metrics.keeper().write(None, clock.now()).await;
                }
            }
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return Ok(None),
                Some(reread) = self.rereads.recv() => {
                    if self.accept(reread, false) {
                        told.clear();
                    }
                }
                () = clock.sleep_until(next) => {}
            }
        }
    }
}
