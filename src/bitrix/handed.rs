//! A pair of tokens that a person hands over: the token endpoint's answer, the `settings.json` of
//! CRest, or the fields that a portal posts into an application's frame, in whatever form they were
//! saved or copied.
//!
//! Source: protocol document, sections 1.2 (token endpoint), 1.4 (frame), 1.5 and 1.6 (CRest).

use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::{Map, Value};
use url::Url;

use super::{Said, json, oauth::KNOWN_HOSTS, said::tame, wire};
use crate::config::authority;

/// The longest text that is read, in bytes; real ones have less than 4 KiB.
pub const LONGEST: usize = 64 * 1024;

/// A pair of tokens and what was said about it. Nothing of it is proved yet, unless it was granted.
#[derive(Debug, Clone)]
pub struct Handed {
    /// The access token, of any age.
    pub access: SecretString,
    /// The refresh token; it may be used up already.
    pub refresh: SecretString,
    /// When the access token ends, where an absolute time was given: how old a file is, nobody knows.
    pub access_expires_at: Option<Timestamp>,
    /// The portal, as `host` or `host:port`; none where only the authorisation server is named.
    pub portal: Option<String>,
    /// The authorisation server's own word on its address.
    pub server_endpoint: Option<String>,
    /// The portal's lasting id.
    pub member_id: Option<String>,
    /// The account behind the tokens.
    pub user_id: Option<u64>,
    /// The authorisation server has said so just now; nothing of it is a claim of whoever hands it over.
    pub granted: bool,
}

/// Why a text holds no pair of tokens that can be used. Never shows the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HandedError {
    /// Nothing was handed over.
    #[error("nothing was handed over; give the token file, or pipe it in")]
    Empty,
    /// More than [`LONGEST`] bytes.
    #[error("this is far too long for a token file; is it the right file?")]
    Long,
    /// Not UTF-8.
    #[error("this is not text (not valid UTF-8); is it the right file?")]
    NotText,
    /// JSON that does not parse, or is no object.
    #[error("this is not valid JSON ({0}); was the file cut short?")]
    Json(String),
    /// An inbound webhook, or CRest's file for one.
    #[error(
        "this belongs to an inbound webhook, and webhooks have no offline events; create a local \
         application in the portal and authorise that one"
    )]
    Webhook,
    /// The address bar after a login.
    #[error("this is an address with a one-time code; use `b24-tidyd auth login` for it")]
    Code,
    /// An error that the authorisation server answered, saved in place of tokens.
    #[error(
        "these are no tokens, but an error that the authorisation server answered: {0}; authorise \
         anew with `b24-tidyd auth login`"
    )]
    OAuthError(Said),
    /// Neither JSON nor form fields with tokens in them.
    #[error(
        "no tokens were found; expected the token endpoint's answer, CRest's settings.json, or the \
         fields AUTH_ID and REFRESH_ID of the frame's POST"
    )]
    NoTokens,
    /// One of the two tokens is missing.
    #[error(
        "there is no {0}; both tokens are needed (events that a portal posts carry no refresh token)"
    )]
    Missing(&'static str),
    /// A member that does not hold what it should.
    #[error("the value of {0} makes no sense")]
    Malformed(&'static str),
}

/// Reads what was handed over, whichever of the known forms it has.
///
/// # Errors
/// A [`HandedError`] that says what to hand over instead.
pub fn read(bytes: &[u8]) -> Result<Handed, HandedError> {
    if bytes.len() > LONGEST {
        return Err(HandedError::Long);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| HandedError::NotText)?;
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return Err(HandedError::Empty);
    }
    let broken = match of_json(text) {
        Ok(Some(fields)) => return fields.handed(),
        Ok(None) => None,
        Err(broken) => Some(broken),
    };
    let fields = form(text).mended_by(scanned(text));
    match broken {
        // A file that was cut short. (What a script calls an object begins with a bare name.)
        Some(broken) if text[1..].trim_start().starts_with(['"', '{']) => Err(broken),
        Some(broken) if !fields.are_complete() && fields.error().is_none() => Err(broken),
        _ => fields.handed(),
    }
}

