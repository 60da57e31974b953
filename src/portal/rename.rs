//! Which address a portal is reached at. What is configured counts; an address that the portal itself
//! points to (302) gets no token before the authorisation server has named it.

use secrecy::SecretString;
use url::Url;

use super::{CallFailure, Portal, renewal::Renewal};
use crate::{
    bitrix::{
        Problem,
        problem::{Astray, Misdirection},
    },
    clock::after,
    config::{PortalConfig, authority, is_safe},
    store::PortalRecord,
};

/// The authorisation server is asked about an address that it did not name once more after this time, in
/// seconds: a rename may reach it late.
const ASK_AGAIN_SECONDS: f64 = 86_400.0;

/// The REST address of a portal: the configured one, unless the authorisation server named another while
/// that was configured.
///
/// # Errors
/// [`Problem::Unclear`] where there is no such address.
pub fn address_in_use(config: &PortalConfig, record: &PortalRecord) -> Result<Url, Problem> {
    let stored = record.tokens.endpoint.parse::<Url>().ok();
    let holds = |stored: &Url| {
        let confirmed = record.url == config.url.as_str();
        let encrypted = stored.scheme() == "https" || config.url.scheme() != "https";
        (confirmed || authority(stored) == authority(&config.url)) && is_safe(stored) && encrypted
    };
    match stored.filter(holds) {
        Some(stored) => Ok(stored),
        None => config.url.join("/rest/").map_err(|_| {
            Problem::Unclear("the configured `url` is no base of addresses".to_owned())
        }),
    }
}

/// Where a portal is, as far as is known: for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whereabouts {
    /// The host that is configured.
    pub configured: String,
    /// The host that gets the tokens.
    pub in_use: String,
    /// The host that the portal points to although the authorisation server does not name it.
    pub unconfirmed: Option<String>,
}

impl Whereabouts {
    /// Whether the portal is where it is configured, and points nowhere else.
    #[must_use]
    pub fn is_as_configured(&self) -> bool {
        self.configured == self.in_use && self.unconfirmed.is_none()
    }
}

impl Portal {
    /// Where this portal is.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn whereabouts(&self) -> Result<Whereabouts, CallFailure> {
        let unconfirmed = self.store().unconfirmed_move(self.id).await?;
        let host = |target: String| target.parse().map_or(target, |url| authority(&url));
        Ok(Whereabouts {
            configured: authority(&self.config.url),
            in_use: authority(&self.session().endpoint),
            unconfirmed: unconfirmed.map(|found| host(found.target)),
        })
    }

    /// Goes on at the address that the portal points to, once that is confirmed. `used` is the access
    /// token that was sent to the old one. Answers whether the pair was renewed for it.
    ///
    /// # Errors
    /// [`Problem::Misdirected`] where it is not confirmed, or what kept us from asking.
    pub(super) async fn follow(
        &self,
        target: &Url,
        used: &SecretString,
    ) -> Result<bool, CallFailure> {
        let present = self.session().endpoint.clone();
        let astray = |why| {
            CallFailure::from(Problem::Misdirected(Misdirection {
                from: authority(&present),
                to: authority(target),
                why,
            }))
        };
        let endpoint = rest_address(target, &present).ok_or_else(|| astray(Astray::NotRest))?;
        if authority(&endpoint) == authority(&present) {
            self.session().endpoint = endpoint;
            return Ok(false);
        }
        let known = self.store().unconfirmed_move(self.id).await?;
        let is_known = known.is_some_and(|known| {
            let recent = self.now() < after(known.asked_at, ASK_AGAIN_SECONDS);
            known.target == endpoint.as_str() && recent
        });
        if is_known {
            return Err(astray(Astray::Unconfirmed));
        }
        let named = match self.renew(used).await? {
            Renewal::Here(named) => named,
            // Another process has asked just now, and stored what it was told.
            Renewal::Elsewhere => return Ok(false),
        };
        if named.is_none_or(|named| authority(&named) != authority(&endpoint)) {
            let (from, to) = (authority(&present), authority(&endpoint));
            tracing::warn!(portal = %self.config.name, from, to,
                "the portal points to an address that the authorisation server does not name; it gets \
                 nothing from us. If the portal lives there now, set `url` in the configuration");
            self.store()
                .set_unconfirmed_move(self.id, endpoint.as_str(), self.now())
                .await?;
            return Err(astray(Astray::Unconfirmed));
        }
        let url = self.config.url.as_str();
        self.store()
            .set_address(self.id, url, endpoint.as_str())
            .await?;
        tracing::warn!(portal = %self.config.name, from = %authority(&present), to = %authority(&endpoint),
            "the portal was renamed, as the authorisation server confirms; change its `url` in the \
             configuration at leisure");
        self.session().endpoint = endpoint;
        Ok(true)
    }
}

/// The REST address that a redirect means. A page of another host, such as a login, is none.
fn rest_address(target: &Url, present: &Url) -> Option<Url> {
    let text = match target.as_str().split_once("/rest/") {
        Some((root, _)) => format!("{root}/rest/"),
        // Another host alone is named.
        None if authority(target) != authority(present) && target.path() == "/" => {
            return target.join("/rest/").ok();
        }
        None => return None,
    };
    text.parse().ok()
}
