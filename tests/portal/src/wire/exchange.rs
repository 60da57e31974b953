//! The way of every request: read, log, hook, fault, work, answer.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::log::{RequestRecord, Server};
use crate::oauth::endpoint;
use crate::referee::Shown;
use crate::rest::gates;
use crate::shared::Shared;
use crate::state::State;
use crate::wire::fault::Effect;
use crate::wire::message::{Answer, Delivery, Request};
use crate::wire::reply::Reply;
use crate::wire::request;

/// Real time for which an answer is held back where the clock only pretends to wait.
const HELD_BACK: Duration = Duration::from_millis(100);
/// The body size that the client promises to stay below.
const BODY_PROMISE: usize = 64 * 1024;

/// Where a request came in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Door {
    pub(crate) server: Server,
    /// The portal's address at that time; see `State::addresses`.
    pub(crate) generation: usize,
}

/// Serves one request and tells whoever waits for progress. `None`: the connection closes without
/// an answer.
pub(crate) async fn serve(
    shared: Arc<Shared>,
    door: Door,
    from: IpAddr,
    request: Request,
) -> Option<Answer> {
    let gzip = request
        .headers
        .iter()
        .any(|(name, value)| name == "accept-encoding" && value.contains("gzip"));
    let gzip = gzip && shared.state().settings.gzip;
    let sent = answer(&shared, door, from, &request).await;
    shared.progress.notify_waiters();
    let (reply, delivery) = sent?;
    Some(reply.into_answer(delivery, gzip))
}

async fn answer(
    shared: &Arc<Shared>,
    door: Door,
    from: IpAddr,
    request: &Request,
) -> Option<(Reply, Delivery)> {
    let mut record = request::read(door.server, request);
    record.at = shared.clock.now();
    {
        let mut state = shared.state();
        state.requests_seen += 1;
        record.number = state.requests_seen;
        watch(&mut state, &record);
        let excess = (state.log.len() + 1).saturating_sub(state.settings.keep_requests);
        state.log.drain(..excess);
        state.log.push(record.clone());
    }
    let number = record.number;
    // A hook may still order a fault for this very request.
    shared.before_request(&record);
    let effect = shared.state().faults.strike(&record);

    if effect.as_ref().is_some_and(|effect| !effect.processes()) {
        let reply = unprocessed(shared, number, &record, effect).await?;
        return Some((reply, Delivery::Whole));
    }
    // The portal works on even where the client hangs up.
    let worker = tokio::spawn({
        let shared = Arc::clone(shared);
        let effect = effect.clone();
        async move {
            let mut shown = Shown::default();
            let reply = work(&shared, &record, door, from, effect.as_ref(), &mut shown).await;
            shared.note(number, |noted| {
                noted.processed = true;
                noted.error.clone_from(&reply.error);
                noted.answer = reply.beginning();
            });
            (reply, shown)
        }
    });
    let (reply, shown) = worker.await.ok()?;
    processed(shared, number, reply, shown, effect).await
}

/// What the referee sees in a request as such.
fn watch(state: &mut State, record: &RequestRecord) {
    let query = record.url.split_once('?').map_or("", |(_, query)| query);
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = crate::php::url_decode(value);
        let secret = matches!(
            name,
            "auth" | "access_token" | "refresh_token" | "client_secret"
        ) || state.tokens.issued.contains(&value);
        if secret {
            let breach = format!("secret in the address of {}: {name}", record.method);
            state.referee.report(breach);
        }
    }
    if record.body_bytes > BODY_PROMISE {
        let breach = format!(
            "body of {} bytes sent to {}",
            record.body_bytes, record.method
        );
        state.referee.report(breach);
    }
    if record.commands.len() > 50 {
        let breach = format!("batch of {} commands", record.commands.len());
        state.referee.report(breach);
    }
    for command in &record.commands {
        if command.params.contains_key("auth_connector") {
            let breach = format!("auth_connector inside the command {}", command.key);
            state.referee.report(breach);
        }
    }
}

