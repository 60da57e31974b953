//! `event.offline.get`, `.list`, `.clear`, `.error` (protocol document, sections 6.4 to 6.7).

use serde_json::{Value, json};

use crate::data::queue::{OUR_APP, QueueRow, View};
use crate::data::selection::{self, Condition, Kind, Operator, Order};
use crate::date;
use crate::php::{self, Params};
use crate::referee::Shown;
use crate::rest::method::{self, Call, Outcome, Refusal};
use crate::settings::ProcessIdFilter;
use crate::state::State;

/// Rows per page of a list.
const PAGE: usize = 50;

fn kind(field: &str) -> Kind {
    match field {
        "ID" | "ERROR" => Kind::Number,
        "TIMESTAMP_X" => Kind::Date,
        _ => Kind::Text,
    }
}

fn known(field: &str, listing: bool) -> bool {
    match field {
        "ID" | "TIMESTAMP_X" | "EVENT_NAME" | "MESSAGE_ID" => true,
        "PROCESS_ID" | "ERROR" => listing,
        _ => false,
    }
}

/// The filter of a get or a list; what the sanitiser does not let through is refused.
fn conditions(state: &State, params: &Params, listing: bool) -> Result<Vec<Condition>, Refusal> {
    let refuse = |text: &str| Err(Refusal::argument("FILTER", text));
    let Some(filter) = params.get("filter") else {
        return Ok(Vec::new());
    };
    if !php::is_array(filter) {
        return refuse("Filter must be an array");
    }
    let mut conditions = Vec::new();
    for (key, value) in php::entries(filter) {
        let Some((operator, field)) = Condition::split(&key) else {
            return refuse("Filter operation is not allowed");
        };
        if !known(field, listing) {
            return refuse("Filter field is not allowed");
        }
        if !matches!(
            operator,
            Operator::Equal
                | Operator::Greater
                | Operator::GreaterOrEqual
                | Operator::Less
                | Operator::LessOrEqual
                | Operator::In
                | Operator::Contains
        ) {
            return refuse("Filter operation is not allowed");
        }
        if !listing {
            if php::is_array(value) {
                return refuse("Filter value must be a scalar");
            }
            if matches!(operator, Operator::In | Operator::Contains) {
                // These pass the sanitiser and break the reserving statement.
                return Err(Refusal::new(400, "ERROR_CORE", "SQL query error"));
            }
        }
        let above_id = field == "ID" && operator == Operator::Greater;
        if field == "EVENT_NAME" && state.settings.ignores_event_filter
            || above_id && state.settings.ignores_above_id
        {
            continue;
        }
        if field == "PROCESS_ID" {
            let greater = operator == Operator::Greater;
            match state.settings.process_id_filter {
                ProcessIdFilter::Ignored => continue,
                ProcessIdFilter::Works => {}
                _ if !greater => {}
                ProcessIdFilter::SqlError => {
                    return Err(Refusal::new(500, "ERROR_CORE", "SQL query error"));
                }
                ProcessIdFilter::BadGateway => {
                    let page = "<html><body><h1>502 Bad Gateway</h1></body></html>";
                    return Err(Refusal::page(502, page));
                }
                ProcessIdFilter::Refused => return refuse("Filter field is not allowed"),
                ProcessIdFilter::FindsNothing => {
                    let nobody = Value::from("nobody");
                    conditions.extend(Condition::new(field, Operator::Equal, &nobody, kind(field)));
                    continue;
                }
            }
        }
        conditions.extend(Condition::new(field, operator, value, kind(field)));
    }
    Ok(conditions)
}

fn order(params: &Params, default: &str, listing: bool) -> Result<Order, Refusal> {
    let Some(given) = params.get("order") else {
        return Ok(Order::ascending(default));
    };
    if !php::is_array(given) {
        return Err(Refusal::argument("ORDER", "Order must be an array"));
    }
    let mut order = Order::default();
    for (field, direction) in php::entries(given) {
        if !known(&field, listing) {
            return Err(Refusal::argument("ORDER", "Order field is not allowed"));
        }
        order.0.push((field, !selection::is_descending(direction)));
    }
    if order.0.is_empty() {
        return Ok(Order::ascending(default));
    }
    Ok(order)
}

fn shown_row(row: &QueueRow) -> Value {
    json!({
        "ID": row.id.to_string(),
        "TIMESTAMP_X": date::format(row.timestamp),
        "EVENT_NAME": row.event_name,
        "EVENT_DATA": row.event_data,
        "EVENT_ADDITIONAL": {"user_id": row.user_id.to_string()},
        "MESSAGE_ID": row.message_id,
    })
}

