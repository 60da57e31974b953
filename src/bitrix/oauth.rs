//! The authorisation server: exchanging a code, renewing a pair of tokens.
//!
//! Always by POST, so that no secret stands in a URL, and to the authorisation host alone.

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;

use super::{
    Bar, Barred, Fault, Said, Transport,
    decode::{described, is_error, said},
    json,
    network::Body,
    transport::{Answer, GRANT_SECONDS, HIDDEN},
    wire,
};
use crate::{
    clock::after,
    config::{authority, is_safe},
};

/// The vendor's authorisation hosts. The client secret goes nowhere else unless the configuration
/// names another address.
pub const KNOWN_HOSTS: [&str; 2] = [ELSEWHERE, IN_REGION];

/// The authorisation host of most portals.
const ELSEWHERE: &str = "oauth.bitrix.info";

/// The authorisation host of portals in [`REGION`].
const IN_REGION: &str = "oauth.bitrix24.tech";

/// Where portals use a host of their own (protocol document, section 1.2), as the ends of their names.
const REGION: [&str; 8] = ["ru", "am", "az", "ge", "kz", "kg", "uz", "by"];

/// The application's own credentials.
#[derive(Debug, Clone)]
pub struct ClientCredentials {
    /// `client_id`.
    pub id: String,
    /// `client_secret`.
    pub secret: SecretString,
}

/// What the token endpoint granted.
#[derive(Debug, Clone)]
pub struct Grant {
    /// The access token.
    pub access: SecretString,
    /// The refresh token.
    pub refresh: SecretString,
    /// When the access token ends.
    pub access_expires_at: Option<Timestamp>,
    /// The REST address, ending in `/rest/`; none where the answer leaves it out.
    pub endpoint: Option<Url>,
    /// The authorisation server's own address.
    pub server_endpoint: Option<String>,
    /// The portal's lasting id.
    pub member_id: Option<String>,
    /// The account behind the tokens.
    pub user_id: Option<u64>,
}

/// Why no tokens were granted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GrantProblem {
    /// The server was certainly not reached.
    #[error("the authorisation server is unreachable: {0}")]
    Unreachable(Fault),
    /// The answer did not come: the pair may have been rotated all the same.
    #[error("the authorisation server did not answer: {0}")]
    Unanswered(Fault),
    /// An answer in which no tokens can be found: the pair may have been rotated all the same.
    #[error("the answer of the authorisation server {host} is not understood: {what}")]
    Unclear {
        /// Who answered.
        host: String,
        /// What came.
        what: String,
    },
    /// The server says that it cannot, in words that are no judgement on the pair or the application.
    #[error("the authorisation server {host} fails: {said}")]
    Passing {
        /// Who answered.
        host: String,
        /// In which words.
        said: Said,
    },
    /// The code or refresh token is not accepted: `invalid_grant` and its family.
    #[error("the authorisation server refuses the grant: {0}")]
    InvalidGrant(Said),
    /// The application or its secret is not accepted: `invalid_client` and its family.
    #[error("the authorisation server refuses the application: {0}")]
    InvalidClient(Said),
    /// Something else that a person has to put right: payment, installation, scope.
    #[error(transparent)]
    Barred(Barred),
}

impl GrantProblem {
    /// Whether the server judged the pair or the application, which it has to do twice to be believed.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self, Self::InvalidGrant(_) | Self::InvalidClient(_))
    }

    /// Whether the pair may have been rotated although no tokens came.
    #[must_use]
    pub fn may_have_rotated(&self) -> bool {
        matches!(
            self,
            Self::Unanswered(_) | Self::Unclear { .. } | Self::Passing { .. }
        )
    }
}

/// What is exchanged for tokens.
#[derive(Clone, Copy)]
pub enum Offer<'a> {
    /// A one-time code from the browser, valid for 30 seconds.
    Code(&'a SecretString),
    /// The refresh token of the present pair.
    RefreshToken(&'a SecretString),
}

/// The address of the token endpoint for the portal at `portal`: the configured one, else the one the
/// server named if it is a known host, else the vendor's for the portal's region.
#[must_use]
pub fn token_url(
    configured: Option<&Url>,
    server_endpoint: Option<&str>,
    portal: &Url,
) -> Option<Url> {
    if let Some(url) = configured {
        return url.join("/oauth/token/").ok();
    }
    let named = server_endpoint
        .and_then(|text| text.parse::<Url>().ok())
        .filter(|url| url.scheme() == "https" && url.port().is_none())
        .and_then(|url| url.host_str().map(str::to_owned))
        .filter(|host| KNOWN_HOSTS.contains(&host.as_str()));
    let host = named.as_deref().unwrap_or_else(|| of_region(portal));
    format!("https://{host}/oauth/token/").parse().ok()
}

fn of_region(portal: &Url) -> &'static str {
    let end = portal.domain().and_then(|name| name.rsplit('.').next());
    match end {
        Some(end) if REGION.contains(&end) => IN_REGION,
        _ => ELSEWHERE,
    }
}

