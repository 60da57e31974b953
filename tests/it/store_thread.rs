//! The state file answers from a loop of its own: nobody else is held up, nothing that was asked is
//! lost, and writes share their wait for the disk without sharing their faults.

use std::{
    future::{Future, poll_fn},
    path::PathBuf,
    pin::pin,
    sync::{Arc, Mutex},
    task::Poll,
};

use b24_tidyd::{
    clock::Clock,
    store::{Loop, PortalId, Runner, Store, StoreFault, Tokens},
};
use jiff::Timestamp;
use rusqlite::Connection;
use tempfile::TempDir;
use test_portal::ManualClock;

use crate::world::{TestClock, fast_folder};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

struct Ground {
    folder: TempDir,
    clock: TestClock,
}

impl Ground {
    /// A folder with a state file that knows one portal.
    async fn new() -> (Self, PortalId) {
        let place = Self {
            folder: fast_folder(),
            clock: TestClock(ManualClock::default()),
        };
        let store = Store::open_or_create(&place.path()).await.unwrap();
        let tokens = Tokens {
            member_id: "1".to_owned(),
            endpoint: "https://a/rest/".to_owned(),
            server_endpoint: None,
            access: "access".into(),
            refresh: "refresh".into(),
            access_expires_at: None,
            user_id: None,
        };
        let portal = store.store_tokens("app", "https://a/", &tokens, None, NOW);
        let portal = portal.await.unwrap();
        (place, portal)
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("state.db")
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("state.db-wal")
    }

    /// The store as a task that waits on the test's clock.
    async fn as_a_task(&self) -> Store {
        let runner = Runner::task(Arc::new(self.clock.clone()), |serving| {
            tokio::spawn(serving);
        });
        Store::open_with(&self.path(), runner).await.unwrap()
    }

    /// Another process's connection.
    fn another(&self) -> Connection {
        Connection::open(self.path()).unwrap()
    }

    /// How many transactions stand in the log: its format is described in "WAL-mode File Format".
    fn commits(&self) -> usize {
        let log = std::fs::read(self.log()).unwrap();
        let word = |at: usize| u32::from_be_bytes(log[at..at + 4].try_into().unwrap());
        let (page, salt) = (word(8) as usize, &log[16..24]);
        let frames = (32..log.len()).step_by(24 + page);
        let valid = frames.filter(|at| log[at + 8..at + 16] == *salt);
        valid.filter(|at| word(at + 4) != 0).count()
    }
}

/// The contacts on the list of failures.
async fn parked(store: &Store, portal: PortalId) -> Vec<u64> {
    let parked = store.parked(portal).await.unwrap();
    parked.into_iter().map(|one| one.contact_id).collect()
}

/// Asks, and does not wait for the answer.
async fn ask(question: impl Future) {
    let mut question = pin!(question);
    poll_fn(|context| {
        assert!(question.as_mut().poll(context).is_pending());
        Poll::Ready(())
    })
    .await;
}

/// Break: wait inside of SQLite on the caller's thread.
#[tokio::test]
async fn a_locked_file_holds_up_nobody_else() {
    let (place, portal) = Ground::new().await;
    let store = Store::open(&place.path()).await.unwrap();
    let other = place.another();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut write = pin!(store.set_paused(portal, Some(NOW)));
    let mut turns = 0;
    loop {
        tokio::select! {
            biased;
            written = &mut write => {
                written.unwrap();
                break;
            }
            () = tokio::task::yield_now() => turns += 1,
        }
        if turns == 10_000 {
            other.execute_batch("ROLLBACK").unwrap();
        }
    }
    assert!(turns >= 10_000);
    assert!(store.portal(portal).await.unwrap().paused_at.is_some());
}

/// Break: wait by sleeping; wait for less, or for more.
#[tokio::test]
async fn another_process_is_waited_for_on_our_clock_for_five_seconds() {
    let (place, portal) = Ground::new().await;
    let store = place.as_a_task().await;
    let other = place.another();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (began, really) = (place.clock.now(), std::time::Instant::now());
    let refused = store.set_paused(portal, Some(NOW)).await.unwrap_err();
    assert!(matches!(refused, StoreFault::Locked(_)), "{refused}");
    let waited = place.clock.now().duration_since(began).as_secs_f64();
    assert!((4.9..5.2).contains(&waited), "{waited}");
    assert!(really.elapsed().as_secs_f64() < 2.0);
    // Readers are not in the way of a writer.
    assert!(parked(&store, portal).await.is_empty());
    other.execute_batch("ROLLBACK").unwrap();
    store.set_paused(portal, Some(NOW)).await.unwrap();
}

