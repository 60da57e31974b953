//! An authorised portal: protocol client, stored tokens, single-flight renewal, and pace.
//!
//! Every request to a portal goes through [`Portal::call`] or [`Portal::batch`]. Here, and only here,
//! stands the repetition that the protocol demands: once after a renewal, once after a rename, and
//! by policy where a request was certainly not processed or may be repeated without harm.

pub mod admission;
mod bucket;
mod guards;
mod listing;
mod meter;
mod pace;
mod queues;
mod rename;
mod renewal;
mod rest;
mod retry;
mod verify;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use url::Url;

pub use meter::Meter;
pub use queues::{configured_queue, connector_in_use};
use rest::STOP_GRACE_SECONDS;
pub use retry::RetryPolicy;

use crate::{
    bitrix::{
        Batch, BatchAnswer, Call, Fault, Problem, Reply, Transport, decode, limits::Load,
        oauth::ClientCredentials, transport::Body,
    },
    clock::{SharedClock, after},
    config::PortalConfig,
    store::{PortalId, PortalRecord, Store, StoreFault, Tokens},
};

/// How often a portal's rename is followed within one call.
const MOST_MOVES: u32 = 3;

/// What everything that talks to a portal shares.
#[derive(Clone)]
pub struct Context {
    /// The state file.
    pub store: Store,
    /// HTTP.
    pub transport: Transport,
    /// The time.
    pub clock: SharedClock,
    /// Asks for a stop at the next safe point.
    pub stop: CancellationToken,
}

impl Context {
    /// Everything that goes by `clock`, HTTP included.
    ///
    /// # Errors
    /// Where HTTP cannot be set up, see [`Transport::new`].
    pub fn new(
        store: Store,
        clock: SharedClock,
        stop: CancellationToken,
    ) -> Result<Self, reqwest::Error> {
        Ok(Self {
            store,
            transport: Transport::new(clock.clone())?,
            clock,
            stop,
        })
    }
}

/// Whether a call may be sent again although an earlier copy of it may have been processed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// Reading, acknowledging: as often as it takes.
    Freely,
    /// Writing, reserving: the caller looks first what became of it.
    Never,
}

/// How long a call may wait for room or for a better moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Patience {
    /// The longest rest in front of one obstacle, in seconds; a longer one that is known in advance
    /// is not begun.
    pub longest_wait: f64,
}

