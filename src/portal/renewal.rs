//! Renewing the pair of tokens: one renewal at a time, in this process and among all.

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::{CallFailure, Hindrance, Lost, Portal, PutOff, unstored::Renewed};
use crate::{
    bitrix::{
        Bar, Problem,
        oauth::{self, Grant, GrantProblem, Offer},
    },
    clock::after,
    config::authority,
    store::{Lock, PortalRecord, Tokens},
};

/// How long another process's renewal is waited for, in seconds: its request may take its full time.
pub(super) const OTHERS_RENEWAL_SECONDS: f64 = 90.0;

/// What is said of a portal that refuses a token right after its renewal.
pub(super) const REFUSED_FRESH: &str =
    "the portal does not accept a token that was renewed just now";

/// For so long after such a refusal another renewal is of no use, in seconds: whoever asks meanwhile, and
/// however often, asks with the same pair.
const NO_USE_SECONDS: f64 = 3600.0;

/// A judgement of the authorisation server is asked for again after this time, in seconds.
const ASK_AGAIN_SECONDS: f64 = 2.0;

/// How often to look whether the other process is done, in seconds.
pub(super) const LOOK_SECONDS: f64 = 0.25;

/// What became of a renewal.
pub(super) enum Renewal {
    /// The pair was renewed here. The REST address that the authorisation server named for it, if any.
    Here(Option<Url>),
    /// Somebody else had replaced the pair already.
    Elsewhere,
}

impl Portal {
    /// Renews the pair of tokens, unless somebody already replaced the access token `used`.
    pub(super) async fn renew(&self, used: &SecretString) -> Result<Renewal, CallFailure> {
        let _flight = self.renewal.lock().await;
        let _lock = self.lock_renewal().await?;
        let record = self.reread().await?;
        let refresh = &record.tokens.refresh;
        let held = self.context.unstored.as_ref();
        let held = held.and_then(|unstored| unstored.take(self.id, refresh));
        if record.tokens.access.expose_secret() != used.expose_secret() {
            return Ok(Renewal::Elsewhere);
        }
        if let Some(text) = record
            .lost
            .clone()
            .filter(|why| why.starts_with(REFUSED_FRESH))
            && self.now() < after(record.stored_at, NO_USE_SECONDS)
        {
            let bar = Bar::TokensDead;
            return Err(CallFailure::AuthorisationLost(Lost { bar, text }));
        }
        let renewed = match held {
            Some(renewed) => renewed,
            None => {
                // What is granted cannot be had again: not before the next write is sure to work.
                self.store().prove_writable().await?;
                match self.request_renewal(&record).await? {
                    Some(grant) => self.renewed(&record, grant),
                    None => return self.reread().await.map(|_| Renewal::Elsewhere),
                }
            }
        };
        // An import may have brought another pair meanwhile: that one is what people want used.
        if !self.keep(&renewed).await? {
            return self.reread().await.map(|_| Renewal::Elsewhere);
        }
        self.meter().renewals += 1;
        tracing::info!(portal = %self.config.name, "access token renewed");
        self.reread().await?;
        self.recognise(&record, &renewed).await?;
        Ok(Renewal::Here(renewed.named))
    }

    /// Keeps other processes from renewing meanwhile.
    async fn lock_renewal(&self) -> Result<Lock, CallFailure> {
        let deadline = after(self.now(), OTHERS_RENEWAL_SECONDS);
        loop {
            let holder = match self.store().lock_renewal(self.id)? {
                Ok(lock) => return Ok(lock),
                Err(holder) => holder.to_string(),
            };
            if self.now() >= deadline {
                return Err(CallFailure::RenewalPutOff(PutOff::Elsewhere(holder)));
            }
            let soon = after(self.now(), LOOK_SECONDS);
            self.rest_until(soon, Hindrance::Renewal(holder)).await?;
        }
    }

    /// Stores a renewed pair. Where that fails it is handed on, or tried until it works: see
    /// [`Context::handing_on`](super::Context::handing_on).
    async fn keep(&self, renewed: &Renewed) -> Result<bool, CallFailure> {
        match (
            self.context.rotate(self.id, renewed).await,
            &self.context.unstored,
        ) {
            (Ok(stored), _) => Ok(stored),
            (Err(fault), Some(unstored)) => {
                unstored.keep(self.id, renewed.clone());
                Err(fault.into())
            }
            (Err(_), None) => Ok(self.context.until_stored(self.id, renewed).await),
        }
    }