/// Break: a transaction for each write.
#[tokio::test]
async fn writes_of_one_moment_share_a_commit() {
    let (place, portal) = Ground::new().await;
    let store = place.as_a_task().await;
    store.set_paused(portal, Some(NOW)).await.unwrap();
    let before = place.commits();
    let park = |contact| store.park(portal, contact, "no", NOW, |_| NOW);
    let (one, two, three, sum, seen) = tokio::join!(
        park(1),
        park(2),
        park(3),
        store.with_bucket("a", |_| ((1.0, NOW), 7)),
        store.parked(portal),
    );
    assert_eq!((one.unwrap(), two.unwrap(), three.unwrap()), (1, 1, 1));
    assert_eq!(sum.unwrap(), 7);
    assert_eq!(place.commits() - before, 1);
    assert_eq!(seen.unwrap().len(), 3, "a read sees what was asked before");
}

/// Break: no savepoints; the same answer for all.
#[tokio::test]
async fn a_write_that_fails_takes_no_neighbour_along() {
    // The second one ends the whole transaction, as a full disk does.
    for how in ["ABORT", "FAIL", "ROLLBACK"] {
        let (place, portal) = Ground::new().await;
        let store = place.as_a_task().await;
        place
            .another()
            .execute_batch(&format!(
                "CREATE TRIGGER broken AFTER INSERT ON parked WHEN new.contact_id = 2
                 BEGIN SELECT RAISE({how}, 'broken'); END"
            ))
            .unwrap();
        let park = |contact| store.park(portal, contact, "no", NOW, |_| NOW);
        let (one, two, three) = tokio::join!(park(1), park(2), park(3));
        assert_eq!((one.unwrap(), three.unwrap()), (1, 1), "{how}");
        let fault = two.unwrap_err().to_string();
        assert!(fault.contains("broken"), "{how}: {fault}");
        assert_eq!(parked(&store, portal).await, [1, 3], "{how}");
    }
}

/// Break: drop questions whose asker has gone.
#[tokio::test]
async fn what_was_asked_is_done_although_nobody_waits() {
    let (place, portal) = Ground::new().await;
    let store = Store::open(&place.path()).await.unwrap();
    ask(store.park(portal, 1, "no", NOW, |_| NOW)).await;
    assert_eq!(parked(&store, portal).await, [1]);
    // With the last handle everything ends in order.
    ask(store.park(portal, 2, "no", NOW, |_| NOW)).await;
    drop(store);
    assert!(!place.log().exists(), "the log was worked in");
    let found =
        place
            .another()
            .query_row("SELECT group_concat(contact_id) FROM parked", [], |row| {
                row.get::<_, String>(0)
            });
    assert_eq!(found.unwrap(), "1,2");
}

#[tokio::test]
async fn the_log_can_be_left_as_after_a_kill() {
    let (place, portal) = Ground::new().await;
    let runner = Runner::thread().without_checkpoint_on_close();
    let store = Store::open_with(&place.path(), runner).await.unwrap();
    store.park(portal, 1, "no", NOW, |_| NOW).await.unwrap();
    drop(store);
    assert!(place.log().exists());
    let store = Store::open(&place.path()).await.unwrap();
    assert_eq!(parked(&store, portal).await, [1]);
}

/// Break: let the loop end with the panic; answer nobody.
#[tokio::test]
async fn a_panic_is_an_error_for_whoever_asked_and_for_nobody_else() {
    let (place, portal) = Ground::new().await;
    let store = place.as_a_task().await;
    let (one, two) = tokio::join!(
        store.park(portal, 1, "no", NOW, |_| NOW),
        store.park(portal, 2, "no", NOW, |_| panic!("on purpose")),
    );
    one.unwrap();
    let fault = two.unwrap_err().to_string();
    assert!(fault.contains("has failed"), "{fault}");
    assert_eq!(parked(&store, portal).await, [1]);
}

/// Break: wait for the answer of a loop that is no more.
#[tokio::test]
async fn a_loop_that_is_gone_is_an_error_and_no_hang() {
    let (place, portal) = Ground::new().await;
    let held: Arc<Mutex<Option<tokio::task::JoinHandle<()>>>> = Arc::default();
    let keep = held.clone();
    let runner = Runner::task(Arc::new(place.clock.clone()), move |serving: Loop| {
        *keep.lock().unwrap() = Some(tokio::spawn(serving));
    });
    let store = Store::open_with(&place.path(), runner).await.unwrap();
    let running = held.lock().unwrap().take().unwrap();
    running.abort();
    assert!(running.await.unwrap_err().is_cancelled());
    let fault = store.portal(portal).await.unwrap_err().to_string();
    assert!(fault.contains("has failed"), "{fault}");
}
