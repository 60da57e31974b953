//! `undo`: old values come back, and only where what we wrote still stands.

use crate::world::World;

async fn tidied(names: &[(&str, &str)]) -> World {
    let world = World::new().await.bound().await;
    for (name, last) in names {
        world.portal.add_contact(name, "", last);
    }
    world.advance(5.0);
    world.pass().await.unwrap();
    world.advance(5.0);
    world
}

#[tokio::test]
async fn it_is_dry_until_told_otherwise() {
    let world = tidied(&[("anna", "SMITH")]).await;
    let answer = world.says("undo --contact 1").await;
    answer.assert_fits();
    assert_eq!(
        answer.out,
        "contact 1\n  NAME         \"Anna\" -> \"anna\"  (undo)\n  LAST_NAME    \"Smith\" -> \"SMITH\"  (undo)\n\
         1 contacts would be put back\nnothing was written; add --apply to write\n"
    );
    assert_eq!(world.names(1), ["Anna", "", "Smith"]);
    assert!(world.says("ignore list --json").await.out.is_empty());
}

#[tokio::test]
async fn old_values_come_back_and_stay_until_they_change() {
    for echo in [false, true] {
        let world = tidied(&[("anna", "SMITH"), ("bob", "")]).await;
        world.portal.settings(|settings| settings.echo = echo);
        world.says("undo --contact 1 --apply").await;
        assert_eq!(world.names(1), ["anna", "", "SMITH"]);
        assert_eq!(world.names(2), ["Bob", "", ""]);
        let history = world.says("history --contact 1 --json").await.json();
        assert_eq!(history[0]["kind"], "undo");

        // Somebody changes something else: the names are left alone.
        world.portal.edit_contact(1, &[("POST", "Captain")]);
        world.advance(5.0);
        world.pass().await.unwrap();
        assert_eq!(world.names(1), ["anna", "", "SMITH"]);

        // One of the names changes: that one is tidied again, the other stays.
        world.portal.edit_contact(1, &[("LAST_NAME", "JONES")]);
        world.advance(5.0);
        world.pass().await.unwrap();
        assert_eq!(world.names(1), ["anna", "", "Jones"]);
        assert_eq!(world.says("ignore list --json").await.json().len(), 1);

        // And once it has changed, the old value is a mistake like any other.
        world.portal.edit_contact(1, &[("NAME", "Bea")]);
        world.advance(5.0);
        world.pass().await.unwrap();
        world.portal.edit_contact(1, &[("NAME", "anna")]);
        world.advance(5.0);
        world.pass().await.unwrap();
        assert_eq!(world.names(1), ["Anna", "", "Jones"]);
        world.assert_clean();
    }
}

#[tokio::test]
async fn a_persons_later_edit_is_never_overwritten() {
    let world = tidied(&[("anna", "SMITH")]).await;
    world
        .portal
        .edit_contact(1, &[("NAME", "Bea"), ("LAST_NAME", "Jones")]);
    let answer = world.says("undo --contact 1 --apply --json").await;
    assert_eq!(world.names(1), ["Bea", "", "Jones"]);
    assert_eq!(world.portal.contact(1).unwrap().update_count, 1);
    assert_eq!(answer.summary()["changed_since"], 1);
    assert!(answer.json().is_empty());
}

/// Catches an undo that writes without its guard, or that decides by what it read before the guard.
#[tokio::test]
async fn an_edit_between_look_and_write_wins() {
    let world = tidied(&[("anna", "SMITH")]).await;
    let mut edited = false;
    world.portal.before_request(move |portal, request| {
        let writes = request
            .commands
            .iter()
            .any(|command| command.method == "crm.contact.update");
        if writes && !edited {
            edited = true;
            portal.edit_contact(1, &[("NAME", "Bea")]);
        }
    });
    world.says("undo --contact 1 --apply").await;
    assert_eq!(world.names(1), ["Bea", "", "SMITH"]);
    assert_eq!(world.portal.violations(), [] as [String; 0]);
}

#[tokio::test]
async fn a_lost_answer_is_settled_by_looking() {
    use test_portal::{Effect, Fault, Matcher};
    let world = tidied(&[("anna", "SMITH")]).await;
    world.portal.fault(Fault {
        matching: Matcher::calling("crm.contact.update"),
        effect: Effect::LoseAnswer,
    });
    world.says("undo --contact 1 --apply").await;
    assert_eq!(world.names(1), ["anna", "", "SMITH"]);
    let history = world.says("history --json").await.json();
    assert!(history.iter().all(|line| line["confirmed"] == true));
    world.pass().await.unwrap();
    assert_eq!(world.names(1), ["anna", "", "SMITH"]);
}

#[tokio::test]
async fn a_run_and_a_period_are_put_back_as_a_whole() {
    let world = tidied(&[("anna", "SMITH"), ("bob", "jones")]).await;
    let first = world.says("history --json").await.json()[0]["run"].clone();
    world.advance(86_400.0);
    world.portal.add_contact("carl", "", "");
    world.advance(5.0);
    world.pass().await.unwrap();
    let dry = world.says("undo --since 1h --json").await;
    assert_eq!(
        dry.changes(),
        [(3, "NAME".into(), "Carl".into(), "carl".into())]
    );
    let dry = world.says("undo --since 2d --until 1h --json").await;
    assert_eq!(dry.changes().len(), 4);
    world.says(&format!("undo --run {first} --apply")).await;
    assert_eq!(
        [world.names(1), world.names(2)].concat(),
        ["anna", "", "SMITH", "bob", "", "jones"]
    );
    assert_eq!(world.names(3), ["Carl", "", ""]);
    // Again: there is nothing left to put back, also where a person types our spelling.
    world.portal.edit_contact(1, &[("NAME", "Anna")]);
    let again = world
        .says(&format!("undo --run {first} --apply --json"))
        .await;
    assert!(again.json().is_empty());
    assert_eq!(world.names(1), ["Anna", "", "SMITH"]);
}

/// Catches an undo that puts back the value before the last of several writes, or one that a person
/// has replaced in between.
#[tokio::test]
async fn the_value_before_our_writes_comes_back() {
    let world = tidied(&[("anna", "")]).await;
    world.portal.edit_contact(1, &[("NAME", "BEA")]);
    world.advance(5.0);
    world.pass().await.unwrap();
    world.advance(5.0);
    world.says("undo --contact 1 --apply").await;
    assert_eq!(world.names(1), ["BEA", "", ""]);
}

#[tokio::test]
async fn what_to_undo_must_be_said() {
    let world = World::new().await;
    assert!(world.command("undo --apply").await.is_err());
    assert!(world.command("undo --until 1d").await.is_err());
    let now = world.context.clock.now();
    assert!(world.command(&format!("undo --since {now}")).await.is_ok());
}
