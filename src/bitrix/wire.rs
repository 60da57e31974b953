//! Lenient readers for what PHP makes of JSON: `[]` for an empty map, ids as text, booleans as `"Y"`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

/// An id that may be a number or a text of digits. Zero and negative numbers are none.
#[must_use]
pub fn id(value: &Value) -> Option<u64> {
    let number = match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.filter(|id| *id > 0)
}

/// A text; `null`, `false` and missing values are none. Numbers are read as their digits.
#[must_use]
pub fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A yes or no: `true`, `"Y"`, `"1"`, `1` and their opposites.
#[must_use]
pub fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::Number(number) => number.as_f64().map(|number| number != 0.0),
        Value::String(text) => match text.as_str() {
            "Y" | "y" | "1" | "true" => Some(true),
            "N" | "n" | "0" | "false" | "" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// A number that may stand as text.
#[must_use]
pub fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
    .filter(|number| number.is_finite())
}

/// How many there are, a number that may stand as text.
#[must_use]
pub fn count(value: &Value) -> Option<u64> {
    number(value)
        .filter(|number| *number >= 0.0)
        .map(|number| number as u64)
}

/// A moment with its offset, as in `2026-01-05T10:00:00+03:00`.
#[must_use]
pub fn moment(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

/// A map, also where PHP made a list of it: an empty one, or one with the keys 0 to n.
#[must_use]
pub fn map(value: Value) -> BTreeMap<String, Value> {
    match value {
        Value::Object(map) => map.into_iter().collect(),
        Value::Array(list) => list
            .into_iter()
            .enumerate()
            .map(|(key, value)| (key.to_string(), value))
            .collect(),
        _ => BTreeMap::new(),
    }
}

/// A list, also where PHP made a map of it. Anything else is no list.
#[must_use]
pub fn list(value: Value) -> Option<Vec<Value>> {
    match value {
        Value::Array(list) => Some(list),
        Value::Object(map) => Some(map.into_iter().map(|(_, value)| value).collect()),
        _ => None,
    }
}
