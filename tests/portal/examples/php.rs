//! Does to each line of standard input what `tests/conformance/php.php` lets PHP do, so that the two
//! can be compared. A line is `[operation, input]`.

use std::io::{self, BufRead as _};

use serde_json::{Value, json};
use test_portal::php;

fn main() -> io::Result<()> {
    for line in io::stdin().lock().lines() {
        let task: Value = serde_json::from_str(&line?).map_err(io::Error::other)?;
        let input = php::decoded(task[1].clone());
        let text = input.as_str().unwrap_or("");
        let result = match task[0].as_str() {
            Some("parse_str") => Value::Object(php::parse_str(text)),
            Some("int") => json!(php::int(&input)),
            Some("numeric") => json!(php::numeric(&input)),
            Some("empty") => json!(php::is_empty(&input)),
            Some("text") => json!(php::text(&input)),
            Some("decode") => match serde_json::from_str(text).map(php::decoded) {
                Ok(value) => json!([value]),
                Err(_) => Value::Null,
            },
            _ => input,
        };
        println!("{}", php::json_text(&php::encode(result)));
    }
    Ok(())
}
