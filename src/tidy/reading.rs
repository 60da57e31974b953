//! The contacts in hand that have to be read.

use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;

use super::{
    item::Item,
    read::{MOST_PAGES, Reads, Wish, divide},
    size::Cap,
};
use crate::{
    bitrix::{Batch, contacts::Family, limits::Step},
    portal::Portal,
};

/// Contacts whose reading failed are read alone from then on; so many are remembered.
const MOST_SUSPECTS: usize = 1000;

/// The contacts in hand that have to be read.
pub(super) struct Reading {
    portal: Arc<Portal>,
    waiting: Vec<Item>,
    /// Pages that a request reads at most.
    pages: Cap<MOST_PAGES>,
    /// Contacts that no page could be read with.
    suspects: BTreeSet<u64>,
}

impl Reading {
    pub(super) fn new(portal: Arc<Portal>) -> Self {
        Self {
            portal,
            waiting: Vec::new(),
            pages: Cap::default(),
            suspects: BTreeSet::new(),
        }
    }

    /// Drops what is in hand.
    pub(super) fn clear(&mut self) {
        self.waiting.clear();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Takes contacts in hand that come from outside.
    pub(super) fn take(&mut self, items: impl IntoIterator<Item = Item>) {
        for mut item in items {
            if self.suspects.contains(&item.contact_id) {
                item.company = Some(1);
            }
            self.waiting.push(item);
        }
    }

    /// A contact has to be read once more.
    pub(super) fn again(&mut self, item: Item) {
        self.waiting.push(item);
    }

    /// Contacts whose reading failed: each half is read without the other.
    pub(super) fn divide(&mut self, items: Vec<Item>) {
        self.waiting.extend(divide(items));
    }

    /// No page can be read with this contact: from now on it is read alone.
    pub(super) fn suspect(&mut self, contact: u64) {
        if self.suspects.len() < MOST_SUSPECTS {
            self.suspects.insert(contact);
        }
    }

    /// When the first contact may be read that has to wait for the next second.
    pub(super) fn next_look(&self) -> Option<Timestamp> {
        self.waiting.iter().filter_map(|item| item.not_before).min()
    }

    /// Puts reads into a request, as many as fit and are due. By the `unproven` methods it has to prove
    /// that a guard can refuse.
    pub(super) fn put(&mut self, unproven: Vec<Family>, batch: &mut Batch) -> Reads {
        let family = self.portal.contacts();
        let seconds = self.portal.config.batch_seconds;
        let wish = Wish {
            family,
            now: self.portal.now(),
            pages: self
                .pages
                .fit(seconds, self.portal.cost(Step::page(family))),
            proofs: unproven,
        };
        Reads::put(&mut self.waiting, &wish, batch)
    }

    /// A request with these reads was answered: its size was right.
    pub(super) fn worked(&mut self, reads: &Reads) {
        self.pages.worked(reads.pages());
    }

    /// A request with these reads was cut off, or its answer was lost: the next one is smaller.
    pub(super) fn lost(&mut self, reads: &Reads) {
        self.pages.shrink(reads.pages());
    }
}
