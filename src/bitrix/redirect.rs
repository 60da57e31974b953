//! The browser's part of a login: the address it starts at, and the one it ends at.
//!
//! Source: protocol document, section 1.2 (`/oauth/authorize/`).

use secrecy::SecretString;
use url::Url;

use crate::config::authority;

/// The page of the portal that sends the browser on with a code. `None` where `portal` is no base.
#[must_use]
pub fn authorize_url(portal: &Url, client_id: &str, state: &str) -> Option<Url> {
    let mut url = portal.join("/oauth/authorize/").ok()?;
    url.query_pairs_mut()
        .append_pair("client_id", client_id)
        .append_pair("state", state);
    Some(url)
}

/// What the browser was sent on with.
#[derive(Debug, Clone)]
pub struct Returned {
    /// The one-time code, valid for 30 seconds.
    pub code: SecretString,
    /// The state that the login began with; none where the code stands alone.
    pub state: Option<String>,
    /// The code was handed over without its address.
    pub bare: bool,
    /// The portal, as `host` or `host:port`.
    pub portal: Option<String>,
    /// The authorisation server's host.
    pub server: Option<String>,
}

/// Why a text is no address that a login ends at. Never shows the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoCode {
    /// The address of the login page itself.
    #[error(
        "this is the address that the login begins with; open it in a browser, and paste the one \
         that the browser shows afterwards"
    )]
    Beginning,
    /// An address without a code.
    #[error(
        "there is no code in this address; paste the one that begins with the application's handler path"
    )]
    Address,
    /// Neither an address nor a code.
    #[error("this is neither an address nor a code")]
    Neither,
}

/// Reads the address bar after a login, its query, or a code alone.
///
/// # Errors
/// A [`NoCode`] that says what to paste instead.
pub fn read(text: &str) -> Result<Returned, NoCode> {
    let text = text.trim().trim_matches(['"', '\'', '<', '>']);
    let is_address = text.contains("://");
    if !is_address && !text.contains(['=', '?', '&']) {
        let is_code = text.len() >= 8 && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        return match is_code {
            true => Ok(Returned {
                code: text.into(),
                state: None,
                bare: true,
                portal: None,
                server: None,
            }),
            false => Err(NoCode::Neither),
        };
    }
    let query = text.split_once('?').map_or(text, |(_, query)| query);
    let query = query.split('#').next().unwrap_or_default();
    let given = |name: &str| {
        url::form_urlencoded::parse(query.as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
            .filter(|value| !value.is_empty())
    };
    let Some(code) = given("code") else {
        return Err(match given("client_id") {
            Some(_) => NoCode::Beginning,
            None if is_address => NoCode::Address,
            None => NoCode::Neither,
        });
    };
    let host = |text: String| {
        let url = format!("https://{text}/").parse::<Url>();
        url.map_or(text, |url| authority(&url))
    };
    Ok(Returned {
        code: code.into(),
        state: given("state"),
        bare: false,
        portal: given("domain").map(host),
        server: given("server_domain"),
    })
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn addresses_queries_and_codes_are_read() {
        let full = "https://h.example/x?code=c0de1234&state=s1&domain=Acme.bitrix24.com&member_id=m&scope=crm&server_domain=oauth.bitrix.info#top";
        for text in [
            full.to_owned(),
            format!("  {full}\r\n"),
            format!("\"{full}\""),
            full.replace("https://h.example/x?", ""),
        ] {
            let found = read(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(found.code.expose_secret(), "c0de1234");
            assert_eq!(found.state.as_deref(), Some("s1"));
            assert_eq!(found.portal.as_deref(), Some("acme.bitrix24.com"));
            assert_eq!(found.server.as_deref(), Some("oauth.bitrix.info"));
            assert!(!found.bare);
        }
        let bare = read("c0de1234\n").map(|found| (found.bare, found.state));
        assert_eq!(bare, Ok((true, None)));
    }

    #[test]
    fn what_holds_no_code_is_told_apart() {
        for (text, error) in [
            (
                "https://acme.bitrix24.com/oauth/authorize/?client_id=l&state=s",
                NoCode::Beginning,
            ),
            ("https://acme.bitrix24.com/stream/", NoCode::Address),
            ("https://h.example/x?code=&state=s", NoCode::Address),
            ("yes please", NoCode::Neither),
            ("a=b", NoCode::Neither),
            ("q", NoCode::Neither),
        ] {
            assert_eq!(read(text).map(|_| ()), Err(error), "{text}");
        }
    }
}
