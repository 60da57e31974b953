//! References between the commands of a batch: `$result[key][field]` and its siblings (protocol
//! document, sections 5 and 11).

use serde_json::{Map, Value};

use crate::php;
use crate::settings::GuardMode;

/// What the commands so far have answered; references point into these maps.
#[derive(Default)]
pub(crate) struct Answers {
    pub(crate) result: Map<String, Value>,
    pub(crate) error: Map<String, Value>,
    pub(crate) total: Map<String, Value>,
    pub(crate) next: Map<String, Value>,
    pub(crate) time: Map<String, Value>,
}

/// PHP 8 gave up on turning an array into text.
#[derive(Debug)]
pub(crate) struct ArrayToText;

const ROOTS: [&str; 5] = ["result", "next", "total", "time", "error"];

impl Answers {
    /// Replaces the references in all texts of a value.
    pub(crate) fn resolve(&self, value: &Value, mode: GuardMode) -> Result<Value, ArrayToText> {
        Ok(match value {
            Value::String(text) => self.replace(text, mode)?,
            Value::Array(list) => Value::Array(
                list.iter()
                    .map(|item| self.resolve(item, mode))
                    .collect::<Result<_, _>>()?,
            ),
            Value::Object(map) => Value::Object(
                map.iter()
                    .map(|(key, item)| Ok((key.clone(), self.resolve(item, mode)?)))
                    .collect::<Result<_, _>>()?,
            ),
            scalar => scalar.clone(),
        })
    }

    /// A text that is one reference becomes the value itself; inside a longer text it becomes text.
    fn replace(&self, text: &str, mode: GuardMode) -> Result<Value, ArrayToText> {
        let mut replaced = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            replaced.push_str(&rest[..at]);
            let Some(reference) = Reference::at(&rest[at..]) else {
                replaced.push('$');
                rest = &rest[at + 1..];
                continue;
            };
            let value = self.last_node(&reference);
            if reference.text.len() == text.len() {
                return Ok(value);
            }
            match (php::text(&value), mode) {
                (_, GuardMode::WholeReferencesOnly) => replaced.push_str(reference.text),
                (Some(text), _) => replaced.push_str(&text),
                (None, GuardMode::OldSource) => replaced.push_str("Array"),
                (None, GuardMode::OldPhp8) => return Err(ArrayToText),
                (None, _) => replaced.push_str(reference.text),
            }
            rest = &rest[at + reference.text.len()..];
        }
        replaced.push_str(rest);
        Ok(Value::String(replaced))
    }

    /// Walks as far as the path leads and answers the last node reached: for a command that failed
    /// that is the whole map.
    fn last_node(&self, reference: &Reference<'_>) -> Value {
        let root = match reference.root {
            "next" => &self.next,
            "total" => &self.total,
            "time" => &self.time,
            "error" => &self.error,
            _ => &self.result,
        };
        let mut path = reference.path.iter();
        let Some(mut node) = path.next().and_then(|key| root.get(*key)) else {
            return Value::Object(root.clone());
        };
        for key in path {
            match php::child(node, key) {
                Some(child) => node = child,
                None => break,
            }
        }
        node.clone()
    }
}

/// A reference at the beginning of a text.
struct Reference<'a> {
    text: &'a str,
    root: &'a str,
    path: Vec<&'a str>,
}

impl<'a> Reference<'a> {
    fn at(text: &'a str) -> Option<Self> {
        let name = text.strip_prefix('$')?;
        let root = ROOTS.into_iter().find(|root| {
            name.strip_prefix(root)
                .is_some_and(|rest| rest.starts_with('['))
        })?;
        let mut end = 1 + root.len();
        let mut path = Vec::new();
        while let Some(inner) = text[end..].strip_prefix('[') {
            let Some(close) = inner.find(']') else { break };
            let key = &inner[..close];
            if key.is_empty() || key.contains('[') {
                break;
            }
            path.push(key);
            end += close + 2;
        }
        (!path.is_empty()).then(|| Self {
            text: &text[..end],
            root,
            path,
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::Answers;
    use crate::php;
    use crate::settings::GuardMode;
    use serde_json::{Value, json};

    fn answers() -> Answers {
        let Value::Object(result) = json!({"g82": [{"ID": "82"}], "empty": [], "name": "Ada"})
        else {
            unreachable!()
        };
        Answers {
            result,
            ..Answers::default()
        }
    }

    fn resolve(text: &str, mode: GuardMode) -> Value {
        answers().resolve(&json!(text), mode).unwrap()
    }

    #[test]
    fn whole_and_partial_references() {
        let mode = GuardMode::NewSource;
        assert_eq!(resolve("$result[g82][0][ID]", mode), json!("82"));
        assert_eq!(resolve("0$result[g82][0][ID]", mode), json!("082"));
        assert_eq!(resolve("hello $result[name]!", mode), json!("hello Ada!"));
        assert_eq!(
            resolve("$result and $name[x]", mode),
            json!("$result and $name[x]")
        );
        assert_eq!(resolve("$result[g82][0]", mode), json!({"ID": "82"}));
    }

    #[test]
    fn an_empty_guard_is_zero() {
        assert_eq!(
            resolve("$result[empty][0][ID]", GuardMode::NewSource),
            json!([])
        );
        for (mode, text) in [
            (GuardMode::NewSource, "0$result[empty][0][ID]"),
            (GuardMode::OldSource, "0Array"),
        ] {
            let value = resolve("0$result[empty][0][ID]", mode);
            assert_eq!(value, json!(text));
            assert_eq!(php::int(&value), 0);
        }
    }

    #[test]
    fn a_failed_guard_is_contact_one_without_the_leading_zero() {
        let whole = resolve("$result[failed][0][ID]", GuardMode::NewSource);
        assert_eq!(php::int(&whole), 1);
        let guarded = resolve("0$result[failed][0][ID]", GuardMode::NewSource);
        assert_eq!(php::int(&guarded), 0);
        let php8 = answers().resolve(&json!("0$result[failed][0][ID]"), GuardMode::OldPhp8);
        assert!(php8.is_err());
    }
}
