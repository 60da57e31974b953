//! How the program ends, and what it says then: codes that hold whoever listens, errors in the form of
//! the log, and the way out past proxies.

use std::{
    fs::{self, File},
    os::unix::fs::PermissionsExt as _,
    process::{Command, Output, Stdio},
};

use crate::installed::Installed;

/// Runs a command to its end without holding up the portal.
async fn ended(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap()
}

fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A pipe that nobody reads.
fn closed_pipe() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

#[tokio::test(flavor = "multi_thread")]
async fn before_the_first_import_every_portal_has_its_line() {
    let installed = Installed::without_tokens(|_| {}, "").await;
    let said = installed.run_for(77, &["run", "--once"]).await;
    assert!(said.starts_with("acme: 0 events"), "{said}");
    assert!(said.contains("no tokens"), "{said}");
    assert_eq!(said.lines().count(), 1);
}

/// A script that only wants the code may throw the words away.
#[tokio::test(flavor = "multi_thread")]
async fn the_code_counts_where_nobody_reads_the_words() {
    let installed = Installed::authorised(|_| {}, "").await;
    installed.portal.expire_access_tokens();
    installed.portal.revoke_refresh_tokens();
    for (expected, arguments) in [
        (77, &["run", "--once"][..]),
        (2, &["status", "--check"]),
        (0, &["status"]),
    ] {
        let mut command = installed.command(arguments);
        command.stdout(closed_pipe()).stderr(Stdio::null());
        assert_eq!(code(&ended(command).await), Some(expected), "{arguments:?}");
    }
    let full = ended(to_full_disk(&installed, &["run", "--once"])).await;
    assert_eq!(code(&full), Some(77));
}

/// A command whose words go to a disk without room.
fn to_full_disk(installed: &Installed, arguments: &[&str]) -> Command {
    let mut command = installed.command(arguments);
    let device = File::options().write(true).open("/dev/full").unwrap();
    command.stdout(device);
    command
}

/// The codes of commands that ask portals hold as well.
#[tokio::test(flavor = "multi_thread")]
async fn what_portals_answered_counts_where_nobody_reads_the_words() {
    let installed = Installed::without_tokens(|_| {}, "").await;
    for (expected, arguments) in [
        (77, &["doctor"][..]),
        (77, &["doctor", "--json"]),
        (77, &["queue", "list"]),
        (77, &["queue", "list", "--json"]),
        (77, &["events", "list"]),
        (77, &["auth", "status", "--check"]),
        (0, &["failures", "list"]),
        (0, &["config", "show"]),
    ] {
        for device in ["a closed pipe", "/dev/full"] {
            let mut command = to_full_disk(&installed, arguments);
            command.stderr(Stdio::null());
            if device == "a closed pipe" {
                command.stdout(closed_pipe());
            }
            let expected = match (expected, device) {
                (0, "/dev/full") => 74,
                (code, _) => code,
            };
            let ended = ended(command).await;
            assert_eq!(code(&ended), Some(expected), "{arguments:?} to {device}");
        }
    }
}

/// What was done is done, though nobody can read of it: 74 says both.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_told_apart_from_work_that_was_not_done() {
    let installed = Installed::authorised(|_| {}, "").await;
    for (expected, arguments) in [
        (74, &["run", "--once"][..]),
        (74, &["status"]),
        (74, &["status", "--json"]),
        (74, &["names", "jOHN"]),
        (74, &["history"]),
        (74, &["--help"]),
        (1, &["status", "--check", "--warning-age", "0"]),
        (0, &["status", "--check"]),
    ] {
        let output = ended(to_full_disk(&installed, arguments)).await;
        let said = text(&output.stderr);
        assert_eq!(code(&output), Some(expected), "{arguments:?}: {said}");
        assert!(!said.contains("panicked"), "{said}");
    }
}

