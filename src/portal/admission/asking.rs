//! What the door asks the authorisation server, the portal, and other processes.

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::{Admission, Obstacle};
use crate::{
    bitrix::{
        Problem,
        application::{self, Standing},
        decode,
        handed::Handed,
        network::Body,
        oauth::{self, ClientCredentials, Grant, GrantProblem, Offer},
        transport::CALL_SECONDS,
    },
    clock::{after, seconds_between},
    config::authority,
    portal::{
        CallFailure, Hindrance, RetryPolicy, STOP_GRACE_SECONDS,
        bucket::SharedBucket,
        renewal::{LOOK_SECONDS, OTHERS_RENEWAL_SECONDS},
    },
    store::{Lock, PortalRecord},
};

impl Admission<'_> {
    /// Exchanges a one-time code for a pair. `server` is the authorisation server's host as the
    /// browser brought it; it counts only where it is a known one.
    ///
    /// # Errors
    /// An [`Obstacle`]: the code is used up then, unless the server was never reached.
    pub async fn exchange(
        &self,
        code: &SecretString,
        server: Option<&str>,
    ) -> Result<Handed, Obstacle> {
        let named = server.map(|host| format!("https://{host}/"));
        let granted = self.grant(Offer::Code(code), named.as_deref()).await?;
        let grant = granted.map_err(|problem| match problem {
            GrantProblem::InvalidGrant(said) => Obstacle::CodeRefused(said.to_string()),
            GrantProblem::InvalidClient(_) => Obstacle::ApplicationRefused(problem.to_string()),
            GrantProblem::Barred(barred) => application::unfit(&barred).into(),
            problem => Obstacle::Away(problem.to_string()),
        })?;
        Ok(Handed {
            portal: grant.endpoint.as_ref().map(authority),
            access: grant.access,
            refresh: grant.refresh,
            access_expires_at: grant.access_expires_at,
            server_endpoint: grant.server_endpoint,
            member_id: grant.member_id,
            user_id: grant.user_id,
            granted: true,
        })
    }

    /// Renews a pair that is not stored.
    pub(super) async fn renewed(&self, handed: &Handed) -> Result<Grant, Obstacle> {
        let offer = Offer::RefreshToken(&handed.refresh);
        let granted = self.grant(offer, handed.server_endpoint.as_deref()).await?;
        granted.map_err(|problem| match problem {
            GrantProblem::InvalidGrant(said) => Obstacle::PairRefused(said.to_string()),
            GrantProblem::InvalidClient(_) => Obstacle::ApplicationRefused(problem.to_string()),
            GrantProblem::Barred(barred) => application::unfit(&barred).into(),
            problem if problem.may_have_rotated() => {
                Obstacle::RenewalUnanswered(problem.to_string())
            }
            problem => Obstacle::Away(problem.to_string()),
        })
    }

    /// Asks the authorisation server, and asks again where its answer was lost: the same offer then
    /// tells what became of it.
    async fn grant(
        &self,
        offer: Offer<'_>,
        server: Option<&str>,
    ) -> Result<Result<Grant, GrantProblem>, Obstacle> {
        let configured = self.config.oauth_url.as_ref();
        let Some(url) = oauth::token_url(configured, server, &self.config.url) else {
            let problem = Problem::Unclear("`oauth_url` is no base".to_owned());
            return Err(CallFailure::from(problem).into());
        };
        let credentials = ClientCredentials {
            id: self.config.client_id.clone(),
            secret: self.config.client_secret.clone(),
        };
        let (mut tries, mut judged) = (0, matches!(offer, Offer::Code(_)));
        loop {
            let (transport, now) = (&self.context.transport, self.context.clock.now());
            let granted = tokio::select! {
                biased;
                granted = oauth::request_grant(transport, &url, &credentials, offer, now) => granted,
                () = self.out_of_grace() => return Err(CallFailure::Stopped.into()),
            };
            match &granted {
                Err(problem) if problem.may_have_rotated() && tries < RetryPolicy::CALLS.tries => {
                    tracing::info!(%problem, "asking again");
                }
                // A code works once: only a judgement on a refresh token may be another one next time.
                Err(problem) if problem.is_final() && !judged => judged = true,
                _ => return Ok(granted),
            }
            self.rest(self.context.delay(&RetryPolicy::CALLS, tries))
                .await?;
            tries += 1;
        }
    }

    /// Asks the portal about the application with a pair that is not stored.
    pub(super) async fn ask(&self, access: &SecretString) -> Result<Standing, Obstacle> {
        let batch = application::ask_standing();
        let mut params = batch.call().params;
        params.insert("auth".to_owned(), Value::from(access.expose_secret()));
        let body = Body::Json(Value::Object(params).to_string().into());
        let endpoint = self.endpoint()?;
        let (clock, store) = (&self.context.clock, &self.context.store);
        let bucket = SharedBucket::of(store, &endpoint, &self.config);
        let url = endpoint
            .join("batch.json")
            .map_err(|_| CallFailure::from(Problem::Unclear("no address".to_owned())))?;
        let mut tries = 0;
        loop {
            while let Err(room_at) = bucket.take(clock.now()).await? {
                self.rest(seconds_between(clock.now(), room_at)).await?;
            }
            let exchange = tokio::select! {
                biased;
                exchange = self.context.transport.post(&url, &body, CALL_SECONDS) => exchange,
                () = self.context.stop.cancelled() => return Err(CallFailure::Stopped.into()),
            };
            let exchange = exchange.map(|answer| answer.without(access));
            let answer = decode::reply("batch", exchange).and_then(|reply| batch.read(reply));
            let problem =
                match answer.and_then(|mut answer| application::read_standing(&mut answer)) {
                    Ok(standing) => return Ok(standing?),
                    Err(problem) => problem,
                };
            if problem == Problem::RateLimited {
                bucket.overflowed(clock.now()).await?;
            }
            match problem {
                Problem::Unauthorised(barred) => return Err(application::unfit(&barred).into()),
                Problem::Moved(target) => return Err(Obstacle::Moved(authority(&target))),
                problem if again(&problem) && tries < RetryPolicy::CALLS.tries => {
                    tracing::info!(%problem, "asking the portal again");
                }
                problem => return Err(CallFailure::from(problem).into()),
            }
            self.rest(self.context.delay(&RetryPolicy::CALLS, tries))
                .await?;
            tries += 1;
        }
    }

    /// Keeps other processes from renewing the stored pair meanwhile.
    pub(super) async fn lock(
        &self,
        known: Option<&PortalRecord>,
    ) -> Result<Option<Lock>, Obstacle> {
        let Some(record) = known else {
            return Ok(None);
        };
        let deadline = after(self.context.clock.now(), OTHERS_RENEWAL_SECONDS);
        loop {
            match self.context.store.lock_renewal(record.id)? {
                Ok(lock) => return Ok(Some(lock)),
                Err(holder) if self.context.clock.now() >= deadline => {
                    let why = Hindrance::Renewal(holder.to_string());
                    let until = after(deadline, OTHERS_RENEWAL_SECONDS);
                    return Err(CallFailure::MustWait { until, why }.into());
                }
                Err(_) => self.rest(LOOK_SECONDS).await?,
            }
        }
    }

    async fn rest(&self, seconds: f64) -> Result<(), Obstacle> {
        let until = after(self.context.clock.now(), seconds);
        tokio::select! {
            biased;
            () = self.context.stop.cancelled() => Err(CallFailure::Stopped.into()),
            () = self.context.clock.sleep_until(until) => Ok(()),
        }
    }

    /// Ends some seconds after a stop was asked for: a renewal that is under way may still end well.
    async fn out_of_grace(&self) {
        self.context.stop.cancelled().await;
        let clock = &self.context.clock;
        clock.alarm_at(after(clock.now(), STOP_GRACE_SECONDS)).await;
    }
}

/// Whether asking the portal once more may help soon.
fn again(problem: &Problem) -> bool {
    problem.may_have_been_processed() || *problem == Problem::RateLimited
}