/// The fields under lower-case names, HTML escapes resolved. The portal's frame writes its names in
/// capitals, and there `DOMAIN` always means the portal.
struct Fields(Map<String, Value>);

/// The members of a JSON text, or of one that stands in another text. None where there is none.
fn of_json(text: &str) -> Result<Option<Fields>, HandedError> {
    let is_json = text.starts_with(['{', '[']);
    let value: Value = match serde_json::from_str(text) {
        Ok(value) => value,
        Err(error) => match json::object(text.as_bytes()) {
            Some(object) => Value::Object(object),
            // The parser's own words may quote the text.
            None if is_json => {
                let place = format!("line {}, column {}", error.line(), error.column());
                return Err(HandedError::Json(place));
            }
            None => return Ok(None),
        },
    };
    let mut fields = Map::new();
    let held = match &value {
        Value::Array(list) => list.iter().find_map(|inner| path_to_tokens(inner, DEEPEST)),
        value => path_to_tokens(value, DEEPEST),
    };
    // The callback of an installation and some libraries keep the pair deeper than the rest; what stands
    // beside the tokens counts more than what stands around them.
    let around = held.unwrap_or_else(|| vec![&value]);
    for map in around.into_iter().filter_map(Value::as_object) {
        for (name, value) in map.iter().filter(|(_, value)| !value.is_object()) {
            fields.insert(name.to_ascii_lowercase(), unescaped(value));
        }
    }
    Ok(Some(Fields(fields)))
}

/// So deep a pair is looked for.
const DEEPEST: u32 = 4;

/// The map that holds a token, and those around it, outermost first.
fn path_to_tokens(value: &Value, depth: u32) -> Option<Vec<&Value>> {
    let map = value.as_object()?;
    let is_token = |name: &String| {
        let name = name.to_ascii_lowercase();
        TOKENS.contains(&name.as_str())
    };
    if map
        .iter()
        .any(|(name, value)| is_token(name) && !value.is_object())
    {
        return Some(vec![value]);
    }
    let depth = depth.checked_sub(1)?;
    let mut path = map
        .values()
        .find_map(|inner| path_to_tokens(inner, depth))?;
    path.insert(0, value);
    Some(path)
}

/// The names of the two tokens, in both of their spellings.
const TOKENS: [&str; 4] = ["access_token", "refresh_token", "auth_id", "refresh_id"];

/// Everything that is looked for in a text of no known form.
const NAMES: [&str; 13] = [
    "access_token",
    "refresh_token",
    "auth_id",
    "refresh_id",
    "client_endpoint",
    "server_endpoint",
    "domain",
    "member_id",
    "user_id",
    "expires",
    "is_web_hook",
    "error_description",
    "error",
];

/// Names and values wherever they stand: in a command line of curl, in lines of `name="value"`, in what
/// PHP prints (`[name] => value`), in a source text, or each on a line of its own.
fn scanned(text: &str) -> Fields {
    let mut fields = Map::new();
    let lower = text.to_ascii_lowercase();
    for name in NAMES {
        let places = lower.match_indices(name).map(|(at, _)| at);
        let value = places
            .filter_map(|at| value_of(text, at, name.len()))
            .next();
        if let Some(value) = value {
            fields.insert(name.to_owned(), unescaped(&Value::from(value)));
        }
    }
    // The word stands in many a text; with its explanation it is what a server answered.
    if !fields.contains_key("error_description") {
        fields.remove("error");
    }
    Fields(fields)
}

