//! The workers, one per portal: hired, replaced one by one, and hired anew where one broke down.

use std::{collections::HashMap, sync::Arc};

use jiff::Timestamp;
use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    board::Board,
    conditions::HostBook,
    metrics::Metrics,
    schedule::{self, Pokes},
    telling::Telling,
    watch::Watch,
    worker::{Orders, Worker},
};
use crate::{
    chance::SharedChance,
    clock::{Clock, after},
    config::{Config, PortalConfig},
    portal::Context,
};

/// Polls of many portals are spread over this many seconds at most, so that all are heard of long
/// before the service manager loses its patience.
const LONGEST_SPREAD: f64 = 8.0;

/// A worker that broke down is replaced after this many seconds.
const AFTER_BREAKDOWN: f64 = 60.0;

/// All workers.
pub(super) struct Crew {
    context: Context,
    watch: Watch,
    board: Board,
    host: HostBook,
    pokes: Pokes,
    tasks: JoinSet<()>,
    members: HashMap<Id, Member>,
    /// Ends whoever keeps the present metrics file.
    keeper: Option<DropGuard>,
}

/// One worker, as the crew knows it.
struct Member {
    config: Arc<PortalConfig>,
    orders: Orders,
    leave: CancellationToken,
    gone: CancellationToken,
}

/// How a worker begins.
struct Start {
    /// Those who have to be gone first.
    predecessors: Vec<CancellationToken>,
    /// How long it waits, in seconds.
    rest: f64,
    /// It goes on where another one was at work on the same portal.
    takes_over: bool,
}

impl Crew {
    pub(super) fn new(
        context: Context,
        watch: Watch,
        board: Board,
        host: HostBook,
        pokes: Pokes,
    ) -> Self {
        Self {
            context,
            watch,
            board,
            host,
            pokes,
            tasks: JoinSet::new(),
            members: HashMap::new(),
            keeper: None,
        }
    }

    /// Replaces all workers by those that `config` asks for. Each begins once nobody else may be at
    /// work on its portal; none waits for a portal that is not its own.
    pub(super) fn replace(&mut self, config: &Config, now: Timestamp) {
        self.board
            .set_portals(config.portals.iter().map(|portal| portal.name.as_str()));
        let before: Vec<(Arc<PortalConfig>, CancellationToken)> = self
            .members
            .values()
            .map(|member| {
                member.leave.cancel();
                (member.config.clone(), member.gone.clone())
            })
            .collect();
        let lags = lags(
            config.portals.len(),
            schedule::interval(&config.poll.schedule, now),
            self.context.chance.clone(),
        );
        let metrics = Metrics::of(config, &self.host);
        self.keep(metrics.as_ref());
        for (portal, lag) in config.portals.iter().zip(lags) {
            // A portal that is no longer configured may be this one under another address.
            let predecessors = before
                .iter()
                .filter(|(old, _)| {
                    same(old, portal) || !config.portals.iter().any(|new| same(old, new))
                })
                .map(|(_, gone)| gone.clone())
                .collect();
            let orders = Orders {
                limit: config.poll.limit.get(),
                history_days: config.history_days,
                lag,
                metrics: metrics.clone(),
            };
            let known = before.iter().any(|(old, _)| same(old, portal));
            let start = Start {
                predecessors,
                rest: 0.0,
                takes_over: known,
            };
            self.hire(Arc::new(portal.clone()), orders, start);
        }
    }

    /// Has the metrics file kept, in place of the one before.
    fn keep(&mut self, metrics: Option<&Metrics>) {
        let replaced = CancellationToken::new();
        if let Some(metrics) = metrics {
            let keeping = metrics.keeper().run(self.context.clone());
            let replaced = replaced.clone();
            self.tasks.spawn(async move {
                tokio::select! {
                    () = replaced.cancelled() => {}
                    () = keeping => {}
                }
            });
        }
        self.keeper = Some(replaced.drop_guard());
    }

    /// Hires a worker.
    fn hire(&mut self, config: Arc<PortalConfig>, orders: Orders, start: Start) {
        let (leave, gone) = (CancellationToken::new(), CancellationToken::new());
        let member = Member {
            config: config.clone(),
            orders: orders.clone(),
            leave: leave.clone(),
            gone: gone.clone(),
        };
        let (context, watch) = (self.context.clone(), self.watch.clone());
        let telling = Telling::new(&config, self.board.clone(), self.host.clone());
        let telling = match start.takes_over {
            true => telling.taking_over(),
            false => telling,
        };
        let pokes = self.pokes.subscribe();
        let task = self.tasks.spawn(async move {
            // Also where the worker panics.
            let _gone = gone.drop_guard();
            for predecessor in start.predecessors {
                predecessor.cancelled().await;
            }
            let clock = watch.clock_of(&config.name);
            tokio::select! {
                () = context.stop.cancelled() => return,
                () = leave.cancelled() => return,
                () = clock.sleep_until(after(clock.now(), start.rest)) => {}
            }
            Worker::new(context, clock, config, orders, telling, leave)
                .run(pokes)
                .await;
        });
        self.members.insert(task.id(), member);
    }

