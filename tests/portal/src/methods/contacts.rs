//! `crm.contact.*` (protocol document, section 7.2).

use serde_json::{Map, Value, json};

use crate::data::contact::{Contact, NAMES, TooLong};
use crate::data::search::{self, PAGE};
use crate::data::selection::{self, Condition, Kind, Operator, Order};
use crate::php;
use crate::referee::Shown;
use crate::rest::method::{self, Call, Outcome, Refusal};
use crate::settings::{GuardMode, Universal};
use crate::state::State;

fn kind(state: &State, field: &str) -> Option<Kind> {
    match field {
        "ID" | "CREATED_BY_ID" | "ASSIGNED_BY_ID" | "MODIFY_BY_ID" => Some(Kind::Number),
        "DATE_MODIFY" if state.settings.guard == GuardMode::FilterIgnored => None,
        "DATE_CREATE" | "DATE_MODIFY" => Some(Kind::Date),
        "NAME" | "SECOND_NAME" | "LAST_NAME" | "HONORIFIC" | "POST" | "SOURCE_ID" => {
            Some(Kind::Text)
        }
        _ => None,
    }
}

/// An array parameter; absent counts as empty.
fn array<'a>(call: &'a Call<'_>, name: &str) -> Result<Option<&'a Value>, Refusal> {
    match call.either_case(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) if php::is_array(value) => Ok(Some(value)),
        Some(_) => Err(Refusal::plain(&format!("Parameter '{name}' must be array"))),
    }
}

/// `crm.contact.fields`, in brief.
pub(crate) fn fields() -> Outcome {
    let fields: Map<String, Value> = Contact::fields()
        .into_iter()
        .map(|field| {
            let read_only = field.ends_with("_ID") || field.starts_with("DATE") || field == "ID";
            (
                field.to_owned(),
                json!({"type": "string", "isRequired": false, "isReadOnly": read_only,
                       "isMultiple": false, "title": field}),
            )
        })
        .collect();
    Value::Object(fields).into()
}

/// `crm.contact.list`. Filter fields that it does not know are dropped without an error.
pub(crate) fn list(state: &State, call: &Call<'_>, shown: &mut Shown) -> Result<Outcome, Refusal> {
    let mut conditions = Vec::new();
    for (key, value) in array(call, "filter")?.map(php::entries).unwrap_or_default() {
        if let Some((operator, field)) = Condition::split(&key)
            && let Some(kind) = kind(state, field)
        {
            if state.settings.ignores_above_id && field == "ID" && operator == Operator::Greater {
                continue;
            }
            conditions.extend(Condition::new(field, operator, value, kind));
            let guard = field == "DATE_MODIFY" && operator == Operator::LessOrEqual;
            if guard && state.settings.guard == GuardMode::NeverHolds {
                conditions.extend(Condition::new(
                    "ID",
                    Operator::Equal,
                    &json!(0),
                    Kind::Number,
                ));
            }
        }
    }
    let mut order = Order::default();
    for (field, direction) in array(call, "order")?.map(php::entries).unwrap_or_default() {
        let field = field.to_ascii_uppercase();
        if Contact::fields().contains(&field.as_str()) {
            order.0.push((field, !selection::is_descending(direction)));
        }
    }
    if order.0.is_empty() {
        // No order is promised; the newest first shows whoever relies on one.
        order = Order::descending("ID");
    }
    let select = selected(array(call, "select")?);

    let counting = call.start != Some(-1);
    let start = usize::try_from(call.start.unwrap_or(0)).unwrap_or(0);
    let room = if counting { usize::MAX } else { PAGE };
    let fits = |contact: &Contact| {
        let meets = |condition: &Condition| condition.holds(|field| contact.column(field));
        contact.category == 0 && conditions.iter().all(meets)
    };
    let found = search::find(state, &conditions, fits, &order, room);
    let page: Vec<&Contact> = found.iter().skip(start).take(PAGE).copied().collect();
    search::check(state, &page)?;
    if select.iter().any(|field| NAMES.contains(field)) {
        for contact in &page {
            shown.read(contact.id, state.changes);
        }
    }
    let rows = page.iter().map(|contact| {
        let row = select
            .iter()
            .map(|field| ((*field).to_owned(), contact.shown(field)));
        Value::Object(row.collect())
    });
    let next = start + PAGE;
    Ok(Outcome {
        result: rows.collect(),
        total: Some(if counting { found.len() as u64 } else { 0 }),
        next: (counting && next < found.len()).then_some(next as u64),
    })
}

