//! Contacts as the portal stores them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::data::selection::Field;
use crate::date;
use crate::php;
use crate::settings::LongNames;

/// The three name columns; each holds 50 characters.
pub(crate) const NAMES: [&str; 3] = ["NAME", "SECOND_NAME", "LAST_NAME"];
/// Other writable fields that the portal knows.
const OTHERS: [&str; 8] = [
    "HONORIFIC",
    "POST",
    "COMMENTS",
    "ADDRESS",
    "SOURCE_ID",
    "SOURCE_DESCRIPTION",
    "TYPE_ID",
    "UTM_SOURCE",
];

/// A name field whose new value has more than 50 characters.
#[derive(Debug)]
pub(crate) struct TooLong(pub(crate) String);

/// A contact.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Contact {
    /// Its id.
    pub id: u64,
    /// `NAME`.
    pub name: Option<String>,
    /// `SECOND_NAME`.
    pub second_name: Option<String>,
    /// `LAST_NAME`.
    pub last_name: Option<String>,
    /// Its category; 0 is the one that every portal has.
    pub category: u64,
    /// Other text fields by their portal name.
    pub other: BTreeMap<String, String>,
    /// Whole Unix seconds.
    pub date_create: i64,
    /// Whole Unix seconds.
    pub date_modify: i64,
    /// User who created it.
    pub created_by: u64,
    /// User who changed it last.
    pub modified_by: u64,
    /// Updates by the client, those that changed nothing included.
    pub update_count: u32,
    /// Updates by the client that changed nothing.
    pub noop_writes: u32,
}

impl Contact {
    /// A name field by its portal name.
    pub(crate) fn name_slot(&mut self, field: &str) -> Option<&mut Option<String>> {
        match field {
            "NAME" => Some(&mut self.name),
            "SECOND_NAME" => Some(&mut self.second_name),
            "LAST_NAME" => Some(&mut self.last_name),
            _ => None,
        }
    }

    /// A field's value for filters and orders.
    pub(crate) fn column(&self, field: &str) -> Field<'_> {
        match field {
            "ID" => self.id.into(),
            "NAME" => Field::Text(self.name.as_deref().unwrap_or("")),
            "SECOND_NAME" => Field::Text(self.second_name.as_deref().unwrap_or("")),
            "LAST_NAME" => Field::Text(self.last_name.as_deref().unwrap_or("")),
            "DATE_CREATE" => Field::Number(self.date_create),
            "DATE_MODIFY" => Field::Number(self.date_modify),
            "CREATED_BY_ID" | "ASSIGNED_BY_ID" => self.created_by.into(),
            "MODIFY_BY_ID" => self.modified_by.into(),
            "CATEGORY_ID" => self.category.into(),
            _ => Field::Text(self.other.get(field).map_or("", String::as_str)),
        }
    }

    /// A field as REST shows it: ids and users as texts, dates in the portal's zone.
    pub(crate) fn shown(&self, field: &str) -> Value {
        match field {
            "ID" => json!(self.id.to_string()),
            "NAME" => json!(self.name),
            "SECOND_NAME" => json!(self.second_name),
            "LAST_NAME" => json!(self.last_name),
            "DATE_CREATE" => json!(date::format(self.date_create)),
            "DATE_MODIFY" => json!(date::format(self.date_modify)),
            "CREATED_BY_ID" | "ASSIGNED_BY_ID" => json!(self.created_by.to_string()),
            "MODIFY_BY_ID" => json!(self.modified_by.to_string()),
            _ => json!(self.other.get(field)),
        }
    }

    /// All fields that REST shows.
    pub(crate) fn fields() -> Vec<&'static str> {
        let mut fields = vec!["ID"];
        fields.extend(NAMES);
        fields.extend(OTHERS);
        fields.extend([
            "ASSIGNED_BY_ID",
            "CREATED_BY_ID",
            "MODIFY_BY_ID",
            "DATE_CREATE",
            "DATE_MODIFY",
        ]);
        fields
    }

    /// Takes over the known fields of a write; unknown names are ignored without a word. Answers
    /// whether anything changed, or which name was too long, before which nothing is taken over.
    pub(crate) fn apply(&mut self, fields: &Value, long: LongNames) -> Result<bool, TooLong> {
        let mut next = self.clone();
        for (field, value) in php::entries(fields) {
            if let Some(text) = php::text(value) {
                next.set(&field, Some(text), long)?;
            }
        }
        let changed = next != *self;
        *self = next;
        Ok(changed)
    }

    /// Sets a writable field by its portal name; any other name is ignored. `None` empties it.
    pub(crate) fn set(
        &mut self,
        field: &str,
        text: Option<String>,
        long: LongNames,
    ) -> Result<(), TooLong> {
        if let Some(slot) = self.name_slot(field) {
            let mut text = text;
            if text.as_ref().is_some_and(|text| text.chars().count() > 50) {
                if long == LongNames::Reject {
                    return Err(TooLong(field.to_owned()));
                }
                text = text.map(|text| text.chars().take(50).collect());
            }
            // The column holds no difference between null and "": one does not replace the other.
            let is_empty = |text: &Option<String>| text.as_deref().unwrap_or("").is_empty();
            if !(is_empty(slot) && is_empty(&text)) {
                *slot = text;
            }
        } else if OTHERS.contains(&field) {
            match text {
                Some(text) => self.other.insert(field.to_owned(), text),
                None => self.other.remove(field),
            };
        }
        Ok(())
    }
}
