//! Asking whether the stored pair of tokens can do the work.

use jiff::Timestamp;

use super::{CallFailure, Portal, Repeat, features::has_feature};
use crate::{
    bitrix::{
        Problem,
        application::{self, Feature, Standing, Unfit},
    },
    store::{PortalId, Store, StoreFault},
};

impl Portal {
    /// Asks whether the stored pair can do the work, and remembers the answer: a pair that passes is
    /// no longer unverified or lost, and an unverified one that does not keeps the new reason.
    ///
    /// # Errors
    /// The outer error says that the question was not answered; the inner one says what a person has
    /// to change.
    pub async fn verify(&self) -> Result<Result<Standing, Unfit>, CallFailure> {
        let batch = application::ask_standing();
        // Not with a connector: the plan may lack it, and nothing here needs it.
        let connector = self.queue().connector;
        self.use_connector(None);
        let answer = self.batch(&batch, Repeat::Freely).await;
        self.use_connector(Some(connector.as_str()).filter(|name| !name.is_empty()));
        let verdict = match answer {
            Ok(mut answer) => application::read_standing(&mut answer)?,
            Err(CallFailure::Problem(Problem::Unauthorised(barred))) => {
                Err(application::unfit(&barred))
            }
            Err(failure) => return Err(failure),
        };
        let store = self.store();
        match &verdict {
            Ok(standing) => {
                learn_plan(store, self.id, *standing, self.now()).await?;
                store.set_unverified(self.id, None).await?;
                store.set_lost(self.id, None).await?;
            }
            Err(unfit) if store.portal(self.id).await?.unverified.is_some() => {
                store
                    .set_unverified(self.id, Some(&unfit.to_string()))
                    .await?;
            }
            Err(_) => {}
        }
        Ok(verdict)
    }
}

/// Remembers what the checks told about the plan.
pub(super) async fn learn_plan(
    store: &Store,
    id: PortalId,
    standing: Standing,
    now: Timestamp,
) -> Result<(), StoreFault> {
    let has = |feature, claims| has_feature(store, id, feature, claims, now);
    let confirms = has(Feature::Reserving, standing.plan_confirms).await?;
    let connector = has(Feature::Connector, standing.plan_connector).await?;
    let mut facts = store.portal(id).await?.facts;
    facts.plan_confirms = Some(confirms);
    facts.plan_connector = Some(connector);
    store.set_plan_facts(id, facts).await
}
