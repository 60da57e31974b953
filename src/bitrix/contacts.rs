//! Contacts: `crm.contact.list`, `crm.contact.get`, `crm.contact.update`. The one module that knows
//! this family of methods.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{Call, Problem, wire};

/// How many contacts one page holds.
pub const PAGE: usize = 50;

/// The name fields, in the portal's spelling. They hold 50 characters each.
pub const NAME_FIELDS: [&str; 3] = ["NAME", "SECOND_NAME", "LAST_NAME"];

/// A contact as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// Its id.
    pub id: u64,
    /// The name fields that have a value.
    pub fields: BTreeMap<&'static str, String>,
    /// `DATE_MODIFY` to the letter, as guards need it.
    pub modified: Option<String>,
    /// The portal's clock when it was read, in whole seconds.
    pub read_at: Option<Timestamp>,
}

impl Contact {
    /// `DATE_MODIFY` as a moment.
    #[must_use]
    pub fn modified_at(&self) -> Option<Timestamp> {
        self.modified.as_deref()?.parse().ok()
    }

    /// Whether a later edit is certain to show in `DATE_MODIFY`, which has whole seconds: the read
    /// must lie in a later second than the last change. None where the portal gives no times.
    #[must_use]
    pub fn is_settled(&self) -> Option<bool> {
        Some(self.read_at?.as_second() > self.modified_at()?.as_second())
    }

    /// Whether its last change lies in a later second than the read itself: some clock is wrong there,
    /// and waiting until it is past may take for ever.
    #[must_use]
    pub fn is_from_the_future(&self) -> bool {
        let seconds = |moment: Option<Timestamp>| moment.map(Timestamp::as_second);
        matches!((seconds(self.modified_at()), seconds(self.read_at)), (Some(modified), Some(read)) if modified > read)
    }

    fn read(value: &Value, read_at: Option<Timestamp>) -> Option<Self> {
        Some(Self {
            id: wire::id(&value["ID"])?,
            fields: NAME_FIELDS
                .into_iter()
                .filter_map(|field| Some((field, wire::text(&value[field])?)))
                .collect(),
            modified: wire::text(&value["DATE_MODIFY"]).filter(|text| !text.is_empty()),
            read_at,
        })
    }
}

/// What is read of a contact.
const SELECT: [&str; 5] = ["ID", "NAME", "SECOND_NAME", "LAST_NAME", "DATE_MODIFY"];

/// Reads up to fifty contacts by id. Contacts that the answer leaves out may still exist.
#[must_use]
pub fn page(ids: &[u64]) -> Call {
    list(json!({"@ID": ids})).with("select", SELECT.to_vec())
}

/// Reads the next fifty contacts behind `after`, optionally only those changed since a moment.
#[must_use]
pub fn walk(after: u64, modified_since: Option<Timestamp>) -> Call {
    let mut filter = json!({">ID": after});
    if let Some(since) = modified_since {
        filter[">=DATE_MODIFY"] = Value::from(seconds(since));
    }
    list(filter).with("select", SELECT.to_vec())
}

/// Answers the contact's row only while `DATE_MODIFY` is what it was: the guard of a write.
#[must_use]
pub fn guard(id: u64, modified: &str) -> Call {
    list(json!({"ID": id, "<=DATE_MODIFY": modified})).with("select", ["ID"].to_vec())
}

/// A guard that must not hold: nobody changed a contact before 1980. Where it answers a row, the
/// portal drops the condition, and guards prove nothing.
#[must_use]
pub fn proof(id: u64) -> Call {
    guard(id, "1980-01-01T00:00:00+00:00")
}

fn list(filter: Value) -> Call {
    // `start: -1` switches counting off, which is what makes lists slow on large portals.
    Call::new("crm.contact.list")
        .with("filter", filter)
        .with("order", json!({"ID": "ASC"}))
        .with("start", -1)
}

fn seconds(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string()
}

/// Reads one contact.
#[must_use]
pub fn get(id: u64) -> Call {
    Call::new("crm.contact.get").with("id", id)
}

/// Writes fields of a contact; other fields stay as they are.
#[must_use]
pub fn update(id: u64, fields: &[(&'static str, String)]) -> Call {
    guarded_update(fields).with("id", id)
}

/// The update of a conditional pair: its id comes from the guard's answer.
#[must_use]
pub fn guarded_update(fields: &[(&'static str, String)]) -> Call {
    let fields: Map<String, Value> = fields
        .iter()
        .map(|(field, value)| ((*field).to_owned(), Value::from(value.clone())))
        .collect();
    Call::new("crm.contact.update").with("fields", fields)
}

/// Reads the answer to [`page`] and [`walk`]; `read_at` is the portal's time of the call.
///
/// # Errors
/// [`Problem::Unclear`] where it is no list of contacts.
pub fn read_list(result: Value, read_at: Option<Timestamp>) -> Result<Vec<Contact>, Problem> {
    let unclear = || Problem::Unclear("crm.contact.list answered something else".to_owned());
    wire::list(result)
        .ok_or_else(unclear)?
        .iter()
        .map(|row| Contact::read(row, read_at).ok_or_else(unclear))
        .collect()
}

/// Reads the answer to [`get`].
///
/// # Errors
/// [`Problem::Unclear`] where it is no contact.
pub fn read_one(result: &Value, read_at: Option<Timestamp>) -> Result<Contact, Problem> {
    Contact::read(result, read_at)
        .ok_or_else(|| Problem::Unclear("crm.contact.get answered something else".to_owned()))
}
