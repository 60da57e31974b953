//! The portal's state and the changes that raise events.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Value, json};

use crate::bindings::Binding;
use crate::bucket::Bucket;
use crate::contact::Contact;
use crate::fault::Schedule;
use crate::log::RequestRecord;
use crate::method::Call;
use crate::operating::Operating;
use crate::queue::{Notice, Queue};
use crate::referee::Referee;
use crate::settings::Settings;
use crate::tokens::{Pair, Tokens, secret};

/// The application's card.
pub(crate) struct Application {
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) member_id: String,
}

impl Application {
    fn new() -> Self {
        let number = rand::random_range(10_000_000..99_999_999_u32);
        Self {
            client_id: format!("local.{}.{number}", secret(7)),
            client_secret: secret(25),
            member_id: secret(16),
        }
    }
}

/// Where the servers listen, as `http://127.0.0.1:port`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Addresses {
    pub(crate) portal: String,
    pub(crate) oauth: String,
    pub(crate) control: String,
    /// Grows with every renaming; requests to an older address are sent on.
    pub(crate) generation: usize,
}

/// Who changes a contact.
#[derive(Debug, Clone)]
pub(crate) enum Origin {
    /// A person, by user id.
    Person(u64),
    /// The client, as this user and with this connector.
    Client { user: u64, connector: String },
}

impl Origin {
    pub(crate) fn user(&self) -> u64 {
        match self {
            Self::Person(user) | Self::Client { user, .. } => *user,
        }
    }
}

/// Everything behind the portal's one lock.
pub(crate) struct State {
    pub(crate) settings: Settings,
    pub(crate) application: Application,
    pub(crate) addresses: Addresses,
    pub(crate) tokens: Tokens,
    pub(crate) contacts: BTreeMap<u64, Contact>,
    pub(crate) queue: Queue,
    pub(crate) bindings: Vec<Binding>,
    pub(crate) bucket: Bucket,
    pub(crate) operating: Operating,
    pub(crate) faults: Schedule,
    pub(crate) log: Vec<RequestRecord>,
    pub(crate) requests_seen: u64,
    pub(crate) referee: Referee,
    /// Counts the changes of contacts; a read sees all changes up to its number.
    pub(crate) changes: u64,
    last_contact: u64,
    /// Background jobs with the second in which they run.
    jobs: VecDeque<(f64, Notice)>,
}

impl State {
    pub(crate) fn new(settings: Settings) -> Self {
        let application = Application::new();
        let mut tokens = Tokens::default();
        tokens.issued.push(application.client_secret.clone());
        Self {
            settings,
            application,
            addresses: Addresses::default(),
            tokens,
            contacts: BTreeMap::new(),
            queue: Queue::default(),
            bindings: Vec::new(),
            bucket: Bucket::default(),
            operating: Operating::default(),
            faults: Schedule::default(),
            log: Vec::new(),
            requests_seen: 0,
            referee: Referee::default(),
            changes: 0,
            last_contact: 0,
            jobs: VecDeque::new(),
        }
    }

    /// Runs what is due: background jobs and the daily purge.
    pub(crate) fn settle(&mut self, now: f64) {
        while self.jobs.front().is_some_and(|(due, _)| *due <= now) {
            if let Some((due, notice)) = self.jobs.pop_front() {
                self.queue.raise(notice, seconds(due));
            }
        }
        self.queue.purge(seconds(now));
    }

    /// Stores a contact under the next id (or its own, if it has one).
    pub(crate) fn store(&mut self, mut contact: Contact) -> u64 {
        if contact.id == 0 {
            contact.id = self.last_contact + 1;
        }
        let id = contact.id;
        self.last_contact = self.last_contact.max(id);
        self.contacts.insert(id, contact);
        id
    }

