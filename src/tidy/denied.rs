//! Contacts whose write was denied: is it those contacts, or the account?

use std::{collections::BTreeSet, sync::Arc};

use super::item::Item;
use crate::{
    bitrix::{Problem, Said},
    portal::Portal,
    store::StoreFault,
};

/// From this many contacts on, denied in a row without a success in between, it is the account.
pub(super) const DENIED_FOR_ALL: usize = 3;

/// So many denied contacts are kept in hand before it is decided what they mean.
const MOST_KEPT: usize = 100;

/// Contacts whose write was denied.
pub(super) struct Denied {
    portal: Arc<Portal>,
    kept: Vec<(Item, String)>,
    /// How many of them were denied before the last write that was let through.
    before_success: usize,
}

/// What denied contacts mean.
pub(super) enum Meaning {
    /// Each for itself, with the reason.
    These(Vec<(Item, String)>),
    /// The account may not change contacts.
    Account(Vec<Item>),
}

impl Denied {
    pub(super) fn new(portal: Arc<Portal>) -> Self {
        Self {
            portal,
            kept: Vec::new(),
            before_success: 0,
        }
    }

    /// A pass begins. What the last one kept is in the store.
    pub(super) fn begin(&mut self) {
        self.kept.clear();
        self.before_success = 0;
    }

    /// A write was denied.
    pub(super) fn add(&mut self, item: Item, problem: &Problem) {
        self.kept.push((item, problem.to_string()));
    }

    /// A write was let through.
    pub(super) fn success(&mut self) {
        self.before_success = self.kept.len();
    }

    /// Whether it is to be decided now: everything else is done, or there are many.
    pub(super) fn is_due(&self, all_done: bool) -> bool {
        !self.kept.is_empty() && (all_done || self.kept.len() >= MOST_KEPT)
    }

    /// Decides by the contacts that were denied in a row, in earlier passes as well.
    pub(super) async fn decide(&mut self) -> Result<Meaning, StoreFault> {
        let kept = std::mem::take(&mut self.kept);
        let in_a_row = &kept[std::mem::take(&mut self.before_success).min(kept.len())..];
        let is_news = in_a_row.iter().any(|(item, _)| !item.rows.is_empty());
        let now: BTreeSet<u64> = in_a_row.iter().map(|(item, _)| item.contact_id).collect();
        if is_news && now.len() < DENIED_FOR_ALL {
            let earlier = self.earlier(DENIED_FOR_ALL - now.len(), &now).await?;
            if now.len() + earlier < DENIED_FOR_ALL {
                return Ok(Meaning::These(kept));
            }
        } else if now.len() < DENIED_FOR_ALL {
            return Ok(Meaning::These(kept));
        }
        let items = kept.into_iter().map(|(item, _)| item);
        Ok(Meaning::Account(items.collect()))
    }

    /// How many other contacts, `most` at most, were denied without a write being let through since.
    async fn earlier(&self, most: usize, now: &BTreeSet<u64>) -> Result<usize, StoreFault> {
        let (store, portal) = (self.portal.store(), self.portal.id);
        let words = Problem::Denied(Said {
            code: String::new(),
            text: String::new(),
        });
        let words = words.to_string();
        let words = words.split(':').next().unwrap_or_default();
        let mut denied = store.parked(portal).await?;
        denied.retain(|it| it.reason.starts_with(words) && !now.contains(&it.contact_id));
        denied.sort_by_key(|it| std::cmp::Reverse(it.parked_at));
        let mut count = 0;
        for parked in denied.iter().take(most) {
            let at = parked.parked_at;
            let written = store.contacts_written_since(portal, at, self.portal.now());
            if written.await? > 0 {
                break;
            }
            count += 1;
        }
        Ok(count)
    }
}
