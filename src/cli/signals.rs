//! Signals that ask a command to stop.

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::exit::Exit;

/// The first signal asks for a stop at a safe point, the second one ends at once.
pub(super) fn stop_on_signals(stop: CancellationToken) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM cannot be caught")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("SIGINT cannot be caught")?;
    tokio::spawn(async move {
        loop {
            tokio::select! {
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