/// Why a call brought no result.
#[derive(Debug, thiserror::Error)]
pub enum CallFailure {
    /// The portal, or the way to it, said so.
    #[error(transparent)]
    Problem(#[from] Problem),
    /// The tokens are no longer accepted: a person has to authorise anew.
    #[error("{0}")]
    AuthorisationLost(String),
    /// The authorisation server is away; the tokens are as good as before.
    #[error("the access token has expired and {0}")]
    RenewalPutOff(String),
    /// It would take longer than the caller's patience.
    #[error("{why}; free again at {until:.0}")]
    MustWait {
        /// When it can go on.
        until: Timestamp,
        /// What is in the way.
        why: String,
    },
    /// A stop was asked for before the call was sent.
    #[error("a stop was asked for")]
    Stopped,
    /// The state file failed. Nothing was sent because of it.
    #[error(transparent)]
    Store(#[from] StoreFault),
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
    renewal: tokio::sync::Mutex<renewal::Unstored>,
    retry: RetryPolicy,
    leave: CancellationToken,
}

/// What changes while we talk.
struct Session {
    endpoint: Url,
    access: SecretString,
    connector: Option<String>,
    patience: Patience,
    /// Since when, without a success in between, something has been in the way.
    hindered_since: Option<Timestamp>,
}

impl Portal {
    /// Opens a portal with the tokens in the store.
    ///
    /// # Errors
    /// Where the store fails, or its endpoint is no address.
    pub fn open(
        context: Context,
        config: Arc<PortalConfig>,
        record: &PortalRecord,
        patience: Patience,
    ) -> Result<Self, CallFailure> {
        let pace = pace::Pace::load(&context.store, record.id)?;
        Ok(Self {
            id: record.id,
            session: Mutex::new(Session {
                endpoint: endpoint(record)?,
                access: record.tokens.access.clone(),
                connector: None,
                patience,
                hindered_since: None,
            }),
            pace: Mutex::new(pace),
            meter: Mutex::default(),
            renewal: tokio::sync::Mutex::default(),
            retry: RetryPolicy::CALLS,
            leave: CancellationToken::new(),
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
    pub fn reread(&self) -> Result<PortalRecord, CallFailure> {
        let record = self.store().portal(self.id)?;
        let mut session = self.session();
        session.access = record.tokens.access.clone();
        session.endpoint = endpoint(&record)?;
        session.hindered_since = None;
        Ok(record)
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

    /// Sends several commands in one request.
    ///
    /// # Errors
    /// A [`CallFailure`] for the request as a whole; the commands have outcomes of their own.
    pub async fn batch(&self, batch: &Batch, repeat: Repeat) -> Result<BatchAnswer, CallFailure> {
        let load = Load::batch(batch.steps());
        let answer =
            self.send(&batch.call(), &load, repeat)
                .await
                .map_err(|failure| match failure {
                    CallFailure::Problem(problem) => problem.of_whole_batch().into(),
                    other => other,
                })?;
        let answer = batch.read(answer)?;
        self.note(self.learn_from_batch(&answer));
        Ok(answer)
    }

    /// Sends one call.
    ///
    /// # Errors
    /// A [`CallFailure`].
    pub async fn call(&self, call: &Call, repeat: Repeat) -> Result<Reply, CallFailure> {
        let reply = self.send(call, &Load::call(call.method), repeat).await?;
        self.note(self.learn_from_call(call.method, &reply));
        Ok(reply)
    }

    /// What comes after an answer never turns it into a failure: the portal has done its part by now,
    /// and whoever called has to know. The next step that depends on the store fails by itself.
    fn note(&self, booked: Result<(), StoreFault>) {
        if let Err(fault) = booked {
            tracing::warn!(portal = %self.config.name, %fault, "the portal's pace was not noted");
        }
    }

    async fn send(&self, call: &Call, load: &Load, repeat: Repeat) -> Result<Reply, CallFailure> {
        let (mut renewed, mut moves, mut tries) = (false, 0, 0);
        loop {
            self.wait_for_room(load).await?;
            let sent = self.now();
            let (reply, access) = self.send_once(call).await;
            let problem = match reply {
                Ok(reply) => {
                    self.session().hindered_since = None;
                    if moves > 0 {
                        self.remember_move();
                    }
                    return Ok(reply);
                }
                Err(problem) => problem,
            };
            tracing::debug!(portal = %self.config.name, method = call.method, %problem, "no result");
            match problem {
                Problem::TokenUnknown(_) if moves > 0 => return Err(self.refuse_move()?),
                Problem::TokenExpired | Problem::TokenUnknown(_) if !renewed => {
                    self.renew(&access).await?;
                    renewed = true;
                }
                Problem::TokenUnknown(said) => {
                    return Err(self.lose_authorisation(&said.to_string()));
                }
                // One renewal is all that may help: more of them get the application blocked.
                Problem::TokenExpired => {
                    let said = "the portal takes a token for expired that was renewed just now";
                    return Err(self.lose_authorisation(said));
                }
                Problem::Moved(target) if moves < MOST_MOVES => {
                    self.follow(&target)?;
                    moves += 1;
                }
                // Nothing was processed: once more as soon as the books say so, where the patience
                // reaches that far.
                Problem::MethodBlocked => self.learn_of_block(call.method)?,
                problem => {
                    let unprocessed =
                        matches!(problem, Problem::RateLimited | Problem::Unreachable(_));
                    let harmless = problem.may_have_been_processed() && repeat == Repeat::Freely;
                    if problem.may_have_been_processed() {
                        self.note(self.learn_of_loss(load, sent));
                    }
                    if problem == Problem::RateLimited {
                        self.bucket_overflowed()?;
                    }
                    if !(unprocessed || harmless) || tries >= self.retry.tries {
                        return Err(problem.into());
                    }
                    let rest = after(self.now(), self.retry.delay(tries));
                    if let Err(failure) = self.rest_until(rest, &problem.to_string()).await {
                        // Out of patience: the portal's own word tells people more.
                        return match failure {
                            CallFailure::MustWait { .. } => Err(problem.into()),
                            other => Err(other),
                        };
                    }
                    tries += 1;
                }
            }
        }
    }

    /// Sends a call with the present token, which is answered too so that a renewal can tell whether
    /// somebody else has renewed meanwhile.
    async fn send_once(&self, call: &Call) -> (Result<Reply, Problem>, SecretString) {
        let (url, body, access) = {
            let session = self.session();
            let mut params = call.params.clone();
            params.insert(
                "auth".to_owned(),
                Value::from(session.access.expose_secret()),
            );
            if let Some(connector) = &session.connector {
                params.insert("auth_connector".to_owned(), Value::from(connector.as_str()));
            }
            let url = session.endpoint.join(&format!("{}.json", call.method));
            (
                url,
                Value::Object(params).to_string(),
                session.access.clone(),
            )
        };
        let Ok(url) = url else {
            return (
                Err(Problem::Unclear("the endpoint is no address".to_owned())),
                access,
            );
        };
        let body = Body::Json(body.into());
        let exchange = tokio::select! {
            exchange = self.context.transport.post(&url, &body) => exchange,
            () = self.out_of_grace() => Err(Fault::NoAnswer("stopped while waiting".to_owned())),
        };
        let reply = decode::reply(exchange.map(|answer| answer.without(&access)));
        self.meter().sent(call.method, reply.as_ref().err());
        (reply, access)
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

fn endpoint(record: &PortalRecord) -> Result<Url, Problem> {
    let Tokens { endpoint, .. } = &record.tokens;
    endpoint
        .parse()
        .map_err(|_| Problem::Unclear(format!("the stored endpoint {endpoint} is no address")))
}
