//! Execution time: the operating limit and the `time` of an answer.

use serde_json::{Value, json};

use crate::date;
use crate::rest::method::Refusal;
use crate::settings::Billing;
use crate::shared::Shared;
use crate::state::seconds;

/// 429 where a method's time is used up. It carries neither `Retry-After` nor `time`.
pub(crate) fn check(shared: &Shared, method: &str) -> Result<(), Refusal> {
    let now = shared.clock.now();
    let mut state = shared.state();
    let Some(limit) = state.settings.operating_limit else {
        return Ok(());
    };
    if state.operating.sum(method, now).0 < limit {
        return Ok(());
    }
    Err(Refusal::new(
        429,
        "OPERATION_TIME_LIMIT",
        "Method is blocked due to operation time limit.",
    ))
}

/// `time` of a call that began at `start`. Inside a batch that is billed as a whole, all commands
/// show the batch's sum.
pub(crate) fn time(shared: &Shared, method: &str, inside_batch: bool, start: f64) -> Value {
    let mut state = shared.state();
    let now = shared.clock.now();
    let offset = state.settings.clock_offset;
    let (start, finish) = (start + offset, now + offset);
    let duration = finish - start;
    let mut time = json!({
        "start": start,
        "finish": finish,
        "duration": duration,
        "processing": duration,
        "date_start": date::format(seconds(start)),
        "date_finish": date::format(seconds(finish)),
    });
    if state.settings.report_operating && state.settings.operating_limit.is_some() {
        let whole = inside_batch && state.settings.billing == Billing::Batch;
        let method = if whole { "batch" } else { method };
        let (sum, reset) = state.operating.sum(method, now);
        time["operating_reset_at"] = json!(reset + seconds(offset));
        time["operating"] = json!(sum);
    }
    time
}