/// Exchanges a code or a refresh token for a pair of tokens.
///
/// # Errors
/// A [`GrantProblem`] that tells whether the old pair may be gone.
pub async fn request_grant(
    transport: &Transport,
    token_url: &Url,
    credentials: &ClientCredentials,
    offer: Offer<'_>,
    now: Timestamp,
) -> Result<Grant, GrantProblem> {
    let (grant_type, name, secret) = match offer {
        Offer::Code(code) => ("authorization_code", "code", code),
        Offer::RefreshToken(token) => ("refresh_token", "refresh_token", token),
    };
    let form = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", grant_type)
        .append_pair("client_id", &credentials.id)
        .append_pair("client_secret", credentials.secret.expose_secret())
        .append_pair(name, secret.expose_secret())
        .finish();
    let answer = transport
        .post(token_url, &Body::Form(form.into()), GRANT_SECONDS)
        .await
        .map_err(|fault| match fault.may_have_been_processed() {
            false => GrantProblem::Unreachable(fault),
            true => GrantProblem::Unanswered(fault),
        })?;
    // Tokens count before anything else that stands beside them: they cannot be had again.
    let present = match offer {
        Offer::RefreshToken(token) => Some(token),
        Offer::Code(_) => None,
    };
    let body = json::object(&answer.body).map(Value::Object);
    if let Some(grant) = body
        .as_ref()
        .and_then(|body| read_grant(body, present, now))
    {
        return Ok(grant);
    }
    if let Some(grant) = in_pieces(&answer.body, now) {
        return Ok(grant);
    }
    let answer = answer.without(&credentials.secret).without(secret);
    Err(refusal(
        body.as_ref(),
        &answer,
        [&credentials.secret, secret],
    ))
}

/// Why an answer holds no tokens.
fn refusal(body: Option<&Value>, answer: &Answer, secrets: [&SecretString; 2]) -> GrantProblem {
    let host = authority(&answer.url);
    // Errors come with status 200, too.
    let Some(body) = body.filter(|body| is_error(&body["error"])) else {
        let what = described(answer);
        return GrantProblem::Unclear { host, what };
    };
    let hide = |text: String| {
        let secrets = secrets.into_iter().map(ExposeSecret::expose_secret);
        let secrets = secrets.filter(|secret| !secret.is_empty());
        secrets.fold(text, |text, secret| text.replace(secret, HIDDEN))
    };
    let said = said(&body["error"], body.get("error_description"));
    let said = Said {
        code: hide(said.code),
        text: hide(said.text),
    };
    match said.code.to_ascii_lowercase().as_str() {
        "invalid_grant" | "bad_verification_code" | "expired_token" | "invalid_token" => {
            GrantProblem::InvalidGrant(said)
        }
        "invalid_client" | "wrong_client" | "unauthorized_client" => {
            GrantProblem::InvalidClient(said)
        }
        code => match Bar::of_code(code, &said.text) {
            Some(bar) => GrantProblem::Barred(Barred::by_auth_server(bar, said)),
            None => GrantProblem::Passing { host, said },
        },
    }
}

/// The REST address with the slash at its end, without which its last part would be taken for a page.
fn rest_address(mut url: Url) -> Url {
    if url.path() == "/" {
        url.set_path("/rest/");
    } else if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    url
}

/// Reads the token endpoint's answer, wherever in it the tokens stand. Where it names no refresh token,
/// the `present` one stays.
#[must_use]
pub fn read_grant(body: &Value, present: Option<&SecretString>, now: Timestamp) -> Option<Grant> {
    let body = holding_tokens(body, DEEPEST)?;
    let secret = |key: &str| wire::text(&body[key]).filter(|text| !text.trim().is_empty());
    let expires = wire::number(&body["expires"])
        .and_then(|seconds| Timestamp::from_second(seconds as i64).ok())
        .or_else(|| wire::number(&body["expires_in"]).map(|seconds| after(now, seconds)));
    let refresh = secret("refresh_token").map(SecretString::from);
    Some(Grant {
        access: secret("access_token")?.into(),
        refresh: refresh.or_else(|| present.cloned())?,
        access_expires_at: expires,
        endpoint: wire::text(&body["client_endpoint"])
            .and_then(|text| text.parse().ok())
            .map(rest_address)
            .filter(is_safe),
        server_endpoint: wire::text(&body["server_endpoint"])
            .and_then(|text| text.parse::<Url>().ok())
            .map(String::from),
        member_id: wire::shown(&body["member_id"]).filter(|id| !id.is_empty()),
        user_id: wire::id(&body["user_id"]),
    })
}

