//! Many portals in one process: what one of them does is nobody else's concern.

use std::{fs, os::unix::fs::PermissionsExt as _, sync::Arc};

use test_portal::{Effect, Fault, Matcher, Portal, Settings, SystemClock};

use crate::{
    installed::Installed,
    manager::{Managed, eventually},
};

/// How many portals one daemon serves here.
const PORTALS: usize = 200;

/// Adds portals to an installation, with tokens in its store.
async fn add_portals(installed: &Installed, count: usize) -> Vec<Portal> {
    let mut config = fs::read_to_string(installed.config_path()).unwrap();
    config = config.replace("* * * * * *", "*/3 * * * * *");
    let mut portals = Vec::new();
    for number in 0..count {
        let portal = Portal::start(Settings::default(), Arc::new(SystemClock))
            .await
            .unwrap();
        installed.store_tokens_of(&portal);
        let name = format!("p{number}");
        let secret = installed.folder.path().join(&name);
        fs::write(&secret, portal.client_secret()).unwrap();
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
        config += &format!(
            "[[portal]]\nname = {name:?}\nurl = {:?}\nclient_id = {:?}\nclient_secret_file = {name:?}\n",
            portal.url(),
            portal.client_id()
        );
        portals.push(portal);
    }
    fs::write(installed.config_path(), config).unwrap();
    portals
}

fn is_tidy(portal: &Portal, id: u64) -> bool {
    portal.contact(id).unwrap().last_name.as_deref() == Some("Smith")
}

#[tokio::test(flavor = "multi_thread")]
async fn portals_that_hang_are_blocked_or_overrun_delay_no_other() {
    let installed = Installed::authorised(|_| {}, "").await;
    let portals = add_portals(&installed, PORTALS - 1).await;
    let [overrun, blocked, away, sound @ ..] = portals.as_slice() else {
        unreachable!("there are more");
    };
    let hang = Effect::Hang {
        seconds: 3600.0,
        processed: false,
    };
    let refusal = Effect::Error {
        status: 429,
        code: "OPERATION_TIME_LIMIT".to_owned(),
        description: String::new(),
    };
    installed
        .portal
        .fault(Fault::new(Matcher::portal().always(), hang));
    blocked.fault(Fault::new(Matcher::portal().always(), refusal));
    away.stop();
    overrun.bind_offline("ONCRMCONTACTADD", "");
    overrun.bind_offline("ONCRMCONTACTUPDATE", "");
    for _ in 0..5000 {
        overrun.add_contact("anna", "", "SMITH");
    }

    let mut daemon = Managed::start(&installed, |_| {});
    eventually("all sound portals are bound", || {
        sound.iter().all(|portal| portal.bindings().len() == 2)
    });
    let edits: Vec<u64> = sound
        .iter()
        .map(|portal| portal.add_contact("anna", "", "SMITH"))
        .collect();
    eventually("all edits are tidied", || {
        let mut pairs = sound.iter().zip(&edits);
        pairs.all(|(portal, id)| is_tidy(portal, *id))
    });

    // The others are where they were: one at its first request, one still at work.
    assert_eq!(installed.portal.request_count(), 1);
    assert!(!overrun.queue().is_empty());
    assert_eq!(daemon.stop(), Some(0));
    for portal in sound {
        assert_eq!(portal.violations(), [] as [String; 0]);
    }
}
