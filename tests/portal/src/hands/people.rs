//! What people do on the portal: they create, edit and delete contacts by hand.

use serde_json::Value;

use crate::data::contact::Contact;
use crate::portal::Portal;
use crate::state::{Origin, State, seconds};

/// The person who edits contacts in [`Portal::add_contact`] and its siblings.
pub const PERSON: u64 = 2;

impl Portal {
    /// A person creates a contact; empty texts are stored as such.
    pub fn add_contact(&self, name: &str, second: &str, last: &str) -> u64 {
        let now = self.now();
        let contact = named(name, second, last);
        let mut state = self.shared.state();
        state.create(contact, &Origin::Person(PERSON), now)
    }

    /// A person creates a contact of another category than 0.
    pub fn add_contact_in(&self, category: u64, name: &str, second: &str, last: &str) -> u64 {
        let now = self.now();
        let contact = Contact {
            category,
            ..named(name, second, last)
        };
        let mut state = self.shared.state();
        state.create(contact, &Origin::Person(PERSON), now)
    }

    /// Any user but the client creates a contact of a category from fields (portal names); `None`
    /// where a value is too long.
    pub fn add_contact_as(&self, user: u64, category: u64, fields: &Value) -> Option<u64> {
        let now = self.now();
        let mut state = self.shared.state();
        let mut contact = Contact {
            category,
            ..Contact::default()
        };
        contact.apply(fields, state.settings.long_names).ok()?;
        Some(state.create(contact, &Origin::Person(user), now))
    }

    /// A contact that has been there for a day; no event.
    pub fn seed_contact(&self, name: &str, second: &str, last: &str) -> u64 {
        let past = seconds(self.now()) - 86_400;
        self.seed(Contact {
            date_create: past,
            date_modify: past,
            created_by: PERSON,
            modified_by: PERSON,
            ..named(name, second, last)
        })
    }

    /// Puts a contact there as it is, without an event; id 0 means the next one.
    pub fn seed(&self, contact: Contact) -> u64 {
        self.shared.state().store(contact)
    }

    /// A person edits fields (portal names). Unknown contacts and fields are ignored.
    pub fn edit_contact(&self, id: u64, fields: &[(&str, &str)]) {
        let fields = fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Value::from(*value)))
            .collect();
        self.edit_contact_as(PERSON, id, &Value::Object(fields));
    }

    /// Any user but the client edits fields; `false` where the contact is unknown or a value is too
    /// long.
    pub fn edit_contact_as(&self, user: u64, id: u64, fields: &Value) -> bool {
        let now = self.now();
        edit(&mut self.shared.state(), id, fields, user, now)
    }

    /// A person deletes a contact.
    pub fn delete_contact(&self, id: u64) {
        let now = self.now();
        let mut state = self.shared.state();
        state.delete(id, &Origin::Person(PERSON), now);
    }

    /// A contact as it is stored.
    #[must_use]
    pub fn contact(&self, id: u64) -> Option<Contact> {
        self.shared.state().contacts.get(&id).cloned()
    }

    /// All contacts by id.
    #[must_use]
    pub fn contacts(&self) -> Vec<Contact> {
        self.shared.state().contacts.values().cloned().collect()
    }
}

fn named(name: &str, second: &str, last: &str) -> Contact {
    Contact {
        name: Some(name.to_owned()),
        second_name: Some(second.to_owned()),
        last_name: Some(last.to_owned()),
        ..Contact::default()
    }
}

/// Somebody other than the client edits a contact.
fn edit(state: &mut State, id: u64, fields: &Value, user: u64, now: f64) -> bool {
    let long = state.settings.long_names;
    let wall = state.wall(now);
    let Some(contact) = state.contacts.get_mut(&id) else {
        return false;
    };
    if contact.apply(fields, long).is_err() {
        return false;
    }
    contact.date_modify = wall;
    contact.modified_by = user;
    state.changed("ONCRMCONTACTUPDATE", id, &Origin::Person(user), now);
    true
}
