//! The watch over the loops: pings while every loop keeps the deadline it declared, none once one
//! does not. Time stands still but for the tests' steps.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use b24_tidyd::{
    bitrix::{Transport, network::Body, transport::CALL_SECONDS},
    clock::{Clock, after},
    service::{Notifier, Watch, WatchedClock},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::stepped_clock::SteppedClock;

/// The watchdog's interval in all tests here, in seconds; systemd asks for a ping in half of it.
const INTERVAL: f64 = 60.0;

/// A watch on a stepped clock, and the moments of its pings in seconds.
struct Watched {
    clock: SteppedClock,
    watch: Watch,
    pings: Arc<Mutex<Vec<f64>>>,
}

impl Watched {
    fn new() -> Self {
        let clock = SteppedClock::new();
        let pings: Arc<Mutex<Vec<f64>>> = Arc::default();
        let (began, ears, time) = (clock.steady(), pings.clone(), clock.clone());
        let tell = move |message: &str| {
            assert_eq!(message, "WATCHDOG=1\n");
            let passed = time.steady().duration_since(began).as_secs_f64();
            ears.lock().unwrap().push(passed);
            true
        };
        let notifier = Notifier::new(tell, Some(Duration::from_secs_f64(INTERVAL)));
        Self {
            watch: Watch::new(Arc::new(clock.clone()), notifier),
            clock,
            pings,
        }
    }

    /// Lets time pass, second by second, with everybody getting a chance to act in between.
    async fn pass(&self, seconds: u32) {
        for _ in 0..seconds {
            self.clock.step(1.0);
            settle().await;
        }
    }

    /// The moments of the pings since this was asked last.
    fn pings(&self) -> Vec<f64> {
        std::mem::take(&mut self.pings.lock().unwrap())
    }

    /// Whether there was a ping in every half of the interval from `from` to `to`.
    fn assert_pings_all_along(&self, from: f64, to: f64) {
        let pings = self.pings();
        let mut last = from;
        for ping in pings.iter().copied().chain([to]) {
            assert!(
                ping - last <= INTERVAL / 2.0,
                "silent from {last}: {pings:?}"
            );
            last = ping;
        }
        // And no more of them than it takes, however many loops there are.
        let most = ((to - from) / (INTERVAL / 8.0)).ceil() as usize + 1;
        assert!(pings.len() <= most, "{pings:?}");
    }
}

/// Everybody who can act does, on this test's one thread.
async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

/// A loop like a worker's: waits for work, takes a step, waits.
async fn work(clock: WatchedClock, step: impl AsyncFn(&WatchedClock)) {
    loop {
        tokio::select! {
            () = clock.idle() => {}
            () = clock.sleep_until(after(clock.now(), 10.0)) => {}
        }
        step(&clock).await;
    }
}

#[tokio::test]
async fn idle_loops_ping_together_and_not_each_for_itself() {
    let watched = Watched::new();
    for number in 0..200 {
        let clock = watched.watch.clock_of(&format!("portal {number}"));
        tokio::spawn(async move { clock.idle().await });
    }
    settle().await;
    watched.pass(600).await;
    watched.assert_pings_all_along(0.0, 600.0);
}

#[tokio::test]
async fn a_loop_that_hangs_ends_the_pings_of_all() {
    let watched = Watched::new();
    tokio::spawn(work(watched.watch.clock_of("sound"), async |_| {}));
    let hang = Arc::new(tokio::sync::Semaphore::new(10));
    let step = {
        let hang = hang.clone();
        // Each step takes one of ten; the eleventh waits for ever, as on a lost wake-up.
        async move |_: &WatchedClock| hang.acquire().await.unwrap().forget()
    };
    tokio::spawn(work(watched.watch.clock_of("hangs"), step));
    settle().await;
    watched.pass(110).await;
    watched.assert_pings_all_along(0.0, 110.0);
    // It hangs since 110; its step was allowed some time.
    watched.pass(31).await;
    watched.pings();
    watched.pass(300).await;
    assert_eq!(watched.pings(), [] as [f64; 0]);
    // Whatever held it up is gone: so is the silence.
    hang.add_permits(1000);
    settle().await;
    watched.pass(60).await;
    watched.assert_pings_all_along(441.0 + INTERVAL / 4.0, 501.0);
}

#[tokio::test]
async fn a_wait_that_does_not_end_when_it_should_ends_the_pings() {
    let watched = Watched::new();
    let clock = watched.watch.clock_of("waits");
    // Begun and never looked at again, while another wait of the same loop goes on.
    let mut limit = clock.alarm_at(after(clock.now(), 65.0));
    tokio::select! {
        biased;
        () = &mut limit => unreachable!("it takes 65 seconds"),
        () = tokio::task::yield_now() => {}
    }
    let waits = clock.clone();
    tokio::spawn(async move { waits.idle().await });
    settle().await;
    watched.pass(90).await;
    watched.assert_pings_all_along(0.0, 90.0);
    watched.pass(10).await;
    watched.pings();
    watched.pass(300).await;
    assert_eq!(watched.pings(), [] as [f64; 0]);
    drop(limit);
    watched.pass(60).await;
    watched.assert_pings_all_along(400.0, 460.0);
}

#[tokio::test]
async fn a_loop_that_has_ended_is_not_waited_for() {
    let watched = Watched::new();
    drop(watched.watch.clock_of("ended"));
    let clock = watched.watch.clock_of("goes on");
    tokio::spawn(async move { clock.idle().await });
    settle().await;
    watched.pass(300).await;
    watched.assert_pings_all_along(0.0, 300.0);
}

#[tokio::test]
async fn pings_go_on_while_a_request_takes_fifty_seconds() {
    let watched = Watched::new();
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", server.local_addr().unwrap());
    let clock = Arc::new(watched.watch.clock_of("worker"));
    let transport = Transport::new(clock).unwrap();
    let request = tokio::spawn(async move {
        let body = Body::Form(String::new().into());
        let url = url.parse().unwrap();
        transport.post(&url, &body, CALL_SECONDS).await
    });
    let (mut connection, _) = server.accept().await.unwrap();
    assert!(connection.read(&mut [0; 4096]).await.unwrap() > 0);

    watched.pass(50).await;
    watched.assert_pings_all_along(0.0, 50.0);

    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
    connection.write_all(answer).await.unwrap();
    assert_eq!(request.await.unwrap().unwrap().body, b"{}");
}

#[tokio::test]
async fn without_a_watchdog_nothing_wakes() {
    let clock = SteppedClock::new();
    let notifier = Notifier::new(|_| panic!("nobody asked for pings"), None);
    let watch = Watch::new(Arc::new(clock.clone()), notifier);
    let idle = watch.clock_of("idle");
    tokio::spawn(async move { idle.idle().await });
    settle().await;
    assert_eq!(clock.waiting(), 0);
    clock.step(1000.0);
    settle().await;
    assert_eq!(clock.waiting(), 0);
}
