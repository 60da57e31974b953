//! The one place that turns an HTTP answer into a result or a [`Problem`].
//!
//! Order, after the protocol's error pages: transport error, not JSON, `error` key present (whatever
//! the status), then the status.

use jiff::Timestamp;
use serde_json::Value;

use super::{
    Bar, Barred, Fault, Problem, Said,
    contacts::Family,
    json,
    problem::{Astray, Misdirection},
    said::tame,
    transport::Answer,
    wire,
};
use crate::config::{authority, is_safe};

/// A successful answer.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The `result` member.
    pub result: Value,
    /// How many rows there are in all, for list methods.
    pub total: Option<u64>,
    /// The portal's times for the call.
    pub time: Time,
}

/// The `time` member of an answer, or of one command of a batch. Every part may be missing.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Time {
    /// The portal's clock when the call began, in whole seconds.
    pub began: Option<Timestamp>,
    /// Seconds the call took.
    pub duration: Option<f64>,
    /// The *running sum* of the method's execution time in its window, in seconds.
    pub operating: Option<f64>,
    /// When the oldest part of that window ends.
    pub operating_reset_at: Option<Timestamp>,
}

impl Time {
    /// Reads a `time` object; whatever is missing or malformed is left out.
    #[must_use]
    pub fn read(value: &Value) -> Self {
        let seconds = |key: &str| wire::number(&value[key]);
        let instant = |seconds: f64| Timestamp::from_second(seconds.floor() as i64).ok();
        Self {
            began: wire::moment(&value["date_start"])
                .or_else(|| seconds("start").and_then(instant)),
            duration: seconds("duration"),
            operating: seconds("operating"),
            operating_reset_at: seconds("operating_reset_at").and_then(instant),
        }
    }
}

/// Decides what an HTTP exchange with the portal about a call of `method` means.
///
/// # Errors
/// The [`Problem`] that the fault, the body or the status stands for.
pub fn reply(method: &str, exchange: Result<Answer, Fault>) -> Result<Reply, Problem> {
    let answer = exchange.map_err(|fault| match fault.may_have_been_processed() {
        false => Problem::Unreachable(fault),
        true => Problem::Unanswered(fault),
    })?;
    if (300..400).contains(&answer.status) {
        return Err(moved(&answer));
    }
    let Some(mut body) = json::object(&answer.body) else {
        return Err(by_status(answer.status, described(&answer)));
    };
    // What stands for "no error" is one all the same beside a status that says otherwise.
    let failed = answer.status >= 400 && body.contains_key("error_description");
    if let Some(code) = body.get("error").filter(|code| failed || is_error(code)) {
        let said = said(code, body.get("error_description"));
        return Err(judge(said, method, Some(answer.status)));
    }
    match (answer.status, body.remove("result")) {
        (200..300, Some(result)) => Ok(Reply {
            result,
            total: body.get("total").and_then(wire::count),
            time: body.get("time").map(Time::read).unwrap_or_default(),
        }),
        (200..300, None) => Err(Problem::Unclear("JSON without a result".to_owned())),
        (status, _) => Err(by_status(status, described(&answer))),
    }
}

/// Decides what the error of one command of a batch means, which ran `method`.
#[must_use]
pub fn command_problem(method: &str, error: &Value) -> Problem {
    let said = said(&error["error"], error.get("error_description"));
    judge(said, method, None)
}

/// An empty code is an error; what stands for "none" is not.
pub(super) fn is_error(code: &Value) -> bool {
    !matches!(code, Value::Null | Value::Bool(false))
}

pub(super) fn said(code: &Value, text: Option<&Value>) -> Said {
    let text = text.and_then(wire::text).unwrap_or_default();
    Said::new(&wire::text(code).unwrap_or_default(), &text)
}

