//! A contact as the universal family shows it: camelCase names, ids as numbers (documentation page
//! `object-fields`, entityTypeId 3).

use serde_json::{Map, Value, json};

use crate::data::contact::Contact;
use crate::data::selection::Kind;
use crate::date;

/// `entityTypeId` of contacts.
pub(crate) const CONTACT: i64 = 3;

/// The fields that hold something here: universal name, portal name, kind. They may be selected,
/// filtered and ordered by.
const FIELDS: [(&str, &str, Kind); 19] = [
    ("id", "ID", Kind::Number),
    ("createdTime", "DATE_CREATE", Kind::Date),
    ("updatedTime", "DATE_MODIFY", Kind::Date),
    ("createdBy", "CREATED_BY_ID", Kind::Number),
    ("updatedBy", "MODIFY_BY_ID", Kind::Number),
    ("assignedById", "ASSIGNED_BY_ID", Kind::Number),
    ("categoryId", "CATEGORY_ID", Kind::Number),
    ("honorific", "HONORIFIC", Kind::Text),
    ("name", "NAME", Kind::Text),
    ("secondName", "SECOND_NAME", Kind::Text),
    ("lastName", "LAST_NAME", Kind::Text),
    ("post", "POST", Kind::Text),
    ("comments", "COMMENTS", Kind::Text),
    ("address", "ADDRESS", Kind::Text),
    ("sourceId", "SOURCE_ID", Kind::Text),
    ("sourceDescription", "SOURCE_DESCRIPTION", Kind::Text),
    ("typeId", "TYPE_ID", Kind::Text),
    ("utmSource", "UTM_SOURCE", Kind::Text),
    ("lastActivityTime", "DATE_MODIFY", Kind::Date),
];

/// Those of them that a client cannot write: ignored without a word, but for `id`.
const READ_ONLY: [&str; 9] = [
    "id",
    "createdTime",
    "updatedTime",
    "createdBy",
    "updatedBy",
    "assignedById",
    "categoryId",
    "address",
    "lastActivityTime",
];

/// Portal name and kind of a field; `None` for a name that nobody knows.
pub(crate) fn column(field: &str) -> Option<(&'static str, Kind)> {
    let found = FIELDS.iter().find(|(name, ..)| *name == field)?;
    Some((found.1, found.2))
}

/// Portal name of a field to order by. `fast_bitrix24` orders by `ID`, which live portals take.
pub(crate) fn order_column(field: &str) -> Option<&'static str> {
    let field = if field == "ID" { "id" } else { field };
    column(field).map(|(column, _)| column)
}

/// The portal's name of a field that may be written. Everything else is ignored without a word.
pub(crate) fn writable(field: &str) -> Option<&'static str> {
    let (column, _) = column(field)?;
    (!READ_ONLY.contains(&field)).then_some(column)
}

/// The whole item, as `crm.item.get` and `crm.item.update` answer it, and `crm.item.list` with `*`.
pub(crate) fn whole(contact: &Contact) -> Value {
    let mut item: Map<String, Value> = FIELDS
        .iter()
        .map(|(field, ..)| ((*field).to_owned(), value(contact, field)))
        .collect();
    for (field, value) in constants(contact) {
        item.insert(field.to_owned(), value);
    }
    item.insert("fm".to_owned(), json!([]));
    item.insert("entityTypeId".to_owned(), json!(CONTACT));
    Value::Object(item)
}

/// The chosen fields; names that nobody knows are dropped, and so are `fm` and `entityTypeId`,
/// which come with `*` alone.
pub(crate) fn selected(contact: &Contact, select: &[String]) -> Value {
    let known = FIELDS.iter().map(|(field, ..)| *field);
    let mut item: Map<String, Value> = known
        .filter(|field| select.iter().any(|wanted| wanted == field))
        .map(|field| (field.to_owned(), value(contact, field)))
        .collect();
    for (field, value) in constants(contact) {
        if select.iter().any(|wanted| wanted == field) {
            item.insert(field.to_owned(), value);
        }
    }
    Value::Object(item)
}

fn value(contact: &Contact, field: &str) -> Value {
    match field {
        "id" => json!(contact.id),
        "createdBy" | "assignedById" => json!(contact.created_by),
        "updatedBy" => json!(contact.modified_by),
        "categoryId" => json!(contact.category),
        "createdTime" => json!(date::format(contact.date_create)),
        "updatedTime" | "lastActivityTime" => json!(date::format(contact.date_modify)),
        other => column(other).map_or(Value::Null, |(column, _)| contact.shown(column)),
    }
}

/// What every contact here has in common.
fn constants(contact: &Contact) -> [(&'static str, Value); 30] {
    [
        ("opened", json!("Y")),
        ("export", json!("Y")),
        ("companyId", json!(0)),
        ("companyIds", json!([])),
        ("observers", json!([])),
        ("leadId", Value::Null),
        ("photo", Value::Null),
        ("birthdate", Value::Null),
        ("shortName", Value::Null),
        ("login", Value::Null),
        ("hasPhone", json!("N")),
        ("hasEmail", json!("N")),
        ("hasImol", json!("N")),
        ("webformId", json!(0)),
        ("originatorId", Value::Null),
        ("originId", Value::Null),
        ("originVersion", Value::Null),
        ("lastActivityBy", json!(contact.created_by)),
        ("lastCommunicationTime", Value::Null),
        ("utmMedium", Value::Null),
        ("utmCampaign", Value::Null),
        ("utmContent", Value::Null),
        ("utmTerm", Value::Null),
        ("phoneMobile", json!("")),
        ("phoneWork", json!("")),
        ("emailHome", json!("")),
        ("emailWork", json!("")),
        ("email", json!("")),
        ("phone", json!("")),
        ("searchContent", json!(search_content(contact))),
    ]
}

/// The names once more: whoever looks for a value in the text of an answer finds it twice.
fn search_content(contact: &Contact) -> String {
    let names = [&contact.name, &contact.second_name, &contact.last_name];
    let names: Vec<&str> = names
        .into_iter()
        .filter_map(|name| name.as_deref())
        .collect();
    format!("{} {}", contact.id, names.join(" "))
}
