//! Features of the plan that the portal claims and then refuses: what it does counts more than what it says.

use jiff::Timestamp;

use super::Portal;
use crate::{
    bitrix::application::Feature,
    clock::after,
    store::{PortalId, Store, StoreFault},
};

/// For so long a refusal counts more than a claim, in seconds.
const REFUSAL_COUNTS_SECONDS: f64 = 6.0 * 3600.0;

impl Portal {
    /// Whether the portal has a feature that it `claims` to have: not where it refused it within six hours.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn has_feature(&self, feature: Feature, claims: bool) -> Result<bool, StoreFault> {
        has_feature(self.store(), self.id, feature, claims, self.now()).await
    }

    /// Remembers that the portal refused a feature, for every process on this store.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn refuse_feature(&self, feature: Feature) -> Result<(), StoreFault> {
        let store = self.store();
        let now = Some(self.now());
        store.set_refused(self.id, feature.code(), now).await?;
        let mut facts = store.portal(self.id).await?.facts;
        match feature {
            Feature::Reserving => facts.plan_confirms = Some(false),
            Feature::Connector => facts.plan_connector = Some(false),
        }
        store.set_plan_facts(self.id, facts).await
    }

    /// For commands that look on: where the portal refuses the connector, they go on without it instead of
    /// failing.
    #[must_use]
    pub fn doing_without(mut self) -> Self {
        self.does_without = true;
        self
    }
}

/// As [`Portal::has_feature`].
pub(super) async fn has_feature(
    store: &Store,
    portal: PortalId,
    feature: Feature,
    claims: bool,
    now: Timestamp,
) -> Result<bool, StoreFault> {
    let Some(at) = store.refused_at(portal, feature.code()).await? else {
        return Ok(claims);
    };
    let counts = now >= at && now < after(at, REFUSAL_COUNTS_SECONDS);
    // A refusal that the plan explains is over with the plan.
    if !claims || !counts {
        store.set_refused(portal, feature.code(), None).await?;
    }
    Ok(claims && !counts)
}
