//! Signals that steer a command.

use anyhow::Context as _;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
};
use tokio_util::sync::CancellationToken;

use super::exit::Exit;

/// Where a command hears that it shall stop, or read its configuration again.
pub trait Signals: Send + Sync {
    /// Cancels `stop` at the first signal that asks for an end. Before this was called such a signal ends
    /// the process at once.
    ///
    /// # Errors
    /// Where signals cannot be caught.
    fn stop(&self, stop: &CancellationToken) -> anyhow::Result<()>;

    /// Answers with a word for each signal that asks for the configuration to be read again.
    ///
    /// # Errors
    /// As [`Signals::stop`].
    fn reloads(&self) -> anyhow::Result<mpsc::Receiver<()>>;
}

/// The signals of this process.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProcessSignals;

impl Signals for ProcessSignals {
    /// The first signal asks for a stop at a safe point, the second one ends at once.
    fn stop(&self, stop: &CancellationToken) -> anyhow::Result<()> {
        let mut terminate = signal(SignalKind::terminate()).context("SIGTERM cannot be caught")?;
        let mut interrupt = signal(SignalKind::interrupt()).context("SIGINT cannot be caught")?;
        let stop = stop.clone();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    biased;
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                if stop.is_cancelled() {
                    // What is reserved stays reserved, and what was sent is looked at again at the start.
                    std::process::exit(Exit::Temporary.code().into());
                }
                tracing::info!("stopping at the next safe point; once more ends at once");
                stop.cancel();
            }
        });
        Ok(())
    }

    fn reloads(&self) -> anyhow::Result<mpsc::Receiver<()>> {
        let mut hangups = signal(SignalKind::hangup()).context("SIGHUP cannot be caught")?;
        let (send, reloads) = mpsc::channel(1);
        tokio::spawn(async move {
            while hangups.recv().await.is_some() && send.send(()).await.is_ok() {}
        });
        Ok(reloads)
    }
}
