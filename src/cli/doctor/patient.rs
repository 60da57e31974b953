//! One portal, from its secret to its last drain.

use std::sync::Arc;

use super::{Ground, chart::Chart, guards, network, standing};
use crate::{
    bitrix::{Transport, oauth},
    cli::{
        desk::{Desk, http_does_not_start},
        exit::{Exit, exit_of, of_drain, of_store},
        status::{
            live::{self, Live},
            report,
        },
        text::{age, moment},
    },
    clock::seconds_between,
    condition::Trouble,
    config::PortalConfig,
    drain::DrainFailure,
    portal::{CallFailure, Portal},
    store::{PortalRecord, StoreFault},
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
    /// Looks at everything that can be looked at. A step that fails costs nothing but itself.
    pub(super) async fn examine(&self, chart: &mut Chart) {
        let source = &self.config.client_secret_source;
        match &self.config.secret_problem {
            Some(problem) => {
                chart.fail("client secret", Exit::Configuration, problem.to_string());
            }
            None if self.with_secrets => chart.ok("client secret", format!("from {source}")),
            None => chart.skip("client secret", "the configuration has to be mended first"),
        }
        let record = self.desk.find(self.config).await.unwrap_or_else(|fault| {
            chart.fail("state file", of_store(&fault), fault.to_string());
            None
        });
        self.tokens(record.as_ref(), chart);
        let reachable = self.hosts(record.as_ref(), chart).await;
        let why_not = match (&record, reachable, self.with_secrets) {
            (None, ..) => Some("there are no tokens"),
            (_, false, _) => Some("the portal is not reachable"),
            // A renewal without the secret would be refused, and the tokens held for lost.
            (.., false) => Some("the client secret is missing"),
            _ => None,
        };
        let looked = match why_not {
            Some(why) => {
                chart.skip("access", why);
                Looked::default()
            }
            None => self.portal(chart).await,
        };
        if let Err(fault) = self.past(record.as_ref(), looked, chart).await {
            chart.fail("state file", of_store(&fault), fault.to_string());
        }
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

    async fn hosts(&self, record: Option<&PortalRecord>, chart: &mut Chart) -> bool {
        let transport = match Transport::new(self.ground.clock.clone()) {
            Ok(transport) => transport,
            Err(error) => {
                let refusal = http_does_not_start(&error);
                chart.fail("network", refusal.exit, refusal.message);
                return false;
            }
        };
        let endpoint = record.and_then(|record| record.tokens.endpoint.parse().ok());
        let portal = endpoint.unwrap_or_else(|| self.config.url.clone());
        let (ground, proxy) = (self.ground, self.through_proxy);
        let reachable = network::reach(ground, &transport, "portal", &portal, proxy, chart).await;
        let server = record.and_then(|record| record.tokens.server_endpoint.as_deref());
        if let Some(url) =
            oauth::token_url(self.config.oauth_url.as_ref(), server, &self.config.url)
        {
            network::reach(ground, &transport, "authorisation", &url, proxy, chart).await;
        }
        reachable
    }

    /// What only the portal can say.
    async fn portal(&self, chart: &mut Chart) -> Looked {
        let portal = match self.desk.portal(self.config).await {
            Ok(portal) => portal,
            Err(error) => {
                chart.fail("access", exit_of(&error), format!("{error:#}"));
                return Looked::default();
            }
        };
        let able = match standing::ask(&portal, chart).await {
            Ok(able) => able,
            Err(failure) => return refused("access", failure, chart),
        };
        if !able {
            chart.skip("queue", "the application or its account may not look");
            chart.skip("guards", "the application or its account may not look");
            return Looked::default();
        }
        let looked = match self.queue(&portal, chart).await {
            Ok(live) => Looked {
                live: Some(live),
                trouble: None,
            },
            Err(failure) => refused("queue", failure, chart),
        };
        if let Err(failure) = guards::try_out(&portal, chart).await {
            refused("guards", failure, chart);
        }
        looked
    }

    async fn queue(&self, portal: &Portal, chart: &mut Chart) -> Result<Live, CallFailure> {
        let live = live::ask(portal).await?;
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
        if old {
            chart.warn("queue", format!("{text}; is the service running?"));
        } else {
            chart.ok("queue", text);
        }
        Ok(live)
    }

    /// What the state file remembers, and the list of conditions with what was found just now.
    async fn past(
        &self,
        record: Option<&PortalRecord>,
        looked: Looked,
        chart: &mut Chart,
    ) -> Result<(), StoreFault> {
        let Some(store) = &self.desk.store else {
            return Ok(());
        };
        let now = self.desk.now();
        if let Some(record) = record {
            match store.last_drain(record.id).await? {
                None => chart.warn(
                    "last drain",
                    "there was none yet; start the service, or `b24-tidyd run --once`",
                ),
                Some(last) => {
                    let text = format!("{} ago: {}", age(last.at, now), last.outcome);
                    if seconds_between(last.at, now) > QUIET_SECONDS {
                        let remedy = "is the service running? `systemctl status b24-tidyd`";
                        chart.warn("last drain", format!("{text}; {remedy}"));
                    } else {
                        chart.ok("last drain", text);
                    }
                }
            }
        }
        let running = store.drain_lock_holder()?.is_some();
        let mut status = report::of_portal(self.desk, store, self.config, running).await?;
        let found = match &looked.live {
            Some(live) => status.note_live(live, running),
            None => looked.trouble.into_iter().collect(),
        };
        status.look_anew(found, now);
        if record.is_some() && status.parked.is_empty() && status.contested.is_empty() {
            chart.ok("failures", "0 refused, 0 contested contacts");
        }
        for condition in &status.conditions {
            chart.condition(condition);
        }
        Ok(())
    }
}

/// What a look at the portal brought, beside the chart.
#[derive(Default)]
struct Looked {
    live: Option<Live>,
    trouble: Option<Trouble>,
}

fn refused(check: &'static str, failure: CallFailure, chart: &mut Chart) -> Looked {
    let failure = DrainFailure::from(failure);
    let trouble = failure.trouble().cloned();
    match &trouble {
        Some(trouble) => chart.refused(check, of_drain(&failure), trouble),
        None => chart.fail(check, of_drain(&failure), failure.to_string()),
    }
    Looked {
        live: None,
        trouble,
    }
}
