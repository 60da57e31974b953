//! A portal full of every kind of contact and row, and what has to become of each.

use b24_tidyd::{
    drain::{Drain, DrainFailure, Outcome, Summary},
    store::QueueKey,
};
use jiff::Timestamp;
use serde_json::json;
use test_portal::{Contact, PERSON, QueueRow, Settings};

use crate::world::{Awaited, World};

/// How the program is run between one fault and the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// One process that goes on pass by pass and remembers what it learnt.
    Daemon,
    /// A new process for each pass.
    Fresh,
}

/// What has to have become of a contact.
struct Expected {
    id: u64,
    names: [String; 3],
    /// How often the program has to have written it; none where people interfered.
    writes: Option<u32>,
}

/// A world with contacts whose fate is known.
pub(crate) struct Scene {
    pub(crate) world: World,
    expected: Vec<Expected>,
    parked: Vec<u64>,
    /// A row of another handler, which nobody may touch.
    foreign: Option<u64>,
}

/// A row as a planted one; zeros and empty texts are filled in by the portal.
pub(crate) fn row(event: &str, data: serde_json::Value) -> QueueRow {
    QueueRow {
        event_name: event.to_owned(),
        event_data: data,
        user_id: PERSON,
        ..QueueRow::default()
    }
}

/// More passes than any single fault can need.
const MOST_PASSES: u32 = 40;

impl Scene {
    /// A world without contacts, its portal changed first.
    pub(crate) async fn empty(change: impl FnOnce(&mut Settings)) -> Self {
        let world = World::with(change).await;
        let mut scene = Self {
            world,
            expected: Vec::new(),
            parked: Vec::new(),
            foreign: None,
        };
        // Whatever a broken guard might write would hit contact 1.
        let first = scene.world.portal.seed_contact("Contact", "", "One");
        assert_eq!(first, 1);
        scene.expect(first, ["Contact", "", "One"], 0);
        scene
    }

    pub(crate) fn expect(&mut self, id: u64, names: [&str; 3], writes: u32) {
        self.expected.push(Expected {
            id,
            names: names.map(str::to_owned),
            writes: Some(writes),
        });
    }

    /// People interfere with this contact: only what stands there in the end counts.
    pub(crate) fn expect_names(&mut self, id: u64, names: [&str; 3]) {
        self.expected.push(Expected {
            id,
            names: names.map(str::to_owned),
            writes: None,
        });
    }

    /// A handful of ordinary changes.
    pub(crate) fn ordinary(&mut self) {
        let portal = &self.world.portal;
        let messy = portal.add_contact("anna", "", "SMITH");
        let clean = portal.add_contact("Jean-Luc", "", "O'Neill");
        self.expect(messy, ["Anna", "", "Smith"], 1);
        self.expect(clean, ["Jean-Luc", "", "O'Neill"], 0);
        self.world.advance(5.0);
    }

    /// Every kind of contact and row that the protocol document knows.
    pub(crate) fn everything(&mut self) {
        self.ordinary();
        let portal = self.world.portal.clone();
        let twice = portal.add_contact("boris", "", "petrov");
        portal.edit_contact(twice, &[("LAST_NAME", "ivanov")]);
        self.expect(twice, ["Boris", "", "Ivanov"], 1);

        let gone = portal.add_contact("gone", "", "gone");
        portal.delete_contact(gone);

        let refused = portal.add_contact("refused", "", "veto");
        let veto = ("".to_owned(), "Fill in the <b>custom</b> field".to_owned());
        portal.settings(|settings| settings.refused.insert(refused, veto));
        self.expect(refused, ["refused", "", "veto"], 0);

        let dollar = portal.add_contact("anna $result", "", "doe");
        self.expect(dollar, ["Anna $Result", "", "Doe"], 1);

        let hidden = portal.add_contact("hidden", "", "person");
        portal.settings(|settings| settings.hidden_from_list.insert(hidden));
        self.expect(hidden, ["Hidden", "", "Person"], 1);

        let unreadable = portal.add_contact("secret", "", "person");
        portal.settings(|settings| settings.unreadable.insert(unreadable));
        self.expect(unreadable, ["secret", "", "person"], 0);

        let long = "anna ".repeat(11);
        let long = portal.seed(Contact {
            name: Some(long.trim().to_owned()),
            last_name: Some("brown".to_owned()),
            ..Contact::default()
        });
        let long_name = portal.contact(long).unwrap().name.unwrap();
        portal.push_row(row("ONCRMCONTACTUPDATE", json!({"FIELDS": {"ID": long}})));
        self.expect(long, [&long_name, "", "Brown"], 1);

        let erred = portal.seed_contact("ОЛЬГА", "", "иванова");
        let data = json!({"FIELDS": {"ID": erred.to_string()}});
        portal.push_row(QueueRow {
            error: true,
            ..row("ONCRMCONTACTUPDATE", data)
        });
        self.expect(erred, ["Ольга", "", "Иванова"], 1);

        portal.push_row(row("ONCRMCONTACTUPDATE", json!(false)));
        let foreign = row("ONCRMDEALADD", json!({"FIELDS": {"ID": "7"}}));
        self.foreign = Some(portal.push_row(foreign));
        self.parked = vec![refused, unreadable];
        self.world.advance(5.0);
    }

