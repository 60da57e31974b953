//! What a pass has in hand, and what becomes of it. Pure.

use std::collections::{BTreeMap, HashMap, hash_map::Entry};

use jiff::Timestamp;

use crate::{
    bitrix::{
        Problem,
        contacts::Contact,
        events::{ProcessId, RowId, RowIds},
    },
    contact::FieldChange,
    store::StoredEvent,
};

/// A row of the queue that is ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// Its id.
    pub id: RowId,
    /// The reservation that holds it; none where it was taken away from the portal.
    pub process: Option<ProcessId>,
    /// How often its contact was tried in vain before.
    pub attempts: u32,
}

/// A contact that has to be looked at, with the rows that speak of it.
#[derive(Debug, Clone, PartialEq, Eq)]
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
}

impl Item {
    /// A contact without rows, as refused ones are when their time has come.
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
    }

    /// Tries in vain so far, before this pass.
    pub(super) fn attempts(&self) -> u32 {
        self.rows.iter().map(|row| row.attempts).max().unwrap_or(0)
    }

    /// The ids of its rows.
    pub(super) fn row_ids(&self) -> Vec<u64> {
        self.rows.iter().map(|row| row.id.get()).collect()
    }
}

/// A contact that was read and has to be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
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
/// second: nothing can be done about them, so that they are settled.
pub(super) fn group(events: impl IntoIterator<Item = StoredEvent>) -> (Vec<Item>, Vec<Row>) {
    let mut items: Vec<Item> = Vec::new();
    let mut position: HashMap<u64, usize> = HashMap::new();
    let mut nameless = Vec::new();
    for event in events {
        let Some(id) = RowId::new(event.row_id) else {
            continue;
        };
        let process = event.process_id.and_then(ProcessId::new);
        let row = Row {
            id,
            process,
            attempts: event.attempts,
        };
        let Some(contact_id) = event.contact_id else {
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

/// Rows that are settled and wait for their acknowledgement.
#[derive(Debug, Default)]
pub(super) struct Settled {
    by_process: BTreeMap<ProcessId, Vec<RowId>>,
    taken: Vec<u64>,
}

/// The most rows that one acknowledgement names. PHP reads no more than `max_input_vars` values from
/// a command (1000 as it comes), and says nothing about the others: they would stay reserved.
const MOST_ACKNOWLEDGED: usize = 900;

impl Settled {
    pub(super) fn add(&mut self, rows: impl IntoIterator<Item = Row>) {
        for row in rows {
            match row.process {
                Some(process) => self.by_process.entry(process).or_default().push(row.id),
                // It left the portal when it was taken: the store alone has to forget it.
                None => self.taken.push(row.id.get()),
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_process.is_empty() && self.taken.is_empty()
    }

    /// Rows that only the store has to forget.
    pub(super) fn take_local(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.taken)
    }

    /// The acknowledgements to send, each small enough for a request.
    pub(super) fn portions(&self) -> impl Iterator<Item = (ProcessId, RowIds, Vec<u64>)> + '_ {
        self.by_process.iter().flat_map(|(process, rows)| {
            rows.chunks(MOST_ACKNOWLEDGED).filter_map(|chunk| {
                let ids = chunk.iter().map(|row| row.get()).collect();
                Some((process.clone(), RowIds::new(chunk.to_vec())?, ids))
            })
        })
    }

    /// The portal has confirmed these rows of a reservation.
    pub(super) fn confirmed(&mut self, process: &ProcessId, rows: &[u64]) {
        if let Some(waiting) = self.by_process.get_mut(process) {
            waiting.retain(|row| !rows.contains(&row.get()));
            if waiting.is_empty() {
                self.by_process.remove(process);
            }
        }
    }
}

/// What a problem with one contact means for its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fate {
    /// The contact is gone: acknowledge.
    Settled,
    /// Look at the contact again.
    LookAgain,
    /// The portal refuses it for good: remember, then acknowledge.
    Parked(String),
    /// The method is blocked: later, and not the contact's fault.
    Blocked,
    /// It concerns the whole portal.
    Everybody(Problem),
}

/// Sorts a problem with one contact.
pub(super) fn fate(problem: Problem) -> Fate {
    match problem {
        Problem::Gone => Fate::Settled,
        Problem::MethodBlocked => Fate::Blocked,
        Problem::Failed(_) | Problem::Unclear(_) | Problem::InvalidId(_) => Fate::LookAgain,
        Problem::Refused(_) | Problem::Denied(_) | Problem::Misuse(_) | Problem::AlreadyBound => {
            Fate::Parked(problem.to_string())
        }
        other => Fate::Everybody(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(row_id: u64, contact_id: Option<u64>) -> StoredEvent {
        StoredEvent {
            row_id,
            process_id: Some("p".to_owned()),
            taken: true,
            error: false,
            event_name: "ONCRMCONTACTADD".to_owned(),
            contact_id,
            changed_at: None,
            attempts: 0,
            next_try_at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn the_rows_of_a_contact_travel_together() {
        let (items, nameless) = group([
            event(1, Some(82)),
            event(2, Some(85)),
            event(3, Some(82)),
            event(4, None),
        ]);
        let rows: Vec<_> = items
            .iter()
            .map(|item| (item.contact_id, item.row_ids()))
            .collect();
        assert_eq!(rows, [(82, vec![1, 3]), (85, vec![2])]);
        assert_eq!(nameless.len(), 1);
    }

    #[test]
    fn a_contact_in_hand_takes_over_new_rows() {
        let (mut items, _) = group([event(1, Some(82)), event(2, Some(85))]);
        items[0].looks = 2;
        items.extend(group([event(3, Some(82))]).0);
        let merged: Vec<_> = one_each(items)
            .into_iter()
            .map(|item| (item.contact_id, item.row_ids(), item.looks))
            .collect();
        assert_eq!(merged, [(82, vec![1, 3], 2), (85, vec![2], 0)]);
    }

    #[test]
    fn acknowledgements_are_split_and_forgotten_only_when_confirmed() {
        let mut settled = Settled::default();
        let (items, _) = group((1..=2000).map(|row| event(row, Some(row))));
        settled.add(items.into_iter().flat_map(|item| item.rows));
        let portions: Vec<_> = settled.portions().collect();
        assert_eq!(
            portions
                .iter()
                .map(|(_, _, ids)| ids.len())
                .collect::<Vec<_>>(),
            [900, 900, 200]
        );
        let (process, _, ids) = &portions[0];
        settled.confirmed(process, ids);
        assert_eq!(
            settled
                .portions()
                .map(|(_, _, ids)| ids.len())
                .sum::<usize>(),
            1100
        );
    }
}
