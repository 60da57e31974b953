//! Letting a pair of tokens in: what was handed over is checked at the portal, then stored.
//!
//! A pair that needs no renewal is stored only once it has passed, so that a bad one never replaces
//! a pair that works. A pair that had to be renewed on the way exists nowhere else any more: it is
//! stored before its first use, marked as unverified, and the mark goes when the checks pass. Those
//! checks are repeated by [`Portal::verify`] until they do.

mod asking;

use std::sync::Arc;

use secrecy::ExposeSecret;
use url::Url;

use super::{CallFailure, Context, Patience, Portal, address_in_use, verify::learn_plan};
use crate::{
    bitrix::{
        Problem,
        application::{Standing, Unfit},
        handed::Handed,
    },
    config::{PortalConfig, authority, is_safe},
    store::{PortalId, PortalRecord, StoreFault, Tokens},
};

/// Why a renewed pair is unverified before it was looked at.
const NOT_CHECKED: &str = "it was renewed and not checked yet";

/// How long the checks may wait in front of one obstacle, in seconds.
const PATIENCE: Patience = Patience { longest_wait: 30.0 };

/// A pair that was let in.
#[derive(Debug, Clone)]
pub struct Admitted {
    /// The store's number of the portal.
    pub id: PortalId,
    /// The portal's lasting id.
    pub member_id: String,
    /// What the portal said.
    pub standing: Standing,
    /// The pair was renewed on the way: what was handed over is used up.
    pub renewed: bool,
}

/// Why a pair was not let in.
#[derive(Debug, thiserror::Error)]
#[error("{obstacle}{}", if *.stored { STORED } else { "" })]
pub struct NotAdmitted {
    /// What was in the way.
    pub obstacle: Obstacle,
    /// The pair had to be renewed, and is stored as unverified.
    pub stored: bool,
}

const STORED: &str = "; the pair was renewed on the way and is stored, but not used until its checks \
    pass: see `b24-tidyd auth status --check`";

/// What can be in the way of a pair.
#[derive(Debug, thiserror::Error)]
pub enum Obstacle {
    /// The pair is another portal's.
    #[error(
        "the tokens are for {handed}, but the configured portal is {configured}; choose the right \
         portal with --portal, or correct its `url` if it was renamed"
    )]
    OtherPortal {
        /// The portal that the pair names.
        handed: String,
        /// The portal that the configuration names.
        configured: String,
    },
    /// The portal answers at another address now.
    #[error("the portal has moved to {0}; change its `url` in the configuration")]
    Moved(String),
    /// The pair is stored already, and the store has its successor.
    #[error("this pair is stored already and was renewed since; there is nothing to import")]
    Superseded,
    /// The code is not accepted.
    #[error("the code is not accepted ({0}): it lives for 30 seconds and works once")]
    CodeRefused(String),
    /// Neither token is accepted.
    #[error(
        "the tokens are dead: the access token has ended, and the refresh token is not accepted \
         ({0}); another program renewed the pair since (a PHP app, perhaps: stop it), or it is \
         older than 180 days. Authorise anew with `b24-tidyd auth login`"
    )]
    PairRefused(String),
    /// The application itself is not accepted.
    #[error(
        "{0}; compare client_id and client secret with the application's settings in the portal"
    )]
    ApplicationRefused(String),
    /// The application or its account cannot do the work.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// The authorisation server is away.
    #[error("{0}; try again")]
    Away(String),
    /// The authorisation server's answer to a renewal did not come.
    #[error(
        "{0}; it may have renewed the pair all the same: import it again soon, and if it is refused \
         then, use `b24-tidyd auth login`"
    )]
    RenewalUnanswered(String),
    /// The portal or the state file failed, or a stop was asked for.
    #[error(transparent)]
    Call(#[from] CallFailure),
}

impl From<StoreFault> for Obstacle {
    fn from(fault: StoreFault) -> Self {
        Self::Call(fault.into())
    }
}

impl From<Obstacle> for NotAdmitted {
    fn from(obstacle: Obstacle) -> Self {
        Self {
            obstacle,
            stored: false,
        }
    }
}

/// The door of one configured portal.
pub struct Admission<'a> {
    context: &'a Context,
    config: Arc<PortalConfig>,
}

impl<'a> Admission<'a> {
    /// The door of the portal that `config` describes.
    #[must_use]
    pub fn new(context: &'a Context, config: &PortalConfig) -> Self {
        Self {
            context,
            config: Arc::new(config.clone()),
        }
    }

