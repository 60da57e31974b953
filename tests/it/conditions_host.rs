//! What is not as it should be with the host, by the real program: the state file deleted, locked or
//! away, a configuration that was refused, a one-shot run at work.

use std::fs;

use b24_tidyd::store::Store;
use serde_json::Value;

use crate::{
    installed::Installed,
    manager::{Managed, eventually},
};

/// The host's conditions, as `status --json` has them.
async fn of_host(installed: &Installed) -> Vec<Value> {
    let text = installed.run_for(0, &["status", "--json"]).await;
    let json: Value = serde_json::from_str(&text).unwrap();
    json["conditions"].as_array().unwrap().clone()
}

fn kinds(conditions: &[Value]) -> Vec<&str> {
    conditions
        .iter()
        .map(|it| it["kind"].as_str().unwrap())
        .collect()
}

fn tidied(installed: &Installed, id: u64) -> bool {
    let contact = installed.portal.contact(id).unwrap();
    contact.last_name.as_deref() == Some("Smith")
}

/// Whoever logs in after the file is gone has to reach the daemon that is running.
#[tokio::test(flavor = "multi_thread")]
async fn a_state_file_that_vanishes_is_said_and_the_next_one_is_taken() {
    let installed = Installed::authorised(|_| {}, "").await;
    let mut daemon = Managed::start(&installed, |_| {});
    daemon.until("STATUS=acme: the queue is empty");
    for suffix in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(format!("{}{suffix}", installed.store_path().display()));
    }
    daemon.until("STATUS=the state file is gone although it is in use");
    // The workers have let go of it by now, and the daemon waits for the next one.
    daemon.until("STATUS=");
    let told = of_host(&installed).await;
    assert_eq!(kinds(&told), ["state-deleted"]);
    assert_eq!(told[0]["acts"], "person");
    let text = installed.run_for(2, &["status", "--check"]).await;
    assert!(
        text.contains("this host: the state file is gone although it is in use"),
        "{text}"
    );

    installed.store_tokens();
    daemon.until("STATUS=acme: the queue is empty");
    let id = installed.portal.add_contact("anna", "", "SMITH");
    eventually("a tidy name", || tidied(&installed, id));
    assert_eq!(of_host(&installed).await, [] as [Value; 0]);
    assert_eq!(daemon.stop(), Some(0));
    assert!(daemon.log().contains("working again"), "{}", daemon.log());
}

