//! A world in which anything may happen, and what has to hold when it has calmed down.

use std::sync::Arc;

use b24_tidyd::{
    config::Connector,
    contact::changes,
    drain::{Drain, DrainFailure, Outcome},
    names::{Engine, Field},
    portal::{Patience, Portal as Authorised},
    store::QueueKey,
};
use rand::{Rng, rngs::StdRng, seq::IndexedRandom};
use serde_json::json;
use test_portal::{Portal, QueueRow};

use super::{
    chance,
    mischief::{Mischief, Plan},
};
use crate::world::{Awaited, World};

/// More passes than any settling can need.
const MOST_PASSES: u32 = 60;

/// The event of another handler of the application.
const FOREIGN: &str = "ONCRMDEALADD";

/// A world, the process that works in it, and what the test has to know about both.
pub(super) struct Scene {
    seed: u64,
    world: World,
    drain: Option<Drain>,
    mischief: Mischief,
    limit: u32,
    foreign: Vec<QueueRow>,
    /// Either contacts are hidden from lists here, or things happen that leave gaps: a sweep cannot
    /// find what no list shows.
    hides: bool,
    /// The application is switched off.
    off: bool,
    /// We have noticed, or another refusal since.
    noticed: bool,
    diary: Vec<String>,
}

impl Scene {
    pub(super) async fn new(seed: u64, chance: &mut StdRng) -> Self {
        let mut world = World::with(|settings| chance::settings(chance, settings)).await;
        world.config.connector = chance
            .random_bool(0.5)
            .then(|| Connector::new("tidy"))
            .flatten();
        if chance.random_bool(0.3) {
            world.config.max_changes_per_hour = 15;
        }
        world.pass().await.unwrap();
        world.advance(5.0);
        world.pass().await.unwrap();
        Self {
            seed,
            mischief: Mischief::install(&world.portal),
            drain: None,
            limit: [1, 3, 50, 1000][chance.random_range(0..4)],
            foreign: Vec::new(),
            hides: chance.random_bool(0.3),
            off: false,
            noticed: false,
            diary: Vec::new(),
            world,
        }
    }

    fn portal(&self) -> &Portal {
        &self.world.portal
    }

    fn some_contact(&self, chance: &mut StdRng) -> Option<u64> {
        let contacts = self.portal().contacts();
        contacts.choose(chance).map(|contact| contact.id)
    }

    /// One thing, of people, robots, administrators or the network.
    pub(super) fn something_happens(&mut self, chance: &mut StdRng) {
        let name = chance::name(chance);
        let contact = self.some_contact(chance);
        let what = match (chance.random_range(0..40), contact) {
            (0..=9, _) => {
                let id = self.portal().add_contact(&name, "", &chance::name(chance));
                format!("add {id} {name:?}")
            }
            (10..=15, Some(id)) => {
                self.portal().edit_contact(id, &[("LAST_NAME", &name)]);
                format!("edit {id} {name:?}")
            }
            (16..=18, Some(id)) => {
                let fields = json!({"NAME": "ROBOT"});
                self.portal().edit_contact_as(7, id, &fields);
                format!("robot {id}")
            }
            (19, Some(id)) => {
                self.portal().delete_contact(id);
                format!("delete {id}")
            }
            (20 | 21, Some(id)) => self.plant(id, chance),
            (22, _) => self.plant_foreign(),
            (23, Some(id)) => {
                self.portal().settings(|settings| {
                    let refusal = (String::new(), "Required field".to_owned());
                    settings.refused.insert(id, refusal);
                });
                format!("refuse {id}")
            }
            (24, Some(id)) if self.hides => {
                self.portal()
                    .settings(|settings| settings.hidden_from_list.insert(id));
                format!("hide {id}")
            }
            (25, _) if !self.hides => {
                self.portal().unbind_all();
                "unbind".to_owned()
            }
            (26, _) => {
                let now = self.portal().settings(|settings| {
                    settings.plan_confirms = !settings.plan_confirms;
                    settings.plan_confirms
                });
                format!("plan confirms: {now}")
            }
            (27, _) if !self.hides => {
                let now = self.portal().settings(|settings| {
                    settings.plan_connector = !settings.plan_connector;
                    settings.plan_connector
                });
                format!("plan has connectors: {now}")
            }
            (28, _) => {
                self.portal().expire_access_tokens();
                "tokens expire".to_owned()
            }
            (29, _) => format!("rename to {}", self.portal().rename_host()),
            (30, _) if !self.hides => self.switch(),
            (31, _) => {
                self.world.advance(3700.0);
                "an hour passes".to_owned()
            }
            (32..=36, _) => {
                let fault = chance::fault(chance);
                let text = format!("{fault:?}");
                self.portal().fault(fault);
                text
            }
            _ => {
                self.world.advance(chance.random_range(0.0..90.0));
                return;
            }
        };
        self.diary.push(what);
    }

