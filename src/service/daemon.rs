//! The daemon: opens the state file, sets workers and schedule to work, and listens to its manager.

use std::{
    future::Future,
    path::{Path, PathBuf},
    pin::Pin,
};

use tokio::{sync::mpsc, task::JoinHandle};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    Notifier, Watch,
    board::Board,
    crew::Crew,
    schedule::{self, Pokes},
};
use crate::{
    clock::{Clock, SharedClock, after},
    config::Config,
    portal::Context,
    store::{Lock, StoreFault},
};

/// The service manager hears that the daemon is ready after this time at the latest, in seconds, also
/// where a portal has not answered yet.
const READY_WITHIN: f64 = 15.0;

/// How often a manager that was not listening is tried to be told at the end, and how many seconds
/// lie in between.
const LAST_WORDS: u32 = 10;
const BETWEEN_LAST_WORDS: f64 = 0.05;

/// Opens the state file and takes its drain lock.
pub type OpenStore = dyn Fn(PathBuf) -> Opening + Send + Sync;

/// The state file's opening under way.
pub type Opening = Pin<Box<dyn Future<Output = anyhow::Result<(Context, Lock)>> + Send>>;

/// A configuration that was read again, or the lines that say what is wrong with it.
pub type Reread = Result<Config, Vec<String>>;

/// What the daemon works with.
pub struct Daemon {
    /// The time.
    pub clock: SharedClock,
    /// Asks for a stop at the next safe point.
    pub stop: CancellationToken,
    /// The service manager.
    pub notifier: Notifier,
    /// How the state file is opened.
    pub open: Box<OpenStore>,
    /// Configurations to go on with.
    pub rereads: mpsc::Receiver<Reread>,
}

impl Daemon {
    /// Serves the portals of `config` until a stop is asked for.
    ///
    /// # Errors
    /// Where the state file cannot be used.
    pub async fn serve(mut self, mut config: Config) -> anyhow::Result<()> {
        let board = Board::new(self.notifier.clone());
        let watch = Watch::new(self.clock.clone(), self.notifier.clone());
        let Some((context, _lock)) = self.await_store(&mut config, &board, &watch).await? else {
            board.stopping();
            return Ok(());
        };
        let pokes = Pokes::default();
        let mut crew = Crew::new(context, watch.clone(), board.clone(), pokes.clone());
        let mut ticking = Ticking::start(&config, &watch, &pokes);
        crew.replace(&config, self.clock.now());
        let clock = self.clock.clone();
        let mut patience = clock.alarm_at(after(clock.now(), READY_WITHIN));
        let mut patient = true;
        loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => break,
                Some(reread) = self.rereads.recv() => {
                    if let Some(new) = accept(reread, Some(&config.store), &board) {
                        config = new;
                        ticking = Ticking::start(&config, &watch, &pokes);
                        crew.replace(&config, clock.now());
                    }
                }
                ended = &mut ticking.task => {
                    anyhow::bail!("the schedule broke down: {ended:?}");
                }
                () = crew.one_gone() => {}
                () = &mut patience, if patient => {
                    patient = false;
                    board.ready();
                }
            }
        }
        board.stopping();
        crew.all_gone().await;
        for _ in 0..LAST_WORDS {
            if self.notifier.catch_up() {
                break;
            }
            let moment = after(clock.now(), BETWEEN_LAST_WORDS);
            clock.alarm_at(moment).await;
        }
        Ok(())
    }

    /// Opens the state file. The first import makes it: until then the daemon waits, so that it may
    /// be started before. None where a stop was asked for meanwhile.
    async fn await_store(
        &mut self,
        config: &mut Config,
        board: &Board,
        watch: &Watch,
    ) -> anyhow::Result<Option<(Context, Lock)>> {
        let clock = watch.clock_of("state file");
        let mut told = false;
        loop {
            let error = match (self.open)(config.store.clone()).await {
                Ok(opened) => return Ok(Some(opened)),
                Err(error) => error,
            };
            if !matches!(error.downcast_ref(), Some(StoreFault::Missing(_))) {
                return Err(error);
            }
            if !told {
                tracing::warn!("{error}; waiting for it");
                board.ready();
                board.say(&error.to_string());
                told = true;
            }
            let next = config.poll.schedule.next_after(clock.now());
            let next = next.unwrap_or_else(|| after(clock.now(), 60.0));
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return Ok(None),
                Some(reread) = self.rereads.recv() => {
                    if let Some(new) = accept(reread, None, board) {
                        *config = new;
                        told = false;
                    }
                }
                () = clock.sleep_until(next) => {}
            }
        }
    }
}

/// The schedule at work; it ends when this is dropped.
struct Ticking {
    task: JoinHandle<()>,
    _stop: DropGuard,
}

impl Ticking {
    fn start(config: &Config, watch: &Watch, pokes: &Pokes) -> Self {
        let clock = watch.clock_of("schedule");
        let schedule = config.poll.schedule.clone();
        tracing::info!(
            portals = config.portals.len(),
            schedule = schedule.as_str(),
            next = schedule
                .next_after(clock.now())
                .map(|next| next.to_string()),
            "on watch"
        );
        let stop = CancellationToken::new();
        let task = tokio::spawn(schedule::run(schedule, clock, pokes.clone(), stop.clone()));
        Self {
            task,
            _stop: stop.drop_guard(),
        }
    }
}

/// Takes a configuration that was read again, or refuses it. `store` is the state file that is open
/// already.
fn accept(reread: Reread, store: Option<&Path>, board: &Board) -> Option<Config> {
    board.reloading();
    let judged = reread.and_then(|config| match store {
        Some(store) if config.store != store => Err(vec![format!(
            "{}: the state file cannot change while the service runs; restart it",
            config.file.display()
        )]),
        _ => Ok(config),
    });
    board.reloaded();
    match judged {
        Ok(config) => {
            tracing::info!("the configuration was read again");
            Some(config)
        }
        Err(problems) => {
            for problem in problems {
                tracing::error!("{problem}");
            }
            let refused = "the configuration was refused; the old one stays";
            tracing::error!("{refused}");
            board.say(refused);
            None
        }
    }
}
