//! Contacts that fail: for a while, or for good. Neither holds up the others.

use b24_tidyd::{drain::Outcome, store::StoredEvent};
use test_portal::{GuardMode, Portal};

use crate::{
    scene::{Mode, Scene},
    world::Awaited,
};

fn refuse(portal: &Portal, id: u64, text: &str) {
    let said = (String::new(), text.to_owned());
    portal.settings(|settings| settings.refused.insert(id, said));
}

fn accept(portal: &Portal, id: u64) {
    portal.settings(|settings| settings.refused.remove(&id));
}

fn waiting(scene: &Scene) -> Vec<StoredEvent> {
    let store = &scene.world.context.store;
    store.open_events(&scene.queue_key()).awaited().unwrap()
}

/// A dozen contacts whose update meets a fault of the database, before anything else in the queue.
/// Break: count each of them as a failure of the portal; look at them without end.
#[tokio::test]
async fn contacts_that_fail_for_a_while_hold_up_nobody() {
    let mut scene = Scene::empty(|_| {}).await;
    scene.run(Mode::Fresh).await;
    let portal = scene.world.portal.clone();
    let failing: Vec<u64> = (0..12)
        .map(|_| portal.add_contact("anna", "", "smith"))
        .collect();
    for id in &failing {
        refuse(&portal, *id, "SQL query error");
        scene.expect(*id, ["Anna", "", "Smith"], 1);
    }
    scene.world.advance(5.0);
    scene.ordinary();

    // Growing delays with some chance in them, across restarts.
    let mut waits = Vec::new();
    for attempt in 1..=6 {
        let summary = scene.world.pass().await.unwrap();
        let Outcome::WorkLeft { until, .. } = summary.outcome else {
            panic!("{summary:?}");
        };
        assert_eq!(
            scene.world.names(failing.len() as u64 + 2),
            ["Anna", "", "Smith"]
        );
        let now = scene.world.context.clock.now();
        let rows = waiting(&scene);
        assert_eq!(rows.len(), failing.len(), "the rows stay ours");
        assert!(rows.iter().all(|row| row.attempts == attempt), "{rows:?}");
        let longest = rows.iter().map(|row| row.next_try_at).max().unwrap();
        assert!(longest > until, "all of them at the same moment");
        waits.push(longest.duration_since(now).as_secs_f64());
        scene.world.advance(waits[waits.len() - 1] + 1.0);
    }
    for (attempt, wait) in waits.iter().enumerate() {
        let full = 15.0 * 2_f64.powi(attempt as i32);
        assert!((full * 0.7..=full).contains(wait), "{waits:?}");
    }
    for id in failing {
        accept(&portal, id);
    }
    scene.run(Mode::Fresh).await;
    assert_eq!(scene.complaints(), [] as [String; 0]);
}

/// Break: park without storing it; acknowledge before it is stored; forget to unpark.
#[tokio::test]
async fn what_is_refused_for_good_is_parked_and_tried_slowly() {
    let mut scene = Scene::empty(|_| {}).await;
    scene.run(Mode::Fresh).await;
    let portal = scene.world.portal.clone();
    let id = portal.add_contact("anna", "", "smith");
    refuse(&portal, id, "Fill in the <b>custom</b> field");
    scene.world.advance(5.0);
    scene.ordinary();
    scene.run(Mode::Fresh).await;
    assert_eq!(
        portal.queue(),
        [],
        "acknowledged, as it is safely on the list"
    );

    let store = scene.world.context.store.clone();
    let parked = || store.parked(scene.world.id()).awaited().unwrap().remove(0);
    let first = parked();
    assert!(
        first.reason.contains("Fill in the custom field"),
        "{first:?}"
    );
    assert_eq!((first.contact_id, first.attempts), (id, 1));
    let hours = |moment: jiff::Timestamp| {
        let now = scene.world.context.clock.now();
        moment.duration_since(now).as_secs_f64() / 3600.0
    };
    assert!((4.0..=6.0).contains(&hours(first.next_try_at)), "{first:?}");
    let updates = || {
        let requests = portal.requests();
        let calls = requests
            .iter()
            .filter(|request| request.calls("crm.contact.update"));
        calls.count()
    };
    let before = updates();
    scene.world.advance(3600.0);
    scene.world.pass().await.unwrap();
    assert_eq!(updates(), before, "tried too early");

    // A new event tries it at once.
    portal.edit_contact(id, &[("COMMENTS", "again")]);
    scene.world.advance(5.0);
    scene.world.pass().await.unwrap();
    assert!(updates() > before);
    assert_eq!(parked().attempts, 2);
    assert!(
        (8.0..=12.0).contains(&hours(parked().next_try_at)),
        "slower each time"
    );

    // When its time has come it is tried without any event.
    accept(&portal, id);
    scene.world.advance(12.0 * 3600.0);
    scene.expect(id, ["Anna", "", "Smith"], 1);
    scene.run(Mode::Fresh).await;
    assert_eq!(scene.complaints(), [] as [String; 0]);
}

