//! The state file and its companions: what is not ours is neither used nor changed, what was removed
//! is gone, and what is written can be found again.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    process::Command,
};

use b24_tidyd::store::{RunKind, SentChange, Store, StoreFault, Tokens};
use jiff::Timestamp;

use crate::{
    installed::Installed,
    world::{World, fast_folder},
};

fn tokens(member: &str) -> Tokens {
    Tokens {
        member_id: member.to_owned(),
        endpoint: "https://a/rest/".to_owned(),
        server_endpoint: None,
        access: "access".into(),
        refresh: "refresh".into(),
        access_expires_at: None,
        user_id: None,
    }
}

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn private(path: &Path) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// Break: look at the mark after the first PRAGMA.
#[tokio::test]
async fn another_programs_database_is_left_as_it_is() {
    for journal in ["DELETE", "WAL"] {
        let folder = fast_folder();
        let path = folder.path().join("theirs.db");
        let db = rusqlite::Connection::open(&path).unwrap();
        db.execute_batch(&format!(
            "PRAGMA journal_mode = {journal}; CREATE TABLE theirs (a); INSERT INTO theirs VALUES (1)"
        ))
        .unwrap();
        drop(db);
        private(&path);
        let before = fs::read(&path).unwrap();
        let fault = Store::open_or_create(&path).await.unwrap_err();
        assert!(matches!(fault, StoreFault::Corrupt { .. }), "{fault}");
        assert!(fault.to_string().contains("another program's"), "{fault}");
        assert_eq!(fs::read(&path).unwrap(), before, "{journal}");
        assert_eq!(folder.path().read_dir().unwrap().count(), 1, "{journal}");
    }
}

/// A pipe would be waited for without end, and no advice on modes fits a device.
/// Break: open before looking.
#[tokio::test]
async fn only_a_plain_file_is_a_state_file() {
    let folder = fast_folder();
    let pipe = folder.path().join("pipe");
    let made = Command::new("mkfifo").arg("-m600").arg(&pipe).status();
    assert!(made.unwrap().success());
    for path in [pipe.as_path(), folder.path(), Path::new("/dev/null")] {
        let fault = Store::open_or_create(path).await.unwrap_err();
        assert!(matches!(fault, StoreFault::NotAFile(_)), "{fault}");
        let said = fault.to_string();
        assert!(
            said.contains("regular file") && !said.contains("chmod"),
            "{said}"
        );
    }
}

/// Break: open locks as they come.
#[tokio::test(flavor = "multi_thread")]
async fn no_lock_is_taken_through_a_link() {
    let installed = Installed::authorised(|_| {}, "").await;
    let victim = installed.folder.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    fs::set_permissions(&victim, fs::Permissions::from_mode(0o666)).unwrap();
    let lock = installed.folder.path().join("state.db.drain.lock");
    let _ = fs::remove_file(&lock);
    symlink(&victim, &lock).unwrap();
    let output = installed.run(&["run", "--once"]).await;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(78), "{said}");
    assert!(said.contains("drain.lock"), "{said}");
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    let mode = fs::metadata(&victim).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o666);
    fs::remove_file(&lock).unwrap();
    installed.run_for(0, &["run", "--once"]).await;
}

/// A lock on a file that nobody else finds keeps nobody out.
/// Break: lock what was opened, wherever it is by now.
#[tokio::test]
async fn a_lock_whose_file_was_removed_is_made_anew() {
    let world = World::new().await;
    let store = &world.context.store;
    let first = store.lock_drain("first").unwrap().unwrap();
    assert!(store.lock_drain("second").unwrap().is_err());
    drop(first);
    let _second = store.lock_drain("second").unwrap().unwrap();
    let holder = store.drain_lock_holder().unwrap().unwrap();
    assert!(holder.0.starts_with("second"), "{holder}");
}

/// Break: write on to a file that nobody can open any more.
#[tokio::test]
async fn nothing_is_written_to_a_file_that_was_deleted_or_replaced() {
    for replaced in [false, true] {
        let world = World::new().await;
        let (store, id) = (&world.context.store, world.id());
        let aside = world.folder.path().join("aside");
        fs::rename(store.path(), &aside).unwrap();
        if replaced {
            fs::copy(&aside, store.path()).unwrap();
        }
        let fault = store.set_paused(id, Some(NOW)).await.unwrap_err();
        assert!(matches!(fault, StoreFault::Replaced(_)), "{fault}");
        let _ = fs::remove_file(store.path());
        fs::rename(&aside, store.path()).unwrap();
        store.set_paused(id, Some(NOW)).await.unwrap();
    }
}

