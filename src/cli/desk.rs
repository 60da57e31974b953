//! What a command works with: its portals, the state file, the time.

use std::{path::PathBuf, sync::Arc};

use anyhow::Context as _;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::exit::{Exit, Refusal};
use crate::{
    clock::SharedClock,
    config::PortalConfig,
    portal::{Context, Patience, Portal, connector_in_use},
    store::{PortalRecord, Store, StoreFault},
};

/// The longest rest of a command in front of a limit, in seconds: somebody is watching.
const PATIENCE: Patience = Patience { longest_wait: 15.0 };

/// What a command works with.
pub struct Desk {
    /// The portals that are meant, in the order of the configuration.
    pub portals: Vec<Arc<PortalConfig>>,
    /// Where the state file lies, or should.
    pub store_path: PathBuf,
    /// The state file; none where there is none yet.
    pub store: Option<Store>,
    /// The time.
    pub clock: SharedClock,
    /// Asks for a stop at the next safe point.
    pub stop: CancellationToken,
}

impl Desk {
    /// Opens the state file, if there is one.
    ///
    /// # Errors
    /// A fault of the state file, other than that it is missing.
    pub async fn open(
        portals: Vec<PortalConfig>,
        store_path: PathBuf,
        clock: SharedClock,
        stop: CancellationToken,
    ) -> Result<Self, StoreFault> {
        let store = match Store::open(&store_path).await {
            Ok(store) => Some(store),
            Err(StoreFault::Missing(_)) => None,
            Err(fault) => return Err(fault),
        };
        Ok(Self {
            portals: portals.into_iter().map(Arc::new).collect(),
            store_path,
            store,
            clock,
            stop,
        })
    }

    /// The present moment.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The state file.
    ///
    /// # Errors
    /// [`StoreFault::Missing`].
    pub fn store(&self) -> Result<&Store, StoreFault> {
        self.store
            .as_ref()
            .ok_or_else(|| StoreFault::Missing(self.store_path.clone()))
    }

    /// The one portal that a command acts on.
    ///
    /// # Errors
    /// Where several are meant.
    pub fn only(&self) -> Result<&Arc<PortalConfig>, Refusal> {
        match self.portals.as_slice() {
            [one] => Ok(one),
            several => {
                let names: Vec<&str> = several.iter().map(|it| it.name.as_str()).collect();
                Err(Refusal {
                    exit: Exit::Usage,
                    message: format!(
                        "several portals are configured; choose one with --portal ({})",
                        names.join(", ")
                    ),
                })
            }
        }
    }

    /// What the store knows of a portal; nothing where nobody has authorised it.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn find(&self, portal: &PortalConfig) -> Result<Option<PortalRecord>, StoreFault> {
        match &self.store {
            Some(store) => {
                store
                    .find_portal(portal.url.as_str(), &portal.client_id)
                    .await
            }
            None => Ok(None),
        }
    }

    /// What the store knows of an authorised portal.
    ///
    /// # Errors
    /// Where there are no tokens, or a fault of the state file.
    pub async fn record(&self, portal: &PortalConfig) -> anyhow::Result<PortalRecord> {
        self.store()?;
        Ok(self.find(portal).await?.ok_or_else(|| no_tokens(portal))?)
    }

    /// An authorised portal to talk to, paced and renewing, with the connector that fits its plan.
    ///
    /// # Errors
    /// Where there are no tokens, HTTP does not start, or a fault of the state file.
    pub async fn portal(&self, config: &Arc<PortalConfig>) -> anyhow::Result<Portal> {
        let record = self.record(config).await?;
        let (store, clock) = (self.store()?.clone(), self.clock.clone());
        let context =
            Context::new(store, clock, self.stop.clone()).context("HTTP does not start")?;
        let portal = Portal::open(context, config.clone(), &record, PATIENCE).await?;
        portal.use_connector(connector_in_use(config, record.facts));
        Ok(portal)
    }
}

/// Nobody has authorised this portal yet.
pub(super) fn no_tokens(portal: &PortalConfig) -> Refusal {
    let name = &portal.name;
    Refusal {
        exit: Exit::NotAuthorised,
        message: format!(
            "{name}: no tokens are stored; run `b24-tidyd --portal {name} auth login` or `auth import`"
        ),
    }
}
