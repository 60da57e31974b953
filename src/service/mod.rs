//! The long-running process: one worker per portal, the schedule that pokes them, the word to the
//! service manager; and the one-shot run that shares their drain line by line.
//!
//! `daemon` opens the state file, hires the `crew` and starts the `schedule`, which pokes. Each
//! `worker` owns one portal's drain; its `condition` goes to the log, and to the `board` from which
//! the `notifier` is told. The `watch` has an eye on all of them.

mod board;
mod condition;
mod crew;
mod daemon;
mod headway;
mod heartbeat;
mod metrics;
mod notifier;
mod once;
mod schedule;
mod watch;
mod worker;

pub use daemon::{Daemon, OpenStore, Opening, Reread};
pub use headway::{Headway, about};
pub use notifier::Notifier;
pub use once::{Ending, OnProgress, PortalReport, drain_all_once, drain_once};
pub use watch::{Watch, WatchedClock};