    /// A contact came to be, changed or went: counts the change and tells the handlers.
    pub(crate) fn changed(&mut self, event: &str, contact: u64, origin: &Origin, now: f64) {
        self.changes += 1;
        if matches!(origin, Origin::Person(_)) {
            self.referee.foreign_change(contact, self.changes);
        }
        let settings = &self.settings;
        if !(settings.installed && settings.active && settings.paid) {
            return;
        }
        let data = if settings.numeric_event_ids {
            json!({"FIELDS": {"ID": contact}})
        } else {
            json!({"FIELDS": {"ID": contact.to_string()}})
        };
        for binding in &self.bindings {
            let own = match origin {
                Origin::Client { connector, .. } => *connector == binding.connector,
                Origin::Person(_) => false,
            };
            if !binding.offline || binding.event != event || (own && !settings.echo) {
                continue;
            }
            let notice = Notice {
                event: event.to_owned(),
                data: data.clone(),
                user: origin.user(),
                connector: binding.connector.clone(),
                change: self.changes,
            };
            self.jobs.push_back((now + settings.event_delay, notice));
        }
        self.settle(now);
    }

    /// Creates a contact and raises the event.
    pub(crate) fn create(&mut self, mut contact: Contact, origin: &Origin, now: f64) -> u64 {
        contact.date_create = seconds(now);
        contact.date_modify = seconds(now);
        contact.created_by = origin.user();
        contact.modified_by = origin.user();
        let id = self.store(contact);
        self.changed("ONCRMCONTACTADD", id, origin, now);
        id
    }

    /// The client writes a contact; answers it as it is now. `changes`: a value is another one than
    /// before; `fires`: the write counts as a change of the contact and raises the event.
    pub(crate) fn write(
        &mut self,
        mut next: Contact,
        changes: bool,
        fires: bool,
        fields: &Value,
        call: &Call<'_>,
    ) -> &Contact {
        let id = next.id;
        self.referee.write(id, changes, &fields.to_string());
        next.update_count += 1;
        next.noop_writes += u32::from(!changes);
        if fires {
            next.date_modify = seconds(call.now);
            next.modified_by = call.caller.user;
        }
        self.contacts.insert(id, next);
        if fires {
            self.changed("ONCRMCONTACTUPDATE", id, &call.origin(), call.now);
        }
        self.contacts.entry(id).or_default()
    }

    /// Deletes a contact and raises the event.
    pub(crate) fn delete(&mut self, id: u64, origin: &Origin, now: f64) -> bool {
        let existed = self.contacts.remove(&id).is_some();
        if existed {
            self.changed("ONCRMCONTACTDELETE", id, origin, now);
        }
        existed
    }

    /// The token endpoint's answer for a fresh pair; a renewal names its expiry and user too.
    pub(crate) fn grant(&mut self, user: u64, now: f64, renewal: bool) -> Value {
        let lifetime = self.settings.access_lifetime;
        let pair = self.tokens.issue(user, now, lifetime);
        self.token_answer(&pair, renewal)
    }

    fn token_answer(&self, pair: &Pair, renewal: bool) -> Value {
        let host = |url: &str| url.trim_start_matches("http://").to_owned();
        let oauth = &self.addresses.oauth;
        let mut answer = json!({
            "access_token": pair.access,
            "client_endpoint": format!("{}/rest/", self.addresses.portal),
            "domain": host(oauth),
            "expires_in": seconds(self.settings.access_lifetime),
            "member_id": self.application.member_id,
            "refresh_token": pair.refresh,
            "scope": self.settings.scopes.join(","),
            "server_endpoint": format!("{oauth}/rest/"),
            "status": "L",
        });
        if renewal {
            answer["expires"] = json!(seconds(pair.expires_at));
            answer["user_id"] = json!(pair.user);
        }
        answer
    }
}

/// Whole seconds, as the portal's database keeps them.
pub(crate) fn seconds(time: f64) -> i64 {
    #[allow(clippy::cast_possible_truncation)]
    let whole = time.floor() as i64;
    whole
}
