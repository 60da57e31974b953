//! PHP arrays, lists and maps alike.

use serde_json::Value;

use super::Params;

/// Whether PHP would call this an array.
#[must_use]
pub fn is_array(value: &Value) -> bool {
    value.is_array() || value.is_object()
}

/// The values of a PHP array; a scalar is no array and has none.
#[must_use]
pub fn values(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(list) => list.iter().collect(),
        Value::Object(map) => map.values().collect(),
        _ => Vec::new(),
    }
}

/// Keys and values of a PHP array.
#[must_use]
pub fn entries(value: &Value) -> Vec<(String, &Value)> {
    match value {
        Value::Array(list) => list
            .iter()
            .enumerate()
            .map(|(index, item)| (index.to_string(), item))
            .collect(),
        Value::Object(map) => map.iter().map(|(key, item)| (key.clone(), item)).collect(),
        _ => Vec::new(),
    }
}

/// `$value[$key]`.
#[must_use]
pub fn child<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    match value {
        Value::Array(list) => list.get(key.parse::<usize>().ok()?),
        Value::Object(map) => map.get(key),
        _ => None,
    }
}

/// `array_change_key_case` for the methods that ignore the case of their parameter names.
#[must_use]
pub fn lower_keys(params: &Params) -> Params {
    params
        .iter()
        .map(|(key, value)| (key.to_ascii_lowercase(), value.clone()))
        .collect()
}
