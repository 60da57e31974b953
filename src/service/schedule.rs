//! The schedule only pokes: whatever it pokes decides itself what to do.

use std::sync::Arc;

use anyhow::Context as _;
use jiff::Timestamp;
use tokio::sync::{Notify, watch};
use tokio_cron_scheduler::{Job, JobScheduler};
use tokio_util::sync::CancellationToken;

use crate::{
    clock::{Clock, after, seconds_between},
    config::Schedule,
};

/// How long a tick of the scheduler may be overdue, in seconds, before we go by our own clock.
const GRACE_SECONDS: f64 = 5.0;

/// Counts the pokes; whoever subscribes learns of new ones, and many missed ones are one.
pub(super) type Pokes = watch::Sender<u64>;

/// Seconds between the next two moments at which a schedule fires.
pub(super) fn interval(schedule: &Schedule, now: Timestamp) -> f64 {
    let next = schedule.next_after(now);
    let following = next.and_then(|next| schedule.next_after(next));
    next.zip(following)
        .map_or(f64::INFINITY, |(next, following)| {
            seconds_between(next, following)
        })
}

/// Pokes everybody at each tick of `schedule` until `stop`.
pub(super) async fn run(
    schedule: Schedule,
    clock: impl Clock,
    pokes: Pokes,
    stop: CancellationToken,
) {
    let ticks: Arc<Notify> = Arc::default();
    let scheduler = start(&schedule, ticks.clone()).await;
    if let Err(error) = &scheduler {
        tracing::warn!("{error:#}; going by our own clock");
    }
    pass_on(&schedule, &clock, &ticks, &pokes, &stop).await;
    if let Ok(mut scheduler) = scheduler
        && let Err(error) = scheduler.shutdown().await
    {
        tracing::debug!(%error, "the scheduler did not stop by itself");
    }
}

async fn start(schedule: &Schedule, ticks: Arc<Notify>) -> anyhow::Result<JobScheduler> {
    let scheduler = JobScheduler::new()
        .await
        .context("the scheduler does not start")?;
    let job = Job::new(schedule.as_str(), move |_, _| ticks.notify_one())
        .context("the scheduler does not take the schedule")?;
    scheduler
        .add(job)
        .await
        .context("the scheduler does not take the job")?;
    scheduler
        .start()
        .await
        .context("the scheduler does not start")?;
    Ok(scheduler)
}

/// Passes the scheduler's ticks on as pokes. A scheduler that has fallen silent, as it does after the
/// clock was set back, is noticed, and its schedule kept without it.
async fn pass_on(
    schedule: &Schedule,
    clock: &impl Clock,
    ticks: &Notify,
    pokes: &Pokes,
    stop: &CancellationToken,
) {
    let mut silent = false;
    loop {
        let grace = if silent { 0.0 } else { GRACE_SECONDS };
        let due = schedule
            .next_after(clock.now())
            .map_or(Timestamp::MAX, |due| after(due, grace));
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = ticks.notified() => {
                if silent {
                    tracing::info!("the scheduler is back");
                }
                silent = false;
            }
            () = clock.sleep_until(due) => {
                if !silent {
                    tracing::warn!("the scheduler has fallen silent; going by our own clock");
                }
                silent = true;
            }
        }
        pokes.send_modify(|count| *count += 1);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, PoisonError};

    use super::*;
    use crate::clock::Pause;

    /// A clock on which sleeping moves the time.
    struct Leaping(Mutex<Timestamp>);

    impl Clock for Leaping {
        fn now(&self) -> Timestamp {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }

        fn sleep_until(&self, moment: Timestamp) -> Pause<'_> {
            Box::pin(async move {
                *self.0.lock().unwrap_or_else(PoisonError::into_inner) = moment;
                tokio::task::yield_now().await;
            })
        }

        fn alarm_at(&self, _: Timestamp) -> Pause<'_> {
            Box::pin(std::future::pending())
        }
    }

    fn every_minute() -> Schedule {
        Schedule::parse("0 * * * * *").unwrap_or_default()
    }

    #[tokio::test]
    async fn a_silent_scheduler_is_noticed_and_its_schedule_kept() {
        let clock = Leaping(Mutex::new(Timestamp::UNIX_EPOCH));
        let (ticks, stop) = (Notify::new(), CancellationToken::new());
        let (pokes, mut poked) = watch::channel(0);
        let schedule = every_minute();
        let passing_on = pass_on(&schedule, &clock, &ticks, &pokes, &stop);
        let three_pokes = async {
            while *poked.borrow_and_update() < 3 {
                assert!(poked.changed().await.is_ok());
            }
            stop.cancel();
        };
        tokio::join!(passing_on, three_pokes);
        // The first one came late, as the scheduler was waited for; the others on time.
        let pokes = i64::try_from(*poked.borrow()).unwrap_or(i64::MAX);
        let left = clock.now().as_second() - pokes * 60;
        assert!((0..=60).contains(&left), "{left}");
        assert_eq!(left % 60, 0);
    }

    #[tokio::test]
    async fn ticks_of_the_scheduler_are_passed_on_and_many_are_one() {
        let clock = Leaping(Mutex::new(Timestamp::UNIX_EPOCH));
        let (ticks, stop) = (Notify::new(), CancellationToken::new());
        let (pokes, poked) = watch::channel(0);
        for _ in 0..5 {
            ticks.notify_one();
        }
        let schedule = every_minute();
        let passing_on = pass_on(&schedule, &clock, &ticks, &pokes, &stop);
        let one_poke = async {
            while *poked.borrow() == 0 {
                tokio::task::yield_now().await;
            }
            stop.cancel();
        };
        tokio::join!(passing_on, one_poke);
        assert_eq!(*poked.borrow(), 1);
    }

    #[test]
    fn an_interval_is_the_time_between_two_ticks() {
        assert!((interval(&every_minute(), Timestamp::UNIX_EPOCH) - 60.0).abs() < 1e-9);
        assert!((interval(&Schedule::default(), Timestamp::UNIX_EPOCH) - 10.0).abs() < 1e-9);
    }
}
