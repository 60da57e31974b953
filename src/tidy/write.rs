//! The guarded writes of a request: conditional pairs, and how a correction has to travel.

use std::collections::VecDeque;

use super::{guards::Guards, item::Correction};
use crate::bitrix::{Batch, BatchAnswer, batch::Guarded, call::is_reference, contacts};

/// Contacts in one request at most: two commands each, and room for acknowledgements.
pub(super) const MOST_CONTACTS: usize = 24;

/// After this many looks in one pass guards that cannot be proved, or a `DATE_MODIFY` that lies in the
/// portal's own future, are given up on.
const GUARDED_LOOKS: u32 = 3;

/// How a correction has to travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// As a conditional pair.
    Guarded,
    /// By a get and an update.
    Plain,
    /// The read is too fresh to guard a write, or the guard is not proved yet.
    ReadAgain,
}

/// How a correction has to travel.
pub(super) fn way(guards: &Guards, correction: &Correction) -> Way {
    let Correction { item, contact, .. } = correction;
    let fields = correction.fields();
    let in_batch = !fields.iter().any(|(_, value)| is_reference(value));
    let cannot = guards.fail()
        // Not those which the other methods see: their lists may well show them.
        || item.missing_from_list && item.by.is_none()
        || item.is_lone()
        || item.plainly
        || contact.modified.is_none();
    let looked_enough = item.looks >= GUARDED_LOOKS;
    match contact.is_settled() {
        _ if cannot || !in_batch => Way::Plain,
        None => Way::Plain,
        Some(false) if looked_enough && contact.is_from_the_future() => Way::Plain,
        Some(false) => Way::ReadAgain,
        Some(true) if guards.are_proven(contact.family) => Way::Guarded,
        Some(true) if looked_enough => Way::Plain,
        Some(true) => Way::ReadAgain,
    }
}

/// The guarded writes of a request.
#[derive(Debug, Default)]
pub(super) struct Writes(Vec<Correction>);

impl Writes {
    /// Takes as many corrections as fit, `most` at most, each as a conditional pair.
    pub(super) fn put(
        to_write: &mut VecDeque<Correction>,
        guards: &Guards,
        most: usize,
        batch: &mut Batch,
    ) -> Self {
        let mut writes = Self::default();
        while writes.0.len() < most {
            let Some(correction) = to_write.front() else {
                break;
            };
            if way(guards, correction) != Way::Guarded {
                break;
            }
            let contact = &correction.contact;
            let modified = contact.modified.as_deref().unwrap_or_default();
            let fields = correction.fields();
            let pair = contacts::guarded_update(contact.family, contact.id, modified, &fields);
            if !batch.push_guarded(&pair) {
                break;
            }
            writes.0.extend(to_write.pop_front());
        }
        writes
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Correction> {
        self.0.iter()
    }

    /// What it was to write, the request having brought no answer.
    pub(super) fn corrections(self) -> Vec<Correction> {
        self.0
    }

    /// What the pairs answered.
    pub(super) fn redeem(self, answer: &mut BatchAnswer) -> Vec<(Correction, Guarded)> {
        let redeem = |correction: Correction| {
            let outcome = answer.take_guarded(correction.contact.id);
            (correction, outcome)
        };
        self.0.into_iter().map(redeem).collect()
    }
}
