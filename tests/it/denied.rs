//! Contacts whose write is denied: those contacts, or the account?

use b24_tidyd::drain::{Drain, DrainFailure};

use crate::world::World;

/// Edits come one by one, each in a pass of its own. Answers how the passes ended.
async fn one_by_one(world: &World, contacts: u32, daemon: bool) -> Vec<&'static str> {
    let mut drain: Option<Drain> = None;
    let mut words = Vec::new();
    for _ in 0..contacts {
        world.portal.add_contact("anna", "", "SMITH");
        world.advance(5.0);
        let mut this = drain.take().unwrap_or_else(|| world.drain());
        words.push(match this.pass(&mut |_| {}).await {
            Ok(_) => "ok",
            Err(DrainFailure::MayNotWrite(_)) => "may not write",
            Err(DrainFailure::NeedsPerson(_)) => "needs a person",
            Err(other) => panic!("{other:?}"),
        });
        if daemon {
            drain = Some(this);
        }
        world.advance(5.0);
    }
    words
}

async fn written_once() -> World {
    let world = World::new().await.bound().await;
    world.portal.add_contact("boris", "", "PETROV");
    world.advance(5.0);
    assert_eq!(world.pass().await.unwrap().totals.changed, 1);
    world.advance(5.0);
    world
}

/// Catches an account without rights that nobody is told of because the edits come one by one.
#[tokio::test]
async fn denials_one_by_one_add_up() {
    for daemon in [false, true] {
        let world = written_once().await;
        world
            .portal
            .settings(|settings| settings.writes_denied = true);
        let words = one_by_one(&world, 8, daemon).await;
        assert_eq!(&words[..2], ["ok", "ok"]);
        assert!(
            words[2..].iter().all(|word| *word == "may not write"),
            "{words:?}"
        );
        let parked = world.context.store.parked(world.id()).await.unwrap();
        assert_eq!(parked.len(), 2);

        world
            .portal
            .settings(|settings| settings.writes_denied = false);
        world.advance(400.0);
        world.pass().await.unwrap();
        let left = world.portal.contacts().into_iter();
        let left = left.filter(|it| it.name.as_deref() == Some("anna"));
        assert_eq!(left.count(), 2, "the two that were parked");
    }
}

/// Catches a success within the hour that counts as a proof for ever.
#[tokio::test]
async fn a_success_before_proves_nothing() {
    let world = written_once().await;
    world
        .portal
        .settings(|settings| settings.writes_denied = true);
    for _ in 0..60 {
        world.portal.add_contact("anna", "", "SMITH");
    }
    world.advance(5.0);
    let outcome = world.pass().await;
    assert!(
        matches!(outcome, Err(DrainFailure::MayNotWrite(_))),
        "{outcome:?}"
    );
    assert_eq!(world.context.store.parked(world.id()).await.unwrap(), []);
}

/// A few contacts that are denied among others that are not: those contacts.
#[tokio::test]
async fn successes_in_between_show_that_it_is_those_contacts() {
    let world = World::new().await.bound().await;
    let mut denied = Vec::new();
    for number in 0..30 {
        let id = world.portal.add_contact("anna", "", "SMITH");
        if number % 3 == 0 {
            denied.push(id);
        }
    }
    world
        .portal
        .settings(|settings| settings.unwritable.extend(denied.iter().copied()));
    world.advance(5.0);
    let summary = world.pass().await.unwrap();
    assert_eq!(
        (summary.parked, summary.totals.changed),
        (denied.len() as u64, 20)
    );
}

/// Catches single denied reads that are parked one after the other although the account has lost its
/// rights: a contact that was written before tells.
#[tokio::test]
async fn a_lost_right_to_read_is_noticed_at_the_first_contact() {
    let world = written_once().await;
    world
        .portal
        .settings(|settings| settings.reads_denied = true);
    assert_eq!(one_by_one(&world, 1, false).await, ["needs a person"]);
    assert_eq!(world.context.store.parked(world.id()).await.unwrap(), []);
}

/// Catches a sweep that drops what was denied without a word.
#[tokio::test]
async fn a_sweep_tells_what_was_denied() {
    let world = World::new().await.bound().await;
    let contacts: Vec<u64> = (0..10)
        .map(|_| world.portal.seed_contact("anna", "", "SMITH"))
        .collect();
    world
        .portal
        .settings(|settings| settings.unwritable.extend([contacts[3], contacts[6]]));
    let answer = world.says("sweep --apply --json").await;
    let summary = answer.summary();
    assert_eq!(
        (&summary["written"], &summary["refused"]),
        (&8.into(), &2.into())
    );
    assert_eq!(
        world.context.store.parked(world.id()).await.unwrap().len(),
        2
    );
}