    /// A row that somebody else left behind: an error row, or a reservation of a process that died.
    fn plant(&self, id: u64, chance: &mut StdRng) -> String {
        let connector = self.key().connector;
        let error = chance.random_bool(0.5);
        let process: String = (0..32).map(|_| chance.random_range('a'..='z')).collect();
        self.portal().push_row(QueueRow {
            event_name: "ONCRMCONTACTUPDATE".to_owned(),
            event_data: json!({"FIELDS": {"ID": id.to_string()}}),
            connector_id: connector,
            process_id: if error { String::new() } else { process },
            error,
            ..QueueRow::default()
        });
        format!("plant a row of {id}, error: {error}")
    }

    fn plant_foreign(&mut self) -> String {
        let number = self.foreign.len() as u64 + 1;
        let id = self.portal().push_row(QueueRow {
            event_name: FOREIGN.to_owned(),
            event_data: json!({"FIELDS": {"ID": number.to_string()}}),
            ..QueueRow::default()
        });
        let row = self.portal().queue().into_iter().find(|row| row.id == id);
        self.foreign.extend(row);
        "plant a foreign row".to_owned()
    }

    /// Switches the application off, or on again once that cannot have gone unnoticed.
    fn switch(&mut self) -> String {
        if self.off && !self.noticed {
            return "still off".to_owned();
        }
        self.off = !self.off;
        self.noticed = false;
        let installed = !self.off;
        self.portal()
            .settings(|settings| settings.installed = installed);
        format!("installed: {installed}")
    }

    /// The process works for a pass, unless it dies in the middle.
    pub(super) async fn work(&mut self, chance: &mut StdRng) {
        let edits = (0..chance.random_range(0..3))
            .filter_map(|_| {
                let id = self.some_contact(chance)?;
                Some((chance.random_range(1..8), id, chance::name(chance)))
            })
            .collect();
        let kill_in = chance.random_bool(0.3).then(|| chance.random_range(1..12));
        self.diary
            .push(format!("pass, killed in {kill_in:?}, edits {edits:?}"));
        self.mischief.prepare(Plan { kill_in, edits });
        if chance.random_bool(0.3) {
            self.drain = None;
        }
        let outcome = self.pass().await;
        self.diary.push(format!("=> {outcome:?}"));
        self.mischief.prepare(Plan::default());
        self.world.advance(chance.random_range(0.5..30.0));
    }

    /// One pass; none where the process was killed.
    async fn pass(&mut self) -> Option<Result<Outcome, DrainFailure>> {
        let mut drain = self.drain.take().unwrap_or_else(|| self.started());
        let mut unheard = |_| {};
        let outcome = tokio::select! {
            biased;
            () = self.mischief.killed() => None,
            outcome = drain.pass(&mut unheard) => Some(outcome.map(|summary| summary.outcome)),
        };
        let Some(outcome) = outcome else {
            drop(drain);
            let path = self.world.context.store.path().to_owned();
            self.world.context.store = b24_tidyd::store::Store::open(&path).await.unwrap();
            return None;
        };
        self.drain = Some(drain);
        if let Err(DrainFailure::NeedsPerson(_)) = &outcome {
            self.noticed = true;
            // The person who is needed authorises anew; whether that was it, the next pass tells.
            self.world.authorise();
        }
        Some(outcome)
    }

    fn started(&self) -> Drain {
        let config = Arc::new(self.world.config.clone());
        let patience = Patience { longest_wait: 60.0 };
        let context = self.world.context.clone();
        let portal = Authorised::open(context, config, &self.world.record(), patience)
            .awaited()
            .unwrap();
        Drain::new(portal, self.limit)
    }

