//! `json_encode` and `json_decode`, as PHP has them by default.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::number;

/// What `json_encode` makes of PHP arrays: an empty one is `[]`, one with keys 0 to n-1 a list.
#[must_use]
pub fn encode(value: Value) -> Value {
    match value {
        Value::Array(list) => Value::Array(list.into_iter().map(encode).collect()),
        Value::Object(map) => {
            let is_list = map
                .keys()
                .enumerate()
                .all(|(index, key)| *key == index.to_string());
            let items = map.into_iter().map(|(key, item)| (key, encode(item)));
            if is_list {
                Value::Array(items.map(|(_, item)| item).collect())
            } else {
                Value::Object(items.collect())
            }
        }
        scalar => scalar,
    }
}

/// The text that `json_encode` makes: everything but ASCII escaped, and the slash too.
#[must_use]
pub fn text(value: &Value) -> String {
    let mut out = String::new();
    write(&mut out, value);
    out
}

fn write(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(yes) => out.push_str(if *yes { "true" } else { "false" }),
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() => out.push_str(&number::shortest(float)),
            _ => out.push_str(&number.to_string()),
        },
        Value::String(text) => quote(out, text),
        Value::Array(list) => {
            out.push('[');
            for (index, item) in list.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(out, item);
            }
            out.push(']');
        }
        Value::Object(map) => {
            out.push('{');
            for (index, (key, item)) in map.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                quote(out, key);
                out.push(':');
                write(out, item);
            }
            out.push('}');
        }
    }
}

fn quote(out: &mut String, text: &str) {
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '/' => out.push_str("\\/"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            ' '..='\u{7f}' => out.push(letter),
            _ => {
                for unit in letter.encode_utf16(&mut [0; 2]) {
                    // Writing into a text cannot fail.
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.push('"');
}

/// What `json_decode` makes of numbers: integers beyond 63 bits are floats.
#[must_use]
pub fn decoded(value: Value) -> Value {
    match value {
        Value::Number(number) if number.is_u64() && !number.is_i64() => {
            number.as_f64().map_or(Value::Null, Value::from)
        }
        Value::Array(list) => list.into_iter().map(decoded).collect(),
        Value::Object(map) => Value::Object(
            map.into_iter()
                .map(|(key, item)| (key, decoded(item)))
                .collect::<Map<_, _>>(),
        ),
        other => other,
    }
}