/// Some contacts that the account may not read say nothing about the account; no contact at all does.
#[tokio::test]
async fn contacts_out_of_reach_do_not_stop_the_rest() {
    let mut scene = Scene::empty(|_| {}).await;
    scene.run(Mode::Fresh).await;
    let portal = scene.world.portal.clone();
    let hidden: Vec<u64> = (0..5)
        .map(|_| portal.add_contact("anna", "", "smith"))
        .collect();
    portal.settings(|settings| settings.unreadable.extend(&hidden));
    scene.world.advance(5.0);
    scene.run(Mode::Fresh).await;
    let parked = scene
        .world
        .context
        .store
        .parked(scene.world.id())
        .await
        .unwrap();
    let parked: Vec<u64> = parked.iter().map(|parked| parked.contact_id).collect();
    assert_eq!(parked, hidden);
    scene.ordinary();
    scene.run(Mode::Fresh).await;

    // Now the account loses its rights: nothing is acknowledged, a person is asked for.
    let all: Vec<u64> = portal.contacts().iter().map(|contact| contact.id).collect();
    portal.settings(|settings| settings.unreadable.extend(all));
    for id in 7..=8 {
        portal.edit_contact(id, &[("COMMENTS", "changed")]);
    }
    let third = portal.add_contact("clara", "", "weiss");
    portal.settings(|settings| settings.unreadable.insert(third));
    let failure = scene.world.pass().await.unwrap_err();
    assert!(
        failure.to_string().contains("may not read any contact"),
        "{failure}"
    );
    assert_eq!(portal.queue().len(), 3);
    portal.settings(|settings| settings.unreadable.clear());
    scene.world.advance(3600.0 * 24.0);
    scene.run(Mode::Fresh).await;
    assert_eq!(scene.world.names(third), ["Clara", "", "Weiss"]);
    scene.world.assert_clean();
}

/// Where every write is denied, it is the account and not the contacts: nothing is acknowledged, and
/// nobody is held up. With guards, and where there are none.
#[tokio::test]
async fn an_account_that_may_not_write_asks_for_a_person() {
    for guard in [GuardMode::NewSource, GuardMode::FilterIgnored] {
        let mut scene = Scene::empty(|settings| settings.guard = guard).await;
        scene.run(Mode::Fresh).await;
        let portal = scene.world.portal.clone();
        let ids: Vec<u64> = (0..30)
            .map(|_| portal.add_contact("anna", "", "smith"))
            .collect();
        for id in &ids {
            refuse(&portal, *id, "Access denied.");
        }
        let clean = portal.add_contact("Boris", "", "Petrov");
        scene.expect(clean, ["Boris", "", "Petrov"], 0);
        scene.world.advance(5.0);
        let failure = scene.world.pass().await.unwrap_err();
        assert!(
            failure.to_string().contains("may not change any contact"),
            "{failure}"
        );
        assert_eq!(portal.queue().len(), ids.len(), "{guard:?}");
        let (store, id) = (&scene.world.context.store, scene.world.id());
        assert_eq!(store.parked(id).await.unwrap(), []);
        // Others are worked on at once.
        let other = portal.add_contact("eve", "", "");
        scene.expect(other, ["Eve", "", ""], 1);
        scene.world.advance(5.0);
        scene.world.pass().await.unwrap();
        assert_eq!(scene.world.names(other)[0], "Eve");
        for id in &ids {
            accept(&portal, *id);
            scene.expect(*id, ["Anna", "", "Smith"], 1);
        }
        scene.world.advance(400.0);
        scene.run(Mode::Fresh).await;
        assert_eq!(scene.complaints(), [] as [String; 0]);
    }
}

/// A portal that fails every acknowledgement, page or reservation ends the pass in the end, and is
/// as good as new when that is over. Break: forget to count turns with failures.
#[tokio::test]
async fn a_portal_that_keeps_failing_does_not_keep_the_pass() {
    for method in [
        "event.offline.clear",
        "crm.contact.list",
        "event.offline.get",
    ] {
        let mut scene = Scene::empty(|_| {}).await;
        scene.run(Mode::Fresh).await;
        scene.ordinary();
        let failing = test_portal::Effect::CommandError {
            method: method.to_owned(),
            nth: 0,
            code: "INTERNAL_SERVER_ERROR".to_owned(),
            description: String::new(),
        };
        let always = test_portal::Matcher::calling(method).always();
        scene
            .world
            .portal
            .fault(test_portal::Fault::new(always, failing));
        // Where lists alone fail, contacts are read one by one.
        if method == "crm.contact.list" {
            let gone = test_portal::Effect::CommandError {
                method: "crm.contact.get".to_owned(),
                nth: 0,
                code: "INTERNAL_SERVER_ERROR".to_owned(),
                description: String::new(),
            };
            let gets = test_portal::Matcher::calling("crm.contact.get").always();
            scene
                .world
                .portal
                .fault(test_portal::Fault::new(gets, gone));
        }
        let mut drain = scene.world.drain();
        // Contacts that cannot be read wait each for itself, and are no reason to give up.
        let ended = drain.pass(&mut |_| {}).await;
        assert_eq!(ended.is_err(), method != "crm.contact.list", "{ended:?}");
        scene.world.portal.clear_faults();
        scene.run(Mode::Daemon).await;
        assert_eq!(scene.complaints(), [] as [String; 0], "{method}");
    }
}
