//! What the service manager hears of the real program, message by message.

use std::{fs, process::Command};

use test_portal::{Effect, Fault, Matcher};

use crate::{
    installed::Installed,
    manager::{Managed, eventually},
};

const WATCHDOG: &str = "WATCHDOG=1";

/// A watchdog that wants a sign of life every two seconds.
fn watchdog(command: &mut Command) {
    command.env("WATCHDOG_USEC", "2000000");
}

/// The lines that are no signs of life.
fn said(messages: &[String]) -> Vec<&str> {
    let lines = messages.iter().map(String::as_str);
    lines.filter(|line| *line != WATCHDOG).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_life_from_ready_to_stopping() {
    let installed = Installed::authorised(|_| {}, "").await;
    let mut daemon = Managed::start(&installed, watchdog);
    assert_eq!(said(&daemon.until("READY=1")), ["READY=1"]);
    // It was reached first, and was found to work: both events are bound by then.
    assert_eq!(installed.portal.bindings().len(), 2);

    let messages = daemon.until("STATUS=");
    let empty = "STATUS=acme: the queue is empty at 20";
    assert!(said(&messages)[0].starts_with(empty), "{messages:?}");

    installed.portal.add_contact("anna", "", "SMITH");
    let drained = "STATUS=acme: 1 events, 1 contacts changed at 20";
    let messages = daemon.until(drained);
    let others = |line: &&str| !line.starts_with(empty) && !line.starts_with(drained);
    assert!(!said(&messages).iter().any(others), "{messages:?}");

    for _ in 0..3 {
        daemon.until(WATCHDOG);
    }
    daemon.signal("TERM");
    daemon.until("STOPPING=1");
    assert_eq!(daemon.end(), Some(0));
    assert_eq!(said(&daemon.unread()), [] as [&str; 0]);
    assert_eq!(installed.portal.violations(), [] as [String; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_told_where_nobody_listens() {
    let installed = Installed::authorised(|_| {}, "").await;
    let mut daemon = Managed::start(&installed, |command| {
        command.env_remove("NOTIFY_SOCKET");
    });
    eventually("both events bound", || {
        installed.portal.bindings().len() == 2
    });
    assert_eq!(daemon.stop(), Some(0));
    assert_eq!(daemon.unread(), [] as [String; 0]);
}

/// Adds another installation's portal to the configuration, and its tokens to the store, as after an
/// import. Answers the configuration as it was.
fn add_portal(installed: &Installed, other: &Installed) -> String {
    installed.store_tokens_of(&other.portal);
    let section = format!(
        "[[portal]]\nname = \"beta\"\nurl = {:?}\nclient_id = {:?}\nclient_secret_file = {:?}\n",
        other.portal.url(),
        other.portal.client_id(),
        other.folder.path().join("client_secret"),
    );
    let before = fs::read_to_string(installed.config_path()).unwrap();
    fs::write(installed.config_path(), before.clone() + &section).unwrap();
    before
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_configuration_is_taken_over_while_work_goes_on() {
    let installed = Installed::authorised(|_| {}, "").await;
    let other = Installed::authorised(|_| {}, "").await;
    let mut daemon = Managed::start(&installed, |_| {});
    daemon.until("STATUS=");
    let id = installed.portal.add_contact("anna", "", "SMITH");

    let before = add_portal(&installed, &other);
    daemon.signal("HUP");
    let reloading = daemon.messages_to(|line| line == "RELOADING=1");
    let moment = reloading.last().unwrap().strip_prefix("MONOTONIC_USEC=");
    assert!(moment.unwrap().parse::<u64>().is_ok(), "{reloading:?}");
    assert_eq!(daemon.message(), ["READY=1"]);
    daemon.until("STATUS=2 portals, all in order");
    assert_eq!(other.portal.bindings().len(), 2);
    eventually("the edit from before is tidied", || {
        installed.portal.contact(id).unwrap().last_name.as_deref() == Some("Smith")
    });

    // And without it again: nobody asks the second portal any more.
    fs::write(installed.config_path(), before).unwrap();
    daemon.signal("HUP");
    daemon.until("STATUS=acme: ");
    let asked = other.portal.request_count();
    let polls = installed.portal.request_count();
    eventually("three more polls", || {
        installed.portal.request_count() >= polls + 3
    });
    assert_eq!(other.portal.request_count(), asked);
    assert_eq!(daemon.stop(), Some(0));
    assert_eq!(other.portal.violations(), [] as [String; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_waits_for_no_slow_portal_and_cuts_none_off() {
    let installed = Installed::authorised(|_| {}, "").await;
    let mut daemon = waiting(&installed).await;
    let other = Installed::authorised(|_| {}, "").await;
    add_portal(&installed, &other);
    daemon.signal("HUP");
    eventually("the other portal is bound", || {
        other.portal.bindings().len() == 2
    });
    let id = other.portal.add_contact("anna", "", "SMITH");
    eventually("its edit is tidied", || {
        other.portal.contact(id).unwrap().last_name.as_deref() == Some("Smith")
    });
    // One request hangs, as before: it was neither given up nor joined by that of a second worker.
    let polls = |request: &&test_portal::RequestRecord| !request.answered;
    let requests = installed.portal.requests();
    assert_eq!(requests.iter().filter(polls).count(), 1);
    assert!(!requests.last().unwrap().answered);
    assert_eq!(daemon.stop(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_configuration_is_refused_and_the_old_one_stays() {
    let installed = Installed::authorised(|_| {}, "").await;
    let mut daemon = Managed::start(&installed, |_| {});
    daemon.until("STATUS=");
    let good = fs::read_to_string(installed.config_path()).unwrap();
    let moved = good.replace("state.db", "other.db");
    let bad = good.replace("* * * * * *", "* * *") + "colour = \"red\"\n";
    for (text, problem) in [
        (bad, "poll.schedule: has 3 fields"),
        (moved, "the state file cannot change while the service runs"),
    ] {
        fs::write(installed.config_path(), text).unwrap();
        daemon.signal("HUP");
        daemon.until("RELOADING=1");
        assert_eq!(daemon.message(), ["READY=1"]);
        daemon.until("STATUS=the configuration was refused; the old one stays");
        assert!(daemon.log().contains(problem), "{}", daemon.log());
        let id = installed.portal.add_contact("anna", "", "SMITH");
        eventually("work goes on", || {
            installed.portal.contact(id).unwrap().last_name.as_deref() == Some("Smith")
        });
    }
    assert!(
        daemon.log().contains("portal.acme.colour"),
        "{}",
        daemon.log()
    );
    assert_eq!(daemon.stop(), Some(0));
}

/// A daemon whose portal keeps a request waiting.
async fn waiting(installed: &Installed) -> Managed {
    let daemon = Managed::start(installed, |_| {});
    daemon.until("STATUS=");
    let hang = Effect::Hang {
        seconds: 600.0,
        processed: false,
    };
    let portal = &installed.portal;
    portal.fault(Fault::new(Matcher::any().always(), hang));
    let asked = portal.request_count();
    eventually("a request hangs", || portal.request_count() > asked);
    daemon
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_does_not_wait_for_a_slow_portal() {
    let installed = Installed::authorised(|_| {}, "").await;
    let mut daemon = waiting(&installed).await;
    assert_eq!(daemon.stop(), Some(0));
    assert_eq!(said(&daemon.unread()).last(), Some(&"STOPPING=1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_at_once() {
    let installed = Installed::authorised(|_| {}, "").await;
    let mut daemon = waiting(&installed).await;
    daemon.signal("TERM");
    daemon.until("STOPPING=1");
    daemon.signal("INT");
    // Another code than that of a stop that was waited for.
    assert_eq!(daemon.end(), Some(75));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manager_that_does_not_read_holds_nobody_up() {
    let installed = Installed::authorised(|_| {}, "").await;
    let mut daemon = Managed::start(&installed, watchdog);
    // A socket takes a number of messages that nobody reads, ten as a rule; there are more.
    let polls = || installed.portal.request_count();
    eventually("thirty polls", || polls() >= 30);
    assert!(said(&daemon.until("READY=1")).contains(&"READY=1"));
    daemon.signal("TERM");
    daemon.until("STOPPING=1");
    assert_eq!(daemon.end(), Some(0));
}
