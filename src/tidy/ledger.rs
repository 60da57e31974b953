//! What became of each contact, and of the rows that speak of it: kept where it has to last, and told
//! to whoever asked.

use std::sync::Arc;

use jiff::Timestamp;

use super::{contests::Contests, item::Item};
use crate::{
    clock::after,
    portal::{Portal, RetryPolicy},
    queue::Handled,
    store::StoreFault,
};

/// What became of each contact of a pass.
pub(super) struct Ledger {
    portal: Arc<Portal>,
    /// Contacts that cannot be done are kept on the list of failures.
    keeps_failures: bool,
    /// Contests whose truces end here.
    contests: Contests,
    handled: Vec<Handled>,
    parked: u64,
    /// Contacts that could not be done, with the reason, where nothing else remembers them.
    refused: Vec<(u64, String)>,
    /// Contacts without rows that were put off, where nothing else remembers them.
    put_off: Vec<u64>,
    /// A contact without rows was put off: what was swept is not complete.
    unsettled: bool,
}

impl Ledger {
    pub(super) fn new(portal: Arc<Portal>) -> Self {
        Self {
            contests: Contests::new(portal.clone()),
            portal,
            keeps_failures: true,
            handled: Vec::new(),
            parked: 0,
            refused: Vec::new(),
            put_off: Vec::new(),
            unsettled: false,
        }
    }

    /// A pass begins.
    pub(super) async fn begin(&mut self, keeps_failures: bool) -> Result<(), StoreFault> {
        self.keeps_failures = keeps_failures;
        self.contests.load().await
    }

    /// Drops what was counted and not told yet.
    pub(super) fn forget(&mut self) {
        self.handled.clear();
        self.parked = 0;
        self.refused.clear();
        self.put_off.clear();
        self.unsettled = false;
    }

    pub(super) fn contests(&mut self) -> &mut Contests {
        &mut self.contests
    }

    /// The contact is as it should be, or gone, or left alone, or written.
    pub(super) async fn settled(&mut self, item: Item) -> Result<(), StoreFault> {
        if self.keeps_failures {
            self.contests.settled(item.contact_id).await?;
            let store = self.portal.store();
            store.unpark(self.portal.id, &[item.contact_id]).await?;
        }
        self.handled.push(Handled::Settled(item.rows));
        Ok(())
    }

    /// The contact cannot be done for good: remembered first, its rows are acknowledged then.
    pub(super) async fn parked(&mut self, item: Item, reason: &str) -> Result<(), StoreFault> {
        if !self.keeps_failures {
            self.refused.push((item.contact_id, reason.to_owned()));
            return Ok(());
        }
        let (now, contact) = (self.portal.now(), item.contact_id);
        let chance = self.portal.chance();
        let later =
            move |attempts: u32| after(now, RetryPolicy::PARKED.delay(attempts - 1, &*chance));
        let (store, portal) = (self.portal.store(), self.portal.id);
        let attempts = store.park(portal, contact, reason, now, later).await?;
        if attempts == 1 {
            tracing::warn!(portal = %self.portal.config.name, contact, reason,
                "the portal refuses this contact; it is on the list of failures and tried again later");
        }
        self.contests.settled(contact).await?;
        self.parked += 1;
        self.handled.push(Handled::Settled(item.rows));
        Ok(())
    }

    /// Contacts wait until a moment through no fault of theirs: they are read and judged anew then.
    pub(super) async fn put_off(
        &mut self,
        items: Vec<Item>,
        until: Timestamp,
    ) -> Result<(), StoreFault> {
        let mut rows = Vec::new();
        for item in items {
            if item.rows.is_empty() {
                self.put_off_without_rows(item.contact_id, until).await?;
            }
            rows.extend(item.rows);
        }
        if !rows.is_empty() {
            self.handled.push(Handled::PutOff(rows, until));
        }
        Ok(())
    }

    /// A contact was tried in vain, and is tried again later. One without rows goes to the list of
    /// failures, as nothing else would remember it.
    pub(super) async fn failed(&mut self, item: Item) -> Result<(), StoreFault> {
        if item.rows.is_empty() {
            let reason = "it could not be read or written several times in a row";
            return self.parked(item, reason).await;
        }
        let delay = self.portal.delay(&RetryPolicy::CONTACTS, item.attempts());
        let until = after(self.portal.now(), delay);
        self.handled.push(Handled::Failed(item.rows, until));
        Ok(())
    }

    async fn put_off_without_rows(
        &mut self,
        contact: u64,
        until: Timestamp,
    ) -> Result<(), StoreFault> {
        self.unsettled = true;
        if !self.keeps_failures {
            self.put_off.push(contact);
            return Ok(());
        }
        let store = self.portal.store();
        store.postpone_parked(self.portal.id, contact, until).await
    }

    /// What is to be given back to the queue.
    pub(super) fn handled(&mut self) -> Vec<Handled> {
        std::mem::take(&mut self.handled)
    }

    /// Contacts that were parked.
    pub(super) fn count_parked(&self) -> u64 {
        self.parked
    }

    /// Contacts that could not be done, with the reason, where no list keeps them.
    pub(super) fn refused(&mut self) -> Vec<(u64, String)> {
        std::mem::take(&mut self.refused)
    }

    /// Contacts that wait, where no list keeps them.
    pub(super) fn take_put_off(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.put_off)
    }

    /// These wait all the same.
    pub(super) fn still_put_off(&mut self, contacts: Vec<u64>) {
        self.put_off = contacts;
    }

    /// Whether a contact without rows had to be put off since this was asked last.
    pub(super) fn take_unsettled(&mut self) -> bool {
        std::mem::take(&mut self.unsettled)
    }
}