    /// Checks a pair at the portal and stores it.
    ///
    /// # Errors
    /// A [`NotAdmitted`] that tells whether the pair had to be renewed, and was therefore stored.
    pub async fn admit(&self, handed: Handed) -> Result<Admitted, NotAdmitted> {
        self.check_portal(handed.portal.as_deref())?;
        let known = self.known().await.map_err(Obstacle::from)?;
        match self.ask(&handed.access).await {
            Ok(standing) => {
                match believed_member(&handed, known.as_ref()) {
                    Some(member) => Ok(self.take_in(&handed, member, standing, known).await?),
                    // Only a renewal tells which portal this is.
                    None => self.renew_in(&handed, known).await,
                }
            }
            Err(Obstacle::Call(CallFailure::Problem(
                Problem::TokenExpired | Problem::TokenUnknown(_),
            ))) => self.renew_in(&handed, known).await,
            Err(obstacle) => Err(obstacle.into()),
        }
    }

    /// Whether what is handed over is for the configured portal, given as `host` or `host:port`.
    ///
    /// # Errors
    /// [`Obstacle::OtherPortal`].
    pub fn check_portal(&self, handed: Option<&str>) -> Result<(), Obstacle> {
        let configured = authority(&self.config.url);
        match handed {
            Some(handed) if handed != configured => Err(Obstacle::OtherPortal {
                handed: handed.to_owned(),
                configured,
            }),
            _ => Ok(()),
        }
    }

    async fn known(&self) -> Result<Option<PortalRecord>, StoreFault> {
        let (url, client) = (self.config.url.as_str(), &self.config.client_id);
        self.context.store.find_portal(url, client).await
    }

    fn endpoint(&self) -> Result<Url, Obstacle> {
        let wrong = |_| Problem::Unclear("the configured `url` is no base".to_owned());
        Ok(self
            .config
            .url
            .join("rest/")
            .map_err(wrong)
            .map_err(CallFailure::from)?)
    }

    /// Stores a pair that passed without a renewal.
    async fn take_in(
        &self,
        handed: &Handed,
        member_id: String,
        standing: Standing,
        known: Option<PortalRecord>,
    ) -> Result<Admitted, Obstacle> {
        // A renewal of the older pair that is under way must not land on top of this one.
        let _lock = self.lock(known.as_ref()).await?;
        let tokens = Tokens {
            member_id: member_id.clone(),
            endpoint: self.endpoint()?.to_string(),
            server_endpoint: handed.server_endpoint.clone(),
            access: handed.access.clone(),
            refresh: handed.refresh.clone(),
            access_expires_at: handed.access_expires_at,
            user_id: standing.user_id.or(handed.user_id),
        };
        let store = &self.context.store;
        let (url, client) = (self.config.url.as_str(), &self.config.client_id);
        let now = self.context.clock.now();
        let id = store.store_tokens(client, url, &tokens, None, now).await?;
        learn_plan(store, id, standing, now).await?;
        Ok(Admitted {
            id,
            member_id,
            standing,
            renewed: false,
        })
    }

    /// Renews a pair, stores it, then checks it.
    async fn renew_in(
        &self,
        handed: &Handed,
        known: Option<PortalRecord>,
    ) -> Result<Admitted, NotAdmitted> {
        let store = &self.context.store;
        let (id, stray) = self.rotate(handed, known).await?;
        let kept = |obstacle| NotAdmitted {
            obstacle,
            stored: true,
        };
        let call = |failure| kept(Obstacle::Call(failure));
        let mark = async |reason: String| {
            let marked = store.set_unverified(id, Some(&reason)).await;
            marked.map_err(CallFailure::from).map_err(call)
        };
        let record = store
            .portal(id)
            .await
            .map_err(CallFailure::from)
            .map_err(call)?;
        if let Some(handed) = stray {
            let configured = authority(&self.config.url);
            return Err(kept(Obstacle::OtherPortal { handed, configured }));
        }
        let config = self.config.clone();
        let portal = Portal::open(self.context.clone(), config, &record, PATIENCE)
            .await
            .map_err(call)?;
        match portal.verify().await {
            Ok(Ok(standing)) => Ok(Admitted {
                id,
                member_id: record.tokens.member_id,
                standing,
                renewed: true,
            }),
            Ok(Err(unfit)) => {
                mark(unfit.to_string()).await?;
                Err(kept(unfit.into()))
            }
            Err(failure) => {
                mark(format!("its check brought no answer: {failure}")).await?;
                Err(call(failure))
            }
        }
    }

