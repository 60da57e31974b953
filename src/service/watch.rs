//! The watch over the loops that do the work: the watchdog hears of life only while every loop keeps
//! the deadline it declared itself.
//!
//! A loop waits on a [`WatchedClock`] of its own, for everything: requests have their time limit
//! there, rests their end. So each wait declares until when it takes, and while it lasts the waiting
//! loop itself sends the pings. Nothing else does: where all loops are stuck, or one of them is
//! beyond its deadline, there are no pings.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use jiff::Timestamp;

use super::Notifier;
use crate::clock::{Clock, Pause, SharedClock, after, until};

/// How long a loop may take from one wait to the next, and how late a wait may end. The longest step
/// between two waits is a state file that another process keeps locked.
const SLACK: Duration = Duration::from_secs(30);

/// Pings come this many times per watchdog interval while all loops wait.
const TICKS_PER_INTERVAL: u32 = 4;

/// The loops under watch. Clones share them.
#[derive(Clone)]
pub struct Watch {
    clock: SharedClock,
    notifier: Notifier,
    began: Instant,
    loops: Arc<Mutex<Loops>>,
}

#[derive(Default)]
struct Loops {
    last_id: u64,
    by_id: BTreeMap<u64, Signs>,
    pinged_at: Option<Instant>,
    complained: bool,
}

/// What a loop has shown of itself.
struct Signs {
    name: String,
    seen_at: Instant,
    /// The ends of the waits that it is in; the first of them ends its step.
    waits: BTreeMap<u64, Instant>,
}

impl Signs {
    fn deadline(&self) -> Instant {
        self.waits.values().min().copied().unwrap_or(self.seen_at) + SLACK
    }
}

impl Watch {
    /// A watch over nobody yet; pings go to `notifier`.
    #[must_use]
    pub fn new(clock: SharedClock, notifier: Notifier) -> Self {
        Self {
            began: clock.steady(),
            clock,
            notifier,
            loops: Arc::default(),
        }
    }

    /// Takes a loop under watch for as long as the clock it gets, or a clone of it, exists.
    #[must_use]
    pub fn clock_of(&self, name: &str) -> WatchedClock {
        let mut loops = self.loops();
        let id = loops.next_id();
        let signs = Signs {
            name: name.to_owned(),
            seen_at: self.clock.steady(),
            waits: BTreeMap::new(),
        };
        loops.by_id.insert(id, signs);
        drop(loops);
        let place = Place {
            watch: self.clone(),
            id,
        };
        WatchedClock(Arc::new(place))
    }

    fn loops(&self) -> MutexGuard<'_, Loops> {
        self.loops.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time between two pings of a waiting loop.
    fn tick(&self) -> Option<Duration> {
        self.notifier
            .watchdog()
            .map(|interval| interval / TICKS_PER_INTERVAL)
    }

    /// The time to the next tick. Ticks are the same moments for all loops, so that many idle ones
    /// wake the process once.
    fn to_next_tick(&self, tick: Duration) -> Duration {
        let passed = self.clock.steady().duration_since(self.began).as_nanos() % tick.as_nanos();
        tick - Duration::from_nanos(u64::try_from(passed).unwrap_or(0))
    }

    /// Pings where that is due and no loop is beyond its deadline.
    fn ping(&self) {
        let Some(tick) = self.tick() else { return };
        let now = self.clock.steady();
        let mut loops = self.loops();
        let fresh = |at: Instant| now.saturating_duration_since(at) < tick / 2;
        if loops.pinged_at.is_some_and(fresh) {
            return;
        }
        let stuck = loops.by_id.values().find(|signs| signs.deadline() < now);
        if let Some(signs) = stuck {
            if !loops.complained {
                tracing::error!(
                    stuck = signs.name,
                    "a loop does not come forward; no more signs of life until it does"
                );
            }
            loops.complained = true;
            return;
        }
        loops.complained = false;
        loops.pinged_at = Some(now);
        drop(loops);
        self.notifier.alive();
    }
}

impl Loops {
    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }
}

/// A loop's place in the watch, given back when the loop ends.
struct Place {
    watch: Watch,
    id: u64,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.watch.loops().by_id.remove(&self.id);
    }
}

/// The clock of one watched loop: its waits are the loop's signs of life. Clones belong to the same
/// loop.
#[derive(Clone)]
pub struct WatchedClock(Arc<Place>);

impl WatchedClock {
    /// The clock beneath: waits on it are no signs of life.
    pub(super) fn unwatched(&self) -> SharedClock {
        self.0.watch.clock.clone()
    }

    /// Waits for ever, giving signs of life: for a loop that has nothing to do until it is poked.
    pub async fn idle(&self) {
        let watch = &self.0.watch;
        loop {
            let Some(tick) = watch.tick() else {
                return std::future::pending().await;
            };
            let pause = watch.to_next_tick(tick);
            let _wait = self.begin_wait(pause);
            watch.ping();
            self.pause(pause).await;
        }
    }

    /// Waits as `whole` does, which ends at `moment`, giving signs of life.
    async fn wait(&self, moment: Timestamp, mut whole: Pause<'_>) {
        let watch = &self.0.watch;
        let _wait = self.begin_wait(until(self.now(), moment));
        watch.ping();
        let Some(tick) = watch.tick() else {
            return whole.await;
        };
        loop {
            tokio::select! {
                biased;
                () = &mut whole => return,
                () = self.pause(watch.to_next_tick(tick)) => watch.ping(),
            }
        }
    }

    fn pause(&self, length: Duration) -> Pause<'_> {
        let clock = &self.0.watch.clock;
        clock.alarm_at(after(clock.now(), length.as_secs_f64()))
    }

    fn begin_wait(&self, length: Duration) -> Wait<'_> {
        let watch = &self.0.watch;
        let now = watch.clock.steady();
        let mut loops = watch.loops();
        let wait = loops.next_id();
        if let Some(signs) = loops.by_id.get_mut(&self.0.id) {
            signs.seen_at = now;
            signs.waits.insert(wait, now + length);
        }
        Wait {
            place: &self.0,
            wait,
        }
    }
}

/// A wait that lasts; the loop works on when it ends.
struct Wait<'a> {
    place: &'a Place,
    wait: u64,
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        let watch = &self.place.watch;
        let now = watch.clock.steady();
        if let Some(signs) = watch.loops().by_id.get_mut(&self.place.id) {
            signs.waits.remove(&self.wait);
            signs.seen_at = now;
        }
    }
}

impl Clock for WatchedClock {
    fn now(&self) -> Timestamp {
        self.0.watch.clock.now()
    }

    fn sleep_until(&self, moment: Timestamp) -> Pause<'_> {
        let whole = self.0.watch.clock.sleep_until(moment);
        Box::pin(self.wait(moment, whole))
    }

    fn alarm_at(&self, moment: Timestamp) -> Pause<'_> {
        let whole = self.0.watch.clock.alarm_at(moment);
        Box::pin(self.wait(moment, whole))
    }

    fn steady(&self) -> Instant {
        self.0.watch.clock.steady()
    }
}
