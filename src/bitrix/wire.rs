//! Lenient readers for what PHP makes of JSON: `[]` for an empty map, ids as text, booleans as `"Y"`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::said::tame;

/// An id that may be a number or a text of digits. What is no positive number of 63 bits is none: it
/// could only stand for another record's.
#[must_use]
pub fn id(value: &Value) -> Option<u64> {
    let number = match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => digits(text.trim()),
        _ => None,
    };
    number.filter(|id| (1..=i64::MAX as u64).contains(id))
}

fn digits(text: &str) -> Option<u64> {
    let all_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    all_digits.then(|| text.parse().ok())?
}

/// A text that people are shown, as one plain line, see [`tame`].
#[must_use]
pub fn shown(value: &Value) -> Option<String> {
    text(value).map(|text| tame(&text))
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Break: let numbers wrap, or round.
    #[test]
    fn an_id_is_a_positive_number_of_63_bits() {
        for (value, expected) in [
            (json!(82), Some(82)),
            (json!("82"), Some(82)),
            (json!(" 082 "), Some(82)),
            (json!(9_223_372_036_854_775_807_u64), Some(i64::MAX as u64)),
            (json!("9223372036854775808"), None),
            (json!(18_446_744_073_709_551_534_u64), None),
            (json!("18446744073709551698"), None),
            (json!(82.0), None),
            (json!(1e300), None),
            (json!("+82"), None),
            (json!("0x52"), None),
            (json!("82abc"), None),
            (json!(""), None),
            (json!(0), None),
            (json!(-82), None),
            (json!(null), None),
        ] {
            assert_eq!(id(&value), expected, "{value}");
        }
    }
}