/// The value of the name that stands at a place; none where it is part of another word, or has none.
fn value_of(text: &str, at: usize, length: usize) -> Option<String> {
    let in_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let (before, rest) = (&text[..at], &text[at + length..]);
    if before.ends_with(in_word) || rest.starts_with(in_word) {
        return None;
    }
    // What closes the name, what separates it from its value, and what opens that.
    let rest = rest
        .strip_prefix("%5D")
        .or_else(|| rest.strip_prefix("%5d"))
        .unwrap_or(rest);
    let rest = rest.trim_start_matches([']', '"', '\'', '\\', ' ', '\t']);
    let separators = ["=>", "=", ":"];
    let separated = separators.iter().find_map(|mark| rest.strip_prefix(*mark));
    let next_line = || {
        rest.strip_prefix("\r\n")
            .or_else(|| rest.strip_prefix('\n'))
    };
    let rest = separated
        .or_else(next_line)?
        .trim_start_matches([' ', '\t', '\\']);
    let quoted = rest.chars().next().filter(|mark| "\"'".contains(*mark));
    let value = match quoted {
        Some(mark) => rest[1..].split([mark, '\\', '\n']).next()?,
        None => rest
            .split(|c: char| c.is_whitespace() || "&\"',;)}^".contains(c))
            .next()?,
    };
    let value = percent_decoded(value);
    Some(value).filter(|value| !value.is_empty())
}

fn percent_decoded(text: &str) -> String {
    let whole = url::form_urlencoded::parse(text.as_bytes()).next();
    match whole {
        Some((value, rest)) if text.contains('%') && rest.is_empty() => value.into_owned(),
        _ => text.to_owned(),
    }
}

/// `name=value` joined by `&` or on lines of their own, also behind an address and its `?`, and the
/// `name: value` that browsers show in their developer tools.
fn form(text: &str) -> Fields {
    let mut fields = Map::new();
    for piece in text.replace("&amp;", "&").split(['&', '\n', '\r']) {
        let piece = piece.trim();
        let start = piece.find('=').unwrap_or(piece.len());
        let piece = piece[..start]
            .rfind('?')
            .map_or(piece, |mark| &piece[mark + 1..]);
        let shown = piece.split_once(": ").filter(|(name, _)| is_name(name));
        let (name, value) = match shown {
            Some((name, value)) => (name.to_owned(), value.trim().trim_matches('"').to_owned()),
            None => match url::form_urlencoded::parse(piece.as_bytes()).next() {
                Some((name, value)) => (name.into_owned(), value.into_owned()),
                None => continue,
            },
        };
        let name = name.to_ascii_lowercase();
        let name = name.strip_prefix("auth[").unwrap_or(&name);
        let name = name.strip_suffix(']').unwrap_or(name);
        fields.insert(name.to_owned(), unescaped(&Value::from(value)));
    }
    if looks_like_webhook(text) {
        fields.insert("is_web_hook".to_owned(), Value::from("Y"));
    }
    Fields(fields)
}

