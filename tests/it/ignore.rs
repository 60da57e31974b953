//! `ignore`: contacts that are kept out.

use crate::world::World;

#[tokio::test]
async fn their_events_are_acknowledged_without_a_write() {
    let world = World::new().await.bound().await;
    let id = world.portal.add_contact("anna", "", "smith");
    world.says(&format!("ignore add {id}")).await;
    world.advance(5.0);
    world.pass().await.unwrap();
    assert_eq!(world.names(id), ["anna", "", "smith"]);
    world.assert_clean();

    let answer = world.says("ignore list").await;
    answer.assert_fits();
    assert!(answer.out.starts_with(&format!("contact {id}  since ")));
    assert!(answer.out.ends_with("wholly\n"));

    world.says(&format!("ignore remove {id}")).await;
    assert_eq!(
        world.says("ignore list").await.out,
        "nothing is left alone\n"
    );
    world.portal.edit_contact(id, &[("POST", "Captain")]);
    world.advance(5.0);
    world.pass().await.unwrap();
    assert_eq!(world.names(id), ["Anna", "", "Smith"]);
}

#[tokio::test]
async fn what_was_not_left_alone_is_said() {
    let world = World::new().await;
    let answer = world.says("ignore remove 7").await;
    assert_eq!(answer.out, "contact 7 was not left alone\n");
    world.says("ignore add 7 7").await;
    let list = world.says("ignore list --json").await.json();
    assert_eq!(list.len(), 1);
    assert_eq!(
        (&list[0]["contact_id"], &list[0]["field"]),
        (&7.into(), &serde_json::Value::Null)
    );
}
