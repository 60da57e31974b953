//! The crash matrix: the real program killed with SIGKILL at every request boundary and at random
//! instants, started again, and the store opened from copies of its files as a dead process leaves
//! them.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use b24_tidyd::store::{QueueKey, Store};
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::json;
use test_portal::{Effect, Fault, Matcher, Portal, Server};
use tokio::sync::Notify;

use crate::{
    installed::Installed,
    scene::{Mode, Scene, row},
    world::Awaited,
};

/// More than one write request carries.
const CONTACTS: u64 = 30;

/// An installation with messy contacts in its queue, last changed yesterday.
async fn busy() -> Installed {
    let installed = Installed::authorised(|settings| settings.echo = true, "").await;
    assert_eq!(installed.portal.seed_contact("Contact", "", "One"), 1);
    for _ in 0..CONTACTS {
        let id = installed.portal.seed_contact("anna", "", "smith");
        let data = json!({"FIELDS": {"ID": id.to_string()}});
        installed
            .portal
            .push_row(row("ONCRMCONTACTADD", data.clone()));
        installed.portal.push_row(row("ONCRMCONTACTUPDATE", data));
    }
    installed
}

/// What is not as it has to be.
fn complaints(installed: &Installed) -> Vec<String> {
    let portal = &installed.portal;
    let mut complaints = portal.violations();
    for contact in portal.contacts() {
        let untouched = contact.id == 1;
        let wanted = u32::from(!untouched);
        let tidy = untouched || contact.last_name.as_deref() == Some("Smith");
        if contact.update_count != wanted || contact.noop_writes > 0 || !tidy {
            complaints.push(format!("{contact:?}"));
        }
    }
    let rows = portal.queue();
    if !rows.is_empty() {
        complaints.push(format!("left in the queue: {rows:?}"));
    }
    let store = Store::open(&installed.store_path()).awaited().unwrap();
    store.check_integrity().awaited().unwrap();
    let record = store.portals().awaited().unwrap().remove(0);
    let queue = QueueKey {
        portal: record.id,
        connector: String::new(),
    };
    let open = store.open_events(&queue).awaited().unwrap();
    let unanswered = store.unanswered_changes(record.id).awaited().unwrap();
    if !open.is_empty() || !unanswered.is_empty() {
        complaints.push(format!("open in the store: {open:?}, {unanswered:?}"));
    }
    complaints
}

/// Kills a process the hard way.
fn kill(process: &AtomicU32) {
    let process = process.load(Ordering::SeqCst).to_string();
    Command::new("kill")
        .args(["-KILL", &process])
        .status()
        .unwrap();
}

/// Starts the program, answers its process id, and a future that ends with it.
fn start(installed: &Installed) -> (Arc<AtomicU32>, impl Future<Output = ()> + use<>) {
    let mut command = installed.command(&["--quiet", "run", "--once"]);
    let mut child = command.stdout(Stdio::null()).spawn().unwrap();
    let process = Arc::new(AtomicU32::new(child.id()));
    let ended = tokio::task::spawn_blocking(move || child.wait().unwrap());
    (process, async move {
        ended.await.unwrap();
    })
}

/// Runs the program until it says that all is done.
async fn finish(installed: &Installed) {
    for _ in 0..5 {
        let output = installed.run(&["run", "--once"]).await;
        if output.status.code() == Some(0) {
            return;
        }
        assert_eq!(output.status.code(), Some(75), "{output:?}");
    }
    panic!("not done after five runs");
}

/// A run that dies at the `nth` request to the portal, processed or not. Answers whether it came to
/// that.
async fn killed_at(nth: u32, processed: bool) -> (Installed, bool) {
    let installed = busy().await;
    let process = Arc::new(AtomicU32::new(0));
    let (victim, mut seen) = (Arc::clone(&process), 0);
    let came = Arc::new(AtomicU32::new(0));
    let struck = Arc::clone(&came);
    let (known, knows) = std::sync::mpsc::channel::<()>();
    installed.portal.before_request(move |portal, _| {
        seen += 1;
        if seen == nth {
            let _ = knows.recv();
            kill(&victim);
            struck.store(1, Ordering::SeqCst);
            if !processed {
                portal.fault(Fault::new(Matcher::any(), Effect::CloseBeforeProcessing));
            }
        }
    });
    let (started, ended) = start(&installed);
    process.store(started.load(Ordering::SeqCst), Ordering::SeqCst);
    let _ = known.send(());
    ended.await;
    installed.portal.clear_hooks();
    let came = came.load(Ordering::SeqCst) == 1;
    (installed, came)
}

