//! A user without rights beside the service: neither state nor memory, environment, signals or locks
//! are within reach. These tests need root, to be somebody else.

use std::{
    fs,
    os::unix::{
        fs::{PermissionsExt as _, chown},
        process::CommandExt as _,
    },
    path::Path,
    process::{Command, Output},
};

use crate::{installed::Installed, manager::Managed};

/// Whom the service runs as, and who looks at it.
const SERVICE: u32 = 64_001;
const NOBODY: u32 = 65_534;

/// Gives a folder with all that is in it to the service, as the package does. False where only root may
/// do that.
fn handed_over(folder: &Path) -> bool {
    // Everybody may enter: what protects a file is its own mode.
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    let entries = fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let given = paths
        .chain([folder.to_owned()])
        .map(|path| chown(path, Some(SERVICE), Some(SERVICE)));
    let all = given.collect::<Result<Vec<()>, _>>();
    if all.is_err() {
        println!("skipped: only root can be somebody else");
        return false;
    }
    let program = env!("CARGO_BIN_EXE_b24-tidyd");
    let within_reach = as_nobody("test -x \"$1\"", &[program]).status.success();
    if !within_reach {
        println!("skipped: the program lies where others have no access");
    }
    within_reach
}

/// What a shell of nobody's can do.
fn as_nobody(script: &str, arguments: &[&str]) -> Output {
    let mut shell = Command::new("sh");
    shell.args(["-c", script, "sh"]).args(arguments);
    shell.uid(NOBODY).gid(NOBODY).current_dir("/");
    shell.output().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_reaches_the_service() {
    let installed = Installed::authorised(|_| {}, "").await;
    let folder = installed.folder.path();
    if !handed_over(folder) {
        return;
    }
    let mut daemon = Managed::start(&installed, |command| {
        command.env("B24_TIDYD_CLIENT_SECRET", "a-secret-of-the-service");
        command.uid(SERVICE).gid(SERVICE).current_dir("/");
        // Whoever makes the socket is root here.
        let socket = command
            .get_envs()
            .find(|(name, _)| *name == "NOTIFY_SOCKET");
        let socket = Path::new(socket.unwrap().1.unwrap());
        fs::set_permissions(socket, fs::Permissions::from_mode(0o777)).unwrap();
        let around = socket.parent().unwrap();
        fs::set_permissions(around, fs::Permissions::from_mode(0o711)).unwrap();
    });
    daemon.until("READY=1");
    let id = daemon.id().to_string();

    // The shell of nobody's works at all.
    assert!(
        as_nobody("test -d \"$1\"", &[folder.to_str().unwrap()])
            .status
            .success()
    );
    let mut files = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if name == "config.toml" {
            continue;
        }
        files += 1;
        for attempt in [
            "cat \"$1\"",
            ": >>\"$1\"",
            "flock -n \"$1\" true",
            "rm -f \"$1\"",
        ] {
            let tried = as_nobody(attempt, &[path.to_str().unwrap()]);
            assert!(!tried.status.success(), "{attempt} {name}");
            assert!(tried.stdout.is_empty(), "{attempt} {name}");
        }
        assert!(path.exists());
    }
    assert!(files >= 3, "state, log and lock at least: {files}");
    for attempt in [
        "cat /proc/$1/environ",
        "dd if=/proc/$1/mem bs=1 count=1",
        "cat /proc/$1/maps",
        "ls /proc/$1/fd",
        "kill -TERM $1",
        "kill -HUP $1",
        "kill -0 $1",
    ] {
        let tried = as_nobody(attempt, &[&id]);
        assert!(!tried.status.success(), "{attempt}");
        assert!(tried.stdout.is_empty(), "{attempt}");
    }
    // Everybody sees the arguments: there is no secret among them.
    let arguments = as_nobody("cat /proc/$1/cmdline", &[&id]).stdout;
    let arguments = String::from_utf8(arguments).unwrap();
    for secret in installed.portal.issued_secrets() {
        assert!(!arguments.contains(&secret), "{arguments}");
    }
    assert!(!arguments.contains("a-secret"), "{arguments}");
    assert_eq!(daemon.stop(), Some(0));
}

/// Commands of nobody's say so, and change nothing.
#[tokio::test(flavor = "multi_thread")]
async fn commands_of_nobody_are_refused() {
    let installed = Installed::authorised(|_| {}, "").await;
    if !handed_over(installed.folder.path()) {
        return;
    }
    let before = fs::read(installed.store_path()).unwrap();
    for (expected, arguments) in [
        (78, &["run", "--once"][..]),
        (78, &["status"]),
        (78, &["sweep", "--apply"]),
        (78, &["auth", "forget", "--yes"]),
        (78, &["pause"]),
    ] {
        let mut command = installed.command(arguments);
        command.uid(NOBODY).gid(NOBODY).current_dir("/");
        let output = tokio::task::spawn_blocking(move || command.output().unwrap());
        let output = output.await.unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(
            output.status.code(),
            Some(expected),
            "{arguments:?}: {said}"
        );
        // What is wrong is the very answer of `status`.
        let said = match arguments {
            ["status"] => String::from_utf8_lossy(&output.stdout).into_owned(),
            _ => said,
        };
        let folder = installed.folder.path().to_str().unwrap();
        assert!(said.contains(folder), "{arguments:?}: {said}");
        assert!(!said.contains("panicked"), "{arguments:?}: {said}");
    }
    assert!(fs::read(installed.store_path()).unwrap() == before);
}
