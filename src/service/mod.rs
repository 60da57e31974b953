//! The long-running process: one worker per portal, the schedule that pokes them, the word to the
//! service manager; and the one-shot run that shares their drain line by line.
//!
//! `daemon` opens the state file, hires the `crew` and starts the `schedule`, which passes the
//! rings of the `ticker` on as pokes. Each
//! `worker` owns one portal's drain; what it finds goes into the list of `conditions`, and from there to
//! the log and to the `board` from which
//! the `notifier` is told. The `watch` has an eye on all of them.

mod board;
pub mod conditions;
mod crew;
mod daemon;
mod headway;
mod heartbeat;
mod metrics;
mod notifier;
mod once;
mod opening;
mod pulse;
mod schedule;
mod telling;
mod ticker;
mod watch;
mod worker;

pub use daemon::{Daemon, OpenStore, Opening, Reread};
pub use headway::{Headway, about};
pub use notifier::Notifier;
pub use once::{Ending, OnProgress, PortalReport, drain_all_once, drain_once, without_store};
pub use opening::{DrainLockHeld, ONE_SHOT};
pub use ticker::{Bell, CronTicker, Ticker, Ticking};
pub use watch::{Watch, WatchedClock};
