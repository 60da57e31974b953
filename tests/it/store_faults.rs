//! What can be wrong with the state file: each has a clear message and the contract's exit code, none
//! is a silent fresh start, and none acknowledges anything.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    process::{Command, Output},
};

use b24_tidyd::drain::DrainFailure;
use serde_json::json;

use crate::{
    installed::Installed,
    scene::{Mode, Scene, row},
};

/// An installation with one messy contact in its queue.
async fn busy() -> Installed {
    let installed = Installed::authorised(|_| {}, "").await;
    let id = installed.portal.seed_contact("anna", "", "smith");
    let data = json!({"FIELDS": {"ID": id.to_string()}});
    installed.portal.push_row(row("ONCRMCONTACTUPDATE", data));
    installed
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout)
}

/// The program ends with `code`, says `text` and names the file, and the portal still has its row.
fn assert_refused(installed: &Installed, output: &Output, code: i32, text: &str) {
    let said = errors(output);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(said.contains(text) && said.contains("state.db"), "{said}");
    assert_eq!(installed.portal.queue().len(), 1, "{said}");
    assert_eq!(installed.portal.violations(), [] as [String; 0]);
}

async fn set_right(installed: &Installed) {
    installed.run_for(0, &["run", "--once"]).await;
    assert_eq!(installed.portal.queue(), []);
    assert_eq!(installed.portal.violations(), [] as [String; 0]);
}

