//! The schedule only pokes: whatever it pokes decides itself what to do.

use jiff::Timestamp;
use tokio::sync::watch;

use super::ticker::{Bell, Ticker};
use crate::{
    clock::{Clock, after, seconds_between},
    config::Schedule,
};

/// How long a ring of the ticker may be overdue, in seconds, before we go by our own clock.
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

/// Pokes everybody at each moment of the schedule that stands in `schedules`, until nobody can change
/// that any more.
pub(super) async fn run(
    mut ticker: Box<dyn Ticker>,
    mut schedules: watch::Receiver<Schedule>,
    clock: impl Clock,
    pokes: Pokes,
) {
    let bell = Bell::default();
    loop {
        let schedule = schedules.borrow_and_update().clone();
        if let Err(error) = ticker.follow(&schedule, &bell).await {
            tracing::warn!("{error:#}; going by our own clock");
        }
        tokio::select! {
            biased;
            changed = schedules.changed() => if changed.is_err() { break },
            () = pass_on(&schedule, &clock, &bell, &pokes) => {}
        }
    }
    if let Err(error) = ticker.stop().await {
        tracing::debug!("{error:#}: the scheduler did not stop by itself");
    }
}

/// Passes the ticker's rings on as pokes, for ever. A ticker that has fallen silent, as the scheduler
/// does after the clock was set back, is noticed, and its schedule kept without it.
async fn pass_on(schedule: &Schedule, clock: &impl Clock, bell: &Bell, pokes: &Pokes) {
    let mut silent = false;
    loop {
        let grace = if silent { 0.0 } else { GRACE_SECONDS };
        let due = schedule
            .next_after(clock.now())
            .map_or(Timestamp::MAX, |due| after(due, grace));
        tokio::select! {
            biased;
            () = bell.rung() => {
                if silent {
                    tracing::info!("the scheduler is back");
                }
                silent = false;
            }
            () = clock.sleep_until(due) => {
                // Whatever has held us up has held up the ticker as well: that is no silence.
                let held_up = seconds_between(due, clock.now()) > GRACE_SECONDS;
                if !silent && !held_up {
                    tracing::warn!("the scheduler has fallen silent; going by our own clock");
                    silent = true;
                }
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
        let bell = Bell::default();
        let (pokes, mut poked) = watch::channel(0);
        let schedule = every_minute();
        let three_pokes = async {
            while *poked.borrow_and_update() < 3 {
                assert!(poked.changed().await.is_ok());
            }
        };
        tokio::select! {
            biased;
            () = three_pokes => {}
            () = pass_on(&schedule, &clock, &bell, &pokes) => {}
        }
        // The first one came late, as the scheduler was waited for; the others on time.
        let pokes = i64::try_from(*poked.borrow()).unwrap_or(i64::MAX);
        let left = clock.now().as_second() - pokes * 60;
        assert!((0..=60).contains(&left), "{left}");
        assert_eq!(left % 60, 0);
    }

    #[tokio::test]
    async fn ticks_of_the_scheduler_are_passed_on_and_many_are_one() {
        let clock = Leaping(Mutex::new(Timestamp::UNIX_EPOCH));
        let bell = Bell::default();
        let (pokes, poked) = watch::channel(0);
        for _ in 0..5 {
            bell.ring();
        }
        let schedule = every_minute();
        let one_poke = async {
            while *poked.borrow() == 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            () = one_poke => {}
            () = pass_on(&schedule, &clock, &bell, &pokes) => {}
        }
        assert_eq!(*poked.borrow(), 1);
    }

    #[test]
    fn an_interval_is_the_time_between_two_ticks() {
        assert!((interval(&every_minute(), Timestamp::UNIX_EPOCH) - 60.0).abs() < 1e-9);
        assert!((interval(&Schedule::default(), Timestamp::UNIX_EPOCH) - 10.0).abs() < 1e-9);
    }
}
