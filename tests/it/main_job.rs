//! The main job with the real program: what a user sees of it.

use std::{process::Child, time::Duration};

use crate::installed::Installed;

/// Waits on a condition; the limit only ends a test that has failed.
pub(crate) async fn eventually(what: &str, condition: impl Fn() -> bool) {
    let limit = std::time::Instant::now() + Duration::from_secs(30);
    while !condition() {
        assert!(std::time::Instant::now() < limit, "never happened: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Ends a daemon that a failed test would leave behind.
pub(crate) struct Daemon(pub(crate) Child);

impl Daemon {
    pub(crate) fn terminate(&mut self) -> Option<i32> {
        let id = self.0.id().to_string();
        std::process::Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .unwrap();
        self.0.wait().unwrap().code()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_queued_contacts_are_drained_once_and_for_all() {
    let fast = |settings: &mut test_portal::Settings| settings.rate = 1000.0;
    let world = Installed::authorised(fast, "rate = 1000.0").await;
    world.run_for(0, &["run", "--once"]).await;
    let ids: Vec<u64> = (0..1000)
        .map(|number| match number % 3 {
            0 => world.portal.add_contact("anna", "", "SMITH"),
            1 => world.portal.add_contact("Anna", "", "o'neill"),
            _ => world.portal.add_contact("Anna", "", "Smith"),
        })
        .collect();

    let said = world.run_for(0, &["run", "--once"]).await;

    assert!(
        said.starts_with("acme: 1000 events, 667 contacts changed, "),
        "{said}"
    );
    assert_eq!(said.lines().count(), 1);
    assert_eq!(world.portal.queue(), []);
    for (number, id) in ids.into_iter().enumerate() {
        let contact = world.portal.contact(id).unwrap();
        let last = if number % 3 == 1 { "O'Neill" } else { "Smith" };
        assert_eq!(contact.name.as_deref(), Some("Anna"));
        assert_eq!(contact.last_name.as_deref(), Some(last));
        assert_eq!(contact.update_count, u32::from(number % 3 != 2));
    }
    let again = world.run_for(0, &["run", "--once"]).await;
    assert!(
        again.starts_with("acme: 0 events, 0 contacts changed, "),
        "{again}"
    );
    assert_eq!(world.portal.violations(), [] as [String; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_daemon_picks_up_edits_and_not_its_own_writes() {
    for (connector, echo) in [
        ("", false),
        ("", true),
        ("auth_connector = \"tidy\"", false),
        ("auth_connector = \"tidy\"", true),
    ] {
        let world = Installed::authorised(|settings| settings.echo = echo, connector).await;
        let child = world.command(&["run"]).spawn().unwrap();
        let mut daemon = Daemon(child);
        eventually("both events bound", || world.portal.bindings().len() == 2).await;
        let id = world.portal.add_contact("anna", "", "smith");
        eventually("a clean name and an empty queue", || {
            let contact = world.portal.contact(id).unwrap();
            contact.last_name.as_deref() == Some("Smith") && world.portal.queue().is_empty()
        })
        .await;
        world.portal.edit_contact(id, &[("LAST_NAME", "JONES")]);
        eventually("the edit tidied", || {
            let contact = world.portal.contact(id).unwrap();
            contact.last_name.as_deref() == Some("Jones") && world.portal.queue().is_empty()
        })
        .await;
        assert_eq!(daemon.terminate(), Some(0));
        assert_eq!(
            world.portal.contact(id).unwrap().update_count,
            2,
            "{connector} {echo}"
        );
        assert_eq!(world.portal.violations(), [] as [String; 0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_drains_of_one_store_never_run_side_by_side() {
    let world = Installed::authorised(|_| {}, "").await;
    let daemon = Daemon(world.command(&["run"]).spawn().unwrap());
    eventually("both events bound", || world.portal.bindings().len() == 2).await;
    let refused = world.run(&["run", "--once"]).await;
    assert_eq!(refused.status.code(), Some(75));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    let holder = format!("b24-tidyd run, process {}", daemon.0.id());
    assert!(said.contains(&holder), "{said}");
}