type Damage = fn(&mut Vec<u8>);

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_file_is_never_replaced() {
    let damages: [(&str, Damage); 6] = [
        ("emptied", |bytes| bytes.clear()),
        ("cut in its header", |bytes| bytes.truncate(50)),
        ("cut in half", |bytes| bytes.truncate(bytes.len() / 2)),
        ("garbage", |bytes| bytes.fill(0x5a)),
        ("garbage behind the header", |bytes| bytes[100..].fill(0x5a)),
        ("another program's", |bytes| bytes[68..72].fill(0x11)),
    ];
    for (what, damage) in damages {
        let installed = busy().await;
        let path = installed.store_path();
        let sound = fs::read(&path).unwrap();
        let mut bytes = sound.clone();
        damage(&mut bytes);
        fs::write(&path, &bytes).unwrap();
        let output = installed.run(&["run", "--once"]).await;
        assert_refused(&installed, &output, 70, "damaged or not a state file");
        assert_eq!(
            fs::read(&path).unwrap(),
            bytes,
            "{what}: the file was changed"
        );
        let import = installed.run(&["auth", "import", "/dev/null"]).await;
        assert!(!import.status.success());
        assert_eq!(
            fs::read(&path).unwrap(),
            bytes,
            "{what}: an import changed the file"
        );
        fs::write(&path, &sound).unwrap();
        set_right(&installed).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_file_is_no_fresh_start() {
    let installed = busy().await;
    let aside = installed.folder.path().join("aside.db");
    fs::rename(installed.store_path(), &aside).unwrap();
    let output = installed.run(&["run", "--once"]).await;
    assert_refused(&installed, &output, 77, "no state file yet");
    assert!(!installed.store_path().exists());
    fs::rename(&aside, installed.store_path()).unwrap();
    set_right(&installed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_schema_is_refused() {
    let installed = busy().await;
    let db = rusqlite::Connection::open(installed.store_path()).unwrap();
    let version: i64 = db
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap();
    db.pragma_update(None, "user_version", version + 1).unwrap();
    drop(db);
    let output = installed.run(&["run", "--once"]).await;
    assert_refused(&installed, &output, 78, "newer than this program knows");
    let db = rusqlite::Connection::open(installed.store_path()).unwrap();
    db.pragma_update(None, "user_version", version).unwrap();
    drop(db);
    set_right(&installed).await;
}

/// What the first version of the schema holds is there after the steps to the present one.
#[tokio::test(flavor = "multi_thread")]
async fn an_older_schema_is_brought_forward() {
    let installed = busy().await;
    let (present, first) = (
        installed.store_path(),
        installed.folder.path().join("first"),
    );
    let db = rusqlite::Connection::open(&first).unwrap();
    db.execute_batch(include_str!("../../src/store/schema.sql"))
        .unwrap();
    db.execute("ATTACH ?1 AS present", [present.to_str()])
        .unwrap();
    let list = |sql: &str| -> Vec<String> {
        let mut rows = db.prepare(sql).unwrap();
        let rows = rows.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    };
    for table in list("SELECT name FROM main.sqlite_schema WHERE type = 'table'") {
        let columns = list(&format!(
            "SELECT name FROM pragma_table_info('{table}', 'main')"
        ));
        let columns = columns.join(", ");
        db.execute_batch(&format!(
            "INSERT INTO main.{table} ({columns}) SELECT {columns} FROM present.{table}"
        ))
        .unwrap();
    }
    db.execute_batch("PRAGMA main.user_version = 1; DETACH present")
        .unwrap();
    db.pragma_update(None, "application_id", 0x6232_3474)
        .unwrap();
    drop(db);
    for companion in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(format!("{}{companion}", present.display()));
    }
    fs::rename(&first, &present).unwrap();
    fs::set_permissions(&present, Permissions::from_mode(0o600)).unwrap();
    set_right(&installed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_others_can_read_is_refused() {
    let installed = busy().await;
    for mode in [0o644, 0o640, 0o606, 0o666] {
        fs::set_permissions(installed.store_path(), Permissions::from_mode(mode)).unwrap();
        let output = installed.run(&["run", "--once"]).await;
        assert_refused(&installed, &output, 78, "lets others read the tokens");
    }
    fs::set_permissions(installed.store_path(), Permissions::from_mode(0o600)).unwrap();
    set_right(&installed).await;
}

/// A second connection in the middle of a transaction, for longer than anybody waits.
#[tokio::test(flavor = "multi_thread")]
async fn a_locked_file_is_temporary() {
    let installed = busy().await;
    let other = rusqlite::Connection::open(installed.store_path()).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let output = installed.run(&["run", "--once"]).await;
    assert_refused(&installed, &output, 75, "locked by another process");
    other.execute_batch("ROLLBACK").unwrap();
    set_right(&installed).await;
}

/// Somebody who is not root, as permissions mean nothing to root.
const NOBODY: u32 = 65534;

/// The program as an ordinary user who owns everything.
async fn run_as_nobody(installed: &Installed) -> Output {
    let folder = installed.folder.path();
    let program = folder.join("program");
    if !program.exists() {
        fs::copy(env!("CARGO_BIN_EXE_b24-tidyd"), &program).unwrap();
        for entry in fs::read_dir(folder).unwrap() {
            let _ = chown(entry.unwrap().path(), Some(NOBODY), Some(NOBODY));
        }
        let _ = chown(folder, Some(NOBODY), Some(NOBODY));
    }
    let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
    let mut command = match is_root {
        true => {
            let mut command = Command::new("setpriv");
            let ids = [format!("--reuid={NOBODY}"), format!("--regid={NOBODY}")];
            command.args(ids).arg("--clear-groups").arg(&program);
            command
        }
        false => Command::new(&program),
    };
    command.arg("--config").arg(installed.config_path());
    command.args(["run", "--once"]).env_remove("RUST_LOG");
    tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_or_folder_that_cannot_be_written_is_refused() {
    let installed = busy().await;
    let (file, folder) = (installed.store_path(), installed.folder.path().to_owned());
    let set = |path: &std::path::Path, mode| {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap()
    };
    set(&file, 0o400);
    let output = run_as_nobody(&installed).await;
    assert_refused(&installed, &output, 78, "cannot be written");
    set(&file, 0o600);
    set(&folder, 0o500);
    let output = run_as_nobody(&installed).await;
    assert_refused(&installed, &output, 78, "cannot be written");
    set(&folder, 0o700);
    let output = run_as_nobody(&installed).await;
    assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
    assert_eq!(installed.portal.queue(), []);
}

/// A disk in memory, of which so much is left when the program starts. What was reserved while the
/// disk filled up is taken over later from the portal itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_temporary_and_loses_nothing() {
    let installed = busy().await;
    let mut refused = 0;
    for kilobytes_left in [0, 4, 16, 32, 48, 64, 96, 128] {
        let script = r#"
            set -e
            mkdir "$1.disk"
            mount -t tmpfs -o size=1m tmpfs "$1.disk"
            cp -p "$1"/config.toml "$1"/client_secret "$1"/state.db "$1.disk"
            dd if=/dev/zero of="$1.disk/room" bs=1k count="$2" 2>/dev/null
            dd if=/dev/zero of="$1.disk/fill" bs=4k 2>/dev/null || true
            rm "$1.disk/room"
            code=0
            "$3" --config "$1.disk/config.toml" run --once || code=$?
            exit $((code + 100))
        "#;
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--mount", "sh", "-c", script, "sh"]);
        command
            .arg(installed.folder.path())
            .arg(kilobytes_left.to_string());
        command.arg(env!("CARGO_BIN_EXE_b24-tidyd"));
        let output = tokio::task::spawn_blocking(move || command.output().unwrap())
            .await
            .unwrap();
        let _ = fs::remove_dir(format!("{}.disk", installed.folder.path().display()));
        let said = errors(&output);
        match output.status.code() {
            Some(175) => {
                assert!(said.contains("the disk is full"), "{said}");
                assert_eq!(installed.portal.violations(), [] as [String; 0]);
                refused += 1;
            }
            Some(100) => break,
            Some(code) if code < 100 => {
                assert!(std::env::var_os("CI").is_none(), "no disk to fill: {said}");
                println!("skipped: no disk to fill here: {said}");
                return;
            }
            _ => panic!("{kilobytes_left} KiB left: {said}"),
        }
    }
    assert!(refused >= 3, "the disk was never full");
    // The store on the old disk knows nothing of all that.
    set_right(&installed).await;
}

/// Each kind of statement fails at some moment of a drain. Nothing is acknowledged because of it, and
/// all is made good once the store works again, by the same process and by another.
/// Break: go on after a fault of the store; acknowledge what could not be parked or stored.
#[tokio::test]
async fn a_fault_in_mid_drain_acknowledges_nothing() {
    let statements = [
        "INSERT ON event",
        "UPDATE ON event",
        "DELETE ON event",
        "INSERT ON change",
        "UPDATE ON change",
        "INSERT ON parked",
        "INSERT ON run",
        "UPDATE ON portal",
        "INSERT ON bucket",
        "UPDATE ON bucket",
    ];
    let mut struck = 0_u32;
    for (at, statement) in statements.iter().enumerate() {
        for mode in [Mode::Daemon, Mode::Fresh] {
            let mut scene = Scene::empty(|settings| settings.echo = true).await;
            scene.run(Mode::Fresh).await;
            scene.everything();
            let db = rusqlite::Connection::open(scene.world.context.store.path()).unwrap();
            db.execute_batch(&format!(
                "CREATE TRIGGER broken BEFORE {statement} BEGIN SELECT RAISE(ABORT, 'broken'); END"
            ))
            .unwrap();
            let mut drain = scene.world.drain();
            for _ in 0..3 {
                if let Err(failure) = drain.pass(&mut |_| {}).await {
                    assert!(matches!(failure, DrainFailure::Store(_)), "{failure}");
                    struck |= 1 << at;
                }
                assert_eq!(
                    scene.world.portal.violations(),
                    [] as [String; 0],
                    "{statement}"
                );
                scene.world.advance(20.0);
            }
            db.execute_batch("DROP TRIGGER broken").unwrap();
            match mode {
                Mode::Daemon => scene.run_on(drain).await,
                Mode::Fresh => scene.run(mode).await,
            };
            assert_eq!(
                scene.complaints(),
                [] as [String; 0],
                "{statement} {mode:?}"
            );
        }
    }
    assert!(struck.count_ones() >= 6, "{struck:b}");
}
