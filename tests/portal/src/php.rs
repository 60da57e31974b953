//! What PHP does to parameters: `parse_str`, casts, and `json_encode` of its arrays.

use percent_encoding::percent_decode;
use serde_json::{Map, Value};

/// Parameters of a call: a PHP array with its order.
pub(crate) type Params = Map<String, Value>;

/// PHP's `parse_str`: brackets nest, `[]` appends, `.` and space become `_` in top-level names, an
/// unclosed bracket becomes `_`, later values of a name win.
pub(crate) fn parse_str(query: &str) -> Params {
    let mut params = Params::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        register(&mut params, &url_decode(name), url_decode(value));
    }
    params
}

/// PHP's `urldecode`: `+` is a space, a broken `%` sequence stays.
pub(crate) fn url_decode(text: &str) -> String {
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
        let index = inner[..end].trim_start_matches([' ', '\t']);
        path.push((!index.is_empty()).then(|| index.to_owned()));
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
    map.keys()
        .filter_map(|key| key.parse::<u64>().ok())
        .max()
        .map_or(0, |highest| highest + 1)
        .to_string()
}

/// `(int) $value`. An array counts 0 when empty and 1 otherwise.
pub(crate) fn int(value: &Value) -> i64 {
    match value {
        Value::Null => 0,
        Value::Bool(yes) => i64::from(*yes),
        #[allow(clippy::cast_possible_truncation)]
        Value::Number(number) => number
            .as_i64()
            .unwrap_or_else(|| number.as_f64().unwrap_or(0.0) as i64),
        Value::String(text) => leading_int(text),
        Value::Array(list) => i64::from(!list.is_empty()),
        Value::Object(map) => i64::from(!map.is_empty()),
    }
}

/// The number at the beginning of a text, 0 without one.
fn leading_int(text: &str) -> i64 {
    leading_number(text).map_or(0, |(number, _)| number)
}

const BLANKS: [char; 6] = [' ', '\t', '\n', '\r', '\u{b}', '\u{c}'];

/// The number at the beginning of a text, cast to int and kept within its bounds, and what follows
/// it.
fn leading_number(text: &str) -> Option<(i64, &str)> {
    let text = text.trim_start_matches(BLANKS);
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let digits = |text: &str| {
        let other = text.find(|letter: char| !letter.is_ascii_digit());
        other.unwrap_or(text.len())
    };
    let whole = digits(unsigned);
    let mut rest = &unsigned[whole..];
    let mut is_whole = true;
    if let Some(fraction) = rest.strip_prefix('.')
        && (whole > 0 || digits(fraction) > 0)
    {
        is_whole = false;
        rest = &fraction[digits(fraction)..];
    } else if whole == 0 {
        return None;
    }
    if let Some(exponent) = rest.strip_prefix(['e', 'E']) {
        let unsigned = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        if digits(unsigned) > 0 {
            is_whole = false;
            rest = &unsigned[digits(unsigned)..];
        }
    }
    let number = &text[..text.len() - rest.len()];
    let exact = number.parse::<i64>().ok().filter(|_| is_whole);
    // `as` keeps within the bounds, as PHP does for texts.
    #[allow(clippy::cast_possible_truncation)]
    let cast = exact.unwrap_or_else(|| number.parse::<f64>().unwrap_or(0.0) as i64);
    Some((cast, rest))
}

/// `(int) $value` of what `is_numeric` accepts: a number, or a text that is nothing but one.
pub(crate) fn numeric(value: &Value) -> Option<i64> {
    match value {
        Value::Number(_) => Some(int(value)),
        Value::String(text) => {
            let (number, rest) = leading_number(text)?;
            rest.trim_matches(BLANKS).is_empty().then_some(number)
        }
        _ => None,
    }
}

/// `empty($value)`.
pub(crate) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(yes) => !yes,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty() || text == "0",
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
    }
}

