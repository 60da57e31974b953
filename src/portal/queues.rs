//! Which queue of a portal is worked on, and whose cursor is kept.

use super::Portal;
use crate::{
    config::PortalConfig,
    store::{PlanFacts, PortalId, QueueKey, StoreFault},
};

/// The connector that calls carry: the configured one, unless the plan is known to lack the feature.
/// The mere presence of the key breaks every call then, `feature.get` included.
#[must_use]
pub fn connector_in_use(config: &PortalConfig, facts: PlanFacts) -> Option<&str> {
    let possible = facts.plan_connector != Some(false);
    let connector = config.connector.as_ref().filter(|_| possible);
    connector.map(|connector| connector.as_str())
}

/// The queue as it is configured. Its cursor is kept, also while the queue without a connector stands
/// in for it: one moment tells until when nothing has passed us by.
#[must_use]
pub fn configured_queue(config: &PortalConfig, portal: PortalId) -> QueueKey {
    QueueKey {
        portal,
        connector: config.connector_name(),
    }
}

impl Portal {
    /// The queue that calls act on at the moment.
    #[must_use]
    pub fn queue(&self) -> QueueKey {
        let connector = self.session().connector.clone().unwrap_or_default();
        QueueKey {
            portal: self.id,
            connector,
        }
    }

    /// The queue whose cursor is kept, see [`configured_queue`].
    #[must_use]
    pub fn configured_queue(&self) -> QueueKey {
        configured_queue(&self.config, self.id)
    }

    /// Sends all further calls with this `auth_connector`, or without the key (`None`).
    pub fn use_connector(&self, connector: Option<&str>) {
        self.session().connector = connector.map(str::to_owned);
    }

    /// Changes what is stored of the portal's plan, where `change` makes a difference.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn change_facts(
        &self,
        change: impl FnOnce(&mut PlanFacts),
    ) -> Result<(), StoreFault> {
        let known = self.store().portal(self.id).await?.facts;
        let mut facts = known;
        change(&mut facts);
        if facts == known {
            return Ok(());
        }
        self.store().set_plan_facts(self.id, facts).await
    }
}