/// Break: let SQLite choose the number.
#[tokio::test]
async fn a_portals_number_is_never_given_twice() {
    let folder = fast_folder();
    let path = folder.path().join("state.db");
    let mut numbers = Vec::new();
    for member in ["1", "2", "2", "3"] {
        // Also across restarts.
        let store = Store::open_or_create(&path).await.unwrap();
        let pair = tokens(member);
        let stored = store.store_tokens("app", "https://a/", &pair, None, NOW);
        numbers.push(stored.await.unwrap());
        if member == "2" {
            let again = store.store_tokens("app", "https://a/", &pair, None, NOW);
            assert_eq!(again.await.unwrap(), numbers[numbers.len() - 1]);
            store
                .forget_portal(numbers[numbers.len() - 1])
                .await
                .unwrap();
        }
    }
    let different: std::collections::BTreeSet<_> = numbers.iter().collect();
    assert_eq!(different.len(), 4, "{numbers:?}");
}

/// How often a word stands in the state file and its log.
fn found(path: &Path, word: &str) -> usize {
    ["", "-wal"]
        .iter()
        .filter_map(|end| fs::read(format!("{}{end}", path.display())).ok())
        .map(|bytes| {
            let windows = bytes.windows(word.len());
            windows.filter(|it| *it == word.as_bytes()).count()
        })
        .sum()
}

/// Names are personal data, and the file travels in backups.
/// Break: leave `secure_delete` out; leave the log as it is; do not clean what older versions left.
#[tokio::test]
async fn pruned_names_are_gone_from_the_file() {
    let world = World::new().await;
    let (store, id) = (&world.context.store, world.id());
    let run = store.start_run(id, RunKind::Drain, NOW).await.unwrap();
    let changes: Vec<SentChange> = (0..2000)
        .map(|contact_id| SentChange {
            contact_id,
            field: "NAME".to_owned(),
            old: format!("PERSONAL{contact_id}"),
            new: format!("Personal{contact_id}"),
            rule: "case".to_owned(),
        })
        .collect();
    let sent = store.changes_sent(id, run, RunKind::Drain, &changes, NOW);
    sent.await.unwrap();
    assert!(found(store.path(), "PERSONAL") >= 2000);
    // As an older version removed them.
    let db = rusqlite::Connection::open(store.path()).unwrap();
    db.execute_batch("PRAGMA secure_delete = OFF; DELETE FROM change WHERE contact_id < 1000")
        .unwrap();
    drop(db);
    let later = b24_tidyd::clock::after(NOW, 86_400.0);
    assert!(!store.prune_history(id, later).await.unwrap());
    let left = found(store.path(), "PERSONAL");
    assert!((1..1000).contains(&left), "{left}");
    let path = store.path().to_owned();
    drop(world.context);
    let db = rusqlite::Connection::open(&path).unwrap();
    db.execute_batch("DROP TABLE room; DROP TABLE last_portal; PRAGMA user_version = 5")
        .unwrap();
    drop(db);
    let _store = Store::open(&path).await.unwrap();
    assert_eq!(found(&path, "PERSONAL"), 0);
}

/// Break: prove with a write of a few bytes, or with one that changes nothing.
#[tokio::test]
async fn the_proof_is_larger_than_a_pair_of_tokens() {
    let world = World::new().await;
    let log = format!("{}-wal", world.context.store.path().display());
    let size = || fs::metadata(&log).unwrap().len();
    for _ in 0..3 {
        let before = size();
        world.context.store.prove_writable().await.unwrap();
        assert!(size() - before > 16_000);
    }
}

/// Break: call everything that cannot be opened a matter of permissions.
#[tokio::test(flavor = "multi_thread")]
async fn descriptors_that_ran_out_are_temporary() {
    let installed = Installed::authorised(|_| {}, "").await;
    let mut told = 0;
    for most in (6..48).step_by(2) {
        let script = format!("ulimit -n {most}; exec \"$0\" \"$@\"");
        let mut command = Command::new("sh");
        command.arg("-c").arg(script);
        command.arg(env!("CARGO_BIN_EXE_b24-tidyd"));
        command.arg("--config").arg(installed.config_path());
        command.args(["run", "--once", "--max-wait", "0"]);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap());
        let output = output.await.unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if said.contains("raise the limit") {
            assert_eq!(output.status.code(), Some(75), "{most}: {said}");
            told += 1;
        }
        assert_ne!(output.status.code(), Some(78), "{most}: {said}");
    }
    assert!(told > 0);
}
