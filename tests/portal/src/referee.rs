//! The referee: watches, while the portal works, whether the client keeps its promises.

use std::collections::{HashMap, HashSet};

use crate::queue::{Queue, Stored};

/// What a request showed to the client. It counts once the answer has gone out whole.
#[derive(Default)]
pub(crate) struct Shown {
    /// Contacts that were read (or answered as gone or denied), with the number of the portal's
    /// latest change at that moment.
    pub(crate) contacts: Vec<(u64, u64)>,
    /// Queue rows that `event.offline.list` showed.
    pub(crate) listed: Vec<u64>,
    /// The access token whose holder was told to renew it.
    pub(crate) told_to_renew: Option<String>,
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
    /// Rows that were taken away after they had been listed, with their contact and change: the
    /// contact is still to be read.
    owed: Vec<(u64, u64, u64)>,
}

impl Referee {
    /// Rows taken away whose contact was not read since, in plain words.
    pub(crate) fn debts(&self) -> Vec<String> {
        let unpaid = self
            .owed
            .iter()
            .filter(|(_, contact, change)| self.seen.get(contact).is_none_or(|seen| seen < change));
        unpaid
            .map(|(row, contact, _)| {
                format!("row {row} was taken away, contact {contact} was not read since")
            })
            .collect()
    }

    /// A row that was listed is taken away: its contact has to be read after this.
    pub(crate) fn taken(&mut self, stored: &Stored, how: &str) {
        match stored.row.contact_id() {
            Some(contact) if is_ours(&stored.row.event_name) => {
                self.owed.push((stored.row.id, contact, stored.change));
            }
            _ => self.acknowledged(stored, how),
        }
    }

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

    /// A row leaves the queue on the client's word. `how` names the call.
    pub(crate) fn acknowledged(&mut self, stored: &Stored, how: &str) {
        let row = &stored.row;
        if !is_ours(&row.event_name) {
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

fn is_ours(event: &str) -> bool {
    matches!(event, "ONCRMCONTACTADD" | "ONCRMCONTACTUPDATE")
}
