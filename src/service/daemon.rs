//! The daemon: opens the state file, sets workers and schedule to work, and listens to its manager.

use std::{future::Future, path::PathBuf, pin::Pin};

use jiff::Timestamp;
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use super::{
    Notifier, Watch,
    board::Board,
    conditions::HostBook,
    crew::Crew,
    schedule::{self, Pokes},
    ticker::Ticker,
};
use crate::{
    clock::{SharedClock, after},
    condition::{Kind, Trouble},
    config::{Config, Schedule},
    portal::Context,
    store::{Lock, Place, StoreFault},
};

/// The service manager hears that the daemon is ready after this time at the latest, in seconds, also
/// where a portal has not answered yet.
const READY_WITHIN: f64 = 15.0;

/// How often it is looked whether the state file still lies in its place, in seconds.
const BETWEEN_LOOKS: f64 = 5.0;

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
    /// What rings at the moments of the schedule.
    pub ticker: Box<dyn Ticker>,
    /// Configurations to go on with.
    pub rereads: mpsc::Receiver<Reread>,
}

impl Daemon {
    /// Serves the portals of `config` until a stop is asked for.
    ///
    /// # Errors
    /// Where the state file cannot be used.
    pub async fn serve(self, config: Config) -> anyhow::Result<()> {
        let Self {
            clock,
            stop,
            notifier,
            open,
            ticker,
            rereads,
        } = self;
        let watch = Watch::new(clock.clone(), notifier.clone());
        let pokes = Pokes::default();
        let (schedules, followed) = watch::channel(config.poll.schedule.clone());
        let ticking = schedule::run(ticker, followed, watch.clock_of("schedule"), pokes.clone());
        let mut service = Service {
            host: HostBook::open(&config.store),
            board: Board::new(notifier.clone()),
            ready_by: after(clock.now(), READY_WITHIN),
            ticking: tokio::spawn(ticking),
            config,
            clock,
            stop,
            watch,
            rereads,
            schedules,
            pokes,
        };
        while let Some(opened) = service.await_store(&*open).await? {
            if let Ended::Stopped = service.work(opened).await? {
                break;
            }
        }
        service.board.stopping();
        for _ in 0..LAST_WORDS {
            if notifier.catch_up() {
                break;
            }
            let moment = after(service.clock.now(), BETWEEN_LAST_WORDS);
            service.clock.alarm_at(moment).await;
        }
        Ok(())
    }
}

/// The daemon at its work.
pub(super) struct Service {
    pub(super) config: Config,
    pub(super) clock: SharedClock,
    pub(super) stop: CancellationToken,
    pub(super) watch: Watch,
    pub(super) board: Board,
    pub(super) host: HostBook,
    pub(super) rereads: mpsc::Receiver<Reread>,
    /// By then the service manager hears that we are ready.
    ready_by: Timestamp,
    schedules: watch::Sender<Schedule>,
    ticking: JoinHandle<()>,
    pokes: Pokes,
}

/// Why the work on a state file ended.
enum Ended {
    /// A stop was asked for.
    Stopped,
    /// The state file was deleted or replaced.
    StateGone,
}

impl Service {
    /// Has a crew at work until a stop is asked for, or the state file is gone.
    async fn work(&mut self, (context, _lock): (Context, Lock)) -> anyhow::Result<Ended> {
        let place = Place::of(&self.config.store);
        let context = context.handing_on();
        let mut crew = Crew::new(
            context.clone(),
            self.watch.clone(),
            self.board.clone(),
            self.host.clone(),
            self.pokes.clone(),
        );
        let clock = self.clock.clone();
        tell_watch(&self.config, clock.now());
        crew.replace(&self.config, clock.now());
        let mut patience = clock.alarm_at(self.ready_by);
        let mut patient = true;
        let mut look = clock.alarm_at(after(clock.now(), BETWEEN_LOOKS));
        let ended = loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => {
                    self.board.stopping();
                    break Ended::Stopped;
                }
                Some(reread) = self.rereads.recv() => {
                    if self.accept(reread, true) {
                        self.schedules.send_replace(self.config.poll.schedule.clone());
                        tell_watch(&self.config, clock.now());
                        crew.replace(&self.config, clock.now());
                    }
                }
                ended = &mut self.ticking => {
                    anyhow::bail!("the schedule broke down: {ended:?}");
                }
                () = crew.one_gone() => {}
                () = &mut look => {
                    if !place.is_kept() {
                        self.state_is_gone();
                        crew.dismiss();
                        break Ended::StateGone;
                    }
                    look = clock.alarm_at(after(clock.now(), BETWEEN_LOOKS));
                }
                () = &mut patience, if patient => {
                    patient = false;
                    self.board.ready();
                }
            }
        };
        crew.all_gone().await;
        if let Ended::StateGone = ended {
            // A pass that was under way has found that the file it has open works.
            self.state_is_gone();
        }
        if let Ended::Stopped = ended {
            // What was renewed and could not be stored exists nowhere else.
            context.store_pairs().await;
        }
        Ok(ended)
    }

    /// What is written to a file that nobody can open any more is lost: the work ends until there is one.
    fn state_is_gone(&self) {
        let fault = StoreFault::Missing(self.config.store.clone());
        self.host.failed(&fault, self.clock.now());
        self.board.tell_host(&self.host.list(self.clock.now()));
    }

    /// Takes a configuration that was read again, or refuses it. `open`: a state file is open already.
    pub(super) fn accept(&mut self, reread: Reread, open: bool) -> bool {
        self.board.reloading();
        let judged = reread.and_then(|config| match open && config.store != self.config.store {
            true => Err(vec![format!(
                "{}: the state file cannot change while the service runs; restart it",
                config.file.display()
            )]),
            false => Ok(config),
        });
        self.board.reloaded();
        let now = self.clock.now();
        match judged {
            Ok(config) => {
                tracing::info!("the configuration was read again; every portal is tried at once");
                self.config = config;
                self.host.set(Kind::Configuration, None, now);
                true
            }
            Err(problems) => {
                for problem in &problems {
                    tracing::error!("{problem}");
                }
                let refused = "the configuration was refused; the old one stays";
                tracing::error!("{refused}");
                self.board.say(refused);
                let first = problems.first().map_or("", String::as_str);
                let trouble = Trouble::said(Kind::Configuration, first);
                self.host.set(Kind::Configuration, Some(trouble), now);
                false
            }
        }
    }
}

fn tell_watch(config: &Config, now: Timestamp) {
    let schedule = &config.poll.schedule;
    tracing::info!(
        portals = config.portals.len(),
        schedule = schedule.as_str(),
        next = schedule.next_after(now).map(|next| next.to_string()),
        "on watch"
    );
}
