//! Renewed pairs that could not be stored yet. They exist in this process alone, so that they are
//! neither used nor dropped before they are.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::{Context, RetryPolicy};
use crate::{
    clock::after,
    store::{PortalId, StoreFault, Tokens},
};

/// A renewed pair, and what it replaces.
#[derive(Clone)]
pub(super) struct Renewed {
    /// The refresh token that was given for it.
    pub(super) refreshed: SecretString,
    /// The new pair.
    pub(super) tokens: Tokens,
    /// The REST address that the authorisation server named for it.
    pub(super) named: Option<Url>,
}

/// Pairs by portal, for whoever works on that portal next.
#[derive(Clone, Default)]
pub struct Unstored(Arc<Mutex<BTreeMap<PortalId, Renewed>>>);

impl Unstored {
    /// Keeps a pair that could not be stored.
    pub(super) fn keep(&self, portal: PortalId, renewed: Renewed) {
        self.pairs().insert(portal, renewed);
    }

    /// The pair that replaces `refresh`, if there is one; any other is outdated.
    pub(super) fn take(&self, portal: PortalId, refresh: &SecretString) -> Option<Renewed> {
        let renewed = self.pairs().remove(&portal)?;
        let fits = renewed.refreshed.expose_secret() == refresh.expose_secret();
        fits.then_some(renewed)
    }

    fn first(&self) -> Option<(PortalId, Renewed)> {
        let pairs = self.pairs();
        let first = pairs.first_key_value();
        first.map(|(portal, renewed)| (*portal, renewed.clone()))
    }

    fn pairs(&self) -> MutexGuard<'_, BTreeMap<PortalId, Renewed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// For storing what cannot be had again.
const STORING: RetryPolicy = RetryPolicy {
    tries: u32::MAX,
    ..RetryPolicy::CALLS
};

impl Context {
    /// The same for a service: a pair that cannot be stored is handed on to whoever works on the portal
    /// next, and holds up nobody. Its owner calls [`Context::store_pairs`] before it ends. Without this,
    /// whoever renews stays until the pair is stored.
    #[must_use]
    pub fn handing_on(mut self) -> Self {
        self.unstored = Some(Unstored::default());
        self
    }

    /// Stores every pair that could not be stored yet, for as long as it takes: the process must not end
    /// before.
    pub async fn store_pairs(&self) {
        let Some(unstored) = &self.unstored else {
            return;
        };
        while let Some((portal, renewed)) = unstored.first() {
            self.until_stored(portal, &renewed).await;
            unstored.take(portal, &renewed.refreshed);
        }
    }

    /// Puts a renewed pair into the place of the one it replaces, however long it takes. A stop does not
    /// end this; a second signal ends the process. False where another pair was stored meanwhile.
    pub(super) async fn until_stored(&self, portal: PortalId, renewed: &Renewed) -> bool {
        let mut tries = 0;
        loop {
            match self.rotate(portal, renewed).await {
                Ok(stored) => return stored,
                Err(fault) => self.rest_before_storing(&fault, tries).await,
            }
            tries += 1;
        }
    }

    /// Puts a renewed pair into the place of the one it replaces. False where another pair was stored
    /// meanwhile, which stays.
    pub(super) async fn rotate(
        &self,
        portal: PortalId,
        renewed: &Renewed,
    ) -> Result<bool, StoreFault> {
        let Renewed {
            refreshed, tokens, ..
        } = renewed;
        self.store
            .rotate_tokens(portal, refreshed, tokens, self.clock.now())
            .await
    }

    /// Says that a pair cannot be stored, and rests before the next try.
    pub(super) async fn rest_before_storing(&self, fault: &StoreFault, tries: u32) {
        tracing::warn!(%fault, "a renewed pair of tokens cannot be stored yet; trying until it is");
        let rest = after(self.clock.now(), self.delay(&STORING, tries));
        self.clock.sleep_until(rest).await;
    }
}