/// So deep an access token is looked for.
const DEEPEST: u32 = 3;

/// The map that holds the access token.
fn holding_tokens(body: &Value, depth: u32) -> Option<&Value> {
    let map = body.as_object()?;
    if map.contains_key("access_token") {
        return Some(body);
    }
    let depth = depth.checked_sub(1)?;
    map.values().find_map(|inner| holding_tokens(inner, depth))
}

/// Reads the members of an answer that is no JSON any more, as one that was cut: a pair that cannot be
/// had again is worth a look at what is left. Both tokens have to be there as a whole.
fn in_pieces(body: &[u8], now: Timestamp) -> Option<Grant> {
    let text = String::from_utf8_lossy(body);
    let member = |name: &str| {
        let rest = text.split_once(&format!("\"{name}\""))?.1;
        let rest = rest.trim_start().strip_prefix(':')?.trim_start();
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
        values.next()?.ok()
    };
    let names = [
        "access_token",
        "refresh_token",
        "expires",
        "expires_in",
        "client_endpoint",
        "server_endpoint",
        "member_id",
        "user_id",
    ];
    let found = names.into_iter();
    let found = found.filter_map(|name| Some((name.to_owned(), member(name)?)));
    read_grant(&Value::Object(found.collect()), None, now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_address_ends_with_a_slash() {
        for said in [
            "https://a.example/rest/",
            "https://a.example/rest",
            "https://a.example",
        ] {
            let body = serde_json::json!({"access_token": "a", "refresh_token": "r", "client_endpoint": said});
            let grant = read_grant(&body, None, Timestamp::UNIX_EPOCH);
            let endpoint = grant.and_then(|grant| grant.endpoint).map(String::from);
            assert_eq!(
                endpoint.as_deref(),
                Some("https://a.example/rest/"),
                "{said}"
            );
        }
    }

    #[test]
    fn the_secret_goes_to_known_hosts_alone() {
        let url = |named| {
            let portal = "https://acme.bitrix24.com/".parse().ok()?;
            token_url(None, Some(named), &portal).map(|url| url.to_string())
        };
        let default = Some("https://oauth.bitrix.info/oauth/token/".to_owned());
        assert_eq!(
            url("https://oauth.bitrix24.tech/rest/"),
            Some("https://oauth.bitrix24.tech/oauth/token/".to_owned())
        );
        assert_eq!(url("https://evil.example/rest/"), default);
        assert_eq!(url("http://oauth.bitrix24.tech/rest/"), default);
        assert_eq!(url("https://oauth.bitrix24.tech:8443/rest/"), default);
    }

    #[test]
    fn a_portals_region_decides_where_nobody_has_said() {
        for (portal, host) in [
            ("https://acme.bitrix24.com/", "oauth.bitrix.info"),
            ("https://acme.bitrix24.ru/", "oauth.bitrix24.tech"),
            ("https://acme.bitrix24.kz/", "oauth.bitrix24.tech"),
            ("https://crm.acme.by:8443/", "oauth.bitrix24.tech"),
            ("https://ru.acme.de/", "oauth.bitrix.info"),
            ("https://192.0.2.7/", "oauth.bitrix.info"),
        ] {
            let url = portal
                .parse()
                .ok()
                .and_then(|portal| token_url(None, None, &portal));
            let found = url.as_ref().and_then(Url::host_str);
            assert_eq!(found, Some(host), "{portal}");
        }
    }

    #[test]
    fn tokens_are_found_in_odd_answers() {
        let now = Timestamp::UNIX_EPOCH;
        let old = SecretString::from("old");
        let nested =
            serde_json::json!({"result": {"auth": {"access_token": "a", "refresh_token": "r"}}});
        assert!(read_grant(&nested, None, now).is_some());
        let cut = br#"{"access_token":"a","expires_in":3600,"refresh_token":"r","member_id":"m","scope":"cr"#;
        let grant = in_pieces(cut, now).map(|grant| (grant.refresh, grant.member_id));
        let grant = grant.map(|(refresh, member)| (refresh.expose_secret().to_owned(), member));
        assert_eq!(grant, Some(("r".to_owned(), Some("m".to_owned()))));
        // The new refresh token was cut off: what is left of it is no token.
        let cut = br#"{"access_token":"a","refresh_token":"r-and-mo"#;
        assert!(in_pieces(cut, now).is_none());
        let alone = serde_json::json!({"access_token": "a"});
        let grant = read_grant(&alone, Some(&old), now);
        let refresh = grant.map(|grant| grant.refresh.expose_secret().to_owned());
        assert_eq!(refresh.as_deref(), Some("old"));
    }
}
