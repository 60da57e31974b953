//! A portal's conditions over time: each with the moment it began, stored, and told when it begins, when
//! it changes and when it ends.

use std::sync::Arc;

use jiff::Timestamp;

use super::{HostBook, standing, told};
use crate::{
    condition::{Condition, Kind, Trouble, changes},
    config::PortalConfig,
    store::{RunTotals, Store, StoreFault},
};

/// What a drain has proved by what it did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::service) struct Proof {
    /// Events were settled: their contacts could be read.
    pub(in crate::service) read: bool,
    /// Contacts were changed.
    pub(in crate::service) wrote: bool,
}

impl Proof {
    /// What a drain with these totals has proved.
    pub(in crate::service) fn of(totals: RunTotals) -> Self {
        Self {
            read: totals.events > 0,
            wrote: totals.changed > 0,
        }
    }

    /// Whether a condition that was found before is over. Rights that were missing are not there again
    /// because nothing was tried.
    fn ends(self, kind: Kind) -> bool {
        match kind {
            Kind::NoReadRight => self.read || self.wrote,
            Kind::NoWriteRight => self.wrote,
            _ => true,
        }
    }
}

/// A portal's conditions, as a process finds them.
pub(in crate::service) struct Ledger {
    config: Arc<PortalConfig>,
    host: HostBook,
    /// As they were told last; none before the first look.
    told: Option<Vec<Condition>>,
    /// Whoever was at work before us has told them.
    takes_over: bool,
}

impl Ledger {
    /// The ledger of a process that has told nobody anything yet.
    pub(in crate::service) fn new(config: Arc<PortalConfig>, host: HostBook) -> Self {
        Self {
            config,
            host,
            told: None,
            takes_over: false,
        }
    }

    /// Goes on where another ledger stopped: what is stored was told.
    pub(in crate::service) fn taking_over(self) -> Self {
        Self {
            takes_over: true,
            ..self
        }
    }

    /// The host's conditions.
    pub(in crate::service) fn host(&self) -> &HostBook {
        &self.host
    }

    /// This is what a look at the portal found and proved. Answers all its conditions, those that the state file
    /// shows by itself included.
    pub(in crate::service) async fn note(
        &mut self,
        store: &Store,
        found: &[Trouble],
        proof: Proof,
        now: Timestamp,
    ) -> Vec<Condition> {
        match self.look(store, found, proof, now).await {
            Ok((before, all)) => {
                self.host.works(now);
                self.tell(before, &all, now);
                all
            }
            Err(fault) => {
                self.host.failed(&fault, now);
                self.told.clone().unwrap_or_default()
            }
        }
    }

    /// What stood in the store before, and everything that is so now, which is stored.
    async fn look(
        &self,
        store: &Store,
        found: &[Trouble],
        proof: Proof,
        now: Timestamp,
    ) -> Result<(Vec<Condition>, Vec<Condition>), StoreFault> {
        let config = &*self.config;
        let record = store
            .find_portal(config.url.as_str(), &config.client_id)
            .await?;
        let before = match &record {
            Some(record) => store.conditions(record.id).await?,
            None => Vec::new(),
        };
        let began = |trouble: &Trouble| {
            let known = before.iter().find(|it| it.kind == trouble.kind);
            known.map_or(now, |it| it.since)
        };
        let name = Some(config.name.as_str());
        let mut list: Vec<Condition> = found.iter().map(|it| it.since(began(it), name)).collect();
        if let Some(record) = &record
            && before.iter().any(|it| !proof.ends(it.kind))
            && store.backlog(record.id).await?.rows > 0
        {
            let kept = before.iter().filter(|it| !proof.ends(it.kind));
            let kept = kept.filter(|it| !found.iter().any(|found| found.kind == it.kind));
            list.extend(kept.cloned());
        }
        list.extend(standing::beginnings(&before, &list));
        let all = standing::with_found(store, config, record.as_ref(), list, now).await?;
        if let Some(record) = &record
            && all != before
        {
            store.set_conditions(record.id, &all).await?;
        }
        Ok((before, all))
    }

    fn tell(&mut self, before: Vec<Condition>, all: &[Condition], now: Timestamp) {
        let name = Some(self.config.name.as_str());
        let told = match self.told.take() {
            None if self.takes_over => before,
            // A new process tells everything that is so, and what has come right while none was at work.
            None => before
                .into_iter()
                .filter(|it| !all.iter().any(|now| now.kind == it.kind))
                .collect(),
            Some(told) => told,
        };
        for change in changes(&told, all) {
            told::log(name, change, now);
        }
        self.told = Some(all.to_vec());
    }
}
