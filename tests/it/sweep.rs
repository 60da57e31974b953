//! `sweep`: contacts that were there before the daemon.

use b24_tidyd::cli::exit::Exit;
use serde_json::json;

use crate::world::World;

fn untidy(world: &World) -> usize {
    let contacts = world.portal.contacts();
    contacts
        .iter()
        .filter(|contact| contact.name.as_deref() != Some("Anna"))
        .count()
}

async fn old_portal(contacts: usize) -> World {
    let world = World::new().await;
    for number in 0..contacts {
        let name = if number % 2 == 0 { "anna" } else { "Anna" };
        world.portal.seed_contact(name, "", "Smith");
    }
    world
}

#[tokio::test]
async fn without_apply_nothing_is_written() {
    let world = old_portal(60).await;
    let shown = world.says("sweep --json").await;
    assert_eq!(shown.changes().len(), 30);
    assert_eq!(untidy(&world), 30);
    assert!(world.says("history --json").await.json().is_empty());

    let written = world.says("sweep --apply --json").await;
    assert_eq!(written.changes(), shown.changes());
    assert_eq!(untidy(&world), 0);
    let history = world.says("history --json").await;
    assert_eq!(history.changes(), shown.changes());
    assert!(
        history
            .json()
            .iter()
            .all(|line| line["kind"] == "sweep" && line["confirmed"] == true)
    );
    assert_eq!(world.portal.violations(), [] as [String; 0]);
}

/// Catches a sweep that does not save its place.
#[tokio::test]
async fn a_killed_sweep_goes_on_where_it_was() {
    let world = old_portal(3000).await;
    {
        let killed = world.command("sweep --apply");
        // Half of the contacts are tidy when the process dies, wherever it is.
        let half = world.portal.until(|_| untidy(&world) <= 750);
        tokio::select! {
            biased;
            () = half => {}
            answer = killed => panic!("it was too fast: {answer:?}"),
        }
    }
    let world = world.restarted();
    let walked_before = first_walks(&world);
    world.portal.clear_requests();

    let answer = world.says("sweep --apply --json").await;

    assert_eq!(untidy(&world), 0);
    assert_eq!(answer.exit, Exit::Done);
    assert!(
        answer.notes.starts_with("going on behind contact "),
        "{}",
        answer.notes
    );
    assert_eq!(
        (walked_before, first_walks(&world)),
        (1, 0),
        "it began anew"
    );
    assert_eq!(answer.summary()["checked"], 3000);
    assert_eq!(answer.summary()["complete"], json!(true));
    // Every contact was written once, and the referee saw no write without a fresh read.
    assert!(
        world
            .portal
            .contacts()
            .iter()
            .all(|contact| contact.update_count <= 1)
    );
    assert_eq!(world.portal.violations(), [] as [String; 0]);
    // A finished sweep is forgotten: the next one looks at everything again.
    assert_eq!(
        world.says("sweep --apply --json").await.summary()["checked"],
        3000
    );
}

/// How often the walk began with the first contact.
fn first_walks(world: &World) -> usize {
    let requests = world.portal.requests();
    let commands = requests.iter().flat_map(|request| &request.commands);
    let begins = |text: &&test_portal::Command| {
        let first = text
            .params
            .get("filter")
            .and_then(|filter| filter.get(">ID"));
        first.is_some_and(|first| first == &json!("0") || first == &json!(0))
    };
    commands.filter(begins).count()
}

#[tokio::test]
async fn a_limit_ends_it_and_the_next_call_goes_on() {
    let world = old_portal(100).await;
    for (round, left) in [30, 10].into_iter().enumerate() {
        let answer = world.says("sweep --apply --limit 20").await;
        answer.assert_fits();
        assert_eq!(untidy(&world), left);
        let end = format!("the limit is reached at contact {}", 39 + 40 * round);
        assert!(answer.out.contains(&end), "{}", answer.out);
    }
    world.says("sweep --apply --limit 20").await;
    assert_eq!(untidy(&world), 0);
    assert!(
        world
            .portal
            .contacts()
            .iter()
            .all(|contact| contact.update_count <= 1)
    );
}

#[tokio::test]
async fn only_recently_changed_contacts_where_that_is_asked_for() {
    let world = old_portal(4).await;
    world.portal.edit_contact(1, &[("LAST_NAME", "JONES")]);
    world.advance(5.0);
    let answer = world.says("sweep --modified-since 1h --json").await;
    assert_eq!(answer.summary()["checked"], 1);
    let day = world.context.clock.now().to_string();
    let answer = world
        .says(&format!("sweep --modified-since {day} --json"))
        .await;
    assert_eq!(answer.summary()["checked"], 0);
}

