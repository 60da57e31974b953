//! JSON as portals really send it: read where it can be read, and never into more memory than an answer
//! of ours needs.
//!
//! What stands around it (a byte order mark, a warning of PHP) is passed over, half a surrogate pair and
//! bytes that are no UTF-8 become U+FFFD, `NaN` and `Infinity` become `null`.

use std::{borrow::Cow, cell::Cell, fmt};

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// What an answer may hold, where a single value counts 1, a list 2 and a map 4. Ten thousand rows of the
/// queue, which is more than one request asks for, are within it; its memory stays below 40 MB.
const MOST_VALUES: usize = 250_000;

/// In a text that is not JSON as a whole, so many places are tried where it may begin.
const MOST_BEGINNINGS: usize = 40;

/// Reads the object that a body holds; none where there is none, or a larger one than is ever asked for.
#[must_use]
pub fn object(body: &[u8]) -> Option<Map<String, Value>> {
    let text = String::from_utf8_lossy(body);
    let text = text.trim_start_matches('\u{feff}').trim();
    if let Some(object) = first_object(text) {
        return Some(object);
    }
    let text = mended(text);
    let beginnings = text.match_indices('{').take(MOST_BEGINNINGS);
    let found = beginnings.filter_map(|(at, _)| first_object(&text[at..]));
    // A list or a map in a warning comes before what the portal meant.
    let mut found: Vec<_> = found.filter(|object| !object.is_empty()).take(8).collect();
    let meant = found.iter().position(is_answer);
    meant.map(|at| found.swap_remove(at))
}

/// The members by which every answer of the protocol is known.
fn is_answer(object: &Map<String, Value>) -> bool {
    ["result", "error", "access_token", "time"]
        .iter()
        .any(|name| object.contains_key(*name))
}

/// The object at the beginning of a text, whatever follows it.
fn first_object(text: &str) -> Option<Map<String, Value>> {
    if !text.starts_with('{') {
        return None;
    }
    let left = Cell::new(MOST_VALUES);
    let mut reader = serde_json::Deserializer::from_str(text);
    match (Bounded { left: &left }).deserialize(&mut reader) {
        Ok(Value::Object(object)) => Some(object),
        _ => None,
    }
}

/// The same text without what keeps a strict reader from it. Strings keep their meaning.
fn mended(text: &str) -> Cow<'_, str> {
    let mut mended = String::with_capacity(text.len());
    let mut rest = text;
    let mut inside = false;
    while let Some(character) = rest.chars().next() {
        let mut taken = character.len_utf8();
        match character {
            '"' => {
                inside = !inside;
                mended.push('"');
            }
            '\\' if inside => match unpaired(rest) {
                Some(length) => {
                    taken = length;
                    mended.push('\u{fffd}');
                }
                None => {
                    taken = escape_length(rest);
                    mended.push_str(&rest[..taken]);
                }
            },
            // A raw line break or tab, as no encoder writes it.
            c if inside && c.is_control() => mended.push_str(&format!("\\u{:04x}", u32::from(c))),
            c if !inside && (c.is_ascii_alphabetic() || c == '-') => match no_number(rest) {
                Some(length) => {
                    taken = length;
                    mended.push_str("null");
                }
                None => mended.push(c),
            },
            c => mended.push(c),
        }
        rest = &rest[taken..];
    }
    Cow::Owned(mended)
}

/// The length of a whole escape sequence, a pair of surrogates included.
fn escape_length(rest: &str) -> usize {
    match code_unit(rest) {
        Some(0xd800..=0xdbff) => 12,
        Some(_) => 6,
        None => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
    }
}

/// The length of an escape that is half of a surrogate pair without the other half.
fn unpaired(rest: &str) -> Option<usize> {
    match code_unit(rest)? {
        0xd800..=0xdbff => match rest.get(6..).and_then(code_unit) {
            Some(0xdc00..=0xdfff) => None,
            _ => Some(6),
        },
        0xdc00..=0xdfff => Some(6),
        _ => None,
    }
}

