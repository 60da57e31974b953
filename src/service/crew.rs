//! The workers, one per portal: hired, replaced one by one, and hired anew where one broke down.

use std::{collections::HashMap, sync::Arc};

use jiff::Timestamp;
use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use super::{
    board::Board,
    metrics::Metrics,
    schedule::{self, Pokes},
    watch::Watch,
    worker::{Orders, Worker},
};
use crate::{
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
    pokes: Pokes,
    tasks: JoinSet<()>,
    members: HashMap<Id, Member>,
}

/// One worker, as the crew knows it.
struct Member {
    config: Arc<PortalConfig>,
    orders: Orders,
    leave: CancellationToken,
    gone: CancellationToken,
}

impl Crew {
    pub(super) fn new(context: Context, watch: Watch, board: Board, pokes: Pokes) -> Self {
        Self {
            context,
            watch,
            board,
            pokes,
            tasks: JoinSet::new(),
            members: HashMap::new(),
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
        );
        let metrics = Metrics::of(config);
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
                names_in_log: config.log_personal_data,
                lag,
                metrics: metrics.clone(),
            };
            self.hire(Arc::new(portal.clone()), orders, predecessors);
        }
    }

    fn hire(
        &mut self,
        config: Arc<PortalConfig>,
        orders: Orders,
        predecessors: Vec<CancellationToken>,
    ) {
        let (leave, gone) = (CancellationToken::new(), CancellationToken::new());
        let member = Member {
            config: config.clone(),
            orders: orders.clone(),
            leave: leave.clone(),
            gone: gone.clone(),
        };
        let (context, watch, board) =
            (self.context.clone(), self.watch.clone(), self.board.clone());
        let pokes = self.pokes.subscribe();
        let task = self.tasks.spawn(async move {
            // Also where the worker panics.
            let _gone = gone.drop_guard();
            for predecessor in predecessors {
                predecessor.cancelled().await;
            }
            let clock = watch.clock_of(&config.name);
            Worker::new(context, clock, config, orders, board, leave)
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

    /// Waits for the end of all workers after a stop was asked for.
    pub(super) async fn all_gone(&mut self) {
        while let Some(ended) = self.tasks.join_next_with_id().await {
            if let Err(error) = ended {
                self.broke_down(&error);
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
        let orders = Orders {
            lag: AFTER_BREAKDOWN,
            ..member.orders
        };
        self.hire(member.config, orders, Vec::new());
    }
}

/// Whether two entries mean one application on one portal.
fn same(one: &PortalConfig, other: &PortalConfig) -> bool {
    one.url == other.url && one.client_id == other.client_id
}

/// How long after a poke each of `count` workers begins, in seconds: evenly spread over the interval
/// of the schedule, with a bit of chance, the first at once.
fn lags(count: usize, interval: f64) -> impl Iterator<Item = f64> {
    let step = interval.min(LONGEST_SPREAD) / count.max(1) as f64;
    (0..count).map(move |at| match at {
        0 => 0.0,
        _ => step * (at as f64 - rand::random::<f64>() / 2.0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_portals_are_not_asked_at_once() {
        let lags: Vec<f64> = lags(200, 10.0).collect();
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
        assert_eq!(lags(1, 10.0).collect::<Vec<_>>(), [0.0]);
        assert!(lags(50, 1.0).all(|lag| lag < 1.0));
    }
}
