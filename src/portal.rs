//! An authorised portal: protocol client, stored tokens, single-flight renewal, and pace.
//!
//! Every request to a portal goes through [`Portal::call`] or [`Portal::batch`].

pub mod admission;
mod bucket;
mod contacts;
mod exchange;
mod failure;
mod features;
mod guards;
mod listing;
mod meter;
mod pace;
mod queues;
mod rename;
mod renewal;
mod rest;
mod retry;
mod trouble;
mod unstored;
mod verify;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use tokio_util::sync::CancellationToken;
use url::Url;

pub use contacts::contacts_in_use;
pub use failure::{CallFailure, Hindrance, Lost, PutOff};
pub use meter::Meter;
pub use queues::{configured_queue, connector_in_use};
pub use rename::{Whereabouts, address_in_use};
use rest::STOP_GRACE_SECONDS;
pub use retry::RetryPolicy;
pub use trouble::{problem_trouble, unfit_trouble};
pub use unstored::Unstored;

use crate::{
    bitrix::{NoHttp, Transport, contacts::Family, oauth::ClientCredentials},
    chance::{SharedChance, SystemChance},
    clock::SharedClock,
    config::PortalConfig,
    store::{PortalId, PortalRecord, Store},
};

/// What everything that talks to a portal shares.
#[derive(Clone)]
pub struct Context {
    /// The state file.
    pub store: Store,
    /// HTTP.
    pub transport: Transport,
    /// The time.
    pub clock: SharedClock,
    /// Chance.
    pub chance: SharedChance,
    /// Asks for a stop at the next safe point.
    pub stop: CancellationToken,
    /// Renewed pairs that wait to be stored, where they are handed on, see [`Context::handing_on`].
    pub unstored: Option<Unstored>,
}

impl Context {
    /// Everything that goes by `clock`, HTTP included.
    ///
    /// # Errors
    /// Where HTTP cannot be set up, see [`Transport::new`].
    pub fn new(store: Store, clock: SharedClock, stop: CancellationToken) -> Result<Self, NoHttp> {
        let transport = Transport::new(clock.clone())?;
        Ok(Self::over(store, transport, clock, stop))
    }

    /// The same over a network of the caller's.
    #[must_use]
    pub fn over(
        store: Store,
        transport: Transport,
        clock: SharedClock,
        stop: CancellationToken,
    ) -> Self {
        Self {
            store,
            transport,
            clock,
            chance: Arc::new(SystemChance),
            stop,
            unstored: None,
        }
    }

    /// Seconds to wait after `earlier` tries in vain.
    #[must_use]
    pub fn delay(&self, policy: &RetryPolicy, earlier: u32) -> f64 {
        policy.delay(earlier, &*self.chance)
    }
}

/// Whether a call may be sent again although an earlier copy of it may have been processed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// Reading, acknowledging: as often as it takes.
    Freely,
    /// Writing, reserving: the caller looks first what became of it.
    Never,
    /// A write that was decided on by the read just before it: it is sent at once, into room that was
    /// taken before ([`Portal::take_room`]), or not at all. Neither is it repeated after a renewal: the
    /// caller reads again first.
    AtOnce,
}

/// How long a call may wait for room or for a better moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Patience {
    /// The longest rest in front of one obstacle, in seconds; a longer one that is known in advance
    /// is not begun.
    pub longest_wait: f64,
}

/// An authorised portal.
pub struct Portal {
    /// Its part of the configuration.
    pub config: Arc<PortalConfig>,
    /// The store's number for it.
    pub id: PortalId,
    context: Context,
    session: Mutex<Session>,
    pace: Mutex<pace::Pace>,
    meter: Mutex<Meter>,
    renewal: tokio::sync::Mutex<()>,
    retry: RetryPolicy,
    leave: CancellationToken,
    /// A refused connector is dropped, see [`Portal::doing_without`].
    does_without: bool,
}

/// What changes while we talk.
struct Session {
    endpoint: Url,
    access: SecretString,
    connector: Option<String>,
    contacts: Family,
    patience: Patience,
    /// Since when, without a success in between, something has been in the way.
    hindered_since: Option<Timestamp>,
    /// When all waiting ends, see [`Portal::wait_until_at_most`].
    deadline: Option<Timestamp>,
}

impl Portal {
    /// Opens a portal with the tokens in the store.
    ///
    /// # Errors
    /// Where the store fails, or its endpoint is no address.
    pub async fn open(
        context: Context,
        config: Arc<PortalConfig>,
        record: &PortalRecord,
        patience: Patience,
    ) -> Result<Self, CallFailure> {
        let pace = pace::Pace::load(&context.store, record.id).await?;
        Ok(Self {
            id: record.id,
            session: Mutex::new(Session {
                endpoint: address_in_use(&config, record)?,
                access: record.tokens.access.clone(),
                connector: None,
                contacts: contacts_in_use(&config, record.facts).unwrap_or(Family::Classic),
                patience,
                hindered_since: None,
                deadline: None,
            }),
            pace: Mutex::new(pace),
            meter: Mutex::default(),
            renewal: tokio::sync::Mutex::default(),
            retry: RetryPolicy::CALLS,
            leave: CancellationToken::new(),
            does_without: false,
            context,
            config,
        })
    }

    /// Ends at the next safe point once `leave` is cancelled. Unlike a stop, which gives a request
    /// under way a few seconds, this waits for its answer.
    #[must_use]
    pub fn leaving_on(mut self, leave: CancellationToken) -> Self {
        self.leave = leave;
        self
    }

    /// The clock that everything here goes by.
    #[must_use]
    pub fn clock(&self) -> SharedClock {
        self.context.clock.clone()
    }

    /// The present moment on that clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.context.clock.now()
    }

    /// Chance.
    #[must_use]
    pub fn chance(&self) -> SharedChance {
        self.context.chance.clone()
    }

    /// Seconds to wait after `earlier` tries in vain.
    #[must_use]
    pub fn delay(&self, policy: &RetryPolicy, earlier: u32) -> f64 {
        self.context.delay(policy, earlier)
    }

    /// The state file.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.context.store
    }

    /// Whether the next safe point is the last one.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.context.stop.is_cancelled() || self.leave.is_cancelled()
    }

    /// Whether this is the portal of `record`, with just these tokens: nobody has authorised it anew.
    #[must_use]
    pub fn is_of(&self, record: &PortalRecord) -> bool {
        let ours = self.session().access.expose_secret().to_owned();
        self.id == record.id && ours == record.tokens.access.expose_secret()
    }

    /// Takes over tokens and endpoint as they stand in the store: an import or another process may
    /// have replaced them.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn reread(&self) -> Result<PortalRecord, CallFailure> {
        let record = self.store().portal(self.id).await?;
        let mut session = self.session();
        session.access = record.tokens.access.clone();
        session.endpoint = address_in_use(&self.config, &record)?;
        session.hindered_since = None;
        Ok(record)
    }

    /// Whether tokens are being renewed: the answer cannot be had again.
    #[must_use]
    pub fn is_renewing(&self) -> bool {
        self.renewal.try_lock().is_err()
    }

    /// Takes the counters since the last call of this function.
    pub fn take_meter(&self) -> Meter {
        std::mem::take(&mut *self.meter.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// How many requests were sent since the counters were taken last.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.meter().requests()
    }

    fn credentials(&self) -> ClientCredentials {
        ClientCredentials {
            id: self.config.client_id.clone(),
            secret: self.config.client_secret.clone(),
        }
    }

    fn session(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pace(&self) -> MutexGuard<'_, pace::Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn meter(&self) -> MutexGuard<'_, Meter> {
        self.meter.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
