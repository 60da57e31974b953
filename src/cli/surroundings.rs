//! What a command has of the world around it: a process has its own, a simulated world another.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, IsTerminal as _},
    sync::Arc,
};

use jiff::tz::TimeZone;
use tokio_util::sync::CancellationToken;

use super::{
    output::Output,
    signals::{ProcessSignals, Signals},
};
use crate::{
    clock::{SharedClock, SystemClock},
    config::{Environment, ProcessEnvironment},
    service::{CronTicker, Ticker},
};

/// Files that a command may have open at once, as many portals aside.
const FILES: u32 = 24;

/// What a command has of the world around it.
pub struct Surroundings {
    /// The time.
    pub clock: SharedClock,
    /// The zone of this host, in which people mean times without one.
    pub zone: TimeZone,
    /// The environment variables.
    pub env: Arc<dyn Environment + Send + Sync>,
    /// Standard input.
    pub input: Box<dyn BufRead + Send + Sync>,
    /// Somebody types it.
    pub input_is_terminal: bool,
    /// Standard output.
    pub out: Output,
    /// Standard error.
    pub err: Output,
    /// Somebody watches it.
    pub err_is_terminal: bool,
    /// Who asks for a stop, or for a reload.
    pub signals: Arc<dyn Signals>,
    /// Makes what rings at the moments of a schedule.
    pub ticker: Arc<dyn Fn() -> Box<dyn Ticker> + Send + Sync>,
    /// The command starts the log of its process.
    pub logs: bool,
}

impl Surroundings {
    /// Those of this process.
    #[must_use]
    pub fn of_process() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            zone: TimeZone::system(),
            env: Arc::new(ProcessEnvironment),
            input: Box::new(BufReader::new(io::stdin())),
            input_is_terminal: io::stdin().is_terminal(),
            out: Output::new(io::stdout()),
            err: Output::new(io::stderr()),
            err_is_terminal: io::stderr().is_terminal(),
            signals: Arc::new(ProcessSignals),
            ticker: Arc::new(|| Box::new(CronTicker::default())),
            logs: true,
        }
    }

    /// That the process may open the files that every command needs, and some more. Found out by itself:
    /// deep in a library it would be a panic, or look like a missing right.
    ///
    /// # Errors
    /// What the system says where it may not.
    pub fn has_room_for_files(&self) -> io::Result<()> {
        let files: io::Result<Vec<File>> = (0..FILES).map(|_| File::open("/dev/null")).collect();
        files.map(drop)
    }

    /// What is cancelled once a signal asks for a stop.
    pub(super) fn stop(&self) -> anyhow::Result<CancellationToken> {
        let stop = CancellationToken::new();
        self.signals.stop(&stop)?;
        Ok(stop)
    }
}