/// A `process_id` that was given; JSON null counts as absent, an empty text as given.
fn process_of(state: &mut State, params: &Params, method: &str) -> Option<String> {
    let given = params.get("process_id").filter(|value| !value.is_null())?;
    let process = php::text(given).unwrap_or_default().trim().to_owned();
    if process.is_empty() {
        let breach = format!("empty process_id sent to {method}");
        state.referee.report(breach);
    }
    Some(process)
}

/// `event.offline.get`.
pub(crate) fn get(state: &mut State, call: &Call<'_>) -> Result<Outcome, Refusal> {
    method::check_admin(state, call.caller)?;
    let params = php::lower_keys(call.params);
    let clear = params
        .get("clear")
        .filter(|value| !value.is_null())
        .is_none_or(|value| php::int(value) != 0);
    if !clear && !state.settings.plan_confirms {
        return Err(Refusal::new(
            403,
            "WRONG_LICENSE",
            "This feature is not enabled for the current license: extended offline events handling",
        ));
    }
    let limit = match params.get("limit").filter(|value| !value.is_null()) {
        None => 50,
        Some(value) => usize::try_from(php::whole(value).unwrap_or(0)).unwrap_or(0),
    };
    if limit == 0 {
        return Err(Refusal::argument("LIMIT", "Value must be positive integer"));
    }
    let limit = limit.min(state.settings.get_cap.unwrap_or(usize::MAX));
    let error = params
        .get("error")
        .is_some_and(|value| php::int(value) == 1);
    let conditions = conditions(state, &params, false)?;
    let order = order(&params, "TIMESTAMP_X", false)?;
    let given = process_of(state, &params, "event.offline.get");

    let connector = call.caller.connector.as_str();
    let view = |process| View {
        connector,
        process: Some(process),
        error: Some(error),
    };
    let process = given.clone().unwrap_or_default();
    let ids = state
        .queue
        .select(&view(&process), &conditions, &order, limit);
    let process = given.clone().unwrap_or_else(|| state.chance.process_id());
    if given.is_none() {
        for id in &ids {
            state.queue.move_to(*id, &process, error);
        }
    }
    let events: Vec<Value> = ids
        .iter()
        .filter_map(|id| state.queue.row(*id))
        .map(|stored| shown_row(&stored.row))
        .collect();
    if clear && !events.is_empty() {
        // The whole batch goes, also rows that the limit or the filter kept out of the answer.
        let whole = View {
            connector,
            process: Some(&process),
            error: None,
        };
        let gone = state
            .queue
            .select(&whole, &[], &Order::ascending("ID"), usize::MAX);
        take_away(
            state,
            &gone,
            "event.offline.get with clear",
            given.is_none(),
        );
    }
    let answered = (given.is_some() || !clear).then_some(process);
    Ok(json!({"process_id": answered, "events": events}).into())
}

/// Removes rows on the client's word. `taking`: rows that it listed before are its own by now.
fn take_away(state: &mut State, ids: &[u64], how: &str, taking: bool) {
    for id in ids {
        match state.queue.remove(*id) {
            Some(stored) if taking && stored.listed => state.referee.taken(&stored),
            Some(stored) => state.referee.acknowledged(&stored, how),
            None => {}
        }
    }
}

/// `event.offline.list`.
pub(crate) fn list(state: &State, call: &Call<'_>, shown: &mut Shown) -> Result<Outcome, Refusal> {
    method::check_admin(state, call.caller)?;
    let params = php::lower_keys(call.params);
    let conditions = conditions(state, &params, true)?;
    let order = order(&params, "ID", true)?;
    let view = View {
        connector: &call.caller.connector,
        process: None,
        error: None,
    };
    let ids = state.queue.select(&view, &conditions, &order, usize::MAX);
    let start = usize::try_from(call.start.unwrap_or(0)).unwrap_or(0);
    let page: Vec<u64> = ids.iter().skip(start).take(PAGE).copied().collect();
    let rows: Vec<Value> = page
        .iter()
        .filter_map(|id| state.queue.row(*id))
        .map(|stored| {
            let mut row = shown_row(&stored.row);
            row["PROCESS_ID"] = json!(stored.row.process_id);
            row["ERROR"] = json!(if stored.row.error { "1" } else { "0" });
            row
        })
        .collect();
    shown.listed.extend(&page);
    let next = start + PAGE;
    Ok(Outcome {
        result: Value::Array(rows),
        total: Some(ids.len() as u64),
        next: (next < ids.len()).then_some(next as u64),
    })
}

