//! By which family of methods contacts are read and written: asked within the hourly survey, and anew
//! when the portal refuses the one in use.

use std::sync::Arc;

use crate::{
    bitrix::{
        Problem, Reply,
        contacts::{self, Family},
    },
    portal::{Portal, contacts_in_use},
    store::{PlanFacts, StoreFault},
};

/// The command that asks whether the portal has contacts as items.
pub(super) const ITEMS: &str = "items";

/// What is known of the families that the portal has.
pub(super) struct Families {
    portal: Arc<Portal>,
    /// It has contacts as items.
    has_items: Option<bool>,
    /// The one in use, as the log was told.
    told: Option<Family>,
}

impl Families {
    pub(super) fn new(portal: Arc<Portal>) -> Self {
        Self {
            portal,
            has_items: None,
            told: None,
        }
    }

    /// What is stored of them.
    pub(super) fn load(&mut self, facts: PlanFacts) {
        self.has_items = facts.has_items;
    }

    /// Takes in the answer to [`contacts::question`], and goes over to the methods that configuration
    /// and portal ask for; nothing is stored.
    pub(super) fn look(&mut self, facts: PlanFacts, answer: Result<Reply, Problem>) -> PlanFacts {
        self.has_items = contacts::has_items(answer).or(facts.has_items);
        let facts = PlanFacts {
            has_items: self.has_items,
            ..facts
        };
        if let Some(family) = contacts_in_use(&self.portal.config, facts) {
            self.portal.use_contacts(family);
        }
        facts
    }

    /// The same, and remembers it. Answers whether other methods are in use than were before: what was
    /// learnt of conditional updates holds for those alone.
    pub(super) async fn learn(
        &mut self,
        answer: Result<Reply, Problem>,
    ) -> Result<bool, StoreFault> {
        let known = self.portal.store().portal(self.portal.id).await?.facts;
        let mut facts = self.look(known, answer);
        let Some(family) = contacts_in_use(&self.portal.config, facts) else {
            return Ok(false);
        };
        let uses_items = family == Family::Universal;
        // Older versions knew the classic ones alone, and noted what they learnt of guards.
        let changed = known.uses_items.unwrap_or(false) != uses_items;
        if changed {
            facts.guards_work = None;
            facts.guards_tried_at = None;
        }
        facts.uses_items = Some(uses_items);
        self.portal.change_facts(|stored| *stored = facts).await?;
        if self.told != Some(family) {
            self.told = Some(family);
            tracing::info!(portal = %self.portal.config.name, contacts_api = %family,
                "contacts are read by {} and written by {}", family.list(), family.update());
        }
        Ok(changed)
    }

    /// The other family, where it may see a contact that the one in use does not find: the classic
    /// methods see contacts of category 0 alone, and events speak of all.
    pub(super) fn further(&self) -> Option<Family> {
        let classic = self.portal.contacts() == Family::Classic;
        (classic && self.has_items == Some(true)).then_some(Family::Universal)
    }
}
