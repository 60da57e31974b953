//! What PHP does to parameters and answers. `tests/conformance/php.sh` compares it with PHP itself.

mod array;
mod json;
mod number;
mod query;

use serde_json::{Map, Value};

pub use array::{child, entries, is_array, lower_keys, values};
pub use json::{decoded, encode, text as json_text};
pub use number::{int, is_empty, numeric, text, whole};
pub use query::{parse_str, url_decode};

/// What PHP's `isspace` takes for blank.
const BLANKS: [char; 6] = [' ', '\t', '\n', '\r', '\u{b}', '\u{c}'];

/// Parameters of a call: a PHP array with its order.
pub type Params = Map<String, Value>;

#[cfg(test)]
mod tests {
    use super::{encode, int, json, number, parse_str};
    use serde_json::{Value, json as value};

    #[test]
    fn brackets_nest_and_append() {
        assert_eq!(
            Value::Object(parse_str(
                "filter[@ID][0]=82&filter[@ID][1]=85&select[]=ID&select[]=NAME&fields%5BNAME%5D=O%27Neil+x"
            )),
            value!({"filter": {"@ID": {"0": "82", "1": "85"}},
                   "select": {"0": "ID", "1": "NAME"},
                   "fields": {"NAME": "O'Neil x"}})
        );
    }

    #[test]
    fn a_raw_comparison_splits_at_its_equals_sign() {
        assert_eq!(
            Value::Object(parse_str("filter[ID]=82&filter[<=DATE_MODIFY]=2026")),
            value!({"filter": {"ID": "82"}, "filter_<": "DATE_MODIFY]=2026"})
        );
        assert_eq!(
            Value::Object(parse_str("filter%5B%3C%3DDATE_MODIFY%5D=2026")),
            value!({"filter": {"<=DATE_MODIFY": "2026"}})
        );
    }

    #[test]
    fn top_level_names_lose_dots_and_spaces() {
        assert_eq!(
            Value::Object(parse_str("a.b c=1&x[d.e]=2&[z]=3&y[1]tail=4&flag")),
            value!({"a_b_c": "1", "x": {"d.e": "2"}, "y": {"1": "4"}, "flag": ""})
        );
    }

    #[test]
    fn integers_are_cast_as_php_does() {
        assert_eq!(int(&value!("082")), 82);
        assert_eq!(int(&value!("0Array")), 0);
        assert_eq!(int(&value!("0$result[g82][0][ID]")), 0);
        assert_eq!(int(&value!("Y")), 0);
        assert_eq!(int(&value!([])), 0);
        assert_eq!(int(&value!({"c1": true})), 1);
    }

    #[test]
    fn arrays_are_encoded_as_php_does() {
        assert_eq!(
            encode(value!({"result": {"0": {"a": {}}, "1": 2}, "map": {"1": 1}})),
            value!({"result": [{"a": []}, 2], "map": {"1": 1}})
        );
    }

    #[test]
    fn json_text_is_escaped_as_php_does() {
        assert_eq!(
            json::text(&value!({"a/b": "ß\u{1F600}\n\u{1}\"", "f": [1.0, 0.1, 1e25, 1e-7, 5]})),
            "{\"a\\/b\":\"\\u00df\\ud83d\\ude00\\n\\u0001\\\"\",\"f\":[1,0.1,1.0e+25,1.0e-7,5]}"
        );
        assert_eq!(number::text(&value!(1e15)).as_deref(), Some("1.0E+15"));
        assert_eq!(number::text(&value!(0.1 + 0.2)).as_deref(), Some("0.3"));
    }
}
