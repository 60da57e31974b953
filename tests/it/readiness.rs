//! When the service manager hears that the daemon is ready, on a clock that the test moves.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use b24_tidyd::{
    clock::Clock as _,
    config::{Config, ProcessEnvironment},
    portal::Context,
    service::{CronTicker, Daemon, Notifier},
    store::Store,
};
use test_portal::{Effect, Fault, Matcher};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{installed::Installed, stepped_clock::SteppedClock};

/// A daemon on a stepped clock, and what its manager has heard: seconds since the start, message.
pub(crate) struct Started {
    clock: SteppedClock,
    heard: Arc<Mutex<Vec<(f64, String)>>>,
    stop: CancellationToken,
    served: tokio::task::JoinHandle<anyhow::Result<()>>,
    rereads: mpsc::Sender<b24_tidyd::service::Reread>,
}

impl Started {
    pub(crate) fn new(installed: &Installed) -> Self {
        let clock = SteppedClock::new();
        let stop = CancellationToken::new();
        let heard: Arc<Mutex<Vec<(f64, String)>>> = Arc::default();
        let (began, ears, time) = (clock.steady(), heard.clone(), clock.clone());
        let tell = move |message: &str| {
            let at = time.steady().duration_since(began).as_secs_f64();
            ears.lock().unwrap().push((at, message.to_owned()));
            true
        };
        let (send, rereads) = mpsc::channel(1);
        let (shared, stopping) = (Arc::new(clock.clone()), stop.clone());
        let daemon = Daemon {
            clock: shared.clone(),
            stop: stop.clone(),
            notifier: Notifier::new(tell, Some(Duration::from_secs(60))),
            open: Box::new(move |path| {
                let (clock, stop) = (shared.clone(), stopping.clone());
                Box::pin(async move {
                    let store = Store::open(&path).await?;
                    let lock = store.lock_drain("a test")?.unwrap();
                    Ok((Context::new(store, clock, stop)?, lock))
                })
            }),
            rereads,
            ticker: Box::new(CronTicker::default()),
        };
        let config = Config::load(&installed.config_path(), &ProcessEnvironment).unwrap();
        Self {
            served: tokio::spawn(daemon.serve(config)),
            clock,
            heard,
            stop,
            rereads: send,
        }
    }

    /// Lets time pass.
    pub(crate) async fn step(&self, seconds: f64) {
        self.clock.step(seconds);
        // Real sockets are part of this: let what is on its way arrive.
        for _ in 0..200 {
            tokio::task::yield_now().await;
        }
    }

    /// The moment of the first message that starts so; time moves until it comes.
    async fn moment_of(&self, start: &str) -> f64 {
        for _ in 0..200 {
            let heard = self.heard.lock().unwrap().clone();
            if let Some((at, _)) = heard.iter().find(|(_, message)| message.starts_with(start)) {
                return *at;
            }
            self.step(0.5).await;
        }
        panic!("no {start} in {:?}", self.heard.lock().unwrap());
    }
}

#[tokio::test]
async fn ready_comes_in_time_where_a_portal_hangs_and_pings_go_on() {
    let installed = Installed::authorised(|_| {}, "").await;
    let hang = Effect::Hang {
        seconds: 3600.0,
        processed: false,
    };
    let matching = Matcher::any().always();
    installed.portal.fault(Fault::new(matching, hang));
    let started = Started::new(&installed);
    let ready = started.moment_of("READY=1").await;
    assert!(ready <= 20.0, "{ready}");
    started.moment_of("STATUS=acme: not heard of yet").await;

    // The request under way takes its full time, and then the next one: pings go on.
    for _ in 0..200 {
        started.step(0.5).await;
    }
    let heard = started.heard.lock().unwrap().clone();
    let mut last = ready;
    for (at, message) in heard {
        if message == "WATCHDOG=1\n" {
            assert!(at - last <= 30.0, "silent from {last} to {at}");
            last = at;
        }
    }
    assert!(last >= 85.0, "silent since {last}");
}

#[tokio::test]
async fn ready_comes_in_time_where_nobody_is_there() {
    let installed = Installed::authorised(|_| {}, "").await;
    installed.portal.stop();
    let started = Started::new(&installed);
    let ready = started.moment_of("READY=1").await;
    assert!(ready <= 20.0, "{ready}");
    started
        .moment_of("STATUS=acme: the portal cannot be reached")
        .await;
    started.stop.cancel();
    started.served.await.unwrap().unwrap();
}

/// The scheduler's own tasks outlive its shutdown: a new one at each reload would leave eleven behind.
#[tokio::test]
async fn twenty_reloads_leave_no_task_behind() {
    let installed = Installed::authorised(|_| {}, "").await;
    let started = Started::new(&installed);
    started.moment_of("READY=1").await;
    let config = Config::load(&installed.config_path(), &ProcessEnvironment).unwrap();
    let tasks = || {
        tokio::runtime::Handle::current()
            .metrics()
            .num_alive_tasks()
    };
    let mut counted = Vec::new();
    for _ in 0..20 {
        started.rereads.send(Ok(config.clone())).await.unwrap();
        for _ in 0..20 {
            started.step(0.5).await;
        }
        counted.push(tasks());
    }
    // Connections of the portal come and go with its answers.
    assert!(counted[19] <= counted[0] + 2, "{counted:?}");
    started.stop.cancel();
    started.served.await.unwrap().unwrap();
}
