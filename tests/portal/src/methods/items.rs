//! `crm.item.get`, `.list`, `.update` for contacts (protocol document, sections 7.3 and 3.2). This
//! portal has no other items.

use serde_json::{Value, json};

use crate::data::contact::{Contact, TooLong};
use crate::data::filter::{self, Filter};
use crate::data::item;
use crate::data::search::{self, PAGE};
use crate::php;
use crate::referee::Shown;
use crate::rest::method::{Call, Outcome, Refusal};
use crate::settings::Universal;
use crate::state::State;

/// An int parameter: only numeric text and numbers are accepted.
fn int(call: &Call<'_>, name: &str) -> Result<i64, Refusal> {
    let value = given(call, name)?;
    php::numeric(value).ok_or_else(|| mismatch(name, value, "int"))
}

/// An array parameter that must be there.
fn array<'a>(call: &'a Call<'_>, name: &str) -> Result<&'a Value, Refusal> {
    let value = given(call, name)?;
    if php::is_array(value) {
        return Ok(value);
    }
    Err(mismatch(name, value, "array"))
}

/// An array parameter that may be absent.
fn optional<'a>(call: &'a Call<'_>, name: &str) -> Result<Option<&'a Value>, Refusal> {
    match call.params.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(_) => array(call, name).map(Some),
    }
}

/// A parameter by its exact name.
fn given<'a>(call: &'a Call<'_>, name: &str) -> Result<&'a Value, Refusal> {
    call.params.get(name).ok_or_else(|| {
        let text = format!("Could not find value for parameter {{{name}}}");
        Refusal::new(400, "100", &text)
    })
}

fn mismatch(name: &str, value: &Value, wanted: &str) -> Refusal {
    let value = php::text(value).unwrap_or_default();
    let text = format!(
        "Invalid value {{{value}}} to match with parameter {{{name}}}. Should be value of type {wanted}."
    );
    Refusal::new(400, "100", &text)
}

/// Before anything is looked up: the caller, and whether this portal knows contacts as items.
fn check(state: &State, entity_type: i64) -> Result<(), Refusal> {
    if state.settings.extranet {
        let text = "Extranet user is not allowed.";
        return Err(Refusal::new(403, "allowed_only_intranet_user", text));
    }
    match state.settings.universal {
        Universal::TypeNotSupported if entity_type == item::CONTACT => Err(Refusal::new(
            400,
            "ENTITY_TYPE_NOT_SUPPORTED",
            "Entity type CONTACT is not supported",
        )),
        Universal::Complete if entity_type == item::CONTACT => Ok(()),
        // The texts of this family are localised.
        _ => Err(Refusal::new(400, "NOT_FOUND", "Смарт-процесс не найден")),
    }
}

fn access_denied() -> Refusal {
    Refusal::new(400, "ACCESS_DENIED", "Доступ запрещен")
}

/// The contact, of whatever category. The lookup comes before the permission.
fn find<'a>(
    state: &'a State,
    id: i64,
    writing: bool,
    shown: &mut Shown,
) -> Result<&'a Contact, Refusal> {
    let known = u64::try_from(id).ok();
    let Some(contact) = known.and_then(|id| state.contacts.get(&id)) else {
        shown.contacts.extend(known.map(|id| (id, state.changes)));
        return Err(Refusal::new(400, "NOT_FOUND", "Элемент не найден"));
    };
    let settings = &state.settings;
    let unreadable = settings.may_not_read(contact.id);
    if unreadable || writing && settings.may_not_write(contact.id) {
        if unreadable {
            shown.contacts.push((contact.id, state.changes));
        }
        return Err(access_denied());
    }
    Ok(contact)
}

/// `crm.item.get`.
pub(crate) fn get(state: &State, call: &Call<'_>, shown: &mut Shown) -> Result<Outcome, Refusal> {
    let id = int(call, "id")?;
    check(state, int(call, "entityTypeId")?)?;
    let contact = find(state, id, false, shown)?;
    shown.read(contact.id, state.changes);
    Ok(json!({"item": item::whole(contact)}).into())
}

