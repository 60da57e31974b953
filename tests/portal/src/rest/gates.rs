//! The portal's own work on a REST request: gates in their order, then the method, then the
//! envelope.

use std::net::IpAddr;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::log::RequestRecord;
use crate::oauth::tokens::Standing;
use crate::php;
use crate::referee::Shown;
use crate::rest::batch::{self, Strike};
use crate::rest::method::{self, Call, Caller, Outcome, Refusal};
use crate::rest::timing;
use crate::settings::{Billing, Breakage};
use crate::shared::Shared;
use crate::state::State;
use crate::wire::fault::Effect;
use crate::wire::reply::Reply;

/// Answers a REST request. `current`: it came to the portal's present address.
pub(crate) async fn answer(
    shared: &Arc<Shared>,
    record: &RequestRecord,
    from: IpAddr,
    current: bool,
    fault: Option<&Effect>,
    shown: &mut Shown,
) -> Reply {
    let latency = shared.state().settings.latency;
    if latency > 0.0 {
        shared.clock.spend(latency).await;
    }
    let start = shared.clock.now();
    let caller = match admit(shared, record, from, current, start, shown) {
        Ok(caller) => caller,
        Err(reply) => return *reply,
    };
    let outcome = work(shared, record, &caller, fault, shown).await;
    let broken = shared.state().settings.broken.clone();
    let unencodable = |id: &u64| broken.get(id) == Some(&Breakage::Unencodable);
    if shown.named.iter().any(unencodable) {
        *shown = Shown::default();
        return Reply::wrong_encoding();
    }
    match outcome {
        Ok(outcome) => envelope(shared, record, outcome, start),
        Err(refusal) => refusal.into(),
    }
}

/// Everything that stands before the method.
fn admit(
    shared: &Shared,
    record: &RequestRecord,
    from: IpAddr,
    current: bool,
    now: f64,
    shown: &mut Shown,
) -> Result<Caller, Box<Reply>> {
    let mut state = shared.state();
    state.settle(now);
    if !current {
        let path = match state.settings.redirects_to_host {
            true => "/",
            false => record.url.as_str(),
        };
        let location = format!("{}{path}", state.addresses.portal());
        // Whoever is sent elsewhere renews, to hear from the authorisation server where that is.
        shown.told_to_renew = token(record);
        return Err(Box::new(Reply::redirect(location)));
    }
    if let Some(target) = &state.settings.redirects_to {
        let location = format!("{target}{}", record.url);
        shown.told_to_renew = token(record);
        return Err(Box::new(Reply::redirect(location)));
    }
    if state
        .settings
        .max_body
        .is_some_and(|most| record.body_bytes > most)
    {
        return Err(Box::new(Reply::html(413)));
    }
    let (burst, rate) = (state.settings.burst, state.settings.rate);
    if !state.bucket.take(from, 1.0, now, burst, rate) {
        let refusal = Refusal::new(503, "QUERY_LIMIT_EXCEEDED", "Too many requests");
        return Err(Box::new(refusal.into()));
    }
    authorise(&state, record, now, shown).map_err(|refusal| Box::new(refusal.into()))
}

/// The token that a request carries: the header is looked at first.
pub(crate) fn token(record: &RequestRecord) -> Option<String> {
    let bearer = record
        .header("authorization")
        .and_then(|value| value.strip_prefix("Bearer "))
        .map(|token| token.trim().to_owned());
    bearer
        .or_else(|| record.params.get("auth").and_then(php::text))
        .or_else(|| record.params.get("access_token").and_then(php::text))
        .filter(|token| !token.is_empty())
}

fn authorise(
    state: &State,
    record: &RequestRecord,
    now: f64,
    shown: &mut Shown,
) -> Result<Caller, Refusal> {
    let Some(token) = token(record) else {
        return Err(Refusal::new(
            401,
            "NO_AUTH_FOUND",
            "Wrong authorization data",
        ));
    };
    let user = match state.tokens.standing(&token, now) {
        Standing::Valid(user) => user,
        Standing::Expired => {
            shown.told_to_renew = Some(token);
            return Err(Refusal::new(
                401,
                "expired_token",
                "The access token provided has expired.",
            ));
        }
        Standing::Unknown => {
            return Err(Refusal::new(
                401,
                "invalid_token",
                "Unable to get application by token",
            ));
        }
    };
    if let Some((status, code, text)) = &state.settings.refuse_rest {
        return Err(Refusal::new(*status, code, text));
    }
    if user == 1 && state.settings.dismissed {
        return Err(Refusal::new(
            401,
            "authorization_error",
            "Unable to authorize user",
        ));
    }
    let connector = record.params.get("auth_connector");
    if connector.is_some() && !state.settings.plan_connector {
        return Err(Refusal::new(
            403,
            "WRONG_LICENSE",
            "This feature is not enabled for the current license: auth_connector",
        ));
    }
    Ok(Caller {
        user,
        connector: connector.and_then(php::text).unwrap_or_default(),
    })
}

/// The operating limit, the method itself, the bill.
async fn work(
    shared: &Arc<Shared>,
    record: &RequestRecord,
    caller: &Caller,
    fault: Option<&Effect>,
    shown: &mut Shown,
) -> Result<Outcome, Refusal> {
    let method = record.method.as_str();
    if method == "batch" {
        let whole = shared.state().settings.billing == Billing::Batch;
        if whole {
            timing::check(shared, "batch")?;
        }
        let answer = batch::run(shared, record, caller, fault, shown).await;
        if whole {
            let now = shared.clock.now();
            let mut state = shared.state();
            let costs = record.commands.iter().take(50);
            let cost: f64 = costs
                .map(|command| state.settings.booked_cost_of(&command.method))
                .sum();
            state.operating.book("batch", cost, now);
        }
        return answer.map(Outcome::from);
    }
    let struck = match batch::strike(fault, method, &mut 0) {
        Some(Strike::Refuse(refusal)) => return Err(refusal),
        Some(Strike::Answer(result, false)) => return Ok(result.into()),
        struck => struck,
    };
    method::check_scope(&shared.state(), method)?;
    timing::check(shared, method)?;
    let cost = shared.state().settings.cost_of(method);
    if cost > 0.0 {
        shared.clock.spend(cost).await;
    }
    let now = shared.clock.now();
    let mut params = record.params.clone();
    let start = method::take_reserved(&mut params);
    let call = Call {
        caller,
        params: &params,
        start,
        now,
    };
    let mut state = shared.state();
    let outcome = method::dispatch(&mut state, method, &call, shown);
    state.book(method, now);
    Strike::put_over(struck, outcome)
}

fn envelope(shared: &Shared, record: &RequestRecord, outcome: Outcome, start: f64) -> Reply {
    let mut body = Map::new();
    body.insert("result".to_owned(), outcome.result);
    if let Some(next) = outcome.next {
        body.insert("next".to_owned(), json!(next));
    }
    if let Some(total) = outcome.total {
        body.insert("total".to_owned(), json!(total));
    }
    let time = timing::time(shared, &record.method, false, start);
    body.insert("time".to_owned(), time);
    Reply::json(200, Value::Object(body))
}