/// The fields to show; none or `*` means all, unknown ones are ignored.
fn selected(select: Option<&Value>) -> Vec<&'static str> {
    let all = Contact::fields();
    let wanted: Vec<String> = select
        .map(php::values)
        .unwrap_or_default()
        .into_iter()
        .filter_map(php::text)
        .collect();
    if wanted.is_empty() || wanted.iter().any(|field| field == "*") {
        return all;
    }
    all.into_iter()
        .filter(|field| wanted.iter().any(|name| name == field))
        .collect()
}

/// `id`, cast as PHP does: an array that is not empty counts 1.
fn id(call: &Call<'_>) -> Result<u64, Refusal> {
    let id = call.either_case("id").map_or(0, php::int);
    match u64::try_from(id) {
        Ok(id) if id > 0 => Ok(id),
        _ => Err(Refusal::plain("ID is not defined or invalid.")),
    }
}

/// Whether a contact is out of the caller's reach. Whoever is no administrator has the permission
/// checked before the lookup, so that a deleted contact looks denied.
fn denied(state: &State, call: &Call<'_>, id: u64) -> bool {
    state.settings.may_not_read(id)
        || (!state.contacts.contains_key(&id) && !method::is_admin(state, call.caller.user))
}

fn too_long(TooLong(field): TooLong) -> Refusal {
    Refusal::plain(&format!(
        "The value of {field} is longer than 50 characters."
    ))
}

/// `crm.contact.get`. Contacts of other categories are not found.
pub(crate) fn get(state: &State, call: &Call<'_>, shown: &mut Shown) -> Result<Outcome, Refusal> {
    let id = id(call)?;
    if denied(state, call, id) {
        shown.contacts.push((id, state.changes));
        return Err(Refusal::plain("Access denied."));
    }
    let contact = state.contacts.get(&id);
    let Some(contact) = contact.filter(|contact| contact.category == 0) else {
        // Where the universal family could show the contact, this answer proves nothing.
        if contact.is_none() || state.settings.universal != Universal::Complete {
            shown.contacts.push((id, state.changes));
        }
        return Err(Refusal::plain("Not found"));
    };
    shown.read(id, state.changes);
    let row = Contact::fields()
        .into_iter()
        .map(|field| (field.to_owned(), contact.shown(field)));
    Ok(Value::Object(row.collect()).into())
}

/// `crm.contact.update`, for contacts of every category.
pub(crate) fn update(
    state: &mut State,
    call: &Call<'_>,
    shown: &mut Shown,
) -> Result<Outcome, Refusal> {
    let id = id(call)?;
    let Some(fields) = array(call, "fields")? else {
        return Err(Refusal::plain("Parameter 'fields' must be array"));
    };
    if denied(state, call, id) {
        shown.contacts.push((id, state.changes));
        return Err(Refusal::plain("Access denied"));
    }
    let Some(contact) = state.contacts.get(&id) else {
        shown.contacts.push((id, state.changes));
        return Err(Refusal::plain("Contact is not found"));
    };
    if state.settings.may_not_write(id) {
        return Err(Refusal::plain("Access denied"));
    }
    if let Some((code, text)) = state.settings.refused.get(&id) {
        return Err(Refusal::new(400, code, text));
    }
    let mut next = contact.clone();
    let changes = next
        .apply(fields, state.settings.long_names)
        .map_err(too_long)?;
    let fires = changes || state.settings.noop_update_fires;
    state.write(next, changes, fires, fields, call);
    Ok(Value::Bool(true).into())
}

/// `crm.contact.add`.
pub(crate) fn add(state: &mut State, call: &Call<'_>) -> Result<Outcome, Refusal> {
    let Some(fields) = array(call, "fields")? else {
        return Err(Refusal::plain("Parameter 'fields' must be array"));
    };
    let mut contact = Contact::default();
    contact
        .apply(fields, state.settings.long_names)
        .map_err(too_long)?;
    let id = state.create(contact, &call.origin(), call.now);
    Ok(json!(id).into())
}

/// `crm.contact.delete`.
pub(crate) fn delete(state: &mut State, call: &Call<'_>) -> Result<Outcome, Refusal> {
    let id = id(call)?;
    if denied(state, call, id) {
        return Err(Refusal::plain("Access denied"));
    }
    if !state.delete(id, &call.origin(), call.now) {
        return Err(Refusal::plain("Contact is not found"));
    }
    Ok(Value::Bool(true).into())
}