    /// Renews a pair and stores it before its first use. Answers the portal that the pair turned out
    /// to be for, where that is another one.
    async fn rotate(
        &self,
        handed: &Handed,
        known: Option<PortalRecord>,
    ) -> Result<(PortalId, Option<String>), Obstacle> {
        let same = |record: &PortalRecord| {
            record.tokens.refresh.expose_secret() == handed.refresh.expose_secret()
        };
        let was_stored = known.as_ref().is_some_and(same);
        let _lock = self.lock(known.as_ref()).await?;
        let known = self.known().await?;
        if was_stored && !known.as_ref().is_some_and(same) {
            return Err(Obstacle::Superseded);
        }
        self.context.store.prove_writable().await?;
        let grant = self.renewed(handed).await?;
        let known_member = known.as_ref().map(|record| record.tokens.member_id.clone());
        let configured = authority(&self.config.url);
        let member_id = grant
            .member_id
            .or_else(|| handed.member_id.clone())
            .or_else(|| known_member.clone())
            // A pair that cannot be had again is kept under whatever name there is.
            .unwrap_or_else(|| configured.clone());
        let named = grant.endpoint.filter(is_safe);
        let elsewhere = named.filter(|named| authority(named) != configured);
        // A portal that we know by its lasting id was renamed, and is looked for where it is configured
        // all the same; any other host is another portal.
        let is_known = known_member.as_ref() == Some(&member_id);
        let (url, endpoint, stray) = match elsewhere.filter(|_| !is_known) {
            // Under an address of its own it cannot take the place of the configured portal's pair.
            Some(named) => {
                let url = named.join("/").unwrap_or_else(|_| named.clone());
                let host = authority(&named);
                (url, named, Some(host))
            }
            None => {
                let in_use = known
                    .as_ref()
                    .map(|known| address_in_use(&self.config, known));
                let endpoint = match in_use {
                    Some(in_use) => in_use.map_err(CallFailure::from)?,
                    None => self.endpoint()?,
                };
                (self.config.url.clone(), endpoint, None)
            }
        };
        let reason = match &stray {
            None => NOT_CHECKED.to_owned(),
            Some(host) => format!("it is for {host}, but {configured} is configured"),
        };
        let tokens = Tokens {
            member_id,
            endpoint: endpoint.to_string(),
            server_endpoint: grant
                .server_endpoint
                .or_else(|| handed.server_endpoint.clone()),
            access: grant.access,
            refresh: grant.refresh,
            access_expires_at: grant.access_expires_at,
            user_id: grant.user_id,
        };
        // Where the stored id was wrong, its history goes on under the right one.
        if let Some(known) = known.filter(|_| stray.is_none() && !is_known)
            && let Err(fault) = self
                .context
                .store
                .set_member(known.id, &tokens.member_id)
                .await
        {
            tracing::warn!(%fault, "the portal's stored member_id could not be corrected");
        }
        let id = self.keep(url.as_str(), &tokens, &reason).await;
        Ok((id, stray))
    }

    /// Stores a pair that exists in our hands alone, however long it takes.
    async fn keep(&self, url: &str, tokens: &Tokens, reason: &str) -> PortalId {
        let client = &self.config.client_id;
        let mut tries = 0;
        loop {
            let now = self.context.clock.now();
            let stored = self
                .context
                .store
                .store_tokens(client, url, tokens, Some(reason), now)
                .await;
            match stored {
                Ok(id) => return id,
                Err(fault) => self.context.rest_before_storing(&fault, tries).await,
            }
            tries += 1;
        }
    }
}

/// The lasting id that a pair is stored under without a renewal: what the authorisation server granted, or
/// what is known of the portal. A claim is believed where nothing contradicts it, and corrected by the
/// first renewal where it was wrong.
fn believed_member(handed: &Handed, known: Option<&PortalRecord>) -> Option<String> {
    let known = known.map(|record| &record.tokens.member_id);
    match (&handed.member_id, known) {
        (Some(granted), _) if handed.granted => Some(granted.clone()),
        (Some(claimed), Some(known)) => (claimed == known).then(|| known.clone()),
        (Some(claimed), None) => looks_like_member(claimed).then(|| claimed.clone()),
        (None, known) => known.cloned(),
    }
}

/// Real ones are 32 hexadecimal digits.
fn looks_like_member(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
