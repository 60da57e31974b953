//! Sending a call, and what comes back. Here, and only here, stands the repetition that the protocol
//! demands: once after a renewal, once after a rename, and by policy where a request was certainly not
//! processed or may be repeated without harm.

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::{
    CallFailure, Portal, Repeat,
    renewal::{REFUSED_FRESH, Renewal},
};
use crate::{
    bitrix::{
        Bar, Batch, BatchAnswer, Call, Fault, Problem, Reply, application::Feature, decode,
        limits::Load, network::Body,
    },
    clock::after,
    store::StoreFault,
};

/// How often a portal's rename is followed within one call.
const MOST_MOVES: u32 = 3;

/// How often a token is replaced within one call.
const MOST_REPLACED: u32 = 3;

impl Portal {
    /// Sends several commands in one request.
    ///
    /// # Errors
    /// A [`CallFailure`] for the request as a whole; the commands have outcomes of their own.
    pub async fn batch(&self, batch: &Batch, repeat: Repeat) -> Result<BatchAnswer, CallFailure> {
        let load = Load::batch(batch.steps());
        let answer = self.send(&batch.call(), &load, repeat).await?;
        let answer = batch.read(answer)?;
        self.note(self.learn_from_batch(&answer).await);
        Ok(answer)
    }

    /// Sends one call.
    ///
    /// # Errors
    /// A [`CallFailure`].
    pub async fn call(&self, call: &Call, repeat: Repeat) -> Result<Reply, CallFailure> {
        let reply = self.send(call, &Load::call(call.method), repeat).await?;
        self.note(self.learn_from_call(call.method, &reply).await);
        Ok(reply)
    }

    /// What comes after an answer never turns it into a failure: the portal has done its part by now,
    /// and whoever called has to know. The next step that depends on the store fails by itself.
    pub(super) fn note(&self, booked: Result<(), StoreFault>) {
        if let Err(fault) = booked {
            tracing::warn!(portal = %self.config.name, %fault, "the portal's pace was not noted");
        }
    }

    async fn send(&self, call: &Call, load: &Load, repeat: Repeat) -> Result<Reply, CallFailure> {
        let (mut renewed, mut replaced, mut moves, mut tries) = (false, 0, 0, 0);
        loop {
            if repeat != Repeat::AtOnce {
                self.wait_for_room(load).await?;
            }
            let sent = self.now();
            let (reply, access) = self.send_once(call, repeat).await;
            let problem = match reply {
                Ok(reply) => {
                    self.session().hindered_since = None;
                    return Ok(reply);
                }
                Err(problem) => problem,
            };
            tracing::debug!(portal = %self.config.name, method = call.method, %problem, "no result");
            match problem {
                Problem::RateLimited if repeat == Repeat::AtOnce => {
                    self.bucket_overflowed().await?;
                    return Err(problem.into());
                }
                Problem::MethodBlocked if repeat == Repeat::AtOnce => {
                    self.learn_of_block(call.method).await?;
                    return Err(problem.into());
                }
                problem if repeat == Repeat::AtOnce => {
                    if problem.may_have_been_processed() {
                        self.note(self.learn_of_loss(load, sent).await);
                    }
                    return Err(problem.into());
                }
                // One renewal is all that may help: more of them get the application blocked. What others
                // have renewed meanwhile may have ended by now, too.
                Problem::TokenExpired | Problem::TokenUnknown(_)
                    if !renewed && replaced < MOST_REPLACED =>
                {
                    renewed = matches!(self.renew(&access).await?, Renewal::Here(_));
                    replaced += 1;
                }
                Problem::TokenExpired | Problem::TokenUnknown(_) => {
                    let text = format!("{REFUSED_FRESH} ({problem})");
                    return Err(self.lose_authorisation(Bar::TokensDead, &text).await);
                }
                Problem::Moved(target) if moves < MOST_MOVES => {
                    renewed |= self.follow(&target, &access).await?;
                    moves += 1;
                }
                Problem::Licence(said) if self.session().connector.is_some() => {
                    // The mere presence of the key breaks every call where the plan lacks the feature.
                    self.note(self.refuse_feature(Feature::Connector).await);
                    if !self.does_without {
                        return Err(Problem::Licence(said).into());
                    }
                    self.use_connector(None);
                }
                // Nothing was processed: once more as soon as the books say so, where the patience
                // reaches that far.
                Problem::MethodBlocked => self.learn_of_block(call.method).await?,
                problem => {
                    let unprocessed =
                        matches!(problem, Problem::RateLimited | Problem::Unreachable(_));
                    let harmless = problem.may_have_been_processed() && repeat == Repeat::Freely;
                    if problem.may_have_been_processed() {
                        self.note(self.learn_of_loss(load, sent).await);
                    }
                    if problem == Problem::RateLimited {
                        self.bucket_overflowed().await?;
                    }
                    if !(unprocessed || harmless) || tries >= self.retry.tries {
                        return Err(problem.into());
                    }
                    // A request that hung for long has used up patience, too.
                    self.session().hindered_since.get_or_insert(sent);
                    let rest = after(self.now(), self.delay(&self.retry, tries));
                    if let Err(failure) = self.rest_until(rest, problem.to_string()).await {
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
    async fn send_once(
        &self,
        call: &Call,
        repeat: Repeat,
    ) -> (Result<Reply, Problem>, SecretString) {
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
        let within = self.request_seconds(repeat);
        let exchange = tokio::select! {
            biased;
            exchange = self.context.transport.post(&url, &body, within) => exchange,
            () = self.out_of_grace() => Err(Fault::no_answer(&url, "stopped while waiting")),
        };
        let reply = decode::reply(call.method, exchange.map(|answer| answer.without(&access)));
        let reply = match call.concerns_a_record() {
            true => reply,
            false => reply.map_err(Problem::of_whole_request),
        };
        self.meter().sent(call.method, reply.as_ref().err());
        (reply, access)
    }
}