/// The number of a `\uXXXX` at the beginning.
fn code_unit(rest: &str) -> Option<u32> {
    let digits = rest.strip_prefix("\\u")?.get(..4)?;
    let hexadecimal = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    hexadecimal.then(|| u32::from_str_radix(digits, 16).ok())?
}

/// The length of a word at the beginning that stands for no number.
fn no_number(rest: &str) -> Option<usize> {
    let words = [
        "NaN",
        "-NaN",
        "Infinity",
        "-Infinity",
        "INF",
        "-INF",
        "undefined",
    ];
    let word = words.iter().find(|word| rest.starts_with(**word))?;
    let after = rest[word.len()..].chars().next();
    (!after.is_some_and(char::is_alphanumeric)).then_some(word.len())
}

/// Reads a value, and takes what it holds off what may still be held.
struct Bounded<'a> {
    left: &'a Cell<usize>,
}

impl Bounded<'_> {
    fn take<E: Error>(&self, values: usize) -> Result<(), E> {
        let left = self.left.get().checked_sub(values);
        self.left
            .set(left.ok_or_else(|| E::custom("more than was asked for"))?);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Bounded<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.take(1)?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Bounded<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(flag.into())
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        self.take(1)?;
        let left = self.left;
        let mut values = Vec::new();
        while let Some(value) = list.next_element_seed(Bounded { left })? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        self.take(3)?;
        let left = self.left;
        let mut values = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            let value = map.next_value_seed(Bounded { left })?;
            values.insert(name, value);
        }
        Ok(Value::Object(values))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn reads(body: &[u8], expected: &Value) {
        let found = object(body).map(Value::Object);
        assert_eq!(
            found.as_ref(),
            Some(expected),
            "{}",
            String::from_utf8_lossy(body)
        );
    }

    #[test]
    fn what_stands_around_is_passed_over() {
        let good = json!({"result": {"a": 1}});
        for text in [
            "\u{feff}{\"result\":{\"a\":1}}",
            "\u{feff}\u{feff} \n{\"result\":{\"a\":1}}\n",
            "Warning: Undefined variable in {closure} on line 3\n{\"result\":{\"a\":1}}",
            "<b>Notice</b>: [\"{}\", {\"x\": 1}] {\"result\":{\"a\":1}}<br>",
            "{\"result\":{\"a\":1}}<!-- 0.1 s -->",
            "while(1);{\"result\":{\"a\":1}}",
        ] {
            reads(text.as_bytes(), &good);
        }
    }

    #[test]
    fn what_is_no_character_or_number_is_replaced() {
        reads(b"{\"result\":\"a\xffb\"}", &json!({"result": "a\u{fffd}b"}));
        reads(
            br#"{"result":"a\ud83db"}"#,
            &json!({"result": "a\u{fffd}b"}),
        );
        reads(
            br#"{"result":"\ude00\\ud83d"}"#,
            &json!({"result": "\u{fffd}\\ud83d"}),
        );
        reads(
            br#"{"result":"\ud83d\ude00","time":NaN}"#,
            &json!({"result": "\u{1f600}", "time": null}),
        );
        reads(
            br#"{"result":[-Infinity,"NaN"]}"#,
            &json!({"result": [null, "NaN"]}),
        );
        reads(b"{\"result\":\"a\nb\"}", &json!({"result": "a\nb"}));
    }

    #[test]
    fn pages_and_cut_answers_are_none() {
        for text in [
            "",
            "<html>",
            "{\"result\":",
            "null",
            "[1]",
            "\"x\"",
            "{\"result\":\"\\ud8",
        ] {
            assert_eq!(object(text.as_bytes()), None, "{text}");
        }
    }

    /// Break: read into a tree without a limit.
    #[test]
    fn a_bomb_is_not_unpacked_into_a_tree() {
        let bomb = format!("{{\"result\":[{}0]}}", "{\"\":0},".repeat(1_000_000));
        assert_eq!(object(bomb.as_bytes()), None);
        let real = format!(
            "{{\"result\":[{}0]}}",
            "{\"ID\":\"1\",\"NAME\":\"a\"},".repeat(10_000)
        );
        assert!(object(real.as_bytes()).is_some());
    }
}
