//! The long-running process: one worker per portal, the schedule that pokes them, and the one-shot
//! run that shares their drain line by line.

mod once;
mod schedule;
mod worker;

use std::sync::Arc;

use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

pub use once::{Ending, PortalReport, drain_all_once, drain_once};

use crate::{
    config::{Config, PortalConfig},
    drain::Drain,
    portal::{CallFailure, Context, Patience, Portal},
};

/// Runs until a stop is asked for: one worker per portal, poked by the schedule.
///
/// # Errors
/// Where the schedule cannot be started.
pub async fn serve(context: Context, config: &Config) -> anyhow::Result<()> {
    let pokes: Vec<Arc<Notify>> = config.portals.iter().map(|_| Arc::default()).collect();
    let schedule = schedule::start(&config.poll.schedule, pokes.clone()).await?;
    let workers = TaskTracker::new();
    for (portal, poke) in config.portals.iter().zip(pokes) {
        let worker = worker::Worker::new(
            context.clone(),
            Arc::new(portal.clone()),
            config.poll.limit.get(),
        );
        workers.spawn(worker.run(poke));
    }
    workers.close();
    workers.wait().await;
    schedule.stop().await;
    Ok(())
}

/// Opens a portal's drain with the tokens in the store; none where there are none yet.
///
/// # Errors
/// A fault of the store.
fn open_drain(
    context: &Context,
    config: &Arc<PortalConfig>,
    limit: u32,
    patience: Patience,
) -> Result<Option<Drain>, CallFailure> {
    let Some(record) = context
        .store
        .find_portal(config.url.as_str(), &config.client_id)?
    else {
        return Ok(None);
    };
    let portal = Portal::open(context.clone(), config.clone(), &record, patience)?;
    Ok(Some(Drain::new(portal, limit)))
}
