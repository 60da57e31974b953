//! Renewing the pair of tokens: one renewal at a time, in this process and among all.

use secrecy::{ExposeSecret, SecretString};

use super::{CallFailure, Portal};
use crate::{
    bitrix::oauth::{self, Grant, GrantProblem, Offer},
    clock::after,
    config::is_safe,
    store::{PortalRecord, Tokens},
};

/// A renewed pair that could not be stored yet. It is not used before it is.
#[derive(Default)]
pub(super) struct Unstored(Option<Tokens>);

/// How long another process's renewal is waited for, in seconds: its request may take its full time.
pub(super) const OTHERS_RENEWAL_SECONDS: f64 = 90.0;

/// What is said of a portal that refuses a token right after its renewal.
pub(super) const REFUSED_FRESH: &str =
    "the portal does not accept a token that was renewed just now";

/// For so long after such a refusal another renewal is of no use, in seconds: whoever asks meanwhile, and
/// however often, asks with the same pair.
const NO_USE_SECONDS: f64 = 3600.0;

/// How often to look whether the other process is done, in seconds.
pub(super) const LOOK_SECONDS: f64 = 0.25;

impl Portal {
    /// Renews the pair of tokens, unless somebody already replaced the access token `used`. Answers
    /// whether it was renewed here.
    pub(super) async fn renew(&self, used: &SecretString) -> Result<bool, CallFailure> {
        let mut unstored = self.renewal.lock().await;
        let deadline = after(self.now(), OTHERS_RENEWAL_SECONDS);
        let _lock = loop {
            match self.store().lock_renewal(self.id)? {
                Ok(lock) => break lock,
                Err(holder) if self.now() >= deadline => {
                    return Err(CallFailure::RenewalPutOff(format!(
                        "{holder} is renewing it"
                    )));
                }
                Err(_) => {
                    self.rest_until(after(self.now(), LOOK_SECONDS), "another renewal")
                        .await?;
                }
            }
        };
        let record = self.reread().await?;
        if record.tokens.access.expose_secret() != used.expose_secret() {
            unstored.0 = None;
            return Ok(false);
        }
        if let Some(why) = record
            .lost
            .clone()
            .filter(|why| why.starts_with(REFUSED_FRESH))
            && self.now() < after(record.stored_at, NO_USE_SECONDS)
        {
            return Err(CallFailure::AuthorisationLost(why));
        }
        let tokens = match unstored.0.take() {
            Some(tokens) => tokens,
            None => self.request_renewal(&record).await?,
        };
        let refreshed = &record.tokens.refresh;
        match self
            .store()
            .rotate_tokens(self.id, refreshed, &tokens, self.now())
            .await
        {
            Err(fault) => {
                unstored.0 = Some(tokens);
                return Err(fault.into());
            }
            // An import has brought another pair meanwhile: that one is what people want used.
            Ok(false) => return self.reread().await.map(|_| false),
            Ok(true) => {}
        }
        self.meter().renewals += 1;
        tracing::info!(portal = %self.config.name, "access token renewed");
        if tokens.endpoint != record.tokens.endpoint {
            self.store().set_endpoint(self.id, &tokens.endpoint).await?;
        }
        self.reread().await?;
        Ok(true)
    }

    async fn request_renewal(&self, record: &PortalRecord) -> Result<Tokens, CallFailure> {
        let Some(url) = oauth::token_url(
            self.config.oauth_url.as_ref(),
            record.tokens.server_endpoint.as_deref(),
        ) else {
            return Err(CallFailure::RenewalPutOff(
                "the authorisation address is wrong".to_owned(),
            ));
        };
        let mut tries = 0;
        loop {
            let offer = Offer::RefreshToken(&record.tokens.refresh);
            let credentials = self.credentials();
            let transport = &self.context.transport;
            let granted = tokio::select! {
                granted = oauth::request_grant(transport, &url, &credentials, offer, self.now()) => granted,
                () = self.out_of_grace() => return Err(CallFailure::Stopped),
            };
            match granted {
                Ok(grant) => return self.tokens(record, grant).await,
                Err(GrantProblem::InvalidGrant(said)) => {
                    // An import beside us may have replaced the pair; then that is the one to use.
                    let now_stored = self.store().portal(self.id).await?.tokens;
                    if now_stored.refresh.expose_secret() != record.tokens.refresh.expose_secret() {
                        return Ok(now_stored);
                    }
                    return Err(self.lose_authorisation(&format!(
                        "the refresh token is no longer accepted ({said}): another program renewed \
                         it, the state file was restored from a backup, or 180 days have passed"
                    )).await);
                }
                Err(GrantProblem::Refused(said)) => {
                    return Err(self.lose_authorisation(&format!(
                        "the authorisation server refuses the application ({said}): compare its \
                         client_id and client secret"
                    )).await);
                }
                // The answer may be lost although the pair was rotated: the old token tells.
                Err(problem) => {
                    let put_off = CallFailure::RenewalPutOff(problem.to_string());
                    if tries >= self.retry.tries {
                        return Err(put_off);
                    }
                    let rest = after(self.now(), self.retry.delay(tries));
                    match self
                        .rest_until(rest, "the authorisation server is away")
                        .await
                    {
                        Err(CallFailure::MustWait { .. }) => return Err(put_off),
                        other => other?,
                    }
                    tries += 1;
                }
            }
        }
    }

    async fn tokens(&self, record: &PortalRecord, grant: Grant) -> Result<Tokens, CallFailure> {
        if let Some(member) = grant
            .member_id
            .as_ref()
            .filter(|id| **id != record.tokens.member_id)
        {
            return Err(self
                .lose_authorisation(&format!(
                    "the renewed token belongs to another portal (member_id {member})"
                ))
                .await);
        }
        // The endpoint stays where we last reached the portal unless the server names another one.
        let endpoint = grant
            .endpoint
            .filter(is_safe)
            .map_or_else(|| record.tokens.endpoint.clone(), |url| url.to_string());
        Ok(Tokens {
            member_id: record.tokens.member_id.clone(),
            endpoint,
            server_endpoint: grant.server_endpoint,
            access: grant.access,
            refresh: grant.refresh,
            access_expires_at: grant.access_expires_at,
            user_id: grant.user_id,
        })
    }

    /// Remembers that a person has to authorise anew, and says how.
    pub(super) async fn lose_authorisation(&self, said: &str) -> CallFailure {
        let reason = format!(
            "{said}; authorise anew with `b24-tidyd --portal {name} auth login` or `auth import`",
            name = self.config.name
        );
        match self.store().set_lost(self.id, Some(&reason)).await {
            Ok(()) => CallFailure::AuthorisationLost(reason),
            Err(fault) => fault.into(),
        }
    }
}
