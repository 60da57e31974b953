//! What the portal's plan allows: to confirm events, and connectors.

use jiff::Timestamp;

use crate::{clock::after, store::PlanFacts};

/// For how long a refusal counts more than what the portal says of its plan, in seconds.
const REFUSAL_COUNTS_SECONDS: f64 = 6.0 * 3600.0;

/// What is known of the plan.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Events can be reserved and acknowledged.
    confirms: Option<bool>,
    /// Calls may carry a connector.
    connector: Option<bool>,
    /// The portal refused to reserve for want of a licence, whatever it says of its plan.
    reserving_refused_at: Option<Timestamp>,
}

impl Plan {
    /// What is stored of it.
    pub(super) fn load(&mut self, facts: PlanFacts) {
        self.confirms = facts.plan_confirms;
        self.connector = facts.plan_connector;
    }

    /// What is to be stored of it.
    pub(super) fn store(&self, facts: &mut PlanFacts) {
        facts.plan_confirms = self.confirms;
        facts.plan_connector = self.connector;
    }

    /// Whether rows have to be taken away because the plan does not confirm.
    pub(super) fn takes_away(&self) -> bool {
        self.confirms == Some(false)
    }

    /// Whether connectors are known to be lacking.
    pub(super) fn lacks_connectors(&self) -> bool {
        self.connector == Some(false)
    }

    /// What the portal says of itself. None where it did not say.
    pub(super) fn told(&mut self, confirms: Option<bool>, connector: Option<bool>, now: Timestamp) {
        if let Some(confirms) = confirms {
            // A refusal that the plan explains is over with the plan.
            let counts = |at| now >= at && now < after(at, REFUSAL_COUNTS_SECONDS);
            self.reserving_refused_at = self
                .reserving_refused_at
                .filter(|at| confirms && counts(*at));
            self.confirms = Some(confirms && self.reserving_refused_at.is_none());
        }
        if connector.is_some() {
            self.connector = connector;
        }
    }

    pub(super) fn reserving_refused(&mut self, now: Timestamp) {
        self.reserving_refused_at = Some(now);
    }

    pub(super) fn connectors_refused(&mut self) {
        self.connector = Some(false);
    }
}