/// `event.offline.clear`: always `true`.
pub(crate) fn clear(state: &mut State, call: &Call<'_>) -> Result<Outcome, Refusal> {
    method::check_admin(state, call.caller)?;
    let params = php::lower_keys(call.params);
    let Some(process) = process_of(state, &params, "event.offline.clear") else {
        return Err(Refusal::argument(
            "PROCESS_ID",
            "Argument 'PROCESS_ID' is null or empty",
        ));
    };
    for name in ["id", "message_id"] {
        if params.get(name).is_some_and(is_empty_list) {
            let breach = format!("empty {name} list sent to event.offline.clear");
            state.referee.report(breach);
        }
    }
    let messages = match params.get("message_id").filter(|list| !is_empty_list(list)) {
        None => None,
        Some(list) => Some(message_ids(list, true)?),
    };
    let ids = match params.get("id").filter(|list| !is_empty_list(list)) {
        None => None,
        Some(list) => Some(row_ids(list)?),
    };
    let view = View {
        connector: &call.caller.connector,
        process: Some(&process),
        error: None,
    };
    let order = Order::ascending("ID");
    let mut gone = state.queue.select(&view, &[], &order, usize::MAX);
    if let Some(messages) = messages {
        gone.retain(|id| {
            let row = state.queue.row(*id);
            row.is_some_and(|stored| messages.contains(&stored.row.message_id))
        });
    } else if let Some(ids) = ids {
        gone.retain(|id| ids.contains(id));
    }
    take_away(state, &gone, "event.offline.clear", false);
    Ok(Value::Bool(true).into())
}

/// Absent and empty are the same to the portal, which is what widens a clear.
fn is_empty_list(value: &Value) -> bool {
    match value {
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::String(text) => text.is_empty(),
        Value::Null => true,
        _ => false,
    }
}

fn row_ids(list: &Value) -> Result<std::collections::HashSet<u64>, Refusal> {
    let refuse = || Refusal::argument("ID", "Value must be array of integers");
    if !php::is_array(list) {
        return Err(refuse());
    }
    let ids = php::values(list).into_iter().map(|value| {
        let id = php::whole(value).filter(|id| *id > 0);
        id.ok_or_else(refuse)
    });
    ids.collect()
}

fn message_ids(list: &Value, exact: bool) -> Result<Vec<String>, Refusal> {
    let refuse = || Refusal::argument("MESSAGE_ID", "Value must be array of MESSAGE_ID values");
    if !php::is_array(list) {
        return Err(refuse());
    }
    let ids = php::values(list).into_iter().map(|value| {
        let id = php::text(value).unwrap_or_default().trim().to_owned();
        (!exact || id.chars().count() == 32)
            .then_some(id)
            .ok_or_else(refuse)
    });
    ids.collect()
}

/// `event.offline.error`: always `true`; parks, and deletes more than its name says.
pub(crate) fn error(state: &mut State, call: &Call<'_>) -> Result<Outcome, Refusal> {
    method::check_admin(state, call.caller)?;
    let params = php::lower_keys(call.params);
    let Some(process) = process_of(state, &params, "event.offline.error") else {
        return Err(Refusal::argument(
            "PROCESS_ID",
            "Argument 'PROCESS_ID' is null or empty",
        ));
    };
    let Some(list) = params.get("message_id") else {
        return Err(Refusal::argument(
            "MESSAGE_ID",
            "Argument 'MESSAGE_ID' is null or empty",
        ));
    };
    if is_empty_list(list) {
        let breach = "empty message_id list sent to event.offline.error".to_owned();
        state.referee.report(breach);
        return Ok(Value::Bool(true).into());
    }
    let messages = message_ids(list, false)?;
    let connector = call.caller.connector.clone();
    let mine = |row: &QueueRow| {
        row.app_id == OUR_APP
            && row.connector_id == connector
            && !row.error
            && messages.contains(&row.message_id)
    };
    let rows = state.queue.rows().filter(|stored| mine(&stored.row));
    let (marked, deleted): (Vec<_>, Vec<_>) = rows
        .map(|stored| (stored.row.id, stored.row.process_id == process))
        .partition(|(_, marked)| *marked);
    let deleted: Vec<u64> = deleted.into_iter().map(|(id, _)| id).collect();
    take_away(state, &deleted, "event.offline.error", false);
    for (id, _) in marked {
        let message = state
            .queue
            .row(id)
            .map(|stored| stored.row.message_id.clone());
        let occupied = message
            .and_then(|message| state.queue.unreserved(&message, &connector))
            .is_some_and(|other| other != id);
        if occupied {
            // The parked row of the same message holds the place; the leftover goes.
            take_away(state, &[id], "event.offline.error", false);
        } else {
            state.queue.move_to(id, "", true);
        }
    }
    Ok(Value::Bool(true).into())
}
