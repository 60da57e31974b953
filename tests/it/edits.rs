//! People edit while the program works: between every read and write, in the same second, other
//! fields, deletes in between. Nothing of ours is ever written over them.

use test_portal::{Effect, Fault, GuardMode, Matcher, Portal};

use crate::{
    logs::warnings,
    scene::{Mode, Scene},
};

/// How the log speaks of a portal without guards.
const NO_GUARDS: &str = "conditional updates do not work on this portal";

/// What a person does at the chosen moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Edit {
    /// Another name, as messy as the first.
    Name,
    /// The name as it should be.
    CleanName,
    /// A field that is not ours.
    Comment,
    Delete,
}

const EDITS: [Edit; 4] = [Edit::Name, Edit::CleanName, Edit::Comment, Edit::Delete];

/// How a portal may treat guards, with whether a refused guard is noticed there at all.
const MODES: [GuardMode; 6] = [
    GuardMode::NewSource,
    GuardMode::OldSource,
    GuardMode::OldPhp8,
    GuardMode::FilterIgnored,
    GuardMode::NeverHolds,
    GuardMode::WholeReferencesOnly,
];

fn edit(portal: &Portal, id: u64, edit: Edit) {
    match edit {
        Edit::Name => portal.edit_contact(id, &[("LAST_NAME", "jones")]),
        Edit::CleanName => portal.edit_contact(id, &[("NAME", "Anna"), ("LAST_NAME", "Jones")]),
        Edit::Comment => portal.edit_contact(id, &[("COMMENTS", "met at the fair")]),
        Edit::Delete => portal.delete_contact(id),
    }
}

/// When the edit happens.
#[derive(Debug, Clone, Copy)]
enum Moment {
    /// Ahead of the nth request.
    Request(u32),
    /// Ahead of the nth command inside batches.
    Command(u32),
}

/// The two windows that the API leaves, and the README names: between the guard and the update of one
/// batch, and between the get and the update of a contact that cannot be guarded.
const UPDATE: &str = "crm.contact.update";

struct Outcomes {
    complaints: Vec<String>,
    /// Whether the moment came at all.
    came: bool,
}

/// A drain of two contacts with one edit at one moment. `age`: how old the contact's last change is
/// when the drain begins, in seconds.
async fn cell(guard: GuardMode, moment: Moment, what: Edit, age: f64) -> Outcomes {
    let mut scene = Scene::empty(|settings| settings.guard = guard).await;
    scene.run(Mode::Fresh).await;
    let portal = scene.world.portal.clone();
    let id = portal.add_contact("anna", "", "smith");
    let other = portal.add_contact("boris", "", "petrov");
    scene.world.advance(age);
    scene.expect(other, ["Boris", "", "Petrov"], 1);
    let (mut seen, mut done) = (0, false);
    let mut at = move |portal: &Portal, allowed: bool, nth: u32| {
        seen += 1;
        if !done && allowed && seen >= nth {
            done = true;
            edit(portal, id, what);
        }
    };
    match moment {
        Moment::Request(nth) => portal.before_request(move |portal, record| {
            at(portal, record.method != UPDATE, nth);
        }),
        Moment::Command(nth) => portal.before_command(move |portal, _, command| {
            at(portal, command.method != UPDATE, nth);
        }),
    }
    let before = portal.contact(id).unwrap();
    scene.run(Mode::Daemon).await;
    portal.clear_hooks();
    let came = portal.contact(id).is_none_or(|contact| {
        contact.other != before.other || contact.last_name.as_deref() == Some("Jones")
    });
    match (what, came) {
        (Edit::Delete, true) => {}
        (Edit::Comment, _) | (_, false) => scene.expect_names(id, ["Anna", "", "Smith"]),
        _ => scene.expect_names(id, ["Anna", "", "Jones"]),
    }
    Outcomes {
        complaints: scene.complaints(),
        came,
    }
}

