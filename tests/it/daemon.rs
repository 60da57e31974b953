//! The daemon's daily life with the real program: from before the first import to logs that can be
//! read by machines.

use std::{fs, os::unix::fs::PermissionsExt as _};

use b24_tidyd::store::Store;
use test_portal::{Effect, Fault, Matcher};

use crate::{
    installed::Installed,
    manager::{Managed, eventually},
};

/// Whether a contact's last name is tidy.
fn tidied(installed: &Installed, id: u64) -> bool {
    let contact = installed.portal.contact(id).unwrap();
    contact.last_name.as_deref() == Some("Smith")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_started_before_the_first_import_goes_on_by_itself() {
    let installed = Installed::without_tokens(|_| {}, "").await;
    let mut daemon = Managed::start(&installed, |_| {});
    daemon.until("READY=1");
    let messages = daemon.until("STATUS=");
    assert!(messages[0].contains("no state file yet"), "{messages:?}");

    Store::open_or_create(&installed.store_path())
        .await
        .unwrap();
    daemon.until("STATUS=acme: no tokens are stored (since ");
    assert_eq!(installed.portal.request_count(), 0);

    installed.store_tokens();
    daemon.until("STATUS=acme: the queue is empty");
    let log = daemon.log();
    assert_eq!(log.matches("no state file yet").count(), 1, "{log}");
    assert_eq!(log.matches("no tokens are stored").count(), 2, "{log}");
    assert_eq!(
        log.matches("b24-tidyd --portal acme auth login").count(),
        1,
        "{log}"
    );
    assert_eq!(log.matches("working again").count(), 1, "{log}");
    assert_eq!(daemon.stop(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_before_the_first_import_is_a_good_end() {
    let installed = Installed::without_tokens(|_| {}, "").await;
    let mut daemon = Managed::start(&installed, |_| {});
    daemon.until("STATUS=");
    assert_eq!(daemon.stop(), Some(0));
    assert_eq!(daemon.unread(), ["STOPPING=1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_ends_the_slow_probing_of_a_portal_that_was_lost() {
    let installed = Installed::authorised(|_| {}, "").await;
    installed.portal.expire_access_tokens();
    installed.portal.revoke_refresh_tokens();
    let mut daemon = Managed::start(&installed, |_| {});
    let lost = daemon.until("STATUS=").pop().unwrap();
    assert!(lost.contains("the tokens are no longer accepted"), "{lost}");
    // The next probe would come in minutes.
    installed.store_tokens();
    daemon.until("STATUS=acme: the queue is empty");
    assert_eq!(daemon.stop(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_logged_once_and_its_end_too() {
    let installed = Installed::authorised(|_| {}, "").await;
    let mut daemon = Managed::start(&installed, |_| {});
    daemon.until("STATUS=");
    let strange = Effect::Error {
        status: 400,
        code: "ERROR_STRANGE".to_owned(),
        description: "two\nlines".to_owned(),
    };
    let matching = Matcher::portal().always();
    installed.portal.fault(Fault::new(matching, strange));
    let status = daemon
        .messages_to(|line| line.contains("(since "))
        .pop()
        .unwrap();
    let asked = installed.portal.request_count();
    eventually("it is asked again", || {
        installed.portal.request_count() > asked
    });
    installed.portal.clear_faults();
    daemon.until("STATUS=acme: the queue is empty");
    let log = daemon.log();
    assert_eq!(log.matches("WARN").count(), 1, "{status} {log}");
    assert_eq!(log.matches("the portal fails").count(), 2, "{log}");
    assert_eq!(log.matches("working again").count(), 1, "{log}");
    assert_eq!(log.matches(" WARN ").count(), 1, "{log}");
    // A portal's text stays on its line.
    assert!(log.lines().all(|line| line.starts_with("20")), "{log}");
    assert_eq!(daemon.stop(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_file_that_somebody_locks_is_waited_for() {
    let installed = Installed::authorised(|_| {}, "").await;
    let mut daemon = Managed::start(&installed, |_| {});
    daemon.until("STATUS=");
    let other = rusqlite::Connection::open(installed.store_path()).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let id = installed.portal.add_contact("anna", "", "SMITH");
    daemon.messages_to(|line| line.contains("another process keeps the state file locked"));
    assert!(!tidied(&installed, id));
    other.execute_batch("ROLLBACK").unwrap();
    eventually("a tidy name", || tidied(&installed, id));
    eventually("an empty queue", || installed.portal.queue().is_empty());
    let locked = "another process keeps the state file locked";
    eventually("the log says that it is over", || {
        daemon.log().matches(locked).count() == 2
    });
    assert_eq!(daemon.stop(), Some(0));
    assert_eq!(installed.portal.violations(), [] as [String; 0]);
}

/// Together with the schedule's own tests: an edit waits for one tick, and not for a second one.
#[tokio::test(flavor = "multi_thread")]
async fn the_next_look_brings_an_edit() {
    let installed = Installed::authorised(|_| {}, "").await;
    let mut daemon = Managed::start(&installed, |_| {});
    daemon.until("STATUS=");
    let before = installed.portal.request_count();
    let id = installed.portal.add_contact("anna", "", "SMITH");
    eventually("a tidy name", || tidied(&installed, id));
    let requests = installed.portal.requests();
    let looks = requests
        .iter()
        .filter(|request| request.number > before)
        .take_while(|request| !request.calls("crm.contact.update"))
        .filter(|request| request.calls("event.offline.get"))
        .count();
    // A second one where a look fell between the count and the edit.
    assert!((1..=2).contains(&looks), "{looks}");
    assert_eq!(daemon.stop(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_secret_may_come_as_a_credential() {
    let installed = Installed::authorised(|_| {}, "").await;
    let credentials = installed.folder.path().join("credentials");
    fs::create_dir(&credentials).unwrap();
    let secret = credentials.join("client_secret");
    fs::rename(installed.folder.path().join("client_secret"), &secret).unwrap();
    // As systemd shows one that has an access control list.
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o444)).unwrap();
    let config = fs::read_to_string(installed.config_path()).unwrap();
    let config = config.replace("client_secret_file = \"client_secret\"\n", "");
    fs::write(installed.config_path(), config).unwrap();
    // A renewal needs the secret.
    installed.portal.expire_access_tokens();

    let mut daemon = Managed::start(&installed, |command| {
        command.env("CREDENTIALS_DIRECTORY", &credentials);
    });
    daemon.until("STATUS=acme: the queue is empty");
    let renewed = |request: &test_portal::RequestRecord| request.method == "oauth.token";
    assert!(installed.portal.requests().iter().any(renewed));
    assert_eq!(daemon.stop(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_are_json_where_that_is_asked_for() {
    let installed = Installed::authorised(|_| {}, "").await;
    let mut daemon = Managed::start(&installed, |command| {
        command.args(["--log-format", "json", "-v"]);
    });
    daemon.until("STATUS=");
    let id = installed.portal.add_contact("anna", "", "SMITH");
    daemon.until("STATUS=acme: 1 events");
    assert_eq!(daemon.stop(), Some(0));
    let log = daemon.log();
    let lines: Vec<serde_json::Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let find = |message: &str| {
        let found = lines.iter().filter(|line| line["message"] == message);
        found.collect::<Vec<_>>()
    };
    let written = find("written");
    assert_eq!(written.len(), 1, "{log}");
    assert_eq!(written[0]["contact"], id);
    assert_eq!(written[0]["level"], "DEBUG");
    let drained = find("drained");
    assert_eq!(drained.len(), 1, "{log}");
    assert_eq!(
        (&drained[0]["events"], &drained[0]["changed"]),
        (&1.into(), &1.into())
    );
    assert_eq!(drained[0]["portal"], "acme");
    assert!(
        find("on watch")[0]["next"]
            .as_str()
            .unwrap()
            .starts_with("20")
    );
    assert!(!log.contains("Smith") && !log.contains("SMITH"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_journal_gets_priorities() {
    let installed = Installed::without_tokens(|_| {}, "").await;
    let mut daemon = Managed::start(&installed, |command| {
        command.args(["--log-format", "journal", "-v"]);
    });
    daemon.until("STATUS=");
    installed.store_tokens();
    daemon.until("STATUS=acme: the queue is empty");
    fs::write(installed.config_path(), "colour = 1").unwrap();
    daemon.signal("HUP");
    daemon.until("STATUS=the configuration was refused");
    assert_eq!(daemon.stop(), Some(0));
    let log = daemon.log();
    let priority = |text: &str| {
        let line = log.lines().find(|line| line.contains(text));
        line.unwrap_or_else(|| panic!("{text}: {log}"))
            .get(..3)
            .unwrap()
    };
    assert_eq!(priority("no state file yet"), "<4>");
    assert_eq!(priority("on watch"), "<6>");
    assert_eq!(priority("colour"), "<3>");
    assert_eq!(priority("stopping"), "<6>");
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_logged_only_where_that_is_allowed() {
    let installed = Installed::authorised(|_| {}, "[log]\npersonal_data = true\n").await;
    let mut daemon = Managed::start(&installed, |_| {});
    daemon.until("STATUS=");
    let id = installed.portal.add_contact("Anna", "", "SMITH");
    daemon.until("STATUS=acme: 1 events");
    let written = format!("contact={id} field=\"LAST_NAME\" old=\"SMITH\" new=\"Smith\"");
    assert!(daemon.log().contains(&written), "{}", daemon.log());
    assert_eq!(daemon.stop(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_logged_at_any_level() {
    let installed = Installed::authorised(|_| {}, "").await;
    let everything = "trace,h2=trace,hyper=trace,hyper_util=trace,mio=trace,reqwest=trace,\
        rustls=trace,tokio_cron_scheduler=trace,tower=trace,want=trace";
    for format in ["text", "json", "journal"] {
        installed.portal.expire_access_tokens();
        let mut daemon = Managed::start(&installed, |command| {
            command.env("RUST_LOG", everything);
            command.args(["--log-format", format]);
        });
        daemon.until("STATUS=acme: the queue is empty");
        let id = installed.portal.add_contact("anna", "", "SMITH");
        eventually("a tidy name", || tidied(&installed, id));
        // What goes wrong is logged, too.
        let fault = Fault::new(Matcher::any().times(2), Effect::TruncatedJson);
        installed.portal.fault(fault);
        installed.portal.expire_access_tokens();
        let id = installed.portal.add_contact("anna", "", "SMITH");
        eventually("another tidy name", || tidied(&installed, id));
        assert_eq!(daemon.stop(), Some(0));
        let log = daemon.log();
        assert!(log.contains("renewed"), "{log}");
        if format == "json" {
            assert!(log.contains("\"target\":\"hyper_util"), "{log}");
        }
        for secret in installed.portal.issued_secrets() {
            assert!(!log.contains(&secret), "{format}: {secret} in {log}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_cannot_succeed_says_why_by_its_exit_code() {
    let installed = Installed::authorised(|_| {}, "").await;
    let end = |expected: i32, text: &str| {
        let mut daemon = Managed::start(&installed, |_| {});
        assert_eq!(daemon.end(), Some(expected), "{}", daemon.log());
        assert!(daemon.log().contains(text), "{}", daemon.log());
        assert_eq!(daemon.unread(), [] as [String; 0], "never ready");
    };
    let store = installed.store_path();
    fs::set_permissions(&store, fs::Permissions::from_mode(0o644)).unwrap();
    end(78, "lets others read the tokens");
    fs::set_permissions(&store, fs::Permissions::from_mode(0o600)).unwrap();
    let whole = fs::read(&store).unwrap();
    fs::write(&store, "").unwrap();
    end(70, "damaged");
    fs::write(&store, whole).unwrap();
    let held = Store::open(&store)
        .await
        .unwrap()
        .lock_drain("a test")
        .unwrap()
        .unwrap();
    end(75, "the drain lock is held by a test");
    drop(held);
    fs::write(installed.config_path(), "colour = 1").unwrap();
    end(78, "colour");
}
