//! The schedule only pokes: whatever it pokes decides itself what to do.

use std::sync::Arc;

use anyhow::Context as _;
use tokio::sync::Notify;
use tokio_cron_scheduler::{Job, JobScheduler};

use crate::config::Schedule;

/// A running schedule.
pub(super) struct Running(JobScheduler);

/// Pokes everybody in `pokes` at each tick of `schedule`.
pub(super) async fn start(schedule: &Schedule, pokes: Vec<Arc<Notify>>) -> anyhow::Result<Running> {
    let scheduler = JobScheduler::new()
        .await
        .context("the scheduler does not start")?;
    let job = Job::new(schedule.as_str(), move |_, _| {
        for poke in &pokes {
            poke.notify_one();
        }
    })
    .context("the scheduler does not take the schedule")?;
    scheduler
        .add(job)
        .await
        .context("the scheduler does not take the job")?;
    scheduler
        .start()
        .await
        .context("the scheduler does not start")?;
    Ok(Running(scheduler))
}

impl Running {
    /// Ends the ticks.
    pub(super) async fn stop(mut self) {
        if let Err(error) = self.0.shutdown().await {
            tracing::debug!(%error, "the scheduler did not stop by itself");
        }
    }
}