/// Every sixth moment, other ones for each edit and age; all of them where `B24_TIDYD_TEST_FULL` is
/// set.
async fn every_moment(guard: GuardMode, moment: fn(u32) -> Moment) {
    let stride = match std::env::var_os("B24_TIDYD_TEST_FULL") {
        Some(_) => 1,
        None => 6,
    };
    let mut broken = Vec::new();
    for (at, what) in EDITS.into_iter().enumerate() {
        for (older, age) in [0.0, 5.0].into_iter().enumerate() {
            for nth in (1 + (at + 3 * older) as u32 % stride..).step_by(stride as usize) {
                let outcomes = cell(guard, moment(nth), what, age).await;
                if !outcomes.complaints.is_empty() {
                    broken.push(format!(
                        "{what:?} at {:?}, {age} s old: {:#?}",
                        moment(nth),
                        outcomes.complaints
                    ));
                }
                if !outcomes.came {
                    break;
                }
            }
        }
    }
    assert!(
        broken.is_empty(),
        "{guard:?}: {}\n{}",
        broken.len(),
        broken.join("\n")
    );
}

#[tokio::test]
async fn edits_between_requests_are_never_overwritten() {
    for guard in MODES {
        every_moment(guard, Moment::Request).await;
    }
}

#[tokio::test]
async fn edits_between_commands_are_never_overwritten() {
    for guard in MODES {
        every_moment(guard, Moment::Command).await;
    }
}

/// What the store remembers of guards on the portal.
fn guards_work(scene: &Scene) -> Option<bool> {
    scene.world.record().facts.guards_work
}

/// Contact 1 is what an update without the leading zero would hit.
/// Break that turns this red: drop the zero in `Batch::push_guarded`.
#[tokio::test]
async fn a_guard_that_fails_hits_nobody() {
    for guard in [GuardMode::NewSource, GuardMode::OldSource] {
        let mut scene = Scene::empty(|settings| settings.guard = guard).await;
        scene.run(Mode::Fresh).await;
        scene.ordinary();
        let portal = scene.world.portal.clone();
        portal.before_request(|portal, record| {
            if record.calls("crm.contact.update") {
                let failing = Effect::CommandError {
                    method: "crm.contact.list".to_owned(),
                    nth: 0,
                    code: String::new(),
                    description: "Failed to get list. General error.".to_owned(),
                };
                portal.fault(Fault::new(Matcher::any(), failing));
            }
        });
        scene.run(Mode::Fresh).await;
        let refused = portal
            .requests()
            .into_iter()
            .flat_map(|request| request.commands);
        let refused = refused.filter(|command| command.method == UPDATE && command.error.is_some());
        assert!(
            refused.count() >= 2,
            "no update ever stood behind a failed guard"
        );
        assert_eq!(scene.complaints(), [] as [String; 0], "{guard:?}");
    }
}

#[tokio::test]
async fn guards_are_proved_before_their_first_use() {
    let mut scene = Scene::empty(|_| {}).await;
    scene.run(Mode::Fresh).await;
    assert_eq!(guards_work(&scene), None);
    scene.ordinary();
    scene.run(Mode::Daemon).await;
    assert_eq!(guards_work(&scene), Some(true));
    let requests = scene.world.portal.requests();
    let commands: Vec<_> = requests
        .iter()
        .flat_map(|request| &request.commands)
        .collect();
    let proof = commands.iter().position(|command| command.key == "proof");
    let update = commands.iter().position(|command| command.method == UPDATE);
    assert!(proof.unwrap() < update.unwrap());
}

/// A portal that drops the condition: no guard is ever relied on, and the next process knows.
#[tokio::test]
async fn a_portal_that_drops_the_condition_is_found_out_once() {
    let mut scene = Scene::empty(|settings| settings.guard = GuardMode::FilterIgnored).await;
    scene.run(Mode::Fresh).await;
    scene.ordinary();
    let said = warnings(async { scene.run(Mode::Fresh).await }).await;
    assert_eq!(guards_work(&scene), Some(false));
    scene.world.portal.clear_requests();
    let next = scene.world.portal.add_contact("clara", "", "weiss");
    scene.world.advance(5.0);
    let later = warnings(async { scene.run(Mode::Fresh).await }).await;
    scene.expect(next, ["Clara", "", "Weiss"], 1);
    assert_eq!(scene.complaints(), [] as [String; 0]);
    assert_eq!(
        (
            said.matches(NO_GUARDS).count(),
            later.matches(NO_GUARDS).count()
        ),
        (1, 0)
    );
    let requests = scene.world.portal.requests();
    let guarded = requests.iter().any(|request| {
        let mut commands = request.commands.iter();
        commands.any(|command| command.key == "proof" || command.method == UPDATE)
    });
    assert!(!guarded, "guards were tried again");
}

