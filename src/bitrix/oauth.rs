//! The authorisation server: exchanging a code, renewing a pair of tokens.
//!
//! Always by POST, so that no secret stands in a URL, and to the authorisation host alone.

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;

use super::{
    Fault, Transport,
    transport::{Body, HIDDEN},
    wire,
};
use crate::{clock::after, config::is_safe};

/// The vendor's authorisation hosts. The client secret goes nowhere else unless the configuration
/// names another address.
pub const KNOWN_HOSTS: [&str; 2] = ["oauth.bitrix.info", "oauth.bitrix24.tech"];

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
    Unreachable(String),
    /// No usable answer: the pair may have been rotated all the same.
    #[error("the authorisation server did not answer: {0}")]
    Unanswered(String),
    /// The code or refresh token is not accepted: `invalid_grant` and its family.
    #[error("the authorisation server refuses the grant: {0}")]
    InvalidGrant(String),
    /// The application, its payment or its secret is refused.
    #[error("the authorisation server refuses the application: {0}")]
    Refused(String),
}

/// What is exchanged for tokens.
#[derive(Clone, Copy)]
pub enum Offer<'a> {
    /// A one-time code from the browser, valid for 30 seconds.
    Code(&'a SecretString),
    /// The refresh token of the present pair.
    RefreshToken(&'a SecretString),
}

/// The address of the token endpoint: the configured one, else the one the server named if it is a
/// known host, else the vendor's first.
#[must_use]
pub fn token_url(configured: Option<&Url>, server_endpoint: Option<&str>) -> Option<Url> {
    if let Some(url) = configured {
        return url.join("/oauth/token/").ok();
    }
    let named = server_endpoint
        .and_then(|text| text.parse::<Url>().ok())
        .filter(|url| url.scheme() == "https" && url.port().is_none())
        .and_then(|url| url.host_str().map(str::to_owned))
        .filter(|host| KNOWN_HOSTS.contains(&host.as_str()));
    let host = named.as_deref().unwrap_or(KNOWN_HOSTS[0]);
    format!("https://{host}/oauth/token/").parse().ok()
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
        .post(token_url, &Body::Form(form.into()))
        .await
        .map_err(|fault| match fault {
            Fault::NotSent(reason) => GrantProblem::Unreachable(reason),
            Fault::NoAnswer(reason) => GrantProblem::Unanswered(reason),
        })?;
    let Ok(body) = serde_json::from_slice::<Value>(&answer.body) else {
        return Err(GrantProblem::Unanswered(format!(
            "status {} and no JSON",
            answer.status
        )));
    };
    // Errors come with status 200, too.
    if let Some(code) = body.get("error") {
        let hide = |text: String| {
            let secrets = [credentials.secret.expose_secret(), secret.expose_secret()];
            let secrets = secrets.into_iter().filter(|secret| !secret.is_empty());
            secrets.fold(text, |text, secret| text.replace(secret, HIDDEN))
        };
        let text = |value: &Value| wire::text(value).map(hide).unwrap_or_default();
        let (code, text) = (text(code), text(&body["error_description"]));
        return Err(refusal(&code, &text, answer.status));
    }
    read_grant(&body, now)
        .ok_or_else(|| GrantProblem::Unanswered("an answer without tokens".to_owned()))
}

fn refusal(code: &str, text: &str, status: u16) -> GrantProblem {
    let said = match text {
        "" => code.to_owned(),
        text => format!("{text} ({code})"),
    };
    match code.to_ascii_lowercase().as_str() {
        "invalid_grant" | "bad_verification_code" | "expired_token" => {
            GrantProblem::InvalidGrant(said)
        }
        _ if status >= 500 || matches!(status, 408 | 429) => GrantProblem::Unanswered(said),
        _ => GrantProblem::Refused(said),
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

/// Reads the token endpoint's answer.
#[must_use]
pub fn read_grant(body: &Value, now: Timestamp) -> Option<Grant> {
    let secret = |key: &str| wire::text(&body[key]).filter(|text| !text.is_empty());
    let expires = wire::number(&body["expires"])
        .and_then(|seconds| Timestamp::from_second(seconds as i64).ok())
        .or_else(|| wire::number(&body["expires_in"]).map(|seconds| after(now, seconds)));
    Some(Grant {
        access: secret("access_token")?.into(),
        refresh: secret("refresh_token")?.into(),
        access_expires_at: expires,
        endpoint: wire::text(&body["client_endpoint"])
            .and_then(|text| text.parse().ok())
            .map(rest_address)
            .filter(is_safe),
        server_endpoint: wire::text(&body["server_endpoint"]),
        member_id: wire::text(&body["member_id"]).filter(|id| !id.is_empty()),
        user_id: wire::id(&body["user_id"]),
    })
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
            let grant = read_grant(&body, Timestamp::UNIX_EPOCH);
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
        let url = |named| token_url(None, Some(named)).map(|url| url.to_string());
        let default = Some("https://oauth.bitrix.info/oauth/token/".to_owned());
        assert_eq!(
            url("https://oauth.bitrix24.tech/rest/"),
            Some("https://oauth.bitrix24.tech/oauth/token/".to_owned())
        );
        assert_eq!(url("https://evil.example/rest/"), default);
        assert_eq!(url("http://oauth.bitrix24.tech/rest/"), default);
        assert_eq!(url("https://oauth.bitrix24.tech:8443/rest/"), default);
    }
}
