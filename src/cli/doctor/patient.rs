//! One portal, from its secret to its last drain.

use std::sync::Arc;

use anyhow::Context as _;

use super::{Ground, chart::Chart, guards, network, standing};
use crate::{
    bitrix::{Problem, Transport, application, oauth},
    cli::{
        desk::Desk,
        exit::{Exit, exit_of},
        status::{live, report},
        text::{age, count, moment},
    },
    clock::seconds_between,
    config::PortalConfig,
    portal::{CallFailure, Portal},
    store::PortalRecord,
};

/// After this long without a drain something is wrong, in seconds.
const QUIET_SECONDS: f64 = 3600.0;

/// One portal to look at.
pub(super) struct Patient<'a> {
    pub(super) ground: &'a Ground<'a>,
    pub(super) desk: &'a Desk,
    pub(super) config: &'a Arc<PortalConfig>,
    pub(super) with_secrets: bool,
    pub(super) through_proxy: bool,
    /// There is a state file that cannot be opened.
    pub(super) unreadable: bool,
}

impl Patient<'_> {
    /// Looks at everything that can be looked at.
    pub(super) async fn examine(&self, chart: &mut Chart) -> anyhow::Result<()> {
        let source = &self.config.client_secret_source;
        match &self.config.secret_problem {
            Some(problem) => {
                chart.fail("client secret", Exit::Configuration, problem.to_string());
            }
            None if self.with_secrets => chart.ok("client secret", format!("from {source}")),
            None => chart.skip("client secret", "the configuration has to be mended first"),
        }
        let record = self.desk.find(self.config).await?;
        self.tokens(record.as_ref(), chart);
        let reachable = self.hosts(record.as_ref(), chart).await?;
        let why_not = match (&record, reachable, self.with_secrets) {
            (None, ..) => Some("there are no tokens"),
            (_, false, _) => Some("the portal is not reachable"),
            // A renewal without the secret would be refused, and the tokens held for lost.
            (.., false) => Some("the client secret is missing"),
            _ => None,
        };
        match why_not {
            Some(why) => chart.skip("access", why),
            None => self.portal(chart).await?,
        }
        if let Some(record) = &record {
            self.past(record, chart).await?;
        }
        Ok(())
    }

    fn tokens(&self, record: Option<&PortalRecord>, chart: &mut Chart) {
        let name = &self.config.name;
        let login = format!("run `b24-tidyd --portal {name} auth login` or `auth import`");
        let no = Exit::NotAuthorised;
        if self.unreadable {
            return chart.skip("tokens", "the state file cannot be opened");
        }
        let Some(record) = record else {
            return chart.fail("tokens", no, format!("none are stored; {login}"));
        };
        if let Some(why) = &record.lost {
            chart.fail("tokens", no, format!("the portal refuses them: {why}"));
        }
        if let Some(why) = &record.unverified {
            let text = format!("not used before their checks pass: {why}");
            chart.fail("tokens", no, text);
        }
        if record.lost.is_none() && record.unverified.is_none() {
            let stored = age(record.stored_at, self.desk.now());
            let until = record.tokens.access_expires_at.map(moment);
            let until = until.map(|it| format!(", access token until {it}"));
            chart.ok(
                "tokens",
                format!("stored {stored} ago{}", until.unwrap_or_default()),
            );
        }
    }

    async fn hosts(
        &self,
        record: Option<&PortalRecord>,
        chart: &mut Chart,
    ) -> anyhow::Result<bool> {
        let transport = Transport::new(self.ground.clock.clone()).context("HTTP does not start")?;
        let endpoint = record.and_then(|record| record.tokens.endpoint.parse().ok());
        let portal = endpoint.unwrap_or_else(|| self.config.url.clone());
        let (ground, proxy) = (self.ground, self.through_proxy);
        let reachable = network::reach(ground, &transport, "portal", &portal, proxy, chart).await;
        let server = record.and_then(|record| record.tokens.server_endpoint.as_deref());
        if let Some(url) = oauth::token_url(self.config.oauth_url.as_ref(), server) {
            network::reach(ground, &transport, "authorisation", &url, proxy, chart).await;
        }
        Ok(reachable)
    }

    /// What only the portal can say.
    async fn portal(&self, chart: &mut Chart) -> anyhow::Result<()> {
        let portal = self.desk.portal(self.config).await?;
        let able = match standing::ask(&portal, chart).await {
            Ok(able) => able,
            Err(failure) => {
                refused("access", failure, chart);
                return Ok(());
            }
        };
        if !able {
            chart.skip("queue", "the application or its account may not look");
            chart.skip("guards", "the application or its account may not look");
            return Ok(());
        }
        if let Err(failure) = self.queue(&portal, chart).await {
            refused("queue", failure, chart);
        }
        if let Err(failure) = guards::try_out(&portal, chart).await {
            refused("guards", failure, chart);
        }
        Ok(())
    }

    async fn queue(&self, portal: &Portal, chart: &mut Chart) -> Result<(), CallFailure> {
        let live = live::ask(portal).await?;
        let ours = portal.store().open_totals(portal.id).await?.rows;
        let now = self.desk.now();
        let since = live
            .oldest_at
            .map(|oldest| format!(", oldest {}", age(oldest, now)));
        let text = format!(
            "{} pending, {} reserved, {} error, {} foreign{}",
            live.pending,
            live.reserved,
            live.errors,
            live.foreign,
            since.unwrap_or_default()
        );
        let old = live
            .oldest_at
            .is_some_and(|oldest| seconds_between(oldest, now) > QUIET_SECONDS);
        if live.reserved > ours {
            chart.warn(
                "queue",
                format!(
                    "{text}, {} by nobody known here; see `b24-tidyd queue list`. The next drain takes \
                     over what is ours; does another host drain this portal?",
                    count(live.reserved - ours, "row")
                ),
            );
        } else if old {
            chart.warn("queue", format!("{text}; is the service running?"));
        } else {
            chart.ok("queue", text);
        }
        Ok(())
    }

    /// What the store remembers.
    async fn past(&self, record: &PortalRecord, chart: &mut Chart) -> anyhow::Result<()> {
        let (store, now) = (self.desk.store()?, self.desk.now());
        let name = &self.config.name;
        if let Some(since) = record.paused_at {
            let since = age(since, now);
            chart.warn(
                "pause",
                format!("paused {since} ago; run `b24-tidyd --portal {name} resume`"),
            );
        }
        if let Some(until) = record.braked_until.filter(|until| *until > now) {
            let until = moment(until);
            chart.warn(
                "brake",
                format!(
                    "max_changes_per_hour was reached, nothing is written until {until}; see \
                     `b24-tidyd history`. Raise it if so many changes are right"
                ),
            );
        }
        match store.last_drain(record.id).await? {
            None => chart.warn(
                "last drain",
                "there was none yet; start the service, or `b24-tidyd run --once`",
            ),
            Some(last) => {
                let ago = age(last.at, now);
                let text = format!("{ago} ago: {}", last.outcome);
                let well = matches!(last.outcome.as_str(), "done" | "work left" | "paused");
                if seconds_between(last.at, now) > QUIET_SECONDS {
                    chart.warn(
                        "last drain",
                        format!("{text}; is the service running? `systemctl status b24-tidyd`"),
                    );
                } else if well {
                    chart.ok("last drain", text);
                } else {
                    chart.warn(
                        "last drain",
                        format!("{text}; `journalctl -u b24-tidyd` says why"),
                    );
                }
            }
        }
        let parked = report::parked(store, record.id).await?.len();
        let contested = report::contested(store, record.id, now).await?.len();
        let text = format!("{parked} refused, {contested} contested contacts");
        if parked + contested > 0 {
            chart.warn("failures", format!("{text}; see `b24-tidyd failures list`"));
        } else {
            chart.ok("failures", text);
        }
        Ok(())
    }
}

fn refused(check: &'static str, failure: CallFailure, chart: &mut Chart) {
    let text = match &failure {
        CallFailure::Problem(Problem::Unauthorised(said)) => application::unfit(said).to_string(),
        failure => failure.to_string(),
    };
    chart.fail(check, exit_of(&failure.into()), text);
}