    /// Asks the authorisation server. None where an import has replaced the pair meanwhile.
    async fn request_renewal(&self, record: &PortalRecord) -> Result<Option<Grant>, CallFailure> {
        let Some(url) = oauth::token_url(
            self.config.oauth_url.as_ref(),
            record.tokens.server_endpoint.as_deref(),
            &self.config.url,
        ) else {
            return Err(CallFailure::RenewalPutOff(PutOff::NoAddress));
        };
        let (mut tries, mut judged) = (0, false);
        loop {
            let offer = Offer::RefreshToken(&record.tokens.refresh);
            let credentials = self.credentials();
            let transport = &self.context.transport;
            let granted = tokio::select! {
                biased;
                granted = oauth::request_grant(transport, &url, &credentials, offer, self.now()) => granted,
                () = self.out_of_grace() => return Err(CallFailure::Stopped),
            };
            let problem = match granted {
                Ok(grant) => return Ok(Some(grant)),
                Err(problem) => problem,
            };
            // An import beside us may have replaced the pair; then that is the one to use.
            if problem.is_final() {
                let stored = self.store().portal(self.id).await?.tokens.refresh;
                if stored.expose_secret() != record.tokens.refresh.expose_secret() {
                    return Ok(None);
                }
            }
            match problem {
                // Said once it may be a slip of the server: what is final is said twice.
                problem if problem.is_final() && !judged => {
                    tracing::info!(portal = %self.config.name, %problem, "asking once more");
                    judged = true;
                    self.rest_where_possible(after(self.now(), ASK_AGAIN_SECONDS))
                        .await?;
                }
                GrantProblem::InvalidGrant(said) => {
                    let text = format!(
                        "the refresh token is no longer accepted ({said}): another program renewed \
                         it, the state file was restored from a backup, or 180 days have passed"
                    );
                    return Err(self.lose_authorisation(Bar::TokensDead, &text).await);
                }
                GrantProblem::InvalidClient(said) => {
                    let text = format!("the authorisation server refuses the application ({said})");
                    return Err(self.lose_authorisation(Bar::ClientSecret, &text).await);
                }
                GrantProblem::Barred(barred) => return Err(Problem::Unauthorised(barred).into()),
                // The answer may be lost although the pair was rotated: the old token tells.
                problem => {
                    let put_off = CallFailure::RenewalPutOff(PutOff::Server(problem));
                    if tries >= self.retry.tries {
                        return Err(put_off);
                    }
                    let rest = after(self.now(), self.delay(&self.retry, tries));
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

    /// The pair of a grant. It stays where we reach the portal: only a redirect, and this server's word
    /// on it, leads elsewhere.
    fn renewed(&self, record: &PortalRecord, grant: Grant) -> Renewed {
        Renewed {
            refreshed: record.tokens.refresh.clone(),
            named: grant.endpoint,
            tokens: Tokens {
                member_id: grant
                    .member_id
                    .unwrap_or_else(|| record.tokens.member_id.clone()),
                endpoint: record.tokens.endpoint.clone(),
                server_endpoint: grant.server_endpoint,
                access: grant.access,
                refresh: grant.refresh,
                access_expires_at: grant.access_expires_at,
                user_id: grant.user_id,
            },
        }
    }

    /// Compares whose pair was renewed with whose it was held for. It is stored by now, so that nothing is
    /// lost whatever the answer.
    async fn recognise(&self, record: &PortalRecord, renewed: &Renewed) -> Result<(), CallFailure> {
        let member = &renewed.tokens.member_id;
        let Some(named) = &renewed.named else {
            return Ok(());
        };
        let (named, ours) = (authority(named), authority(&self.session().endpoint));
        if *member != record.tokens.member_id {
            // The server names the very address that we work at: the id was wrong, the portal is not.
            let is_ours = named == ours || named == authority(&self.config.url);
            if is_ours {
                if self.store().set_member(self.id, member).await? {
                    tracing::warn!(portal = %self.config.name, member_id = %member,
                        "the imported member_id was wrong; the authorisation server's is kept");
                }
                return Ok(());
            }
            let text = format!("the tokens belong to another portal, {named} (member_id {member})");
            return Err(self.lose_authorisation(Bar::OtherPortal, &text).await);
        }
        if named != ours {
            tracing::info!(portal = %self.config.name, named, in_use = ours,
                "the authorisation server names another address than the one in use");
        }
        Ok(())
    }

    /// Remembers that a person has to act, and says how.
    pub(super) async fn lose_authorisation(&self, bar: Bar, said: &str) -> CallFailure {
        let remedy = match bar {
            Bar::TokensDead | Bar::OtherPortal => format!(
                "authorise anew with `b24-tidyd --portal {name} auth login` or `auth import`",
                name = self.config.name
            ),
            // Another login would use the wrong secret again.
            bar => bar.remedy().to_owned(),
        };
        let text = format!("{said}; {remedy}");
        match self.store().set_lost(self.id, Some(&text)).await {
            Ok(()) => CallFailure::AuthorisationLost(Lost { bar, text }),
            Err(fault) => fault.into(),
        }
    }

    /// Rests, unless the patience does not reach so far.
    async fn rest_where_possible(&self, moment: Timestamp) -> Result<(), CallFailure> {
        match self
            .rest_until(moment, "the authorisation server is asked again")
            .await
        {
            Err(CallFailure::MustWait { .. }) => Ok(()),
            other => other,
        }
    }
}
