//! What is known of guards on this portal: proved before their first use, given up where they prove
//! nothing, tried again a day later.

use super::{Drain, DrainFailure, Pass};
use crate::{
    bitrix::{
        BatchAnswer, Said,
        contacts::{self, Contact, Family},
    },
    clock::after,
};

/// How many refusals that a fresh read contradicts prove that guards do not work here.
const FALSE_REFUSALS: u32 = 3;

/// How long guards that did not work are left alone before they are tried again, in seconds.
const TRIED_AGAIN_SECONDS: f64 = 86_400.0;

impl Drain {
    /// Whether the next request has to prove that a guard can refuse.
    pub(super) fn needs_proof(&self, pass: &Pass) -> bool {
        !pass.task.dry && !self.memory.guards_proven && self.memory.facts.guards_work != Some(false)
    }

    /// Takes in the answer for a guard that cannot hold.
    pub(super) async fn conclude_proof(
        &mut self,
        proof: Option<u64>,
        family: Family,
        list: &[Contact],
        answer: &mut BatchAnswer,
    ) -> Result<(), DrainFailure> {
        let Some(id) = proof.filter(|id| list.iter().any(|contact| contact.id == *id)) else {
            return Ok(());
        };
        let Ok(reply) = answer.take("proof") else {
            return Ok(());
        };
        if contacts::read_list(family, reply.result, None)?.is_empty() {
            self.memory.guards_proven = true;
            if self.memory.facts.guards_work.is_none() {
                self.memory.facts.guards_work = Some(true);
                let store = self.portal.store();
                store
                    .set_plan_facts(self.portal.id, self.memory.facts)
                    .await?;
            }
            return Ok(());
        }
        self.guards_fail(&Said {
            code: String::new(),
            text: format!("contact {id} was answered under a condition that cannot hold"),
        })
        .await
    }

    /// Remembers for this portal that guards do not work, and says so once.
    pub(super) async fn guards_fail(&mut self, said: &Said) -> Result<(), DrainFailure> {
        self.memory.guards_proven = false;
        if self.memory.facts.guards_work == Some(false) {
            return Ok(());
        }
        tracing::warn!(portal = %self.config().name, %said,
            "conditional updates do not work on this portal; each contact is written by a get and an update");
        self.memory.facts.guards_work = Some(false);
        self.memory.facts.guards_tried_at = Some(self.portal.now());
        Ok(self
            .portal
            .store()
            .set_plan_facts(self.portal.id, self.memory.facts)
            .await?)
    }

    /// A guard refused although a fresh read shows that nothing has changed.
    pub(super) async fn count_false_refusal(&mut self) -> Result<(), DrainFailure> {
        self.memory.false_refusals += 1;
        if self.memory.false_refusals < FALSE_REFUSALS {
            return Ok(());
        }
        self.guards_fail(&Said {
            code: String::new(),
            text: "guards refuse although nothing has changed".to_owned(),
        })
        .await
    }

    /// Where guards did not work a day ago: tries them on a contact that was just read, with reads
    /// alone. Whoever cannot guard needs two requests a contact, so that a passing weakness of the
    /// portal must not last for years.
    pub(super) async fn guards_work_again(
        &mut self,
        contact: &Contact,
    ) -> Result<bool, DrainFailure> {
        let now = self.portal.now();
        let rested = |at| now >= after(at, TRIED_AGAIN_SECONDS) || now < at;
        let facts = self.memory.facts;
        let due = facts.guards_work == Some(false) && facts.guards_tried_at.is_none_or(rested);
        if !due || contact.is_settled() != Some(true) {
            return Ok(false);
        }
        self.memory.facts.guards_tried_at = Some(now);
        // A trial that comes to no end proves nothing; the next call meets the reason by itself.
        let works = matches!(self.portal.try_guards(contact).await, Ok(Ok(())));
        if works {
            self.memory.facts.guards_work = Some(true);
            self.memory.guards_proven = true;
            self.memory.false_refusals = 0;
            tracing::info!(portal = %self.config().name, "conditional updates work on this portal again");
        }
        let store = self.portal.store();
        store
            .set_plan_facts(self.portal.id, self.memory.facts)
            .await?;
        Ok(works)
    }
}