/// `crm.item.list`.
pub(crate) fn list(state: &State, call: &Call<'_>, shown: &mut Shown) -> Result<Outcome, Refusal> {
    let entity_type = int(call, "entityTypeId")?;
    let select: Vec<String> = optional(call, "select")?
        .map(php::values)
        .unwrap_or_default()
        .into_iter()
        .filter_map(php::text)
        .collect();
    let order = optional(call, "order")?;
    let nothing = json!([]);
    let filter = optional(call, "filter")?.unwrap_or(&nothing);
    check(state, entity_type)?;
    let filter = Filter::read(filter, &state.settings)?;
    let order = filter::order(order)?;

    let counting = call.start != Some(-1);
    let start = usize::try_from(call.start.unwrap_or(0)).unwrap_or(0);
    let room = if counting { usize::MAX } else { PAGE };
    let fits = |contact: &Contact| filter.holds(&|field: &str| contact.column(field));
    let found = search::find(state, filter.certain(), fits, &order, room);
    let page: Vec<&Contact> = found.iter().skip(start).take(PAGE).copied().collect();
    search::check(state, &page)?;
    let chosen = |name: &str| select.iter().any(|field| field == name);
    let whole = select.is_empty() || chosen("*");
    if whole || ["name", "secondName", "lastName"].into_iter().any(chosen) {
        for contact in &page {
            shown.read(contact.id, state.changes);
        }
    }
    let items: Vec<Value> = page
        .into_iter()
        .map(|contact| match whole {
            true => item::whole(contact),
            false => item::selected(contact, &select),
        })
        .collect();
    let next = start + PAGE;
    Ok(Outcome {
        result: json!({"items": items}),
        total: counting.then_some(found.len() as u64),
        next: (counting && next < found.len()).then_some(next as u64),
    })
}

/// `crm.item.update`. Its answer is the whole item, but no proof that the client read the item
/// before it wrote.
pub(crate) fn update(
    state: &mut State,
    call: &Call<'_>,
    shown: &mut Shown,
) -> Result<Outcome, Refusal> {
    let entity_type = int(call, "entityTypeId")?;
    let id = int(call, "id")?;
    let fields = array(call, "fields")?;
    check(state, entity_type)?;
    let contact = find(state, id, true, shown)?;
    let id = contact.id;
    if let Some((code, text)) = state.settings.refused.get(&id) {
        return Err(Refusal::new(400, code, text));
    }
    let next = changed(contact, fields, state)?;
    let changes = next != *contact;
    shown.named.push(id);
    let item = item::whole(state.write(next, changes, changes, fields, call));
    Ok(json!({"item": item}).into())
}

/// The contact with the fields of a write. Whatever PHP calls empty becomes null.
fn changed(contact: &Contact, fields: &Value, state: &State) -> Result<Contact, Refusal> {
    let not_valid = |field: &str| {
        let text = format!("Недопустимое значение поля \"{field}\"");
        Refusal::new(400, "CRM_FIELD_ERROR_VALUE_NOT_VALID", &text)
    };
    let mut next = contact.clone();
    for (field, value) in php::entries(fields) {
        if field == "id" {
            let text = "Setting value for Primary ID is not allowed, it is read-only field";
            return Err(Refusal::new(400, "0", text));
        }
        let Some(column) = item::writable(&field) else {
            continue;
        };
        let text = match php::is_empty(value) {
            true => None,
            false => Some(php::text(value).ok_or_else(|| not_valid(&field))?),
        };
        next.set(column, text, state.settings.long_names)
            .map_err(|TooLong(_)| not_valid(&field))?;
    }
    let empty = |name: &Option<String>| name.as_deref().unwrap_or("").is_empty();
    let was_there = !(empty(&contact.name) && empty(&contact.last_name));
    if was_there && empty(&next.name) && empty(&next.last_name) {
        let text = "Поле \"Имя\" обязательно для заполнения";
        return Err(Refusal::new(400, "CRM_FIELD_ERROR_REQUIRED", text));
    }
    Ok(next)
}