/// Catches a resumed walk that takes over the limits of an earlier one.
#[tokio::test]
async fn another_period_begins_anew_and_so_does_restart() {
    let world = old_portal(100).await;
    world.says("sweep --limit 5 --modified-since 3d").await;
    let same = world.says("sweep --limit 5 --modified-since 3d").await;
    assert!(
        same.notes.contains("going on behind contact 9"),
        "{}",
        same.notes
    );
    let other = world.says("sweep --limit 5").await;
    assert!(other.out.contains("at contact 9;"), "{}", other.out);
    let anew = world.says("sweep --limit 5 --restart").await;
    assert!(anew.out.contains("at contact 9;"), "{}", anew.out);
}

#[tokio::test]
async fn contacts_that_are_left_alone_are_not_swept() {
    let world = old_portal(10).await;
    world.says("ignore add 1 3").await;
    world.says("sweep --apply").await;
    assert_eq!(untidy(&world), 2);
}

#[tokio::test]
async fn a_blocked_method_is_waited_for() {
    let world = old_portal(200).await;
    world.portal.occupy_operating("crm.contact.update", 479.0);
    world.portal.settings(|settings| {
        settings.cost.insert("crm.contact.update".to_owned(), 1.0);
    });
    // Ten minutes are more than this console's patience.
    let answer = world.says("sweep --apply --json").await;
    assert_eq!(answer.exit, Exit::Temporary);
    let listed = answer.changes().len();
    world.advance(700.0);
    let answer = world.says("sweep --apply --json").await;
    assert_eq!(answer.exit, Exit::Done);
    assert_eq!(untidy(&world), 0);
    // Everything was listed and counted once, although some of it was walked over twice.
    assert_eq!(listed + answer.changes().len(), 100);
    assert_eq!(answer.summary()["contacts"], 100);
    assert_eq!(answer.summary()["written"], 100);
    assert_eq!(world.portal.violations(), [] as [String; 0]);
}

/// Whoever writes holds the drain lock; whoever only looks works beside the holder.
#[tokio::test(flavor = "multi_thread")]
async fn only_writing_commands_need_the_drain_lock() {
    let installed = crate::installed::Installed::authorised(|_| {}, "").await;
    installed.portal.seed_contact("anna", "", "Smith");
    let store = b24_tidyd::store::Store::open(&installed.store_path())
        .await
        .unwrap();
    let lock = store
        .lock_drain("the daemon of this test")
        .unwrap()
        .unwrap();
    for line in ["sweep --apply", "undo --contact 1 --apply"] {
        let words: Vec<&str> = line.split(' ').collect();
        let output = installed.run(&words).await;
        assert_eq!(output.status.code(), Some(75), "{line}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("held by the daemon of this test"), "{said}");
    }
    for line in [
        "sweep",
        "undo --contact 1",
        "preview",
        "preview --all",
        "history",
        "ignore list",
    ] {
        installed
            .run_for(0, &line.split(' ').collect::<Vec<_>>())
            .await;
    }
    drop(lock);
    let said = installed.run_for(0, &["sweep", "--apply"]).await;
    assert!(said.ends_with("1 contact written\n"), "{said}");
}

/// Nobody is dropped without a word: whom the portal refuses is named, with its reason.
#[tokio::test]
async fn refused_contacts_are_named() {
    let world = World::new().await;
    let fine = world.portal.seed_contact("anna", "", "");
    let refused = world.portal.seed_contact("berta", "", "");
    let denied = world.portal.seed_contact("clara", "", "");
    let say = |code: &str, text: &str| (code.to_owned(), text.to_owned());
    world.portal.settings(|settings| {
        settings
            .refused
            .insert(refused, say("", "Fill in the custom field"));
        settings
            .refused
            .insert(denied, say("", "Choose a responsible person"));
    });
    let answer = world.says("sweep --apply --json").await;
    assert_eq!(answer.exit, Exit::Done);
    let summary = answer.summary();
    assert_eq!(summary["written"], 1);
    assert_eq!(summary["refused"], 2);
    let named = summary["refused_contacts"].as_array().unwrap();
    let ids: Vec<u64> = named
        .iter()
        .map(|it| it["contact_id"].as_u64().unwrap())
        .collect();
    assert_eq!(ids, [refused, denied]);
    let line = format!("contact {refused} is refused: ");
    assert!(answer.notes.contains(&line), "{}", answer.notes);
    assert!(answer.notes.contains("Fill in the custom field"));
    assert_eq!(world.names(fine)[0], "Anna");
}
