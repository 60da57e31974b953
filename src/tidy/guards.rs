//! What is known of guards on this portal: proved before their first use, given up where they prove
//! nothing, tried again a day later.

use std::sync::Arc;

use jiff::Timestamp;

use crate::{
    bitrix::{
        Problem, Reply,
        contacts::{self, Contact, Family},
    },
    clock::after,
    portal::Portal,
    store::{PlanFacts, StoreFault},
};

/// How many refusals that a fresh read contradicts prove that guards do not work here.
const FALSE_REFUSALS: u32 = 3;

/// How long guards that did not work are left alone before they are tried again, in seconds.
const TRIED_AGAIN_SECONDS: f64 = 86_400.0;

/// What is known of guards.
pub(super) struct Guards {
    portal: Arc<Portal>,
    /// Proved since the process started, by which methods.
    proven: Vec<Family>,
    work: Option<bool>,
    tried_at: Option<Timestamp>,
    /// Refusals that a fresh read contradicted, in a row.
    false_refusals: u32,
}

impl Guards {
    pub(super) fn new(portal: Arc<Portal>) -> Self {
        Self {
            portal,
            proven: Vec::new(),
            work: None,
            tried_at: None,
            false_refusals: 0,
        }
    }

    /// What is stored of them.
    pub(super) fn load(&mut self, facts: PlanFacts) {
        self.work = facts.guards_work;
        self.tried_at = facts.guards_tried_at;
    }

    /// Whether guards are known not to work here.
    pub(super) fn fail(&self) -> bool {
        self.work == Some(false)
    }

    /// Whether writes by these methods may rely on them.
    pub(super) fn are_proven(&self, family: Family) -> bool {
        self.proven.contains(&family)
    }

    /// Whether the next request by these methods has to prove that a guard can refuse.
    pub(super) fn need_proof(&self, family: Family) -> bool {
        !self.are_proven(family) && !self.fail()
    }

    /// Other methods are in use from here on: what was learnt held for those before.
    pub(super) fn forget(&mut self) {
        *self = Self::new(self.portal.clone());
    }

    /// Takes in the answer for a guard that cannot hold, of a contact that was answered beside it.
    pub(super) async fn conclude(
        &mut self,
        contact_id: u64,
        family: Family,
        answer: Result<Reply, Problem>,
    ) -> Result<(), StoreFault> {
        let Ok(reply) = answer else {
            return Ok(());
        };
        match contacts::read_list(family, reply.result, None) {
            Ok(list) if list.is_empty() => {
                self.prove(family);
                if self.work.is_none() {
                    self.work = Some(true);
                    self.store().await?;
                }
                Ok(())
            }
            Ok(_) => {
                let said =
                    format!("contact {contact_id} was answered under a condition that cannot hold");
                self.give_up(&said).await
            }
            // What cannot be read proves nothing.
            Err(_) => Ok(()),
        }
    }

    /// A guard let a write through.
    pub(super) fn held(&mut self) {
        self.false_refusals = 0;
    }

    /// A guard refused although a fresh read shows that nothing has changed.
    pub(super) async fn refused_falsely(&mut self) -> Result<(), StoreFault> {
        self.false_refusals += 1;
        if self.false_refusals < FALSE_REFUSALS {
            return Ok(());
        }
        self.give_up("guards refuse although nothing has changed")
            .await
    }

    /// Remembers for this portal that guards do not work, and says so once.
    async fn give_up(&mut self, said: &str) -> Result<(), StoreFault> {
        self.proven.clear();
        if self.fail() {
            return Ok(());
        }
        tracing::warn!(portal = %self.portal.config.name, said,
            "conditional updates do not work on this portal; each contact is written by a get and an update");
        self.work = Some(false);
        self.tried_at = Some(self.portal.now());
        self.store().await
    }

    /// Where guards did not work a day ago: tries them on a contact that was just read, with reads
    /// alone. Whoever cannot guard needs two requests a contact, so that a passing weakness of the
    /// portal must not last for years.
    pub(super) async fn work_again(&mut self, contact: &Contact) -> Result<bool, StoreFault> {
        let now = self.portal.now();
        let rested = |at| now >= after(at, TRIED_AGAIN_SECONDS) || now < at;
        let due = self.fail() && self.tried_at.is_none_or(rested);
        if !due || contact.modified.is_none() || contact.is_settled() != Some(true) {
            return Ok(false);
        }
        self.tried_at = Some(now);
        // A trial that comes to no end proves nothing; the next call meets the reason by itself.
        let works = matches!(self.portal.try_guards(contact).await, Ok(Ok(())));
        if works {
            self.work = Some(true);
            self.prove(contact.family);
            self.false_refusals = 0;
            tracing::info!(portal = %self.portal.config.name, "conditional updates work on this portal again");
        }
        self.store().await?;
        Ok(works)
    }

    fn prove(&mut self, family: Family) {
        if !self.are_proven(family) {
            self.proven.push(family);
        }
    }

    async fn store(&self) -> Result<(), StoreFault> {
        let change = |facts: &mut PlanFacts| {
            facts.guards_work = self.work;
            facts.guards_tried_at = self.tried_at;
        };
        self.portal.change_facts(change).await
    }
}