/// A weakness that passes must not cost two requests a contact for years: guards are tried again a day
/// later, with reads alone, and no sooner.
#[tokio::test]
async fn guards_are_tried_again_a_day_later() {
    const HOUR: f64 = 3600.0;
    let mut scene = Scene::empty(|settings| settings.guard = GuardMode::FilterIgnored).await;
    scene.run(Mode::Fresh).await;
    let portal = scene.world.portal.clone();
    for (hours_later, mends, guarded) in [
        (0.0, false, false),
        (25.0, true, false),
        (1.0, true, false),
        (25.0, true, true),
    ] {
        let id = portal.add_contact("anna", "", "smith");
        scene.expect(id, ["Anna", "", "Smith"], 1);
        scene.world.advance(hours_later * HOUR + 5.0);
        portal.clear_requests();
        scene.run(Mode::Fresh).await;
        if mends {
            portal.settings(|settings| settings.guard = GuardMode::NewSource);
        }
        let requests = portal.requests();
        let mut commands = requests.iter().flat_map(|request| &request.commands);
        assert_eq!(commands.any(|command| command.method == UPDATE), guarded);
        assert_eq!(guards_work(&scene), Some(guarded), "{hours_later} h later");
    }
    assert_eq!(scene.complaints(), [] as [String; 0]);
}

/// A portal where guards refuse although nothing has changed, or where their answers do not reach the
/// update: a few contacts find that out, and none is taken for refused.
#[tokio::test]
async fn a_portal_where_guards_never_hold_is_found_out_once() {
    for guard in [GuardMode::NeverHolds, GuardMode::WholeReferencesOnly] {
        let mut scene = Scene::empty(|settings| settings.guard = guard).await;
        scene.run(Mode::Fresh).await;
        for number in 0..30 {
            let id = scene.world.portal.add_contact("anna", "", "smith");
            assert_eq!(id, number + 2);
            scene.expect(id, ["Anna", "", "Smith"], 1);
        }
        scene.world.advance(5.0);
        let said = warnings(async { scene.run(Mode::Daemon).await }).await;
        assert_eq!(guards_work(&scene), Some(false));
        assert_eq!(scene.complaints(), [] as [String; 0]);
        assert_eq!(said.matches(NO_GUARDS).count(), 1, "{said}");
        let parked = scene
            .world
            .context
            .store
            .parked(scene.world.id())
            .await
            .unwrap();
        assert_eq!(parked, [], "{guard:?}");
    }
}

/// One refusal is no proof: a person may have been there.
#[tokio::test]
async fn people_who_edit_do_not_discredit_guards() {
    let mut scene = Scene::empty(|_| {}).await;
    scene.run(Mode::Fresh).await;
    let portal = scene.world.portal.clone();
    let ids: Vec<u64> = (0..10)
        .map(|_| portal.add_contact("anna", "", "smith"))
        .collect();
    scene.world.advance(5.0);
    let mut times = 0;
    portal.before_request(move |portal, record| {
        if record.calls(UPDATE) && times < 2 {
            times += 1;
            for id in &ids {
                portal.edit_contact(*id, &[("COMMENTS", &format!("call {times}"))]);
            }
        }
    });
    for id in 2..12 {
        scene.expect(id, ["Anna", "", "Smith"], 1);
    }
    scene.run(Mode::Daemon).await;
    assert_eq!(guards_work(&scene), Some(true));
    assert_eq!(scene.complaints(), [] as [String; 0]);
}

/// The whole-seconds rule: a read in the second of the last edit guards nothing, because another edit
/// in that second would not show.
#[tokio::test]
async fn a_second_edit_in_the_same_second_is_seen() {
    let mut scene = Scene::empty(|_| {}).await;
    scene.run(Mode::Fresh).await;
    let portal = scene.world.portal.clone();
    let id = portal.add_contact("anna", "", "smith");
    let mut done = false;
    portal.before_request(move |portal, record| {
        if record.calls(UPDATE) && !done {
            done = true;
            let contact = portal.contact(id).unwrap();
            // As late as can be and still in the second of the edit before, if we came that early.
            portal.edit_contact(id, &[("LAST_NAME", "jones")]);
            let moved = portal.contact(id).unwrap().date_modify;
            assert!(
                moved > contact.date_modify,
                "a write was based on a read in the second of an edit"
            );
        }
    });
    scene.run(Mode::Daemon).await;
    scene.expect(id, ["Anna", "", "Jones"], 1);
    assert_eq!(scene.complaints(), [] as [String; 0]);
}
