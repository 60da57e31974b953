//! The portal's state and the changes that raise events.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Value, json};

use crate::chance::Chance;
use crate::data::contact::Contact;
use crate::data::queue::{Notice, Queue};
use crate::log::RequestRecord;
use crate::methods::bindings::Binding;
use crate::oauth::tokens::{Pair, Tokens};
use crate::referee::Referee;
use crate::rest::bucket::Bucket;
use crate::rest::method::Call;
use crate::rest::operating::Operating;
use crate::settings::Settings;
use crate::wire::fault::Schedule;

/// The application's card.
pub(crate) struct Application {
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) member_id: String,
}

impl Application {
    fn new(chance: &mut Chance) -> Self {
        let number = chance.number(10_000_000..99_999_999);
        Self {
            client_id: format!("local.{}.{number}", chance.secret(7)),
            client_secret: chance.secret(25),
            member_id: chance.secret(16),
        }
    }
}

/// Where the servers listen, as `http://127.0.0.1:port`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Addresses {
    /// The portal's addresses in their order; the last one holds, the others send on to it.
    pub(crate) portals: Vec<String>,
    pub(crate) oauth: String,
    pub(crate) control: String,
}

impl Addresses {
    /// The portal's present address.
    pub(crate) fn portal(&self) -> &str {
        self.portals.last().map_or("", String::as_str)
    }

    /// How often the portal was renamed.
    pub(crate) fn generation(&self) -> usize {
        self.portals.len().saturating_sub(1)
    }
}

/// The host of an address.
pub(crate) fn host(address: &str) -> &str {
    address.split_once("://").map_or(address, |(_, host)| host)
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
    pub(crate) chance: Chance,
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
        let mut chance = Chance::new(settings.seed);
        let application = Application::new(&mut chance);
        let mut tokens = Tokens::default();
        tokens.issued.push(application.client_secret.clone());
        Self {
            settings,
            chance,
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

    /// The application gets another client secret; the old one is worth nothing from now on.
    pub(crate) fn rotate_secret(&mut self) -> String {
        let secret = self.chance.secret(25);
        self.tokens.issued.push(secret.clone());
        self.application.client_secret.clone_from(&secret);
        secret
    }

    /// The application is deleted and added again: its handlers, rows and tokens are gone, and it has
    /// another client id and secret.
    pub(crate) fn reinstall(&mut self) {
        let member_id = self.application.member_id.clone();
        self.application = Application {
            member_id,
            ..Application::new(&mut self.chance)
        };
        self.tokens
            .issued
            .push(self.application.client_secret.clone());
        self.tokens.forget();
        self.bindings.clear();
        self.jobs.clear();
        self.queue.forget_application();
    }

    /// Runs what is due: background jobs and the daily purge.
    pub(crate) fn settle(&mut self, now: f64) {
        while self.jobs.front().is_some_and(|(due, _)| *due <= now) {
            if let Some((due, notice)) = self.jobs.pop_front() {
                let wall = self.wall(due);
                self.queue.raise(notice, wall);
            }
        }
        let wall = self.wall(now);
        self.queue.purge(wall, self.settings.purge);
    }

    /// What the portal's own clock shows, right or wrong, in whole seconds.
    pub(crate) fn wall(&self, now: f64) -> i64 {
        seconds(now + self.settings.clock_offset)
    }

    /// Books a call of a method.
    pub(crate) fn book(&mut self, method: &str, now: f64) {
        let cost = self.settings.booked_cost_of(method);
        self.operating.book(method, cost, now);
    }

    /// Stores a contact under the next id (or its own, if it has one).
    pub(crate) fn store(&mut self, mut contact: Contact) -> u64 {
        if contact.id == 0 {
            contact.id = self.last_contact + 1;
        }
        let id = contact.id;
        // An id that no database gives out does not move the counter.
        if i64::try_from(id).is_ok() {
            self.last_contact = self.last_contact.max(id);
        }
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
        contact.date_create = self.wall(now);
        contact.date_modify = self.wall(now);
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
            next.date_modify = self.wall(call.now);
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
        let pair = self.tokens.issue(&mut self.chance, user, now, lifetime);
        self.token_answer(&pair, renewal)
    }

    /// The host of the authorisation server as answers name it.
    pub(crate) fn oauth_host(&self) -> String {
        let chosen = self.settings.oauth_host.clone();
        chosen.unwrap_or_else(|| host(&self.addresses.oauth).to_owned())
    }

    fn token_answer(&self, pair: &Pair, renewal: bool) -> Value {
        let settings = &self.settings;
        let endpoint = settings.client_endpoint.clone();
        let server = match &settings.oauth_host {
            Some(host) => format!("https://{host}"),
            None => self.addresses.oauth.clone(),
        };
        let mut answer = json!({
            "access_token": pair.access,
            "client_endpoint":
                endpoint.unwrap_or_else(|| format!("{}/rest/", self.addresses.portal())),
            "domain": self.oauth_host(),
            "expires_in": seconds(settings.access_lifetime),
            "member_id": self.application.member_id,
            "refresh_token": pair.refresh,
            "scope": settings.scopes.join(","),
            "server_endpoint": format!("{server}/rest/"),
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
