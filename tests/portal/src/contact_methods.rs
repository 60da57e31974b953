//! `crm.contact.*` (protocol document, section 7.2).

use serde_json::{Map, Value, json};

use crate::contact::{Contact, NAMES};
use crate::method::{self, Call, Outcome, Refusal};
use crate::php;
use crate::referee::Shown;
use crate::selection::{self, Condition, Kind, Operator, Order};
use crate::settings::GuardMode;
use crate::state::{Origin, State, seconds};

/// Rows per page.
const PAGE: usize = 50;

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
    let found = find(state, &conditions, &order, room);
    let page: Vec<&Contact> = found.iter().skip(start).take(PAGE).copied().collect();
    if select.iter().any(|field| NAMES.contains(field)) {
        let reads = page.iter().map(|contact| (contact.id, state.changes));
        shown.contacts.extend(reads);
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

/// Visible contacts that meet the conditions, in order; at most `room` where the order allows to
/// stop early.
fn find<'a>(
    state: &'a State,
    conditions: &[Condition],
    order: &Order,
    room: usize,
) -> Vec<&'a Contact> {
    let settings = &state.settings;
    let fits = |contact: &&Contact| {
        !settings.hidden_from_list.contains(&contact.id)
            && !settings.unreadable.contains(&contact.id)
            && conditions
                .iter()
                .all(|condition| condition.holds(|field| contact.column(field)))
    };
    let exact = conditions.iter().find_map(Condition::only_ids);
    let above = conditions.iter().find_map(Condition::above_id);
    let mut found: Vec<&Contact> = match (exact, above) {
        (Some(mut ids), _) => {
            ids.sort_unstable();
            ids.dedup();
            let contacts = ids.iter().filter_map(|id| state.contacts.get(id));
            contacts.filter(fits).collect()
        }
        (None, Some(id)) => {
            let room = if order.is("ID") { room } else { usize::MAX };
            let range = state.contacts.range(id + 1..);
            range
                .map(|(_, contact)| contact)
                .filter(fits)
                .take(room)
                .collect()
        }
        (None, None) => state.contacts.values().filter(fits).collect(),
    };
    if order.is_reverse("ID") {
        found.reverse();
    } else if !order.is("ID") {
        order.sort(&mut found, |contact, field| contact.column(field));
    }
    found
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
    state.settings.unreadable.contains(&id)
        || (!state.contacts.contains_key(&id) && !method::is_admin(state, call.caller.user))
}

/// `crm.contact.get`.
pub(crate) fn get(state: &State, call: &Call<'_>, shown: &mut Shown) -> Result<Outcome, Refusal> {
    let id = id(call)?;
    shown.contacts.push((id, state.changes));
    if denied(state, call, id) {
        return Err(Refusal::plain("Access denied."));
    }
    let Some(contact) = state.contacts.get(&id) else {
        return Err(Refusal::plain("Not found"));
    };
    let row = Contact::fields()
        .into_iter()
        .map(|field| (field.to_owned(), contact.shown(field)));
    Ok(Value::Object(row.collect()).into())
}

fn origin(call: &Call<'_>) -> Origin {
    Origin::Client {
        user: call.caller.user,
        connector: call.caller.connector.clone(),
    }
}

/// `crm.contact.update`.
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
    if let Some((code, text)) = state.settings.refused.get(&id) {
        return Err(Refusal::new(400, code, text));
    }
    let mut next = contact.clone();
    let changes = next
        .apply(fields, state.settings.long_names)
        .map_err(|text| Refusal::plain(&text))?;
    state.referee.write(id, changes, &fields.to_string());
    next.update_count += 1;
    next.noop_writes += u32::from(!changes);
    let fires = changes || state.settings.noop_update_fires;
    if fires {
        next.date_modify = seconds(call.now);
        next.modified_by = call.caller.user;
    }
    state.contacts.insert(id, next);
    if fires {
        state.changed("ONCRMCONTACTUPDATE", id, &origin(call), call.now);
    }
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
        .map_err(|text| Refusal::plain(&text))?;
    let id = state.create(contact, &origin(call), call.now);
    Ok(json!(id).into())
}

/// `crm.contact.delete`.
pub(crate) fn delete(state: &mut State, call: &Call<'_>) -> Result<Outcome, Refusal> {
    let id = id(call)?;
    if denied(state, call, id) {
        return Err(Refusal::plain("Access denied"));
    }
    if !state.delete(id, &origin(call), call.now) {
        return Err(Refusal::plain("Contact is not found"));
    }
    Ok(Value::Bool(true).into())
}
