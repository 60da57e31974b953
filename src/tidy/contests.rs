//! Other robots: a contact whose name somebody's automation keeps changing back is left to it for a
//! while.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;

use crate::{
    clock::after,
    contact::FieldChange,
    portal::Portal,
    store::{Contested, StoreFault, Truce},
};

/// How matters stand with a contact that was fought over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// Left alone until then.
    Truce,
    /// The truce is over: it is looked at once more.
    Due,
    /// It was looked at; our writes count from then on.
    Resumed(Timestamp),
}

/// The contacts over which there is, or was, a contest.
pub(super) struct Contests {
    portal: Arc<Portal>,
    standings: BTreeMap<u64, Standing>,
}

impl Contests {
    pub(super) fn new(portal: Arc<Portal>) -> Self {
        Self {
            portal,
            standings: BTreeMap::new(),
        }
    }

    /// Learns which contacts are left alone.
    pub(super) async fn load(&mut self) -> Result<(), StoreFault> {
        let (store, now) = (self.portal.store(), self.portal.now());
        let period = self.period();
        let horizon = after(now, period);
        let truces = store.truces(self.portal.id).await?.into_iter();
        self.standings = truces
            .map(|truce| (truce.contact_id, standing(truce, now, horizon)))
            .collect();
        if !self.standings.is_empty() {
            store
                .forget_contests(self.portal.id, after(now, -period))
                .await?;
        }
        Ok(())
    }

    /// The contacts whose truce is over.
    pub(super) fn due(&self) -> Vec<u64> {
        let due = |standing: &Standing| *standing == Standing::Due;
        let standings = self.standings.iter();
        standings
            .filter(|(_, standing)| due(standing))
            .map(|(contact, _)| *contact)
            .collect()
    }

    /// Whether a contact is left alone for now.
    pub(super) fn has_truce(&self, contact: u64) -> bool {
        self.standings.get(&contact) == Some(&Standing::Truce)
    }

    /// Whether a contact that needs these changes has to be left alone. Where we have just written it
    /// once too often, and `begins`, that is remembered.
    pub(super) async fn keeps_from(
        &mut self,
        contact: u64,
        changes: &[FieldChange],
        begins: bool,
    ) -> Result<bool, StoreFault> {
        let now = self.portal.now();
        let period = self.period();
        let mut counted_from = after(now, -period);
        match self.standings.get(&contact) {
            Some(Standing::Truce) => return Ok(true),
            Some(Standing::Due) => return Ok(false),
            Some(Standing::Resumed(at)) => counted_from = counted_from.max(*at),
            None => {}
        }
        let (store, portal) = (self.portal.store(), self.portal.id);
        let writes = store
            .writes_since(portal, contact, counted_from, now)
            .await?;
        if writes < self.portal.config.contest.writes {
            return Ok(false);
        }
        if !begins {
            return Ok(true);
        }
        let until = after(now, period);
        let joined = |value: fn(&FieldChange) -> &str| {
            let values: Vec<&str> = changes.iter().map(value).collect();
            values.join(" ")
        };
        let contested = Contested {
            contact_id: contact,
            ours: joined(|change| &change.new),
            theirs: joined(|change| &change.old),
            since: now,
            until,
        };
        store.contest(portal, &contested).await?;
        self.standings.insert(contact, Standing::Truce);
        tracing::warn!(portal = %self.portal.config.name, contact, writes, %until,
            "somebody keeps changing this contact's name back; it is left alone for a while");
        Ok(true)
    }

    /// A contact was looked at and settled: where its truce was over a new count begins.
    pub(super) async fn settled(&mut self, contact: u64) -> Result<(), StoreFault> {
        if self.standings.get(&contact) != Some(&Standing::Due) {
            return Ok(());
        }
        // A write of this very moment counts already.
        let counted_from = after(self.portal.now(), -0.001);
        let (store, portal) = (self.portal.store(), self.portal.id);
        store.resume_contest(portal, contact, counted_from).await?;
        self.standings
            .insert(contact, Standing::Resumed(counted_from));
        Ok(())
    }

    fn period(&self) -> f64 {
        self.portal.config.contest.period.as_secs_f64()
    }
}

/// A truce that reaches further than any could was made before the clock was set back.
fn standing(truce: Truce, now: Timestamp, horizon: Timestamp) -> Standing {
    match truce.resumed_at {
        Some(at) => Standing::Resumed(at),
        None if truce.until > now && truce.until <= horizon => Standing::Truce,
        None => Standing::Due,
    }
}
