//! Answers whose JSON is odd: what servers, proxies and PHP have been seen to make of it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What is wrong with the JSON of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Spoil {
    /// A byte order mark ahead of it.
    ByteOrderMark,
    /// Other text around it, such as a PHP warning.
    Around {
        /// Ahead of the JSON.
        before: String,
        /// Behind it.
        after: String,
    },
    /// Half a surrogate pair (`\ud83d`) at the end of every text with this key.
    LoneSurrogate {
        /// The texts' key, at any depth.
        key: String,
    },
    /// A byte that is no UTF-8 at the end of every text with this key.
    InvalidUtf8 {
        /// The texts' key, at any depth.
        key: String,
    },
    /// `NaN` in place of every value with this key.
    NotANumber {
        /// The values' key, at any depth.
        key: String,
    },
    /// `"error": null` beside the result.
    NullError,
    /// Another value in place of every value with this key (a number above 2^63, say, or `"Y"` for
    /// `true`).
    Value {
        /// The values' key, at any depth.
        key: String,
        /// What stands there instead.
        value: Value,
    },
}

/// Stands for what JSON cannot hold until the text is made. No contact has this letter.
const MARK: char = '\u{E0B2}';

impl Spoil {
    /// The spoilt form of a JSON body. A body that is no JSON stays as it is, but for what is put
    /// around it.
    pub(crate) fn apply(&self, body: &[u8]) -> Vec<u8> {
        let marked = |change: &dyn Fn(&mut Value), real: &[u8], quoted: bool| {
            let Ok(mut value) = serde_json::from_slice::<Value>(body) else {
                return body.to_vec();
            };
            change(&mut value);
            let mark = match quoted {
                true => format!("\"{MARK}\""),
                false => MARK.to_string(),
            };
            replace(value.to_string().as_bytes(), mark.as_bytes(), real)
        };
        let push = |value: &mut Value| {
            if let Value::String(text) = value {
                text.push(MARK);
            }
        };
        match self {
            Self::ByteOrderMark => [b"\xEF\xBB\xBF", body].concat(),
            Self::Around { before, after } => [before.as_bytes(), body, after.as_bytes()].concat(),
            Self::LoneSurrogate { key } => {
                marked(&|value| at_key(value, key, &push), b"\\ud83d", false)
            }
            Self::InvalidUtf8 { key } => marked(&|value| at_key(value, key, &push), b"\xFF", false),
            Self::NotANumber { key } => {
                let mark = |value: &mut Value| *value = Value::String(MARK.to_string());
                marked(&|value| at_key(value, key, &mark), b"NaN", true)
            }
            Self::NullError => {
                let add = |value: &mut Value| {
                    if let Value::Object(map) = value {
                        map.insert("error".to_owned(), Value::Null);
                    }
                };
                marked(&add, b"", false)
            }
            Self::Value { key, value: other } => {
                let set = |value: &mut Value| value.clone_from(other);
                marked(&|value| at_key(value, key, &set), b"", false)
            }
        }
    }
}

/// Changes every value with this key, at any depth.
fn at_key(value: &mut Value, key: &str, change: &dyn Fn(&mut Value)) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(|item| at_key(item, key, change)),
        Value::Object(map) => {
            for (name, item) in map.iter_mut() {
                if name == key {
                    change(item);
                } else {
                    at_key(item, key, change);
                }
            }
        }
        _ => {}
    }
}

fn replace(bytes: &[u8], mark: &[u8], real: &[u8]) -> Vec<u8> {
    let mut replaced = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = rest.windows(mark.len()).position(|window| window == mark) {
        replaced.extend_from_slice(&rest[..at]);
        replaced.extend_from_slice(real);
        rest = &rest[at + mark.len()..];
    }
    replaced.extend_from_slice(rest);
    replaced
}

#[cfg(test)]
mod tests {
    use super::Spoil;
    use serde_json::json;

    #[test]
    fn each_spoils_what_it_says() {
        let body = br#"{"result":[{"NAME":"Ada","operating":0.5}]}"#;
        let key = || "NAME".to_owned();
        for (spoil, spoilt) in [
            (
                Spoil::LoneSurrogate { key: key() },
                br#"{"result":[{"NAME":"Ada\ud83d","operating":0.5}]}"#.to_vec(),
            ),
            (
                Spoil::InvalidUtf8 { key: key() },
                b"{\"result\":[{\"NAME\":\"Ada\xFF\",\"operating\":0.5}]}".to_vec(),
            ),
            (
                Spoil::NotANumber {
                    key: "operating".to_owned(),
                },
                br#"{"result":[{"NAME":"Ada","operating":NaN}]}"#.to_vec(),
            ),
            (
                Spoil::NullError,
                br#"{"result":[{"NAME":"Ada","operating":0.5}],"error":null}"#.to_vec(),
            ),
            (
                Spoil::Value {
                    key: key(),
                    value: json!(u64::MAX),
                },
                br#"{"result":[{"NAME":18446744073709551615,"operating":0.5}]}"#.to_vec(),
            ),
            (
                Spoil::Around {
                    before: "<b>Warning</b>".to_owned(),
                    after: "\n".to_owned(),
                },
                [b"<b>Warning</b>", &body[..], b"\n"].concat(),
            ),
            (Spoil::ByteOrderMark, [b"\xEF\xBB\xBF", &body[..]].concat()),
        ] {
            assert_eq!(spoil.apply(body), spoilt, "{spoil:?}");
        }
    }
}
