//! What rings at the moments of a schedule: tokio-cron-scheduler, or whatever stands in for it.
//!
//! One ticker serves the whole life of a process; a new schedule replaces the one before. It may ring
//! late, twice or never: the [`schedule`](super::schedule) does not trust it.

use std::{future::Future, pin::Pin, sync::Arc};

use anyhow::Context as _;
use tokio::sync::Notify;
use tokio_cron_scheduler::{Job, JobScheduler};

use crate::config::Schedule;

/// What the ticker rings. Clones are the same bell; rings that nobody has heard yet are one.
#[derive(Debug, Clone, Default)]
pub struct Bell(Arc<Notify>);

impl Bell {
    /// A moment of the schedule has come.
    pub fn ring(&self) {
        self.0.notify_one();
    }

    /// Waits for a ring; one that came since the last wait counts.
    pub(super) async fn rung(&self) {
        self.0.notified().await;
    }
}

/// A step of a ticker that may take a moment.
pub type Ticking<'a> = Pin<Box<dyn Future<Output = anyhow::Result<()>> + Send + 'a>>;

/// Rings a bell at the moments of a schedule.
pub trait Ticker: Send {
    /// Rings `bell` at the moments of `schedule` from now on, and at no others.
    fn follow<'a>(&'a mut self, schedule: &'a Schedule, bell: &'a Bell) -> Ticking<'a>;

    /// Rings no more.
    fn stop(&mut self) -> Ticking<'_>;
}

/// tokio-cron-scheduler. Its tasks outlive its shutdown, so that there is one scheduler for the life
/// of the process, and jobs that come and go.
#[derive(Default)]
pub struct CronTicker {
    scheduler: Option<JobScheduler>,
    job: Option<Job>,
}

impl Ticker for CronTicker {
    fn follow<'a>(&'a mut self, schedule: &'a Schedule, bell: &'a Bell) -> Ticking<'a> {
        Box::pin(self.replace_job(schedule, bell.clone()))
    }

    fn stop(&mut self) -> Ticking<'_> {
        Box::pin(async {
            if let Some(mut scheduler) = self.scheduler.take() {
                scheduler.shutdown().await?;
            }
            Ok(())
        })
    }
}

impl CronTicker {
    async fn replace_job(&mut self, schedule: &Schedule, bell: Bell) -> anyhow::Result<()> {
        let scheduler = match &self.scheduler {
            Some(scheduler) => scheduler,
            None => self.scheduler.insert(started().await?),
        };
        if let Some(job) = self.job.take() {
            scheduler
                .remove(&job.guid())
                .await
                .context("the scheduler does not let go of the schedule before")?;
        }
        let job = Job::new(schedule.as_str(), move |_, _| bell.ring())
            .context("the scheduler does not take the schedule")?;
        scheduler
            .add(job.clone())
            .await
            .context("the scheduler does not take the job")?;
        self.job = Some(job);
        Ok(())
    }
}

async fn started() -> anyhow::Result<JobScheduler> {
    let scheduler = JobScheduler::new()
        .await
        .context("the scheduler does not start")?;
    scheduler
        .start()
        .await
        .context("the scheduler does not start")?;
    Ok(scheduler)
}
