//! `batch`: commands one after another, with references to earlier answers (protocol document,
//! section 5).

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::log::RequestRecord;
use crate::php;
use crate::referee::Shown;
use crate::rest::method::{self, Call, Caller, Outcome, Refusal};
use crate::rest::reference::{Answers, ArrayToText};
use crate::rest::timing;
use crate::settings::Billing;
use crate::shared::Shared;
use crate::wire::fault::Effect;

/// Commands of one batch.
const MOST: usize = 50;

/// Runs a batch. Answers the five maps, or the refusal of the whole request; the commands before
/// it are done then.
pub(crate) async fn run(
    shared: &Arc<Shared>,
    record: &RequestRecord,
    caller: &Caller,
    fault: Option<&Effect>,
    shown: &mut Shown,
) -> Result<Value, Refusal> {
    let params = php::lower_keys(&record.params);
    let halt = params.get("halt").is_some_and(|halt| php::int(halt) != 0);
    let mut answers = Answers::default();
    let mut hits = 0;
    for (position, command) in record.commands.iter().enumerate() {
        shared.before_command(record, command);
        let start = shared.clock.now();
        let answer = if position >= MOST {
            Err(Refusal::new(
                400,
                "ERROR_BATCH_LENGTH_EXCEEDED",
                "Max batch length exceeded",
            ))
        } else if command.method == "batch" {
            Err(Refusal::new(
                405,
                "ERROR_BATCH_METHOD_NOT_ALLOWED",
                "Method is not allowed for batch usage",
            ))
        } else {
            match strike(fault, &command.method, &mut hits) {
                Some(Strike::Refuse(refusal)) => Err(refusal),
                Some(Strike::Answer(result, false)) => Ok(result.into()),
                struck => {
                    let mode = shared.state().settings.guard;
                    let given = Value::Object(command.params.clone());
                    let Ok(Value::Object(mut params)) = answers.resolve(&given, mode) else {
                        return Err(fatal(ArrayToText));
                    };
                    let start = method::take_reserved(&mut params);
                    let answer = work(shared, &command.method, caller, &params, start, shown).await;
                    Strike::put_over(struck, answer)
                }
            }
        };
        if let Err(refusal) = &answer
            && refusal.page.is_some()
        {
            return Err(refusal.clone());
        }
        let key = &command.key;
        let refused = answer.as_ref().err();
        let refused = refused.map(|refusal| (refusal.code.clone(), refusal.text.clone()));
        match answer {
            Ok(outcome) => {
                answers.result.insert(key.clone(), outcome.result);
                if let Some(total) = outcome.total {
                    answers.total.insert(key.clone(), json!(total));
                }
                if let Some(next) = outcome.next {
                    answers.next.insert(key.clone(), json!(next));
                }
                let time = timing::time(shared, &command.method, true, start);
                answers.time.insert(key.clone(), time);
            }
            Err(refusal) => {
                answers.error.insert(key.clone(), refusal.envelope());
            }
        }
        let failed = refused.is_some();
        shared.note(record.number, |noted| {
            if let Some(noted) = noted.commands.get_mut(position) {
                noted.processed = true;
                noted.error = refused;
            }
        });
        if failed && halt {
            break;
        }
    }
    if let Some(Effect::DropBatchKeys(keys)) = fault {
        for map in [
            &mut answers.result,
            &mut answers.error,
            &mut answers.total,
            &mut answers.next,
            &mut answers.time,
        ] {
            map.retain(|key, _| !keys.contains(key));
        }
    }
    let mut five = Map::new();
    five.insert("result".to_owned(), Value::Object(answers.result));
    five.insert("result_error".to_owned(), Value::Object(answers.error));
    five.insert("result_total".to_owned(), Value::Object(answers.total));
    five.insert("result_next".to_owned(), Value::Object(answers.next));
    five.insert("result_time".to_owned(), Value::Object(answers.time));
    Ok(Value::Object(five))
}

fn fatal(_: ArrayToText) -> Refusal {
    Refusal::new(500, "INTERNAL_SERVER_ERROR", "Internal server error")
}

/// What a fault on order does to one call.
pub(crate) enum Strike {
    Refuse(Refusal),
    /// Another result, and whether the call is carried out first.
    Answer(Value, bool),
}

impl Strike {
    /// The answer of a call that was carried out, with a struck result in its place.
    pub(crate) fn put_over(
        struck: Option<Self>,
        answer: Result<Outcome, Refusal>,
    ) -> Result<Outcome, Refusal> {
        match struck {
            Some(Self::Answer(result, _)) => answer.map(|_| result.into()),
            _ => answer,
        }
    }
}

/// What a fault on order does to a call of this method; `hits` counts such calls.
pub(crate) fn strike(fault: Option<&Effect>, method: &str, hits: &mut u32) -> Option<Strike> {
    let (wanted, nth, strike) = match fault? {
        Effect::CommandError {
            method,
            nth,
            code,
            description,
        } => {
            let refusal = Refusal::new(400, code, description);
            (method, nth, Strike::Refuse(refusal))
        }
        Effect::CommandAnswer {
            method,
            nth,
            result,
            processed,
        } => (method, nth, Strike::Answer(result.clone(), *processed)),
        _ => return None,
    };
    if wanted != method {
        return None;
    }
    *hits += 1;
    (*nth == 0 || nth == hits).then_some(strike)
}

/// One command: its own limit, its own time.
async fn work(
    shared: &Arc<Shared>,
    method: &str,
    caller: &Caller,
    params: &php::Params,
    start: Option<i64>,
    shown: &mut Shown,
) -> Result<Outcome, Refusal> {
    let inner = shared.state().settings.billing == Billing::Inner;
    if inner {
        timing::check(shared, method)?;
    }
    let cost = shared.state().settings.cost_of(method);
    if cost > 0.0 {
        shared.clock.spend(cost).await;
    }
    let now = shared.clock.now();
    let call = Call {
        caller,
        params,
        start,
        now,
    };
    let outcome = method::dispatch(&mut shared.state(), method, &call, shown);
    if inner {
        shared.state().book(method, now);
    }
    outcome
}