async fn work(
    shared: &Arc<Shared>,
    record: &RequestRecord,
    door: Door,
    from: IpAddr,
    effect: Option<&Effect>,
    shown: &mut Shown,
) -> Reply {
    let now = shared.clock.now();
    match record.method.as_str() {
        "" => Reply::html(404),
        "oauth.token" => endpoint::token(&mut shared.state(), record, now),
        "oauth.authorize" => endpoint::authorize(&mut shared.state(), record, now),
        _ => {
            let current = shared.state().addresses.generation() == door.generation;
            gates::answer(shared, record, from, current, effect, shown).await
        }
    }
}

/// The answer to a request that a fault kept from being carried out.
async fn unprocessed(
    shared: &Shared,
    number: u64,
    record: &RequestRecord,
    effect: Option<Effect>,
) -> Option<Reply> {
    let reply = match effect? {
        Effect::Error {
            status,
            code,
            description,
        } => {
            if matches!(code.as_str(), "expired_token" | "invalid_token") {
                let told_to_renew = gates::token(record);
                let shown = Shown {
                    told_to_renew,
                    ..Shown::default()
                };
                let state = &mut *shared.state();
                state.referee.delivered(shown, &mut state.queue);
            }
            let body = json!({"error": code, "error_description": description});
            Reply::json(status, body)
        }
        Effect::Hang { seconds, .. } => {
            hang(shared, seconds).await;
            return None;
        }
        effect => replaced(&effect)?,
    };
    shared.note(number, |noted| noted.status = Some(reply.status));
    Some(reply)
}

/// An answer to a request that was carried out, spoilt where a fault says so.
async fn processed(
    shared: &Shared,
    number: u64,
    reply: Reply,
    shown: Shown,
    effect: Option<Effect>,
) -> Option<(Reply, Delivery)> {
    let spoilt = |reply: Reply, delivery: Delivery| {
        shared.note(number, |noted| noted.status = Some(reply.status));
        Some((reply, delivery))
    };
    if let Some(Effect::Hang { seconds, .. }) = &effect {
        hang(shared, *seconds).await;
    }
    let mut reply = reply;
    let mut delivery = Delivery::Whole;
    match effect {
        Some(Effect::LoseAnswer) => return None,
        Some(Effect::CutAnswer) => return spoilt(reply, Delivery::Cut),
        Some(Effect::TruncatedJson) => {
            reply.body.truncate(reply.body.len() / 2);
            return spoilt(reply, Delivery::Whole);
        }
        // What is in these answers can still be read.
        Some(Effect::Spoilt(spoil)) => reply.body = spoil.apply(&reply.body),
        Some(Effect::Drip { milliseconds }) => delivery = Delivery::Drip(milliseconds),
        Some(effect) => {
            if let Some(other) = replaced(&effect) {
                return spoilt(other, Delivery::Whole);
            }
        }
        None => {}
    }
    let state = &mut *shared.state();
    state.referee.delivered(shown, &mut state.queue);
    if let Ok(at) = state
        .log
        .binary_search_by_key(&number, |noted| noted.number)
    {
        state.log[at].status = Some(reply.status);
        state.log[at].answered = true;
    }
    Some((reply, delivery))
}

/// The answer that a fault puts in the place of the portal's own.
fn replaced(effect: &Effect) -> Option<Reply> {
    match effect {
        Effect::Status {
            code,
            body,
            retry_after,
            ..
        } => Some(Reply {
            retry_after: *retry_after,
            ..Reply::page(*code, body.clone())
        }),
        Effect::Html { code, .. } => Some(Reply::html(*code)),
        Effect::EmptyBody { .. } => Some(Reply::page(200, String::new())),
        _ => None,
    }
}

/// Lets time pass; where the clock only pretends, the client gets a moment to give up.
async fn hang(shared: &Shared, seconds: f64) {
    shared.clock.spend(seconds).await;
    if !shared.clock.waits() {
        tokio::time::sleep(HELD_BACK).await;
    }
}
