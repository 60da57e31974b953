//! The fault matrix: each request of a start and of a drain, times each fault, run to completion.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use test_portal::{Effect, Fault, Matcher, Portal, RequestRecord};

use crate::scene::{Mode, Scene};

/// A fault, made to measure for the request that it strikes.
type Make = fn(&RequestRecord) -> Effect;

fn status(code: u16, retry_after: Option<u64>, processed: bool) -> Effect {
    Effect::Status {
        code,
        body: "<html><body>sorry</body></html>".to_owned(),
        retry_after,
        processed,
    }
}

fn error(status: u16, code: &str) -> Effect {
    Effect::Error {
        status,
        code: code.to_owned(),
        description: "said by the test".to_owned(),
    }
}

/// Fails commands of the method that stands first in the batch (or last), or the call itself.
fn command_error(record: &RequestRecord, last: bool, nth: u32, code: &str) -> Effect {
    let mut methods = record.commands.iter().map(|command| command.method.clone());
    let method = if last {
        methods.next_back()
    } else {
        methods.next()
    };
    Effect::CommandError {
        method: method.unwrap_or_else(|| record.method.clone()),
        nth,
        code: code.to_owned(),
        description: "said by the test".to_owned(),
    }
}

fn dropped(record: &RequestRecord, chosen: impl Fn(usize) -> bool) -> Effect {
    let keys = record.commands.iter().enumerate();
    let keys = keys.filter(|(at, _)| chosen(*at));
    Effect::DropBatchKeys(keys.map(|(_, command)| command.key.clone()).collect())
}

const FAULTS: [(&str, Make); 31] = [
    ("closed before processing", |_| {
        Effect::CloseBeforeProcessing
    }),
    ("answer lost", |_| Effect::LoseAnswer),
    ("answer cut", |_| Effect::CutAnswer),
    ("truncated JSON", |_| Effect::TruncatedJson),
    ("HTML 200", |_| status(200, None, false)),
    ("HTML 200, processed", |_| status(200, None, true)),
    ("500", |_| status(500, None, false)),
    ("500, processed", |_| status(500, None, true)),
    ("500 as JSON", |_| error(500, "INTERNAL_SERVER_ERROR")),
    ("502", |_| status(502, None, false)),
    ("502, processed", |_| status(502, None, true)),
    ("504", |_| status(504, None, false)),
    ("504, processed", |_| status(504, None, true)),
    ("503 page", |_| status(503, None, false)),
    ("503 limit", |_| error(503, "QUERY_LIMIT_EXCEEDED")),
    ("429 without Retry-After", |_| {
        error(429, "OPERATION_TIME_LIMIT")
    }),
    ("429 with Retry-After", |_| status(429, Some(20), false)),
    ("429 inside, first", |record| {
        command_error(record, false, 1, "OPERATION_TIME_LIMIT")
    }),
    ("429 inside, last", |record| {
        command_error(record, true, 0, "OPERATION_TIME_LIMIT")
    }),
    ("expired token", |_| error(401, "expired_token")),
    ("unknown token", |_| error(401, "invalid_token")),
    ("401 that is no expiry", |_| error(401, "CONNECTION_ERROR")),
    ("empty body", |_| Effect::EmptyBody { processed: false }),
    ("empty body, processed", |_| Effect::EmptyBody {
        processed: true,
    }),
    ("hangs", |_| Effect::Hang {
        seconds: 70.0,
        processed: false,
    }),
    ("hangs, processed", |_| Effect::Hang {
        seconds: 70.0,
        processed: true,
    }),
    ("keys missing", |record| dropped(record, |_| true)),
    ("even keys missing", |record| {
        dropped(record, |at| at % 2 == 0)
    }),
    ("odd keys missing", |record| {
        dropped(record, |at| at % 2 == 1)
    }),
    ("first command fails", |record| {
        command_error(record, false, 1, "INTERNAL_SERVER_ERROR")
    }),
    ("last commands fail", |record| {
        command_error(record, true, 0, "INTERNAL_SERVER_ERROR")
    }),
];

/// Strikes the `nth` request to the portal from now on. Answers the counter of requests.
fn strike(portal: &Portal, nth: u32, make: Option<Make>) -> Arc<AtomicU32> {
    let count = Arc::new(AtomicU32::new(0));
    let seen = Arc::clone(&count);
    portal.before_request(move |portal, record| {
        if record.method.starts_with("oauth.") {
            return;
        }
        if seen.fetch_add(1, Ordering::SeqCst) + 1 == nth
            && let Some(make) = make
        {
            portal.fault(Fault::new(Matcher::any(), make(record)));
        }
    });
    count
}

/// Which part of a life is struck.
#[derive(Debug, Clone, Copy)]
enum Stage {
    /// A first start: survey, binding, an empty queue; then a small drain.
    Start,
    /// A drain of everything, own writes coming back as events.
    Drain,
}

/// Runs a stage with one fault. Answers the complaints and how many requests there were.
async fn cell(stage: Stage, mode: Mode, nth: u32, make: Option<Make>) -> (Vec<String>, u32) {
    let mut scene = Scene::empty(|settings| settings.echo = matches!(stage, Stage::Drain)).await;
    let count = match stage {
        Stage::Start => {
            let count = strike(&scene.world.portal, nth, make);
            scene.run(mode).await;
            scene.ordinary();
            count
        }
        Stage::Drain => {
            scene.run(Mode::Fresh).await;
            scene.everything();
            strike(&scene.world.portal, nth, make)
        }
    };
    scene.run(mode).await;
    (scene.complaints(), count.load(Ordering::SeqCst))
}

/// Every tenth cell of the matrix, other faults for each request and mode; all of them where
/// `B24_TIDYD_TEST_FULL` is set.
async fn matrix(stage: Stage, mode: Mode) {
    let share = match std::env::var_os("B24_TIDYD_TEST_FULL") {
        Some(_) => 1,
        None => 10,
    };
    let offset = match mode {
        Mode::Daemon => 0,
        Mode::Fresh => 5,
    };
    let (complaints, requests) = cell(stage, mode, 0, None).await;
    assert_eq!(complaints, [] as [String; 0], "without any fault");
    let mut broken = Vec::new();
    for nth in 1..=requests {
        for (at, (name, make)) in FAULTS.iter().enumerate() {
            if !(at + offset + nth as usize).is_multiple_of(share) {
                continue;
            }
            let (complaints, _) = cell(stage, mode, nth, Some(*make)).await;
            if !complaints.is_empty() {
                broken.push(format!("request {nth}, {name}: {complaints:#?}"));
            }
        }
    }
    assert!(
        broken.is_empty(),
        "{} cells:\n{}",
        broken.len(),
        broken.join("\n")
    );
}

#[tokio::test]
async fn a_start_survives_every_fault_in_a_daemon() {
    matrix(Stage::Start, Mode::Daemon).await;
}

#[tokio::test]
async fn a_start_survives_every_fault_in_one_shot_runs() {
    matrix(Stage::Start, Mode::Fresh).await;
}

#[tokio::test]
async fn a_drain_survives_every_fault_in_a_daemon() {
    matrix(Stage::Drain, Mode::Daemon).await;
}

#[tokio::test]
async fn a_drain_survives_every_fault_in_one_shot_runs() {
    matrix(Stage::Drain, Mode::Fresh).await;
}