fn is_name(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// `https://portal/rest/1/secret/`.
fn looks_like_webhook(text: &str) -> bool {
    text.parse::<Url>().is_ok_and(|url| {
        url.path_segments().is_some_and(|mut path| {
            path.next() == Some("rest")
                && path.next().is_some_and(|user| user.parse::<u64>().is_ok())
        })
    })
}

fn unescaped(value: &Value) -> Value {
    let Value::String(text) = value else {
        return value.clone();
    };
    let escapes = [
        ("&quot;", "\""),
        ("&#039;", "'"),
        ("&#39;", "'"),
        ("&lt;", "<"),
        ("&gt;", ">"),
        // Last, so that nothing is resolved twice.
        ("&amp;", "&"),
    ];
    let text = escapes
        .iter()
        .fold(text.clone(), |text, (from, to)| text.replace(from, to));
    Value::from(text.trim())
}

impl Fields {
    /// Whether both tokens are there.
    fn are_complete(&self) -> bool {
        let has = |names: [&str; 2]| names.iter().any(|name| self.text(name).is_some());
        has(["access_token", "auth_id"]) && has(["refresh_token", "refresh_id"])
    }

    /// The same with what the other one found, in place of values that are missing or have caught something
    /// that was around them.
    fn mended_by(mut self, other: Self) -> Self {
        for (name, value) in other.0 {
            let known = self.text(&name);
            if known.is_none_or(|known| known.contains(['"', '\'', '\\', '^'])) {
                self.0.insert(name, value);
            }
        }
        self
    }

    fn error(&self) -> Option<Said> {
        let code = self.text("error")?;
        Some(Said::new(
            &code,
            &self.text("error_description").unwrap_or_default(),
        ))
    }

    fn text(&self, name: &str) -> Option<String> {
        wire::text(self.0.get(name)?).filter(|text| !text.is_empty())
    }

    fn handed(&self) -> Result<Handed, HandedError> {
        if self
            .0
            .get("is_web_hook")
            .is_some_and(|value| wire::flag(value) == Some(true))
        {
            return Err(HandedError::Webhook);
        }
        let access = self.text("access_token").or_else(|| self.text("auth_id"));
        let refresh = self
            .text("refresh_token")
            .or_else(|| self.text("refresh_id"));
        let (access, refresh) = match (access, refresh) {
            (Some(access), Some(refresh)) => (access, refresh),
            (Some(_), None) => return Err(HandedError::Missing("refresh token")),
            (None, Some(_)) => return Err(HandedError::Missing("access token")),
            (None, None) if self.0.contains_key("code") => return Err(HandedError::Code),
            (None, None) => {
                let error = self.error().map(HandedError::OAuthError);
                return Err(error.unwrap_or(HandedError::NoTokens));
            }
        };
        Ok(Handed {
            portal: self.portal()?,
            access: access.into(),
            refresh: refresh.into(),
            access_expires_at: wire::number(self.0.get("expires").unwrap_or(&Value::Null))
                .and_then(|seconds| Timestamp::from_second(seconds as i64).ok()),
            server_endpoint: self.text("server_endpoint").map(|text| tame(&text)),
            member_id: self.text("member_id").map(|text| tame(&text)),
            user_id: self.0.get("user_id").and_then(wire::id),
            granted: false,
        })
    }

    /// The portal's host. `domain` may be the authorisation server's, which overwrites the portal's
    /// with each renewal that CRest makes.
    fn portal(&self) -> Result<Option<String>, HandedError> {
        if let Some(endpoint) = self.text("client_endpoint") {
            return match endpoint.parse::<Url>() {
                Ok(url) if url.has_host() => Ok(Some(authority(&url))),
                _ => Err(HandedError::Malformed("client_endpoint")),
            };
        }
        let Some(domain) = self.text("domain") else {
            return Ok(None);
        };
        let address = if domain.contains("://") {
            domain
        } else {
            format!("https://{domain}/")
        };
        let Ok(url) = address.parse::<Url>() else {
            return Err(HandedError::Malformed("domain"));
        };
        let host = authority(&url);
        let server = self
            .text("server_endpoint")
            .and_then(|text| text.parse::<Url>().ok())
            .map(|url| authority(&url));
        let is_server = KNOWN_HOSTS.contains(&host.as_str()) || server.as_ref() == Some(&host);
        Ok(Some(host).filter(|_| !is_server))
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    /// Access, refresh, portal, member.
    fn seen(text: &str) -> Result<[String; 4], HandedError> {
        let handed = read(text.as_bytes())?;
        Ok([
            handed.access.expose_secret().to_owned(),
            handed.refresh.expose_secret().to_owned(),
            handed.portal.unwrap_or_default(),
            handed.member_id.unwrap_or_default(),
        ])
    }

    fn pair(portal: &str, member: &str) -> Result<[String; 4], HandedError> {
        Ok(["a1", "r1", portal, member].map(str::to_owned))
    }

    #[test]
    fn every_form_is_read() {
        let answer = r#"{"access_token":"a1","refresh_token":"r1","expires_in":3600,"domain":"oauth.bitrix.info",
            "client_endpoint":"https://Acme.bitrix24.com/rest/","member_id":"m"}"#;
        assert_eq!(seen(answer), pair("acme.bitrix24.com", "m"));
        let crest = r#"{"access_token":"a1","expires_in":"3600","refresh_token":"r1",
            "domain":"oauth.bitrix24.tech","is_web_hook":"N"}"#;
        assert_eq!(seen(crest), pair("", ""));
        let installed =
            r#"{"access_token":"a1","refresh_token":"r1","domain":"acme.bitrix24.com"}"#;
        assert_eq!(seen(installed), pair("acme.bitrix24.com", ""));
        let frame = r#"{"DOMAIN":"acme.bitrix24.com","PROTOCOL":1,"AUTH_ID":"a1","REFRESH_ID":"r1","member_id":"m"}"#;
        assert_eq!(seen(frame), pair("acme.bitrix24.com", "m"));
        let event = r#"{"event":"ONAPPINSTALL","auth":{"access_token":"a1","refresh_token":"r1","member_id":"m"}}"#;
        assert_eq!(seen(event), pair("", "m"));
    }

    #[test]
    fn form_text_is_read_however_it_was_pasted() {
        let acme = || pair("acme.bitrix24.com", "m");
        for text in [
            "AUTH_ID=a1&REFRESH_ID=r1&member_id=m&DOMAIN=acme.bitrix24.com",
            "https://h.example/x?DOMAIN=acme.bitrix24.com&PROTOCOL=1\nAUTH_ID=a1&REFRESH_ID=r1&member_id=m\n",
            "POST /x?DOMAIN=acme.bitrix24.com&LANG=en HTTP/1.1\r\nHost: h.example\r\n\r\nAUTH_ID=a1&REFRESH_ID=r1&member_id=m",
            "DOMAIN: acme.bitrix24.com\nAUTH_ID: a1\nREFRESH_ID: \"r1\"\nmember_id: m",
            "DOMAIN=acme.bitrix24.com&amp;AUTH_ID=a1&amp;REFRESH_ID=r1&amp;member_id=m",
            "auth[access_token]=a1&auth%5Brefresh_token%5D=r1&auth[member_id]=m&auth[client_endpoint]=https%3A%2F%2Facme.bitrix24.com%2Frest%2F",
        ] {
            assert_eq!(seen(text), acme(), "{text}");
        }
    }

    #[test]
    fn copied_and_printed_forms_are_read() {
        let acme = || pair("acme.bitrix24.com", "m");
        for text in [
            "curl 'https://h.example/x?DOMAIN=acme.bitrix24.com&PROTOCOL=1' -X POST \\\n  -H 'content-type: application/x-www-form-urlencoded' \\\n  --data-raw 'AUTH_ID=a1&AUTH_EXPIRES=3600&REFRESH_ID=r1&member_id=m'",
            "curl \"https://h.example/x?DOMAIN=acme.bitrix24.com\" -d AUTH_ID=a1 -d REFRESH_ID=r1 -d member_id=m",
            "curl ^\"https://h.example/x?DOMAIN=acme.bitrix24.com^\" ^\n --data-raw ^\"AUTH_ID=a1^&REFRESH_ID=r1^&member_id=m^\"",
            "access_token=\"a1\"\nrefresh_token=\"r1\"\ndomain=\"acme.bitrix24.com\"\nmember_id=\"m\"\n",
            "export ACCESS_TOKEN='a1'\nexport REFRESH_TOKEN='r1'\nDOMAIN=acme.bitrix24.com\nMEMBER_ID=m",
            "DOMAIN\nacme.bitrix24.com\nAUTH_ID\na1\nREFRESH_ID\nr1\nmember_id\nm\n",
            "DOMAIN:\tacme.bitrix24.com\r\nAUTH_ID:\ta1\r\nREFRESH_ID:\tr1\r\nmember_id:\tm\r\n",
            "Array\n(\n    [access_token] => a1\n    [refresh_token] => r1\n    [client_endpoint] => https://acme.bitrix24.com/rest/\n    [member_id] => m\n)\n",
            "[access_token] => a1\n[expires_in] => 3600\n[refresh_token] => r1\n[domain] => acme.bitrix24.com\n[member_id] => m\n",
            "(\n [access_token] => a1\n [refresh_token] => r1\n [domain] => acme.bitrix24.com\n [member_id] => m\n)",
            "array (\n  'access_token' => 'a1',\n  'refresh_token' => 'r1',\n  'domain' => 'acme.bitrix24.com',\n  'member_id' => 'm',\n)",
            "{access_token: 'a1', refresh_token: 'r1', domain: 'acme.bitrix24.com', member_id: 'm'}",
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{\"access_token\":\"a1\",\"refresh_token\":\"r1\",\"member_id\":\"m\",\"client_endpoint\":\"https://acme.bitrix24.com/rest/\"}",
            r#"{"domain":"acme.bitrix24.com","member_id":"m","auth_token":{"access_token":"a1","refresh_token":"r1","expires":1}}"#,
            r#"{"portals":{"acme":{"client_endpoint":"https://acme.bitrix24.com/rest/","auth_token":{"access_token":"a1","refresh_token":"r1","member_id":"m"}}}}"#,
            r#"[{"access_token":"a1","refresh_token":"r1","domain":"acme.bitrix24.com","member_id":"m"}]"#,
        ] {
            assert_eq!(seen(text), acme(), "{text}");
        }
    }

    #[test]
    fn a_saved_error_is_named_as_one() {
        for text in [
            r#"{"error":"invalid_grant","error_description":"Invalid refresh token"}"#,
            "error=invalid_grant&error_description=Invalid+refresh+token",
            "[error] => invalid_grant\n[error_description] => 'Invalid refresh token'",
        ] {
            let said = Said::new("invalid_grant", "Invalid refresh token");
            assert_eq!(seen(text), Err(HandedError::OAuthError(said)), "{text}");
        }
    }

    #[test]
    fn html_escapes_are_resolved_once() {
        let text = r#"{"access_token":"a&amp;lt;","refresh_token":"r&#039;","client_endpoint":"https://acme.bitrix24.com/rest/?a&amp;b"}"#;
        let [access, refresh, portal, _] = seen(text).unwrap_or_default();
        assert_eq!(
            [access.as_str(), &refresh, &portal],
            ["a&lt;", "r'", "acme.bitrix24.com"]
        );
    }

    #[test]
    fn what_cannot_be_used_is_told_apart() {
        use HandedError::*;
        for (text, error) in [
            (" \n", Empty),
            (
                r#"{"is_web_hook":"Y","client_endpoint":"https://a.b/rest/1/secret/"}"#,
                Webhook,
            ),
            ("https://acme.bitrix24.com/rest/1/qwertz/", Webhook),
            (
                "https://h.example/x?code=c1&state=s1&domain=acme.bitrix24.com",
                Code,
            ),
            ("hello", NoTokens),
            ("[1]", NoTokens),
            (r#"{"access_token":"a1"}"#, Missing("refresh token")),
            (
                r#"{"access_token":"a1","refresh_token":"r1","client_endpoint":"nowhere"}"#,
                Malformed("client_endpoint"),
            ),
            (
                r#"{"access_token":"a1"#,
                Json("line 1, column 19".to_owned()),
            ),
        ] {
            assert_eq!(seen(text), Err(error), "{text}");
        }
        assert_eq!(read(&[0xff]).err(), Some(NotText));
        assert_eq!(read(&vec![b' '; LONGEST + 1]).err(), Some(Long));
    }
}
