//! `parse_str` and `urldecode`: what PHP makes of a query.

use percent_encoding::percent_decode;
use serde_json::{Map, Value};

use super::{BLANKS, Params};

/// PHP's `parse_str`: brackets nest, `[]` appends, `.` and space become `_` in top-level names, an
/// unclosed bracket becomes `_`, later values of a name win.
#[must_use]
pub fn parse_str(query: &str) -> Params {
    let mut params = Params::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        register(&mut params, &url_decode(name), url_decode(value));
    }
    params
}

/// PHP's `urldecode`: `+` is a space, a broken `%` sequence stays.
#[must_use]
pub fn url_decode(text: &str) -> String {
    let spaced = text.replace('+', " ");
    percent_decode(spaced.as_bytes())
        .decode_utf8_lossy()
        .into_owned()
}

/// PHP's `php_register_variable`: puts one decoded pair at its place.
fn register(params: &mut Params, name: &str, value: String) {
    let name = name.trim_start_matches(' ');
    let (head, mut rest) = match name.find('[') {
        Some(at) => (&name[..at], &name[at..]),
        None => (name, ""),
    };
    let mut head = head.replace([' ', '.'], "_");
    if head.is_empty() {
        return;
    }
    let mut path = Vec::new();
    while let Some(inner) = rest.strip_prefix('[') {
        let Some(end) = inner.find(']') else {
            // The bracket never closes: at the top it joins the name, deeper down the rest is lost.
            if path.is_empty() {
                head.push('_');
                head.push_str(&inner.replace([' ', '.', '['], "_"));
            }
            break;
        };
        // Brackets with nothing or one blank between them append.
        let index = &inner[..end];
        let appends = index.is_empty() || index.len() == 1 && index.starts_with(BLANKS);
        path.push((!appends).then(|| index.to_owned()));
        rest = &inner[end + 1..];
    }
    place(params, Some(head), &path, value);
}

/// Stores `value` under `key` (`None` appends) and the path below it.
fn place(map: &mut Params, key: Option<String>, path: &[Option<String>], value: String) {
    let key = key.unwrap_or_else(|| next_index(map));
    let Some((first, deeper)) = path.split_first() else {
        map.insert(key, Value::String(value));
        return;
    };
    let slot = map.entry(key).or_insert_with(|| Value::Object(Map::new()));
    if !slot.is_object() {
        *slot = Value::Object(Map::new());
    }
    if let Value::Object(inner) = slot {
        place(inner, first.clone(), deeper, value);
    }
}

/// The key that `$array[] = x` gets.
fn next_index(map: &Params) -> String {
    let numbers = map.keys().filter_map(|key| {
        let number = key.parse::<u64>().ok()?;
        // Only a number in its plain form is one: `01` is a text.
        (number.to_string() == *key).then_some(number)
    });
    numbers.max().map_or(0, |highest| highest + 1).to_string()
}
