//! What is in hand: a contact that has to be looked at, or one that has to be changed.

use std::collections::{HashMap, hash_map::Entry};

use jiff::Timestamp;

use crate::{
    bitrix::contacts::{Contact, Family},
    contact::FieldChange,
    queue::Row,
};

/// A contact that has to be looked at, with the rows that speak of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Item {
    /// The contact.
    pub contact_id: u64,
    /// Its rows; none for a contact that is tried without an event.
    pub rows: Vec<Row>,
    /// How often it was read in this pass.
    pub looks: u32,
    /// How often it met a temporary problem in this pass.
    pub stumbles: u32,
    /// Not to be read before.
    pub not_before: Option<Timestamp>,
    /// The `DATE_MODIFY` at which the guard refused last, or the portal failed over it.
    pub refused_at: Option<String>,
    /// Its guard was refused although nothing had changed: it is written by get and update.
    pub plainly: bool,
    /// A list did not answer it: it is read by get, and a guard (which is a list) cannot see it.
    pub missing_from_list: bool,
    /// The methods that see it, where those in use do not: it is read by their get.
    pub by: Option<Family>,
    /// A request failed that read it: it is read with so many contacts at most, itself included.
    pub company: Option<usize>,
}

impl Item {
    /// A contact without rows, as those are that no event speaks of.
    pub(super) fn without_rows(contact_id: u64) -> Self {
        Self {
            contact_id,
            rows: Vec::new(),
            looks: 0,
            stumbles: 0,
            not_before: None,
            refused_at: None,
            plainly: false,
            missing_from_list: false,
            by: None,
            company: None,
        }
    }

    /// Takes over what is known of the same contact.
    fn merge(&mut self, other: Self) {
        self.rows.extend(other.rows);
        self.looks = self.looks.max(other.looks);
        self.stumbles = self.stumbles.max(other.stumbles);
        self.not_before = self.not_before.max(other.not_before);
        self.refused_at = self.refused_at.take().or(other.refused_at);
        self.plainly |= other.plainly;
        self.missing_from_list |= other.missing_from_list;
        self.by = self.by.or(other.by);
        self.company = match (self.company, other.company) {
            (Some(one), Some(two)) => Some(one.min(two)),
            (one, two) => one.or(two),
        };
    }

    /// Tries in vain so far, before this pass.
    pub(super) fn attempts(&self) -> u32 {
        self.rows.iter().map(Row::attempts).max().unwrap_or(0)
    }

    /// Whether it was found to be what a request failed over: nobody else is read with it.
    pub(super) fn is_lone(&self) -> bool {
        self.company == Some(1)
    }
}

/// A contact that was read and has to be changed.
#[derive(Debug)]
pub(super) struct Correction {
    pub item: Item,
    pub contact: Contact,
    pub changes: Vec<FieldChange>,
}

impl Correction {
    /// Notes that its guard refused, or that the portal failed over it. Answers whether that is the
    /// second time although nothing has changed in between: then the guard itself is wrong.
    pub(super) fn was_refused_again(&mut self) -> bool {
        let modified = &self.contact.modified;
        let again = modified.is_some() && self.item.refused_at == *modified;
        self.item.refused_at.clone_from(modified);
        self.item.plainly |= again;
        again
    }

    /// The fields and values to send: what changes, and nothing else.
    pub(super) fn fields(&self) -> Vec<(&'static str, String)> {
        self.changes
            .iter()
            .map(|change| (change.field.as_str(), change.new.clone()))
            .collect()
    }
}

/// Rows by contact, in the order in which the contacts first appear. Rows that name no contact come
/// second: nothing can be done about them.
pub(super) fn group(rows: Vec<Row>) -> (Vec<Item>, Vec<Row>) {
    let mut items: Vec<Item> = Vec::new();
    let mut position: HashMap<u64, usize> = HashMap::new();
    let mut nameless = Vec::new();
    for row in rows {
        let Some(contact_id) = row.subject() else {
            nameless.push(row);
            continue;
        };
        let at = *position.entry(contact_id).or_insert_with(|| {
            items.push(Item::without_rows(contact_id));
            items.len() - 1
        });
        items[at].rows.push(row);
    }
    (items, nameless)
}

/// The same contacts, each once: new rows may arrive for one that is to be looked at again. Twice in
/// one list, a contact would be answered once and look as if it were missing.
pub(super) fn one_each(items: Vec<Item>) -> Vec<Item> {
    let mut position: HashMap<u64, usize> = HashMap::with_capacity(items.len());
    let mut each: Vec<Item> = Vec::with_capacity(items.len());
    for item in items {
        match position.entry(item.contact_id) {
            Entry::Occupied(at) => each[*at.get()].merge(item),
            Entry::Vacant(place) => {
                place.insert(each.len());
                each.push(item);
            }
        }
    }
    each
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contact_that_is_put_in_hand_twice_is_read_once() {
        let mut first = Item::without_rows(82);
        first.looks = 2;
        let mut second = Item::without_rows(82);
        second.company = Some(5);
        let each = one_each(vec![first, Item::without_rows(85), second]);
        let each: Vec<_> = each
            .iter()
            .map(|item| (item.contact_id, item.looks, item.company))
            .collect();
        assert_eq!(each, [(82, 2, Some(5)), (85, 0, None)]);
    }
}