/// What came in place of an answer: its status, its type and its first words.
pub(super) fn described(answer: &Answer) -> String {
    let mut text = format!("status {}", answer.status);
    if let Some(kind) = &answer.content_type {
        let kind = kind.split(';').next().unwrap_or_default();
        text.push_str(&format!(", {}", tame(kind)));
    }
    let start = &answer.body[..answer.body.len().min(FIRST_BYTES)];
    let words = Said::text(&without_scripts(&String::from_utf8_lossy(start))).text;
    match words.char_indices().nth(FIRST_CHARACTERS) {
        _ if answer.body.is_empty() => text.push_str(", empty"),
        _ if words.is_empty() => {}
        None => text.push_str(&format!(", \"{words}\"")),
        Some((end, _)) => text.push_str(&format!(", \"{}...\"", &words[..end])),
    }
    text
}

/// So much of a page is looked at for its first words.
const FIRST_BYTES: usize = 4096;

/// So much of its words is shown.
const FIRST_CHARACTERS: usize = 100;

/// A page without what it does not show.
fn without_scripts(page: &str) -> String {
    let mut page = page.to_owned();
    for tag in ["script", "style"] {
        while let Some(start) = page.to_ascii_lowercase().find(&format!("<{tag}")) {
            let rest = page[start..].to_ascii_lowercase();
            let length = rest.find(&format!("</{tag}")).unwrap_or(rest.len());
            page.replace_range(start..start + length, "");
        }
    }
    page
}

fn moved(answer: &Answer) -> Problem {
    let target = answer
        .location
        .as_deref()
        .and_then(|text| answer.url.join(text).ok());
    let Some(url) = target else {
        return Problem::Unclear(format!("status {} without a target", answer.status));
    };
    // What began encrypted stays so, even where the target is this machine.
    let unencrypted = answer.url.scheme() == "https" && url.scheme() != "https";
    if unencrypted || !is_safe(&url) {
        return Problem::Misdirected(Misdirection {
            from: authority(&answer.url),
            to: tame(&authority(&url)),
            why: Astray::Unencrypted,
        });
    }
    Problem::Moved(url)
}

fn by_status(status: u16, what: String) -> Problem {
    match status {
        429 => Problem::MethodBlocked,
        _ => Problem::Unclear(what),
    }
}

/// The tables of the protocol's error pages. The code decides; method and status only help where the
/// same code means two things. A command of a batch has no status.
fn judge(said: Said, method: &str, status: Option<u16>) -> Problem {
    let family = Family::of_method(method);
    let lists = family.is_some_and(|family| family.list() == method);
    let code = said.code.to_ascii_uppercase();
    match code.as_str() {
        "EXPIRED_TOKEN" => Problem::TokenExpired,
        "INVALID_TOKEN" | "NO_AUTH_FOUND" => Problem::TokenUnknown(said),
        "WRONG_LICENSE" => Problem::Licence(said),
        "QUERY_LIMIT_EXCEEDED" => Problem::RateLimited,
        "OPERATION_TIME_LIMIT" => Problem::MethodBlocked,
        "OVERLOAD_LIMIT" => Problem::Overload(said),
        "CONNECTION_ERROR"
        | "INTERNAL_SERVER_ERROR"
        | "ERROR_UNEXPECTED_ANSWER"
        | "WRONG_ENCODING" => Problem::Failed(said),
        // 400 where one item is meant, 403 where the whole method is.
        "ACCESS_DENIED" if status.map_or(family.is_some(), |status| status == 400) => {
            Problem::Denied(said)
        }
        "ERROR_METHOD_NOT_FOUND" | "ENTITY_TYPE_NOT_SUPPORTED" if family.is_some() => {
            Problem::NotOffered(said)
        }
        // No list misses a contact: the portal does not know contacts as items.
        "NOT_FOUND" if lists => Problem::NotOffered(said),
        "NOT_FOUND" => Problem::Gone,
        // An argument is missing or of the wrong type, which an id taken from a guard may well be.
        "100" => Problem::InvalidId(said),
        "" | "ERROR_CORE" | "0" => by_text(said, status),
        "CRM_CONTACT_UPDATE_CANCELED" => Problem::Refused(said),
        _ if code.starts_with("CRM_FIELD_ERROR") => Problem::Refused(said),
        _ => match Bar::of_code(&code, &said.text) {
            Some(bar) => Problem::Unauthorised(Barred::by_portal(bar, said)),
            None if status.is_some_and(|status| status >= 500) => Problem::Failed(said),
            None => Problem::Misuse(said),
        },
    }
}

