//! `batch`: commands one after another, with references to earlier answers (protocol document,
//! section 5).

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::fault::Effect;
use crate::log::RequestRecord;
use crate::method::{self, Call, Caller, Outcome, Refusal};
use crate::php;
use crate::referee::Shown;
use crate::reference::{Answers, ArrayToText};
use crate::settings::Billing;
use crate::shared::Shared;
use crate::timing;

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
        } else if let Some(refusal) = struck(fault, &command.method, &mut hits) {
            Err(refusal)
        } else {
            let mode = shared.state().settings.guard;
            let given = Value::Object(command.params.clone());
            let Ok(Value::Object(mut params)) = answers.resolve(&given, mode) else {
                return Err(fatal(ArrayToText));
            };
            let start = method::take_reserved(&mut params);
            work(shared, &command.method, caller, &params, start, shown).await
        };
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

/// The refusal that a fault on order has for a call of this method; `hits` counts such calls.
pub(crate) fn struck(fault: Option<&Effect>, method: &str, hits: &mut u32) -> Option<Refusal> {
    let Some(Effect::CommandError {
        method: wanted,
        nth,
        code,
        description,
    }) = fault
    else {
        return None;
    };
    if wanted != method {
        return None;
    }
    *hits += 1;
    (*nth == 0 || nth == hits).then(|| Refusal::new(400, code, description))
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
        shared.state().operating.book(method, cost, now);
    }
    outcome
}
