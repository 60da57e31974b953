//! The referee: watches, while the portal works, whether the client keeps its promises.

use std::collections::{HashMap, HashSet};

use crate::data::queue::{Queue, Stored};

/// What a request showed to the client. It counts once the answer has gone out whole.
#[derive(Default)]
pub(crate) struct Shown {
    /// Contacts that were read (or answered as gone or denied), with the number of the portal's
    /// latest change at that moment.
    pub(crate) contacts: Vec<(u64, u64)>,
    /// Contacts whose names stand in the answer.
    pub(crate) named: Vec<u64>,
    /// Queue rows that `event.offline.list` showed.
    pub(crate) listed: Vec<u64>,
    /// The access token whose holder was told to renew it.
    pub(crate) told_to_renew: Option<String>,
}

impl Shown {
    /// A contact's names stand in the answer, as of this change.
    pub(crate) fn read(&mut self, contact: u64, change: u64) {
        self.contacts.push((contact, change));
        self.named.push(contact);
    }
}

/// Collects breaches of promises in plain words.
#[derive(Default)]
pub(crate) struct Referee {
    violations: Vec<String>,
    /// Number of the last change that somebody else made to a contact.
    foreign: HashMap<u64, u64>,
    /// Up to which change the client has seen a contact.
    seen: HashMap<u64, u64>,
    told_to_renew: HashSet<String>,
    /// Contacts of rows that the client took into its own keeping, with the change they stand for.
    taken: Vec<(u64, u64)>,
}

impl Referee {
    pub(crate) fn violations(&self) -> Vec<String> {
        self.violations.clone()
    }

    pub(crate) fn clear(&mut self) {
        self.violations.clear();
    }

    pub(crate) fn report(&mut self, violation: String) {
        self.violations.push(violation);
    }

    /// Somebody other than the client changed a contact.
    pub(crate) fn foreign_change(&mut self, contact: u64, change: u64) {
        self.foreign.insert(contact, change);
    }

    /// An answer reached the client.
    pub(crate) fn delivered(&mut self, shown: Shown, queue: &mut Queue) {
        for (contact, change) in shown.contacts {
            let seen = self.seen.entry(contact).or_default();
            *seen = change.max(*seen);
        }
        for id in shown.listed {
            queue.mark_listed(id);
        }
        self.told_to_renew.extend(shown.told_to_renew);
    }

    /// A row that the client had listed before leaves the queue; its contact is to be read now.
    pub(crate) fn taken(&mut self, stored: &Stored) {
        if let Some(contact) = stored.row.contact_id() {
            self.taken.push((contact, stored.change));
        }
    }

    /// Contacts of taken rows that were not read since.
    pub(crate) fn owed(&self) -> Vec<u64> {
        let unread = |(contact, change): &&(u64, u64)| {
            self.seen.get(contact).is_none_or(|seen| seen < change)
        };
        let owed = self.taken.iter().filter(unread);
        owed.map(|(contact, _)| *contact).collect()
    }

    /// A row leaves the queue on the client's word. `how` names the call.
    pub(crate) fn acknowledged(&mut self, stored: &Stored, how: &str) {
        let row = &stored.row;
        let ours = matches!(
            row.event_name.as_str(),
            "ONCRMCONTACTADD" | "ONCRMCONTACTUPDATE"
        );
        if !ours {
            self.report(format!(
                "{how} removed row {} of another handler's event {}",
                row.id, row.event_name
            ));
            return;
        }
        let Some(contact) = row.contact_id() else {
            return;
        };
        if self
            .seen
            .get(&contact)
            .is_none_or(|seen| *seen < stored.change)
        {
            self.report(format!(
                "{how} removed row {} ({}) of contact {contact}, which was not read after the row's latest change",
                row.id, row.event_name
            ));
        }
    }

    /// The client is about to write a contact.
    pub(crate) fn write(&mut self, contact: u64, changes: bool, fields: &str) {
        if !changes {
            self.report(format!(
                "write that changes nothing: contact {contact}, {fields}"
            ));
        }
        match (self.seen.get(&contact), self.foreign.get(&contact)) {
            (None, _) => self.report(format!("write without a read: contact {contact}, {fields}")),
            (Some(seen), Some(foreign)) if foreign > seen => self.report(format!(
                "write over somebody else's change that was not read: contact {contact}, {fields}"
            )),
            _ => {}
        }
    }

    /// A pair is renewed; `valid` tells whether its access token still was.
    pub(crate) fn renewed(&mut self, access_token: &str, valid: bool) {
        if valid && !self.told_to_renew.contains(access_token) {
            self.report(
                "token renewal although the access token was valid and nobody was told otherwise"
                    .to_owned(),
            );
        }
    }
}
