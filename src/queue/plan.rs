//! What the portal's plan allows: to confirm events, and connectors.

use super::line::Line;
use crate::{
    bitrix::application::Feature,
    store::{PlanFacts, StoreFault},
};

/// What is known of the plan.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Events can be reserved and acknowledged.
    confirms: Option<bool>,
    /// Calls may carry a connector.
    connector: Option<bool>,
}

impl Plan {
    /// What is stored of it.
    pub(super) fn load(&mut self, facts: PlanFacts) {
        self.confirms = facts.plan_confirms;
        self.connector = facts.plan_connector;
    }

    /// Whether rows have to be taken away because the plan does not confirm.
    pub(super) fn takes_away(&self) -> bool {
        self.confirms == Some(false)
    }

    /// Whether connectors are known to be lacking.
    pub(super) fn lacks_connectors(&self) -> bool {
        self.connector == Some(false)
    }

    /// What the portal says of itself; none where it did not say. What it has refused lately counts
    /// more.
    pub(super) async fn told(
        &mut self,
        line: &Line,
        confirms: Option<bool>,
        connector: Option<bool>,
    ) -> Result<(), StoreFault> {
        let portal = &line.portal;
        if let Some(claims) = confirms {
            self.confirms = Some(portal.has_feature(Feature::Reserving, claims).await?);
        }
        if let Some(claims) = connector {
            self.connector = Some(portal.has_feature(Feature::Connector, claims).await?);
        }
        let change = |facts: &mut PlanFacts| {
            facts.plan_confirms = self.confirms;
            facts.plan_connector = self.connector;
        };
        portal.change_facts(change).await
    }

    /// The portal refused to reserve for want of a licence, whatever it says of its plan.
    pub(super) async fn reserving_refused(&mut self, line: &Line) -> Result<(), StoreFault> {
        self.confirms = Some(false);
        line.portal.refuse_feature(Feature::Reserving).await
    }

    /// The portal refused the connector, likewise.
    pub(super) async fn connectors_refused(&mut self, line: &Line) -> Result<(), StoreFault> {
        self.connector = Some(false);
        line.portal.refuse_feature(Feature::Connector).await
    }
}
