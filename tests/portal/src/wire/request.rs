//! From an HTTP request to parameters, as the portal's server reads them.

use serde_json::{Map, Value};

use crate::log::{Command, RequestRecord, Server};
use crate::php::{self, Params};
use crate::wire::message::Request;

/// Reads a request into a record. JSON counts only for POST with its content type, and JSON that
/// does not parse is no parameters at all.
pub(crate) fn read(server: Server, request: &Request) -> RequestRecord {
    let (path, query) = request.url.split_once('?').unwrap_or((&request.url, ""));
    let mut params = php::parse_str(query);
    let kind = request
        .headers
        .iter()
        .find(|(name, _)| name == "content-type")
        .map(|(_, value)| value.to_ascii_lowercase())
        .unwrap_or_default();
    if request.verb == "POST" {
        // Parameters of the body override those of the query.
        params.extend(body_params(&kind, &request.body));
    }
    let method = method_name(server, path);
    let commands = if method == "batch" {
        commands(&params)
    } else {
        Vec::new()
    };
    RequestRecord {
        number: 0,
        at: 0.0,
        server,
        verb: request.verb.clone(),
        url: request.url.clone(),
        headers: request.headers.clone(),
        method,
        params,
        commands,
        body_bytes: request.body.len(),
        status: None,
        error: None,
        answer: String::new(),
        processed: false,
        answered: false,
    }
}

fn body_params(kind: &str, body: &[u8]) -> Params {
    if kind.starts_with("application/json") {
        return match serde_json::from_slice(body).map(php::decoded) {
            Ok(Value::Object(map)) => map,
            Ok(list @ Value::Array(_)) => php::entries(&list)
                .into_iter()
                .map(|(key, value)| (key, value.clone()))
                .collect(),
            _ => Map::new(),
        };
    }
    if kind.starts_with("application/x-www-form-urlencoded") {
        return php::parse_str(&String::from_utf8_lossy(body));
    }
    Map::new()
}

/// The lower-case method of a path; empty where the path leads nowhere.
fn method_name(server: Server, path: &str) -> String {
    let path = path.trim_end_matches('/');
    match server {
        Server::OAuth if path == "/oauth/token" => "oauth.token".to_owned(),
        Server::Portal if path == "/oauth/authorize" => "oauth.authorize".to_owned(),
        Server::Portal => {
            // The web server takes several slashes for one.
            let method = path
                .strip_prefix("/rest/")
                .unwrap_or("")
                .trim_start_matches('/')
                .to_ascii_lowercase();
            match method.strip_suffix(".json") {
                Some(bare) => bare.to_owned(),
                None => method,
            }
        }
        Server::OAuth => String::new(),
    }
}

/// The commands of a batch. Entries that are no text are skipped without a word.
fn commands(params: &Params) -> Vec<Command> {
    let lower = php::lower_keys(params);
    let Some(list) = lower.get("cmd") else {
        return Vec::new();
    };
    php::entries(list)
        .into_iter()
        .filter_map(|(key, value)| {
            let (method, params) = parse_command(value.as_str()?);
            Some(Command {
                key,
                method,
                params,
                error: None,
                processed: false,
            })
        })
        .collect()
}

/// PHP's `parse_url` and `parse_str`: `#` cuts, control characters become `_`, then one decoding.
fn parse_command(text: &str) -> (String, Params) {
    let text = text.split('#').next().unwrap_or("");
    let text: String = text
        .chars()
        .map(|letter| {
            if letter.is_ascii_control() {
                '_'
            } else {
                letter
            }
        })
        .collect();
    let (method, query) = text.split_once('?').unwrap_or((&text, ""));
    (method.to_ascii_lowercase(), php::parse_str(query))
}

#[cfg(test)]
mod tests {
    use super::parse_command;
    use serde_json::{Value, json};

    #[test]
    fn a_command_is_cut_at_a_fragment_and_decoded_once() {
        let (method, params) = parse_command(
            "CRM.contact.update?id=82&fields[NAME]=A%2526B+C&x=1#&fields[LAST_NAME]=lost",
        );
        assert_eq!(method, "crm.contact.update");
        assert_eq!(
            Value::Object(params),
            json!({"id": "82", "fields": {"NAME": "A%26B C"}, "x": "1"})
        );
    }
}