/// Empty codes and `ERROR_CORE` mean what their text says.
fn by_text(said: Said, status: Option<u16>) -> Problem {
    let text = said.text.to_lowercase();
    let contains = |part: &str| text.contains(part);
    if contains("token") && contains("expired") {
        Problem::TokenExpired
    } else if contains("already binded") || contains("already bound") {
        Problem::AlreadyBound
    } else if contains("id is not defined or invalid") {
        Problem::InvalidId(said)
    } else if contains("not found") {
        Problem::Gone
    } else if contains("access denied") {
        Problem::Denied(said)
    } else if contains("sql query error")
        || contains("general error")
        || contains("disk resource exhausted")
        || contains("has already started")
        || status.is_some_and(|status| status >= 500)
    {
        Problem::Failed(said)
    } else if contains("must be array") {
        Problem::Misuse(said)
    } else {
        Problem::Refused(said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Result<Answer, Fault> {
        Ok(Answer {
            status,
            url: "https://acme.example/rest/batch"
                .parse()
                .unwrap_or_else(|_| unreachable!()),
            location: None,
            content_type: Some("text/html; charset=UTF-8".to_owned()),
            body: body.as_bytes().to_vec(),
        })
    }

    #[test]
    fn an_empty_error_code_is_an_error() {
        let body = r#"{"error":"","error_description":"Not found","result":true}"#;
        assert_eq!(reply("batch", answer(200, body)).err(), Some(Problem::Gone));
    }

    #[test]
    fn the_code_decides_before_the_status() {
        let body = r#"{"error":"CONNECTION_ERROR"}"#;
        assert!(matches!(
            reply("batch", answer(401, body)),
            Err(Problem::Failed(_))
        ));
        let body = r#"{"error":"expired_token"}"#;
        assert_eq!(
            reply("batch", answer(200, body)).err(),
            Some(Problem::TokenExpired)
        );
    }

    #[test]
    fn pages_and_cut_answers_are_unclear() {
        for (status, body) in [
            (200, "<html>"),
            (502, "<html>"),
            (200, "{\"result\":"),
            (200, ""),
        ] {
            assert!(
                matches!(
                    reply("batch", answer(status, body)),
                    Err(Problem::Unclear(_))
                ),
                "{body}"
            );
        }
        assert_eq!(
            reply("batch", answer(429, "<html>")).err(),
            Some(Problem::MethodBlocked)
        );
    }

    #[test]
    fn null_is_no_error() {
        let body = r#"{"error":null,"result":7}"#;
        assert_eq!(
            reply("batch", answer(200, body))
                .ok()
                .map(|reply| reply.result),
            Some(7.into())
        );
        let body = r#"{"error":null,"error_description":"The access token provided has expired."}"#;
        assert_eq!(
            reply("batch", answer(401, body)).err(),
            Some(Problem::TokenExpired)
        );
        let body = r#"{"error":null,"error_description":null}"#;
        assert!(matches!(
            reply("batch", answer(200, body)),
            Err(Problem::Unclear(_))
        ));
    }

    #[test]
    fn what_is_no_answer_is_described() {
        let body = "<html><head><style>p {}</style><title>502 Bad\n Gateway</title></head>";
        let problem = reply("batch", answer(502, body)).err();
        let text = problem
            .map(|problem| problem.to_string())
            .unwrap_or_default();
        let expected =
            "the portal's answer is not understood: status 502, text/html, \"502 Bad Gateway\"";
        assert_eq!(text, expected);
        let Err(problem) = reply("batch", answer(200, "")) else {
            unreachable!("an empty answer was understood")
        };
        assert!(
            problem
                .to_string()
                .ends_with("status 200, text/html, empty"),
            "{problem}"
        );
    }

    #[test]
    fn a_denial_of_a_whole_method_is_told_apart() {
        let bar = |text: &str| {
            let body = format!(r#"{{"error":"ACCESS_DENIED","error_description":"{text}"}}"#);
            match reply("batch", answer(403, &body)) {
                Err(Problem::Unauthorised(barred)) => Some(barred.bar),
                _ => None,
            }
        };
        assert_eq!(bar("Access denied!"), Some(Bar::NotAdmin));
        let plan = "REST API is available only on commercial plans.";
        assert_eq!(bar(plan), Some(Bar::Plan));
    }

    #[test]
    fn nothing_leads_from_encrypted_to_unencrypted() {
        let mut exchange = answer(302, "");
        if let Ok(answer) = &mut exchange {
            answer.location = Some("http://127.0.0.1:8080/rest/".to_owned());
        }
        assert!(matches!(
            reply("batch", exchange),
            Err(Problem::Misdirected(_))
        ));
    }

    /// Catches a contact of the universal family whose error stops the portal, or counts as done.
    #[test]
    fn errors_of_the_universal_family_concern_the_contact_unless_they_say_otherwise() {
        let of = |code: &str| {
            let error = serde_json::json!({"error": code, "error_description": "в другом языке"});
            let in_batch = command_problem("crm.item.update", &error);
            let alone = reply("crm.item.update", answer(400, &error.to_string())).err();
            assert_eq!(alone.as_ref(), Some(&in_batch), "{code}");
            in_batch
        };
        assert_eq!(of("NOT_FOUND"), Problem::Gone);
        assert!(matches!(of("ACCESS_DENIED"), Problem::Denied(_)));
        assert!(matches!(of("100"), Problem::InvalidId(_)));
        assert!(matches!(of("INVALID_ARG_VALUE"), Problem::Misuse(_)));
        for code in [
            "CRM_FIELD_ERROR_VALUE_NOT_VALID",
            "CRM_FIELD_ERROR_REQUIRED",
            "CRM_FIELD_ERROR_OF_ANOTHER_KIND",
            "CRM_CONTACT_UPDATE_CANCELED",
        ] {
            assert!(matches!(of(code), Problem::Refused(_)), "{code}");
        }
        for code in [
            "UPDATE_DYNAMIC_ITEM_RESTRICTED",
            "allowed_only_intranet_user",
        ] {
            assert!(matches!(of(code), Problem::Unauthorised(_)), "{code}");
        }
        let denied = serde_json::json!({"error": "ACCESS_DENIED"});
        let queue = command_problem("event.offline.get", &denied);
        assert!(matches!(queue, Problem::Unauthorised(_)));
    }

    /// Catches a portal of another age that is taken for one whose contacts are gone.
    #[test]
    fn a_family_that_the_portal_does_not_have_is_told_from_a_contact_that_is_gone() {
        let of =
            |method: &str, code: &str| command_problem(method, &serde_json::json!({"error": code}));
        for code in [
            "NOT_FOUND",
            "ENTITY_TYPE_NOT_SUPPORTED",
            "ERROR_METHOD_NOT_FOUND",
        ] {
            let problem = of("crm.item.list", code);
            assert!(matches!(problem, Problem::NotOffered(_)), "{code}");
        }
        assert_eq!(of("crm.item.get", "NOT_FOUND"), Problem::Gone);
        let problem = of("crm.contact.update", "ERROR_METHOD_NOT_FOUND");
        assert!(matches!(problem, Problem::NotOffered(_)));
        let other = of("event.get", "ERROR_METHOD_NOT_FOUND");
        assert!(matches!(other, Problem::Unauthorised(_)));
    }
}