    /// Waits for the end of a worker, and replaces it where it broke down. For ever where nobody is
    /// left.
    pub(super) async fn one_gone(&mut self) {
        match self.tasks.join_next_with_id().await {
            Some(Ok((id, ()))) => {
                self.members.remove(&id);
            }
            Some(Err(error)) => self.broke_down(&error),
            None => std::future::pending().await,
        }
    }

    /// Asks all workers to end at their next safe point.
    pub(super) fn dismiss(&mut self) {
        self.members
            .values()
            .for_each(|member| member.leave.cancel());
        self.keeper = None;
    }

    /// Waits for the end of all workers after a stop was asked for.
    pub(super) async fn all_gone(&mut self) {
        while let Some(ended) = self.tasks.join_next_with_id().await {
            match ended {
                // The metrics are kept until the last one has gone.
                Ok((id, ())) => drop(self.members.remove(&id)),
                Err(error) => self.broke_down(&error),
            }
        }
    }

    fn broke_down(&mut self, error: &JoinError) {
        let Some(member) = self.members.remove(&error.id()) else {
            return;
        };
        if member.leave.is_cancelled() || self.context.stop.is_cancelled() {
            return;
        }
        let portal = member.config.name.as_str();
        tracing::error!(portal, %error, "a worker broke down; another one takes over in a minute");
        let start = Start {
            predecessors: Vec::new(),
            rest: AFTER_BREAKDOWN,
            takes_over: true,
        };
        self.hire(member.config, member.orders, start);
    }
}

/// Whether two entries mean one application on one portal.
fn same(one: &PortalConfig, other: &PortalConfig) -> bool {
    one.url == other.url && one.client_id == other.client_id
}

/// How long after a poke each of `count` workers begins, in seconds: evenly spread over the interval
/// of the schedule, with a bit of chance, the first at once.
fn lags(count: usize, interval: f64, chance: SharedChance) -> impl Iterator<Item = f64> {
    let step = interval.min(LONGEST_SPREAD) / count.max(1) as f64;
    (0..count).map(move |at| match at {
        0 => 0.0,
        _ => step * (at as f64 - chance.fraction() / 2.0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::SystemClock, config::ProcessEnvironment, service::Notifier, store::Store};

    fn chance() -> SharedChance {
        Arc::new(crate::chance::SystemChance)
    }

    /// A crew for one portal that nobody has authorised yet.
    async fn crew(folder: &std::path::Path) -> anyhow::Result<Crew> {
        let file = folder.join("config.toml");
        std::fs::write(
            &file,
            "[[portal]]\nname = \"acme\"\nurl = \"https://acme.example\"\nclient_id = \"local.1\"\n",
        )?;
        let config = Config::load_without_secrets(&file, &ProcessEnvironment)?;
        let clock = Arc::new(SystemClock);
        let store = Store::open_or_create(&folder.join("state.db")).await?;
        let context = Context::new(store, clock.clone(), CancellationToken::new())?;
        let notifier = Notifier::new(|_| true, None);
        let (watch, board) = (
            Watch::new(clock.clone(), notifier.clone()),
            Board::new(notifier),
        );
        let host = HostBook::open(&config.store);
        let mut crew = Crew::new(context, watch, board, host, Pokes::default());
        crew.replace(&config, clock.now());
        Ok(crew)
    }

    /// Catches a rest after a breakdown that is taken before every look from then on.
    #[tokio::test]
    async fn a_worker_that_broke_down_is_replaced_and_the_next_one_keeps_its_pace()
    -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let mut crew = crew(folder.path()).await?;
        let of = |crew: &Crew| -> Vec<(Id, f64)> {
            let members = crew.members.iter();
            members
                .map(|(id, member)| (*id, member.orders.lag))
                .collect()
        };
        let before = of(&crew);
        // To whoever waits for it, a task that is aborted ends as one that panics.
        crew.tasks.abort_all();
        crew.one_gone().await;
        let after = of(&crew);
        assert_eq!((before.len(), after.len()), (1, 1));
        assert_ne!(before[0].0, after[0].0, "nobody took over");
        assert!(before[0].1.total_cmp(&after[0].1).is_eq());
        crew.context.stop.cancel();
        crew.all_gone().await;
        Ok(())
    }

    #[test]
    fn many_portals_are_not_asked_at_once() {
        let lags: Vec<f64> = lags(200, 10.0, chance()).collect();
        assert_eq!(lags.len(), 200);
        assert!(lags.is_sorted() && lags[0] == 0.0 && lags[199] < LONGEST_SPREAD);
        // No second has more than its share, give or take one at either end.
        for second in 0..8 {
            let share = lags
                .iter()
                .filter(|lag| lag.floor() as i32 == second)
                .count();
            assert!((23..=27).contains(&share), "{share} in second {second}");
        }
    }

    #[test]
    fn one_portal_is_asked_at_once_and_many_within_the_interval() {
        assert_eq!(lags(1, 10.0, chance()).collect::<Vec<_>>(), [0.0]);
        assert!(lags(50, 1.0, chance()).all(|lag| lag < 1.0));
    }
}