/// Break: store the reservation after the next request; acknowledge before the write.
#[tokio::test(flavor = "multi_thread")]
async fn killed_at_every_request_boundary() {
    for processed in [true, false] {
        for nth in 1.. {
            let (installed, came) = killed_at(nth, processed).await;
            finish(&installed).await;
            let complaints = complaints(&installed);
            assert!(
                complaints.is_empty(),
                "request {nth}, processed: {processed}: {complaints:#?}"
            );
            if !came {
                assert!(nth > 6, "only {nth} requests");
                break;
            }
        }
    }
}

/// A pair was renewed, and the process dies with the first request that carries the new one: it is in
/// the store.
#[tokio::test(flavor = "multi_thread")]
async fn killed_right_after_a_renewal() {
    let installed = busy().await;
    installed.portal.expire_access_tokens();
    let process = Arc::new(AtomicU32::new(0));
    let (victim, mut renewed) = (Arc::clone(&process), false);
    let (known, knows) = std::sync::mpsc::channel::<()>();
    installed.portal.before_request(move |_, request| {
        if request.server == Server::OAuth {
            renewed = true;
        } else if std::mem::take(&mut renewed) {
            let _ = knows.recv();
            kill(&victim);
        }
    });
    let (started, ended) = start(&installed);
    process.store(started.load(Ordering::SeqCst), Ordering::SeqCst);
    let _ = known.send(());
    ended.await;
    finish(&installed).await;
    assert_eq!(complaints(&installed), [] as [String; 0]);
    let requests = installed.portal.requests();
    let renewals = requests
        .iter()
        .filter(|request| request.server == Server::OAuth);
    assert_eq!(renewals.count(), 1);
}

/// Break: the same as at the boundaries, seen from in between.
#[tokio::test(flavor = "multi_thread")]
async fn killed_at_random_instants() {
    let seed = std::env::var("B24_TIDYD_SEED").map_or(1, |seed| seed.parse().unwrap());
    println!("B24_TIDYD_SEED={seed}");
    let mut chance = StdRng::seed_from_u64(seed);
    let installed = busy().await;
    installed
        .portal
        .settings(|settings| settings.latency = 0.01);
    for _ in 0..10 {
        let (process, ended) = start(&installed);
        let instant = Duration::from_millis(chance.random_range(5..150));
        tokio::time::sleep(instant).await;
        kill(&process);
        ended.await;
    }
    finish(&installed).await;
    assert_eq!(complaints(&installed), [] as [String; 0]);
}

/// Copies what a process that dies now leaves of its store.
fn copy_store(from: &Path, to: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        let name = |path: &Path| format!("{}{suffix}", path.display());
        if Path::new(&name(from)).exists() {
            fs::copy(name(from), name(to)).unwrap();
        }
    }
}

fn copying_hook(
    portal: &Portal,
    nth: u32,
    processed: bool,
    paths: [std::path::PathBuf; 2],
) -> Arc<Notify> {
    let (dead, mut seen) = (Arc::new(Notify::new()), 0);
    let died = Arc::clone(&dead);
    portal.before_request(move |portal, _| {
        seen += 1;
        if seen == nth {
            copy_store(&paths[0], &paths[1]);
            if !processed {
                portal.fault(Fault::new(Matcher::any(), Effect::CloseBeforeProcessing));
            }
            died.notify_one();
        }
    });
    dead
}

/// The store is opened from copies of its files, with all three files and with the index lost, and the
/// work goes on from there while the old process is never heard of again.
#[tokio::test]
async fn copies_of_the_store_go_on_where_it_died() {
    for nth in 1.. {
        let (processed, with_index) = (nth % 2 == 0, nth % 3 == 0);
        let mut scene = Scene::empty(|settings| settings.echo = true).await;
        scene.run(Mode::Fresh).await;
        scene.everything();
        let copy = scene.world.folder.path().join("copy.db");
        let paths = [scene.world.context.store.path().to_owned(), copy.clone()];
        let dead = copying_hook(&scene.world.portal, nth, processed, paths);
        let mut drain = scene.world.drain();
        let mut progress = |_| {};
        let died = tokio::select! {
            biased;
            () = dead.notified() => true,
            _ = drain.pass(&mut progress) => false,
        };
        drop(drain);
        if !died {
            assert!(nth > 6, "only {nth} requests");
            break;
        }
        scene.world.portal.clear_hooks();
        if !with_index {
            let _ = fs::remove_file(format!("{}-shm", copy.display()));
        }
        // The answer to the dead process is still on its way; the next one starts later.
        scene
            .world
            .portal
            .until(|portal| {
                portal
                    .requests()
                    .iter()
                    .all(|request| request.processed || !processed)
            })
            .await;
        scene.world.advance(30.0);
        scene.world.context.store = Store::open(&copy).await.unwrap();
        scene.world.context.store.check_integrity().await.unwrap();
        scene.run(Mode::Daemon).await;
        assert_eq!(
            scene.complaints(),
            [] as [String; 0],
            "request {nth}, processed: {processed}"
        );
    }
}