/// What this host has run out of is neither a missing right nor a fault of ours: it passes.
#[tokio::test(flavor = "multi_thread")]
async fn without_file_descriptors_it_is_told_to_come_back() {
    let installed = Installed::authorised(|_| {}, "").await;
    for limit in (5..40).step_by(2) {
        let mut shell = Command::new("sh");
        let line = format!("ulimit -n {limit}; exec \"$0\" --config \"$1\" run --once");
        let program = env!("CARGO_BIN_EXE_b24-tidyd");
        shell
            .args(["-c", &line, program])
            .arg(installed.config_path());
        let output = ended(shell).await;
        let said = text(&output.stderr);
        match code(&output) {
            Some(0) => {}
            Some(75) => assert!(said.contains("open files"), "{limit}: {said}"),
            other => panic!("{limit} files: {other:?} {said}"),
        }
    }
}

/// With --apply nobody has to watch.
#[tokio::test(flavor = "multi_thread")]
async fn writing_goes_on_where_nobody_reads_on() {
    for full in [false, true] {
        let installed = Installed::authorised(|_| {}, "").await;
        let ids: Vec<u64> = (0..60)
            .map(|_| installed.portal.seed_contact("anna", "", "SMITH"))
            .collect();
        let mut command = to_full_disk(&installed, &["sweep", "--apply"]);
        command.stderr(Stdio::null());
        if !full {
            command.stdout(closed_pipe());
        }
        let expected = if full { 74 } else { 0 };
        assert_eq!(code(&ended(command).await), Some(expected));
        for id in ids {
            let contact = installed.portal.contact(id).unwrap();
            assert_eq!(contact.last_name.as_deref(), Some("Smith"));
        }
        // A list alone is not worth the requests once nobody reads it.
        let mut command = installed.command(&["preview", "--all"]);
        command.stdout(closed_pipe()).stderr(Stdio::null());
        assert_eq!(code(&ended(command).await), Some(0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_end_quietly_when_their_reader_has_seen_enough() {
    let installed = Installed::without_tokens(|_| {}, "").await;
    for arguments in [&["names", "jOHN"][..], &["names", "--json", "jOHN"]] {
        let mut command = installed.command(arguments);
        command.stdout(closed_pipe());
        let output = ended(command).await;
        assert_eq!(
            (code(&output), text(&output.stderr)),
            (Some(0), String::new())
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_standard_error_changes_no_code() {
    let installed = Installed::without_tokens(|_| {}, "unknown = 1").await;
    let mut command = installed.command(&["run", "--once"]);
    let device = File::options().write(true).open("/dev/full").unwrap();
    command.stderr(device);
    assert_eq!(code(&ended(command).await), Some(78));
}

/// Every problem of a configuration begins with its file; in the journal each has a priority, and as
/// JSON each is an object.
#[tokio::test(flavor = "multi_thread")]
async fn why_it_ends_is_said_in_the_form_of_the_log() {
    let installed = Installed::without_tokens(|_| {}, "unknown = 1\nburst = -1").await;
    let file = installed.config_path();
    let mut said = Vec::new();
    for format in ["text", "journal", "json"] {
        let output = ended(installed.command(&["--log-format", format, "run"])).await;
        assert_eq!(code(&output), Some(78));
        said.push(text(&output.stderr));
    }
    let lines: Vec<&str> = said[0].lines().collect();
    assert_eq!(lines.len(), 2, "{said:?}");
    for (at, line) in lines.iter().enumerate() {
        assert!(line.starts_with(&format!("{}:", file.display())), "{line}");
        assert_eq!(said[1].lines().nth(at), Some(format!("<3>{line}").as_str()));
        let object: serde_json::Value =
            serde_json::from_str(said[2].lines().nth(at).unwrap()).unwrap();
        assert_eq!(
            (&object["level"], &object["message"]),
            (&"ERROR".into(), &(*line).into())
        );
    }
    let output = ended(installed.command(&["--portal", "x", "status"])).await;
    assert!(text(&output.stderr).starts_with(&format!("{}:", file.display())));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_variable_names_no_configuration() {
    let mut names = Command::new(env!("CARGO_BIN_EXE_b24-tidyd"));
    names.args(["names", "jOHN"]).env("B24_TIDYD_CONFIG", "");
    let output = ended(names).await;
    assert_eq!(
        (code(&output), text(&output.stdout)),
        (Some(0), "John\n".to_owned())
    );

    let installed = Installed::without_tokens(|_| {}, "").await;
    let mut status = Command::new(env!("CARGO_BIN_EXE_b24-tidyd"));
    status
        .arg("status")
        .env("B24_TIDYD_CONFIG", installed.config_path());
    assert_eq!(code(&ended(status).await), Some(0));
}

/// What travels unencrypted, as it may to this machine itself, must not leave it through a proxy.
#[tokio::test(flavor = "multi_thread")]
async fn this_machine_is_asked_past_any_proxy() {
    let installed = Installed::authorised(|_| {}, "").await;
    installed.portal.expire_access_tokens();
    let proxy = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", proxy.local_addr().unwrap());
    let mut command = installed.command(&["run", "--once"]);
    for name in ["http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy"] {
        command.env(name, &address);
    }
    let output = ended(command).await;
    assert_eq!(code(&output), Some(0), "{}", text(&output.stderr));
    proxy.set_nonblocking(true).unwrap();
    let asked = proxy.accept().map(drop).map_err(|error| error.kind());
    assert_eq!(
        asked,
        Err(std::io::ErrorKind::WouldBlock),
        "the proxy was asked"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_token_file_leaves_nothing_behind() {
    let installed = Installed::without_tokens(|_| {}, "").await;
    let file = installed.folder.path().join("tokens.json");
    fs::write(&file, "no tokens").unwrap();
    let path = file.to_str().unwrap();
    installed.run_for(65, &["auth", "import", path]).await;
    assert!(!installed.store_path().exists());
}

/// Nobody else may look into the folder that the first import makes, whatever the umask.
#[tokio::test(flavor = "multi_thread")]
async fn a_folder_for_the_state_is_private() {
    let installed = Installed::without_tokens(|_| {}, "").await;
    let config = fs::read_to_string(installed.config_path()).unwrap();
    let config = config.replace("\"state.db\"", "\"new/deep/state.db\"");
    fs::write(installed.config_path(), config).unwrap();
    let file = installed.folder.path().join("tokens.json");
    fs::write(&file, installed.portal.authorise().to_string()).unwrap();
    let program = env!("CARGO_BIN_EXE_b24-tidyd");
    let mut shell = Command::new("sh");
    let line = "umask 0; exec \"$0\" --config \"$1\" auth import \"$2\"";
    let config = installed.config_path();
    shell.args(["-c", line, program]).args([&config, &file]);
    let output = ended(shell).await;
    assert_eq!(code(&output), Some(0), "{}", text(&output.stderr));
    for folder in ["new", "new/deep"] {
        let found = fs::metadata(installed.folder.path().join(folder)).unwrap();
        assert_eq!(found.permissions().mode() & 0o777, 0o700, "{folder}");
    }
}

/// Whoever cannot read the tokens does not know whether there are any.
#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_blames_a_damaged_state_file_and_not_the_tokens() {
    let installed = Installed::authorised(|_| {}, "").await;
    fs::write(installed.store_path(), "damaged").unwrap();
    let said = installed.run_for(70, &["doctor", "--json"]).await;
    let found: serde_json::Value = serde_json::from_str(&said).unwrap();
    let result_of = |check: &str| {
        let checks = found["checks"].as_array().unwrap().iter();
        let mut ours = checks.filter(|it| it["check"] == check);
        ours.next().unwrap()["result"].clone()
    };
    assert_eq!(result_of("state file"), "failed");
    assert_eq!(result_of("tokens"), "skipped");
}

/// A pipe would be waited on, and nobody shall be told to change the mode of a device.
#[tokio::test(flavor = "multi_thread")]
async fn a_state_file_is_a_regular_file() {
    let installed = Installed::without_tokens(|_| {}, "").await;
    let fifo = installed.folder.path().join("fifo");
    let made = Command::new("mkfifo").arg(&fifo).status().unwrap();
    assert!(made.success());
    let config = fs::read_to_string(installed.config_path()).unwrap();
    for path in ["/dev/null", "fifo", "."] {
        let config = config.replace("\"state.db\"", &format!("{path:?}"));
        fs::write(installed.config_path(), config).unwrap();
        let output = ended(installed.command(&["run", "--once"])).await;
        let said = text(&output.stderr);
        assert_eq!(code(&output), Some(78), "{path}: {said}");
        assert!(said.contains("not a regular file"), "{said}");
        assert!(!said.contains("chmod"), "{said}");
    }
}
