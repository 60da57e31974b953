//! `preview`: what it shows is what the next drain writes, and it leaves no trace.

use b24_tidyd::cli::exit::Exit;
use serde_json::json;
use test_portal::QueueRow;

use crate::world::World;

/// A queue with everything that decides what a drain writes.
async fn busy_world(configure: impl FnOnce(&mut test_portal::Settings)) -> World {
    let world = World::with(configure).await.bound().await;
    for number in 0..120 {
        let last = format!("O'NEILL {}", "x".repeat(number % 5));
        world.portal.add_contact("anna", "", &last);
    }
    world.portal.add_contact("Jean-Luc", "", "van Gogh");
    let ignored = world.portal.add_contact("left", "alone", "PLEASE");
    let gone = world.portal.add_contact("gone", "", "gone");
    world.portal.delete_contact(gone);
    let hidden = world.portal.add_contact("hidden", "", "from lists");
    let unreadable = world.portal.add_contact("unreadable", "", "contact");
    world.portal.settings(|settings| {
        settings.hidden_from_list.insert(hidden);
        settings.unreadable.insert(unreadable);
    });
    let row = |contact: u64| QueueRow {
        id: 0,
        timestamp: 0,
        message_id: String::new(),
        app_id: 0,
        event_name: "ONCRMCONTACTUPDATE".to_owned(),
        event_data: json!({"FIELDS": {"ID": contact.to_string()}}),
        user_id: 2,
        process_id: String::new(),
        connector_id: String::new(),
        error: false,
    };
    let parked = world.portal.seed_contact("error", "", "ROW");
    world.portal.push_row(QueueRow {
        error: true,
        ..row(parked)
    });
    let foreign = world.portal.seed_contact("somebody", "", "else's");
    world.portal.push_row(QueueRow {
        event_name: "ONCRMDEALUPDATE".to_owned(),
        ..row(foreign)
    });
    world.says(&format!("ignore add {ignored}")).await;
    world.advance(5.0);
    world
}

#[tokio::test]
async fn it_shows_what_the_next_drain_writes_and_touches_nothing() {
    let confirming = busy_world(|_| {}).await;
    let destructive = busy_world(|settings| settings.plan_confirms = false).await;
    for world in [confirming, destructive] {
        let (queue, contacts) = (world.portal.queue(), world.portal.contacts());
        world.portal.clear_requests();

        let answer = world.says("preview --json").await;

        // Nothing was reserved, written, acknowledged or bound.
        assert_eq!(world.portal.queue(), queue);
        assert_eq!(world.portal.contacts(), contacts);
        let allowed = ["event.offline.list", "crm.contact.list", "crm.contact.get"];
        for request in world.portal.requests() {
            for method in request
                .commands
                .iter()
                .map(|command| command.method.as_str())
            {
                assert!(allowed.contains(&method), "{method}");
            }
        }
        // Two fields each: 120 contacts, the hidden one, the error row's.
        assert_eq!(answer.changes().len(), 2 * 122);
        assert_eq!(answer.summary()["contacts"], 122);

        world.pass().await.unwrap();
        assert_eq!(
            world.says("history --json").await.changes(),
            answer.changes()
        );
        assert_eq!(world.portal.violations(), [] as [String; 0]);
    }
}

/// Catches a preview that looks at the portal's pending rows alone.
#[tokio::test]
async fn it_knows_of_rows_that_are_ours_already() {
    let world = World::new().await.bound().await;
    let id = world.portal.add_contact("anna", "", "Smith");
    world.advance(5.0);
    let stop = world.context.stop.clone();
    let mut drain = world.drain();
    // The drain stops after the turn that reserves.
    drain.pass(&mut |_| stop.cancel()).await.unwrap();
    assert!(
        world
            .portal
            .queue()
            .iter()
            .all(|row| !row.process_id.is_empty())
    );
    let world = world.restarted();

    let answer = world.says("preview --json").await;
    assert_eq!(
        answer.changes(),
        [(id, "NAME".into(), "anna".into(), "Anna".into())]
    );
}

#[tokio::test]
async fn people_read_it_in_eighty_columns() {
    let world = World::new().await.bound().await;
    let id = world
        .portal
        .add_contact("anna", "", &"wolfeschlegelstein ".repeat(2));
    world.portal.add_contact("\u{1b}[2Jx", "", "");
    let denied = world.portal.add_contact("denied", "", "");
    world
        .portal
        .settings(|settings| settings.unreadable.insert(denied));
    let answer = world.says("preview").await;
    answer.assert_fits();
    assert!(
        answer.out.contains(&format!(
            "contact {id}\n  NAME         \"anna\" -> \"Anna\"  (title-case)\n"
        )),
        "{}",
        answer.out
    );
    let end = format!("3 contacts in the queue, 1 would change\ncontact {denied} is refused: ");
    assert!(answer.out.contains(&end), "{}", answer.out);
    assert!(!answer.out.contains('\u{1b}'));
    assert_eq!(answer.exit, Exit::Done);

    let nothing = World::new().await.bound().await.says("preview").await;
    assert_eq!(
        nothing.out,
        "nothing waits in the queue; --all looks at every contact\n"
    );
}

#[tokio::test]
async fn all_contacts_are_walked_and_summed_up() {
    let world = World::new().await;
    for number in 0..130 {
        match number % 3 {
            0 => world.portal.seed_contact("anna", "", "Smith"),
            1 => world.portal.seed_contact("Anna", "", "MCDONALD"),
            _ => world.portal.seed_contact("Anna", "", "Smith"),
        };
    }
    let answer = world.says("preview --all").await;
    answer.assert_fits();
    assert!(
        answer
            .out
            .contains("130 contacts looked at, 87 would change (87 fields)\n")
    );
    assert!(
        answer
            .out
            .contains("     44  title-case\n             \"anna\" -> \"Anna\"\n"),
        "{}",
        answer.out
    );
    assert!(
        answer
            .out
            .contains("     43  mc\n             \"MCDONALD\" -> \"McDonald\"\n")
    );
    assert!(answer.out.ends_with("nothing was written\n"));
    assert!(
        world
            .portal
            .contacts()
            .iter()
            .all(|contact| contact.update_count == 0)
    );

    let csv = world.says("preview --all --csv").await;
    assert!(
        csv.out
            .starts_with("contact_id,field,old,new,rule\r\n1,NAME,anna,Anna,title-case\r\n"),
        "{}",
        csv.out
    );
    assert_eq!(csv.out.lines().count(), 88);
}

/// Two outputs that are laid one behind the other are one table.
#[tokio::test]
async fn a_resumed_list_has_no_second_header() {
    let world = World::new().await;
    for _ in 0..3 {
        world.portal.seed_contact("anna", "", "");
    }
    let first = world.says("sweep --limit 1 --csv").await.out;
    assert!(first.starts_with("contact_id,"), "{first}");
    let second = world.says("sweep --csv").await;
    assert!(second.notes.contains("going on behind"), "{}", second.notes);
    assert!(!second.out.contains("contact_id"), "{}", second.out);
    assert_eq!((first + &second.out).lines().count(), 1 + 3);
}