/// A number without a sign, or a text of digits; what strict parameters accept.
pub(crate) fn whole(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// `(string) $value` of a scalar; `None` for an array.
pub(crate) fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        Value::Bool(yes) => Some(if *yes { "1" } else { "" }.to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(text.clone()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// Whether PHP would call this an array.
pub(crate) fn is_array(value: &Value) -> bool {
    value.is_array() || value.is_object()
}

/// The values of a PHP array; a scalar is no array and has none.
pub(crate) fn values(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(list) => list.iter().collect(),
        Value::Object(map) => map.values().collect(),
        _ => Vec::new(),
    }
}

/// Keys and values of a PHP array.
pub(crate) fn entries(value: &Value) -> Vec<(String, &Value)> {
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
pub(crate) fn child<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    match value {
        Value::Array(list) => list.get(key.parse::<usize>().ok()?),
        Value::Object(map) => map.get(key),
        _ => None,
    }
}

/// `array_change_key_case` for the methods that ignore the case of their parameter names.
pub(crate) fn lower_keys(params: &Params) -> Params {
    params
        .iter()
        .map(|(key, value)| (key.to_ascii_lowercase(), value.clone()))
        .collect()
}

/// What `json_encode` makes of PHP arrays: an empty one is `[]`, one with keys 0 to n-1 a list.
pub(crate) fn encode(value: Value) -> Value {
    match value {
        Value::Array(list) => Value::Array(list.into_iter().map(encode).collect()),
        Value::Object(map) => {
            let is_list = map
                .keys()
                .enumerate()
                .all(|(index, key)| *key == index.to_string());
            if is_list {
                Value::Array(map.into_iter().map(|(_, item)| encode(item)).collect())
            } else {
                Value::Object(
                    map.into_iter()
                        .map(|(key, item)| (key, encode(item)))
                        .collect(),
                )
            }
        }
        scalar => scalar,
    }
}

#[cfg(test)]
mod tests {
    use super::{encode, int, parse_str};
    use serde_json::{Value, json};

    #[test]
    fn brackets_nest_and_append() {
        assert_eq!(
            Value::Object(parse_str(
                "filter[@ID][0]=82&filter[@ID][1]=85&select[]=ID&select[]=NAME&fields%5BNAME%5D=O%27Neil+x"
            )),
            json!({"filter": {"@ID": {"0": "82", "1": "85"}},
                   "select": {"0": "ID", "1": "NAME"},
                   "fields": {"NAME": "O'Neil x"}})
        );
    }

    #[test]
    fn a_raw_comparison_splits_at_its_equals_sign() {
        assert_eq!(
            Value::Object(parse_str("filter[ID]=82&filter[<=DATE_MODIFY]=2026")),
            json!({"filter": {"ID": "82"}, "filter_<": "DATE_MODIFY]=2026"})
        );
        assert_eq!(
            Value::Object(parse_str("filter%5B%3C%3DDATE_MODIFY%5D=2026")),
            json!({"filter": {"<=DATE_MODIFY": "2026"}})
        );
    }

    #[test]
    fn top_level_names_lose_dots_and_spaces() {
        assert_eq!(
            Value::Object(parse_str("a.b c=1&x[d.e]=2&[z]=3&y[1]tail=4&flag")),
            json!({"a_b_c": "1", "x": {"d.e": "2"}, "y": {"1": "4"}, "flag": ""})
        );
    }

    #[test]
    fn integers_are_cast_as_php_does() {
        assert_eq!(int(&json!("082")), 82);
        assert_eq!(int(&json!("0Array")), 0);
        assert_eq!(int(&json!("0$result[g82][0][ID]")), 0);
        assert_eq!(int(&json!("Y")), 0);
        assert_eq!(int(&json!([])), 0);
        assert_eq!(int(&json!({"c1": true})), 1);
    }

    #[test]
    fn arrays_are_encoded_as_php_does() {
        assert_eq!(
            encode(json!({"result": {"0": {"a": {}}, "1": 2}, "map": {"1": 1}})),
            json!({"result": [{"a": []}, 2], "map": {"1": 1}})
        );
    }
}
