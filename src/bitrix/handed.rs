//! A pair of tokens that a person hands over: the token endpoint's answer, the `settings.json` of
//! CRest, or the fields that a portal posts into an application's frame.
//!
//! Source: protocol document, sections 1.2 (token endpoint), 1.4 (frame), 1.5 and 1.6 (CRest).

use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::{Map, Value};
use url::Url;

use super::{oauth::KNOWN_HOSTS, wire};
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
    let fields = if text.is_empty() {
        return Err(HandedError::Empty);
    } else if text.starts_with(['{', '[']) {
        json(text)?
    } else {
        form(text)
    };
    fields.handed()
}

/// The fields under lower-case names, HTML escapes resolved. The portal's frame writes its names in
/// capitals, and there `DOMAIN` always means the portal.
struct Fields(Map<String, Value>);

fn json(text: &str) -> Result<Fields, HandedError> {
    let value: Value = serde_json::from_str(text).map_err(|error| {
        // The parser's own words may quote the text.
        HandedError::Json(format!("line {}, column {}", error.line(), error.column()))
    })?;
    let Value::Object(map) = value else {
        return Err(HandedError::NoTokens);
    };
    let mut fields = Map::new();
    // The installation callback keeps the pair one level deeper.
    for (name, value) in map.get("auth").and_then(Value::as_object).unwrap_or(&map) {
        fields.insert(name.to_ascii_lowercase(), unescaped(value));
    }
    Ok(Fields(fields))
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
            (None, None) => return Err(HandedError::NoTokens),
        };
        Ok(Handed {
            portal: self.portal()?,
            access: access.into(),
            refresh: refresh.into(),
            access_expires_at: wire::number(self.0.get("expires").unwrap_or(&Value::Null))
                .and_then(|seconds| Timestamp::from_second(seconds as i64).ok()),
            server_endpoint: self.text("server_endpoint"),
            member_id: self.text("member_id"),
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