    fn key(&self) -> QueueKey {
        crate::gaps::key(&self.world)
    }

    /// Everything calms down, and everything has to be right.
    pub(super) async fn settle(&mut self) {
        self.portal().clear_faults();
        while self.off {
            self.world.advance(3700.0);
            let outcome = self.pass().await;
            self.diary.push(format!("off => {outcome:?}"));
            if self.noticed {
                self.switch();
            }
        }
        self.portal().settings(|settings| {
            settings.plan_connector = true;
            settings.refused.clear();
        });
        // Error rows are looked for on a slow schedule.
        self.world.advance(6.5 * 3600.0);
        let mut done = 0;
        for _ in 0..MOST_PASSES {
            self.world.advance(3700.0);
            self.retry_parked();
            let outcome = self.pass().await;
            self.diary.push(format!("settling => {outcome:?}"));
            let finished = matches!(outcome, Some(Ok(Outcome::Done)));
            done = if finished { done + 1 } else { 0 };
            // Twice: the first may have put right what nobody had told it of.
            if done == 2 {
                break;
            }
        }
        assert_eq!(done, 2, "{}", self.story("it never ends"));
        self.check();
        self.diary.clear();
    }

    fn retry_parked(&self) {
        let (store, id) = (&self.world.context.store, self.world.id());
        let parked = store.parked(id).awaited().unwrap();
        let parked: Vec<u64> = parked.iter().map(|one| one.contact_id).collect();
        store.retry_parked(id, &parked).awaited().unwrap();
    }

    fn check(&self) {
        let engine = Engine::new(self.world.config.names.clone());
        for contact in self.portal().contacts() {
            let value = |field: Field| match field {
                Field::Name => contact.name.as_deref(),
                Field::SecondName => contact.second_name.as_deref(),
                Field::LastName => contact.last_name.as_deref(),
            };
            let needed = changes(&engine, &self.world.config.fields, value, |_, _| false);
            assert!(
                needed.is_empty(),
                "{}",
                self.story(&format!("{needed:?} {contact:?}"))
            );
            assert_eq!(
                contact.noop_writes,
                0,
                "{}",
                self.story("a write without a change")
            );
        }
        let queue = self.portal().queue();
        let (foreign, left): (Vec<QueueRow>, Vec<QueueRow>) =
            queue.into_iter().partition(|row| row.event_name == FOREIGN);
        assert!(left.is_empty(), "{}", self.story(&format!("{left:#?}")));
        assert_eq!(foreign, self.foreign);
        let store = &self.world.context.store;
        for connector in ["", "tidy"] {
            let queue = QueueKey {
                connector: connector.to_owned(),
                ..self.key()
            };
            let open = store.open_events(&queue).awaited().unwrap();
            assert_eq!(open, [], "{}", self.story("open rows"));
        }
        assert_eq!(store.cursor(&self.key()).awaited().unwrap().gap_since, None);
        // What became of a write to a contact that is gone, nobody can tell any more.
        let mut unanswered = store.unanswered_changes(self.world.id()).awaited().unwrap();
        unanswered.retain(|change| self.portal().contact(change.contact_id).is_some());
        assert!(
            unanswered.is_empty(),
            "{}",
            self.story(&format!("{unanswered:?}"))
        );
        let broken = self.portal().violations();
        assert!(broken.is_empty(), "{}", self.story(&format!("{broken:#?}")));
        let owed = self.portal().owed_contacts();
        assert!(
            owed.is_empty(),
            "{}",
            self.story(&format!("unread: {owed:?}"))
        );
        let connector = self.key().connector;
        let bound = self.portal().bindings();
        assert_eq!(bound.len(), 2, "{}", self.story(&format!("{bound:?}")));
        assert!(bound.iter().all(|binding| binding.connector == connector));
    }

    /// What is wrong, and what led there since it was last right.
    fn story(&self, wrong: &str) -> String {
        let diary = self.diary.join("\n  ");
        format!("B24_TIDYD_SEED={}\n  {diary}\n{wrong}", self.seed)
    }
}
