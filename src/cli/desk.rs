//! What a command works with: its portals, the state file, the time.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::{
    exit::{Exit, Refusal},
    global::Global,
    surroundings::Surroundings,
    text::typed,
};
use crate::{
    clock::SharedClock,
    config::PortalConfig,
    portal::{Context, Patience, Portal, connector_in_use},
    service::DrainLockHeld,
    store::{Lock, PortalRecord, Store, StoreFault},
};

/// The longest rest of a command in front of a limit, in seconds: somebody is watching.
const PATIENCE: Patience = Patience { longest_wait: 15.0 };

/// What a command works with.
pub struct Desk {
    /// The portals that are meant, in the order of the configuration.
    pub portals: Vec<Arc<PortalConfig>>,
    /// Address and client id of every portal that is configured, meant or not.
    pub configured: Vec<(String, String)>,
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
            configured: identities(&portals),
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

    /// What is stored, and belongs to no portal that is configured: one that was renamed in the
    /// configuration, or is no longer there.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn unclaimed(&self) -> Result<Vec<PortalRecord>, StoreFault> {
        let Some(store) = &self.store else {
            return Ok(Vec::new());
        };
        let mut claimed = Vec::new();
        for (url, client_id) in &self.configured {
            claimed.extend(
                store
                    .find_portal(url, client_id)
                    .await?
                    .map(|record| record.id),
            );
        }
        let mut records = store.portals().await?;
        records.retain(|record| !claimed.contains(&record.id));
        Ok(records)
    }

    /// What the store knows of an authorised portal.
    ///
    /// # Errors
    /// Where there are no tokens, or a fault of the state file.
    pub async fn record(&self, portal: &PortalConfig) -> anyhow::Result<PortalRecord> {
        self.store()?;
        if let Some(record) = self.find(portal).await? {
            return Ok(record);
        }
        let mut refusal = no_tokens(portal);
        let elsewhere: Vec<String> = self
            .unclaimed()
            .await?
            .into_iter()
            .map(|it| it.url)
            .collect();
        if !elsewhere.is_empty() {
            refusal.message += &format!(
                ". There are tokens for {}, which no [[portal]] names: is `url` or `client_id` mistyped?",
                elsewhere.join(", ")
            );
        }
        Err(refusal.into())
    }

    /// An authorised portal to talk to, paced and renewing, with the connector that fits its plan.
    ///
    /// # Errors
    /// Where there are no tokens, HTTP does not start, or a fault of the state file.
    pub async fn portal(&self, config: &Arc<PortalConfig>) -> anyhow::Result<Portal> {
        config.require_secret()?;
        let record = self.record(config).await?;
        let store = self.store()?.clone();
        let context = context(store, self.clock.clone(), self.stop.clone())?;
        let portal = Portal::open(context, config.clone(), &record, PATIENCE).await?;
        portal.use_connector(connector_in_use(config, record.facts));
        Ok(portal)
    }
}

/// What tells the portals of a configuration apart in the state file.
pub(super) fn identities(portals: &[PortalConfig]) -> Vec<(String, String)> {
    let identity = |it: &PortalConfig| (it.url.to_string(), it.client_id.clone());
    portals.iter().map(identity).collect()
}

/// Nobody has authorised this portal yet.
pub(super) fn no_tokens(portal: &PortalConfig) -> Refusal {
    let name = &portal.name;
    let login = typed(name, "auth login");
    Refusal {
        exit: Exit::NotAuthorised,
        message: format!("{name}: no tokens are stored; run {login} or `auth import`"),
    }
}

/// What a command works with. One that `talks` to portals may have to renew tokens: it needs the
/// secrets, and is not interrupted in the middle of that.
pub(super) async fn desk(
    global: &Global,
    world: &Surroundings,
    talks: bool,
) -> anyhow::Result<Desk> {
    let (config, stop) = if talks {
        (global.configuration(world)?, world.stop()?)
    } else {
        let config = global.configuration_without_secrets(world)?;
        (config, CancellationToken::new())
    };
    let portals = global
        .chosen_or_all(&config)?
        .into_iter()
        .cloned()
        .collect();
    let desk = Desk::open(portals, config.store, world.clock.clone(), stop).await?;
    Ok(Desk {
        configured: identities(&config.portals),
        ..desk
    })
}

/// What a command works with whose state file cannot be opened.
pub(super) fn without_store(global: &Global, world: &Surroundings) -> anyhow::Result<Desk> {
    let config = global.configuration_without_secrets(world)?;
    let portals = global.chosen_or_all(&config)?.into_iter().cloned();
    Ok(Desk {
        portals: portals.map(Arc::new).collect(),
        configured: identities(&config.portals),
        store_path: config.store,
        store: None,
        clock: world.clock.clone(),
        stop: CancellationToken::new(),
    })
}

/// Opens the state file for draining: whole, and by nobody else at the same time.
pub(super) async fn open_to_drain(
    path: &Path,
    who: &str,
    clock: SharedClock,
    stop: CancellationToken,
) -> anyhow::Result<(Context, Lock)> {
    let store = Store::open(path).await?;
    let lock = store.lock_drain(who)?.map_err(DrainLockHeld)?;
    store.check_integrity().await?;
    Ok((context(store, clock, stop)?, lock))
}

/// What everything that talks to portals needs.
pub(super) fn context(
    store: Store,
    clock: SharedClock,
    stop: CancellationToken,
) -> Result<Context, Refusal> {
    Context::new(store, clock, stop).map_err(|error| http_does_not_start(&error))
}

/// Nothing can be sent: it is the host's setup, which somebody has to complete.
pub(super) fn http_does_not_start(error: &dyn std::error::Error) -> Refusal {
    let mut reasons = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(error) = cause {
        reasons.push(error.to_string());
        cause = error.source();
    }
    Refusal {
        exit: Exit::Configuration,
        message: format!(
            "HTTP does not start ({}); install ca-certificates, or name a file of certificates in \
             SSL_CERT_FILE",
            reasons.join(": ")
        ),
    }
}