/// The condition cannot be stored where it would belong; it is said all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_state_file_that_is_locked_is_said_beside_it() {
    let installed = Installed::authorised(|_| {}, "").await;
    let mut daemon = Managed::start(&installed, |_| {});
    daemon.until("STATUS=");
    let other = rusqlite::Connection::open(installed.store_path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    installed.portal.add_contact("anna", "", "SMITH");
    daemon.messages_to(|line| line.contains("another process keeps the state file locked"));
    let told = of_host(&installed).await;
    assert_eq!(kinds(&told), ["state-locked"]);
    assert_eq!(told[0]["acts"], "program");
    other.execute_batch("ROLLBACK").unwrap();
    daemon.messages_to(|line| line.starts_with("STATUS=acme: 1 events"));
    assert_eq!(of_host(&installed).await, [] as [Value; 0]);
    let log = daemon.log();
    assert!(!log.contains("fallen silent"), "{log}");
    assert_eq!(daemon.stop(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_that_was_refused_is_said_until_one_is_taken() {
    let installed = Installed::authorised(|_| {}, "").await;
    let good = fs::read_to_string(installed.config_path()).unwrap();
    let mut daemon = Managed::start(&installed, |_| {});
    daemon.until("STATUS=");
    fs::write(installed.config_path(), good.clone() + "colour = 1\n").unwrap();
    daemon.signal("HUP");
    daemon.until("STATUS=the configuration was refused");
    fs::write(installed.config_path(), &good).unwrap();
    let told = of_host(&installed).await;
    assert_eq!(kinds(&told), ["configuration"]);
    assert!(
        told[0]["text"].as_str().unwrap().contains("colour"),
        "{told:?}"
    );
    assert_eq!(told[0]["remedy"], "b24-tidyd config check");
    installed.run_for(2, &["status", "--check"]).await;
    daemon.signal("HUP");
    daemon.messages_to(|line| line == "READY=1");
    daemon.until("STATUS=acme: ");
    assert_eq!(of_host(&installed).await, [] as [Value; 0]);
    let log = daemon.log();
    assert!(log.contains("every portal is tried at once"), "{log}");
    assert_eq!(daemon.stop(), Some(0));
}

/// A failed unit and a restart every two seconds help nobody.
#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_waits_for_the_one_shot_run_that_is_at_work() {
    let installed = Installed::authorised(|_| {}, "").await;
    let store = Store::open(&installed.store_path()).await.unwrap();
    let lock = store.lock_drain("b24-tidyd run --once").unwrap().unwrap();
    let mut daemon = Managed::start(&installed, |_| {});
    daemon.until("READY=1");
    let waiting = format!(
        "STATUS=waiting for b24-tidyd run --once, process {} to end",
        std::process::id()
    );
    daemon.until(&waiting);
    assert_eq!(installed.portal.request_count(), 0);
    drop(lock);
    daemon.until("STATUS=acme: the queue is empty");
    assert_eq!(daemon.stop(), Some(0));
    // Beside another daemon there is nothing to wait for.
    let _lock = store.lock_drain("b24-tidyd run").unwrap().unwrap();
    let mut daemon = Managed::start(&installed, |_| {});
    assert_eq!(daemon.end(), Some(75));
}

/// Nobody at work is a condition only where none has been for a while: a timer is fine.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_at_work_is_said_after_a_while() {
    let installed = Installed::authorised(|_| {}, "").await;
    installed.run_for(0, &["run", "--once"]).await;
    assert_eq!(of_host(&installed).await, [] as [Value; 0]);
    let text = installed
        .run_for(1, &["status", "--check", "--warning-age", "0s"])
        .await;
    assert!(text.contains("nobody drains"), "{text}");
    assert!(text.contains("systemctl start b24-tidyd"), "{text}");
}

/// Adds a second portal whose secret lies in a file of its own, which is not there yet.
fn add_portal_without_secret(installed: &Installed, other: &Installed) -> std::path::PathBuf {
    installed.store_tokens_of(&other.portal);
    let secret = installed.folder.path().join("beta_secret");
    let section = format!(
        "[[portal]]\nname = \"beta\"\nurl = {:?}\nclient_id = {:?}\nclient_secret_file = {secret:?}\n",
        other.portal.url(),
        other.portal.client_id(),
    );
    let before = fs::read_to_string(installed.config_path()).unwrap();
    fs::write(installed.config_path(), before + &section).unwrap();
    secret
}

/// One secret that is missing keeps nobody else from working, is said, and is read by itself once it is
/// there.
#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_is_missing_concerns_its_portal_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let installed = Installed::authorised(|_| {}, "").await;
    let other = Installed::authorised(|_| {}, "").await;
    let secret = add_portal_without_secret(&installed, &other);
    let mut daemon = Managed::start(&installed, |_| {});
    daemon.messages_to(|line| line.contains("beta (the client secret is missing or not accepted"));
    let id = installed.portal.add_contact("anna", "", "SMITH");
    eventually("a tidy name", || tidied(&installed, id));
    let text = installed.run_for(2, &["status", "--check"]).await;
    assert!(
        text.contains("beta: the client secret is missing or not accepted"),
        "{text}"
    );
    assert_eq!(other.portal.request_count(), 0);

    fs::write(&secret, other.portal.client_secret()).unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    daemon.until("STATUS=2 portals, all in order");
    assert!(
        daemon.log().contains("a client secret has changed"),
        "{}",
        daemon.log()
    );
    assert_eq!(daemon.stop(), Some(0));
}