    pub(crate) fn queue_key(&self) -> QueueKey {
        QueueKey {
            portal: self.world.id(),
            connector: String::new(),
        }
    }

    /// Passes until two in a row find nothing left to do. Answers how many it took.
    pub(crate) async fn run(&self, mode: Mode) -> u32 {
        self.run_with(self.world.drain(), mode).await
    }

    /// The same by a process that has been at work already.
    pub(crate) async fn run_on(&self, drain: Drain) -> u32 {
        self.run_with(drain, Mode::Daemon).await
    }

    async fn run_with(&self, mut drain: Drain, mode: Mode) -> u32 {
        let mut idle = 0;
        for pass in 1..=MOST_PASSES {
            if mode == Mode::Fresh {
                drain = self.world.drain();
            }
            let outcome = drain.pass(&mut |_| {}).await;
            if matches!(&outcome, Ok(Summary { outcome: Outcome::Done, totals, .. }) if totals.events == 0)
            {
                idle += 1;
                if idle == 2 {
                    return pass;
                }
            } else {
                idle = 0;
            }
            self.rest_after(&outcome);
        }
        let last = drain_once_more(&mut drain).await;
        panic!("not done after {MOST_PASSES} passes: {last}");
    }

    fn rest_after(&self, outcome: &Result<Summary, DrainFailure>) {
        let now: Timestamp = self.world.context.clock.now();
        let seconds = match outcome {
            Ok(Summary {
                outcome: Outcome::WorkLeft { until, .. },
                ..
            }) => until.duration_since(now).as_secs_f64().max(0.0) + 0.01,
            Ok(_) => 10.0,
            Err(_) => 30.0,
        };
        self.world.advance(seconds);
    }

    /// Why the scene is not as it has to be; empty where all promises were kept.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let portal = &self.world.portal;
        let mut complaints = portal.violations();
        for expected in &self.expected {
            let Some(contact) = portal.contact(expected.id) else {
                complaints.push(format!("contact {} is gone", expected.id));
                continue;
            };
            let names = self.world.names(expected.id);
            if names != expected.names {
                complaints.push(format!("contact {}: {names:?}", expected.id));
            }
            let wrong = expected
                .writes
                .is_some_and(|writes| writes != contact.update_count);
            if wrong || contact.noop_writes > 0 {
                complaints.push(format!(
                    "contact {} was written {} times, {} of them in vain",
                    expected.id, contact.update_count, contact.noop_writes
                ));
            }
        }
        let left: Vec<u64> = portal.queue().iter().map(|row| row.id).collect();
        if left != Vec::from_iter(self.foreign) {
            complaints.push(format!("left in the queue: {:?}", portal.queue()));
        }
        let store = &self.world.context.store;
        let open = store.open_events(&self.queue_key()).awaited().unwrap();
        if !open.is_empty() {
            complaints.push(format!("open in the store: {open:?}"));
        }
        let parked = store.parked(self.world.id()).awaited().unwrap();
        let parked: Vec<u64> = parked.iter().map(|parked| parked.contact_id).collect();
        if parked != self.parked {
            complaints.push(format!("parked: {parked:?}"));
        }
        // Whether a contact that is gone was still written can no longer be found out.
        let mut unanswered = store.unanswered_changes(self.world.id()).awaited().unwrap();
        unanswered.retain(|change| portal.contact(change.contact_id).is_some());
        if !unanswered.is_empty() {
            complaints.push(format!("changes without an answer: {unanswered:?}"));
        }
        complaints
    }
}

async fn drain_once_more(drain: &mut Drain) -> String {
    format!("{:?}", drain.pass(&mut |_| {}).await)
}
