//! One contact that breaks the answers it would stand in holds up nobody but itself.

use b24_tidyd::{drain::Outcome, service::Ending};
use test_portal::Breakage;

use crate::world::World;

/// Every way in which one contact can break a list.
fn breakages() -> [Breakage; 5] {
    let fails = |status, code: &str| Breakage::ListFails {
        status,
        code: code.to_owned(),
        text: "SQL query error".to_owned(),
    };
    [
        fails(400, "ERROR_CORE"),
        fails(400, ""),
        fails(500, "INTERNAL_SERVER_ERROR"),
        Breakage::RequestEnds {
            status: 500,
            body: "<html>Fatal error</html>".to_owned(),
        },
        Breakage::Unencodable,
    ]
}

/// Sixty untidy contacts, one of which breaks lists.
async fn world_with(breakage: &Breakage, events: bool) -> (World, u64) {
    let world = World::new().await.bound().await;
    let mut ids = Vec::new();
    for _ in 0..60 {
        ids.push(if events {
            world.portal.add_contact("anna", "", "SMITH")
        } else {
            world.portal.seed_contact("anna", "", "SMITH")
        });
    }
    let broken = ids[17];
    world
        .portal
        .settings(|settings| settings.broken.insert(broken, breakage.clone()));
    world.advance(5.0);
    (world, broken)
}

fn untidy(world: &World) -> Vec<u64> {
    let contacts = world.portal.contacts().into_iter();
    let untidy = contacts.filter(|contact| contact.name.as_deref() == Some("anna"));
    untidy.map(|contact| contact.id).collect()
}

/// Catches a page that goes back as a whole, and a contact that nobody is told of.
#[tokio::test]
async fn the_others_are_tidied_and_the_one_is_named() {
    for breakage in breakages() {
        let (world, broken) = world_with(&breakage, true).await;
        let report = world.once().await;
        assert!(
            matches!(report.ending, Ending::Ended(Outcome::Done)),
            "{breakage:?}: {report:?}"
        );
        let parked = world.context.store.parked(world.id()).await.unwrap();
        let parked: Vec<u64> = parked.iter().map(|parked| parked.contact_id).collect();
        // A get shows it, unless nobody can encode it.
        let hopeless = breakage == Breakage::Unencodable;
        let expected = if hopeless { vec![broken] } else { Vec::new() };
        assert_eq!(untidy(&world), expected, "{breakage:?}");
        assert_eq!(parked, expected, "{breakage:?}");
        assert_eq!(world.portal.queue(), [], "{breakage:?}");
    }
}

/// Catches a contact that is read again and again although it is to be ignored.
#[tokio::test]
async fn one_that_is_ignored_is_not_read_by_itself() {
    let (world, broken) = world_with(&Breakage::Unencodable, true).await;
    world.says(&format!("ignore add {broken}")).await;
    let report = world.once().await;
    assert!(matches!(report.ending, Ending::Ended(Outcome::Done)));
    assert_eq!(untidy(&world), [broken]);
    let parked = world.context.store.parked(world.id()).await.unwrap();
    assert_eq!(parked, []);
}

/// A portal that fails altogether is no reason to take contacts for broken ones.
#[tokio::test]
async fn a_portal_that_fails_over_everybody_parks_nobody() {
    let (world, _) = world_with(&Breakage::Unencodable, true).await;
    let everybody: Vec<u64> = world.portal.contacts().iter().map(|it| it.id).collect();
    world.portal.settings(|settings| {
        for id in everybody {
            settings.broken.insert(id, Breakage::Unencodable);
        }
    });
    for _ in 0..3 {
        let _ = world.pass().await;
        world.advance(60.0);
    }
    let parked = world.context.store.parked(world.id()).await.unwrap();
    assert_eq!(parked, []);
    world.portal.settings(|settings| settings.broken.clear());
    for _ in 0..5 {
        world.advance(3700.0);
        let _ = world.pass().await;
    }
    assert_eq!(untidy(&world), [] as [u64; 0]);
}
