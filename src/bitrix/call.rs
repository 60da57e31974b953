//! A call of one REST method, and its two encodings: JSON, and a command of a batch.

use std::fmt::Write;

use serde_json::{Map, Value};

/// A method with its parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The method's name, as in `crm.contact.list`.
    pub method: &'static str,
    /// Its parameters; maps and lists may nest.
    pub params: Map<String, Value>,
}

impl Call {
    /// A call without parameters.
    #[must_use]
    pub fn new(method: &'static str) -> Self {
        Self {
            method,
            params: Map::new(),
        }
    }

    /// The call with one more parameter.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.params.insert(name.to_owned(), value.into());
        self
    }

    /// Whether it concerns a single record, so that an error may be the record's.
    #[must_use]
    pub fn concerns_a_record(&self) -> bool {
        self.method.starts_with("crm.") && self.params.contains_key("id")
    }

    /// Whether some text in the parameters would be taken for a reference to another command's
    /// answer: the portal replaces references *after* decoding, so encoding does not protect.
    #[must_use]
    pub fn has_reference(&self) -> bool {
        self.params.values().any(any_reference)
    }

    /// The call as a command of a batch: `method?query`, each name and value percent-encoded once.
    #[must_use]
    pub fn command(&self) -> String {
        let mut command = format!("{}?", self.method);
        for (name, value) in &self.params {
            append(&mut command, &encoded(name), value);
        }
        command.pop();
        command
    }
}

/// The marks that begin a reference in a batch.
const REFERENCES: [&str; 5] = ["$result", "$next", "$total", "$time", "$error"];

/// Whether a text may not travel in a batch. Whether the portal looks at the case of the marks is not
/// known.
#[must_use]
pub fn is_reference(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    REFERENCES.iter().any(|mark| text.contains(mark))
}

fn any_reference(value: &Value) -> bool {
    match value {
        Value::String(text) => is_reference(text),
        Value::Array(list) => list.iter().any(any_reference),
        Value::Object(map) => map
            .iter()
            .any(|(key, value)| is_reference(key) || any_reference(value)),
        _ => false,
    }
}

/// Writes `name=value&`, nested values in PHP's bracket form. Names inside brackets are encoded:
/// a raw `<=` would split the pair at its `=`, and the condition would be lost without a word.
fn append(command: &mut String, name: &str, value: &Value) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                append(command, &format!("{name}[{}]", encoded(key)), value);
            }
        }
        Value::Array(list) => {
            for value in list {
                append(command, &format!("{name}[]"), value);
            }
        }
        // Not expressible, and never meant: an absent parameter says the same.
        Value::Null => {}
        Value::Bool(flag) => {
            let _ = write!(command, "{name}={}&", u8::from(*flag));
        }
        Value::Number(number) => {
            let _ = write!(command, "{name}={number}&");
        }
        Value::String(text) => {
            let _ = write!(command, "{name}={}&", encoded(text));
        }
    }
}

/// Percent-encoding of everything but `A-Z a-z 0-9 - _ . ~`.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn commands_are_encoded_once_with_php_brackets() {
        let call = Call::new("crm.contact.list")
            .with(
                "filter",
                json!({"@ID": [82, 85], "<=DATE_MODIFY": "2026-01-05T10:00:00+03:00"}),
            )
            .with("start", -1);
        assert_eq!(
            call.command(),
            "crm.contact.list?filter[%40ID][]=82&filter[%40ID][]=85\
             &filter[%3C%3DDATE_MODIFY]=2026-01-05T10%3A00%3A00%2B03%3A00&start=-1"
        );
        let call =
            Call::new("crm.contact.update").with("fields", json!({"NAME": "Анна #1 & \"co\""}));
        assert_eq!(
            call.command(),
            "crm.contact.update?fields[NAME]=%D0%90%D0%BD%D0%BD%D0%B0%20%231%20%26%20%22co%22"
        );
        assert_eq!(Call::new("app.info").command(), "app.info");
    }

    #[test]
    fn references_are_seen_at_any_depth() {
        let call =
            Call::new("crm.contact.update").with("fields", json!({"NAME": "a $Result[x] b"}));
        assert!(call.has_reference());
        let call = Call::new("crm.contact.update").with("fields", json!({"NAME": "$ results"}));
        assert!(!call.has_reference());
    }
}
