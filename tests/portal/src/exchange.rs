//! The way of every request: read, log, hook, fault, work, answer.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{Request, Response};
use serde_json::json;

use crate::fault::Effect;
use crate::log::{RequestRecord, Server};
use crate::oauth;
use crate::referee::Shown;
use crate::reply::{Reply, no_answer};
use crate::request;
use crate::rest;
use crate::shared::Shared;
use crate::state::State;

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

/// Serves one request and tells whoever waits for progress.
pub(crate) async fn serve(
    shared: Arc<Shared>,
    door: Door,
    from: IpAddr,
    http: Request<Body>,
) -> Response<Body> {
    let response = answer(&shared, door, from, http).await;
    shared.progress.notify_waiters();
    response
}

async fn answer(
    shared: &Arc<Shared>,
    door: Door,
    from: IpAddr,
    http: Request<Body>,
) -> Response<Body> {
    let (parts, body) = http.into_parts();
    let Ok(body) = to_bytes(body, usize::MAX).await else {
        return no_answer();
    };
    let mut record = request::read(door.server, &parts, &body);
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
        return unprocessed(shared, number, &record, effect).await;
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
                noted.answer = reply.body.chars().take(500).collect();
            });
            (reply, shown)
        }
    });
    let Ok((reply, shown)) = worker.await else {
        return no_answer();
    };
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
        "oauth.token" => oauth::token(&mut shared.state(), record, now),
        "oauth.authorize" => oauth::authorize(&mut shared.state(), record, now),
        _ => {
            let current = shared.state().addresses.generation == door.generation;
            rest::answer(shared, record, from, current, effect, shown).await
        }
    }
}

/// A request that a fault kept from being carried out.
async fn unprocessed(
    shared: &Shared,
    number: u64,
    record: &RequestRecord,
    effect: Option<Effect>,
) -> Response<Body> {
    let reply = match effect {
        Some(Effect::Error {
            status,
            code,
            description,
        }) => {
            if matches!(code.as_str(), "expired_token" | "invalid_token") {
                let told_to_renew = rest::token(record);
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
        Some(Effect::Hang { seconds, .. }) => {
            hang(shared, seconds).await;
            return no_answer();
        }
        Some(effect) => match replaced(&effect) {
            Some(reply) => reply,
            None => return no_answer(),
        },
        None => return no_answer(),
    };
    shared.note(number, |noted| noted.status = Some(reply.status));
    reply.into_response()
}

/// An answer to a request that was carried out, spoilt where a fault says so.
async fn processed(
    shared: &Shared,
    number: u64,
    reply: Reply,
    shown: Shown,
    effect: Option<Effect>,
) -> Response<Body> {
    if let Some(Effect::Hang { seconds, .. }) = &effect {
        hang(shared, *seconds).await;
    }
    match effect {
        Some(Effect::LoseAnswer) => no_answer(),
        Some(Effect::CutAnswer) => {
            shared.note(number, |noted| noted.status = Some(reply.status));
            reply.into_cut_response()
        }
        Some(Effect::TruncatedJson) => {
            shared.note(number, |noted| noted.status = Some(reply.status));
            let half = reply.body.chars().count() / 2;
            let body = reply.body.chars().take(half).collect();
            Reply { body, ..reply }.into_response()
        }
        Some(effect) if replaced(&effect).is_some() => {
            let reply = replaced(&effect).unwrap_or(reply);
            shared.note(number, |noted| noted.status = Some(reply.status));
            reply.into_response()
        }
        _ => {
            let state = &mut *shared.state();
            state.referee.delivered(shown, &mut state.queue);
            if let Ok(at) = state
                .log
                .binary_search_by_key(&number, |noted| noted.number)
            {
                state.log[at].status = Some(reply.status);
                state.log[at].answered = true;
            }
            reply.into_response()
        }
    }
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
            body: body.clone(),
            retry_after: *retry_after,
            ..Reply::html(*code)
        }),
        Effect::Html { code, .. } => Some(Reply::html(*code)),
        Effect::EmptyBody { .. } => Some(Reply {
            body: String::new(),
            ..Reply::html(200)
        }),
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
