//! What the portal says of the application, its account, the plan and the bindings.

use serde_json::Value;

use super::chart::Chart;
use crate::{
    bitrix::{
        Batch, BatchAnswer, Problem, Said, application,
        contacts::{self, Family},
        events::{self, Binding, ContactEvent},
        wire,
    },
    cli::{exit::Exit, text::length},
    clock::seconds_between,
    config::ContactsApi,
    portal::{CallFailure, Portal, Repeat, problem_trouble},
};

/// How far the clocks may be apart, in seconds.
const CLOCK_SECONDS: f64 = 60.0;

/// Asks everything in one request. Answers whether the queue can be looked at.
///
/// # Errors
/// A [`CallFailure`] of the request as a whole.
pub(super) async fn ask(portal: &Portal, chart: &mut Chart) -> Result<bool, CallFailure> {
    let before = portal.now();
    let mut answer = match portal.batch(&questions(), Repeat::Freely).await {
        Err(CallFailure::Problem(Problem::Licence(said)))
            if !portal.queue().connector.is_empty() =>
        {
            without_connector(&said, chart);
            portal.use_connector(None);
            portal.batch(&questions(), Repeat::Freely).await?
        }
        other => other?,
    };
    chart.ok("access", "the portal accepts the tokens");
    clock(portal, before, &mut answer, chart);
    let able = application(&mut answer, chart);
    plan(portal, &mut answer, chart);
    contacts_api(portal, &mut answer, chart);
    if able {
        match answer
            .take("bindings")
            .and_then(|reply| events::read_bindings(reply.result))
        {
            Ok(found) => bindings(portal, &found, chart),
            Err(problem) => refused("bindings", &problem, chart),
        }
    } else {
        chart.skip("bindings", "the application or its account may not look");
    }
    limits(portal, &answer, chart).await?;
    Ok(able)
}

fn questions() -> Batch {
    let mut batch = application::ask_standing();
    batch.push("time", &application::server_time());
    batch.push("bindings", &events::bindings());
    batch.push("items", &contacts::question());
    batch
}

/// By which methods contacts are read and written; what follows does it by these.
fn contacts_api(portal: &Portal, answer: &mut BatchAnswer, chart: &mut Chart) {
    let chosen = portal.config.contacts_api;
    let has_items = contacts::has_items(answer.take("items"));
    if let (ContactsApi::Auto, Some(has)) = (chosen, has_items) {
        portal.use_contacts(if has {
            Family::Universal
        } else {
            Family::Classic
        });
    }
    let family = portal.contacts();
    let methods = format!("{family} ({}, {})", family.list(), family.update());
    match (chosen, has_items) {
        (ContactsApi::Universal, Some(false)) => chart.fail(
            "contacts",
            Exit::NotAuthorised,
            format!(
                "the portal does not offer {}; set contacts_api = \"auto\" in the configuration",
                family.list()
            ),
        ),
        (ContactsApi::Classic, Some(true)) => chart.ok(
            "contacts",
            format!("{methods} by configuration, which finds contacts of other categories slowly, and a sweep not at all"),
        ),
        (ContactsApi::Auto, _) => chart.ok("contacts", methods),
        (..) => chart.ok("contacts", format!("{methods} by configuration")),
    }
}

fn without_connector(said: &Said, chart: &mut Chart) {
    chart.warn(
        "auth_connector",
        format!(
            "the plan refuses it: {said}; remove `auth_connector` from the configuration, or choose \
             a plan with rest_auth_connector. Until then the daemon works without it"
        ),
    );
}

fn refused(check: &'static str, problem: &Problem, chart: &mut Chart) {
    chart.refused(check, Exit::NotAuthorised, &problem_trouble(problem));
}

fn clock(portal: &Portal, before: jiff::Timestamp, answer: &mut BatchAnswer, chart: &mut Chart) {
    let told = answer
        .take("time")
        .ok()
        .and_then(|it| wire::moment(&it.result));
    let Some(theirs) = told.or(answer.time.began) else {
        return chart.skip("clock", "the portal does not tell its time");
    };
    // It was read somewhere between the question and the answer, in whole seconds.
    let after = portal.now();
    let ahead = seconds_between(after, theirs);
    let behind = seconds_between(theirs, before) - 1.0;
    let skew = ahead.max(behind).max(0.0);
    if skew < CLOCK_SECONDS {
        chart.ok("clock", "it agrees with the portal's");
    } else {
        let way = if ahead > 0.0 { "behind" } else { "ahead of" };
        let skew = length(skew);
        chart.warn(
            "clock",
            format!(
                "this host's is {skew} {way} the portal's; switch on `timedatectl set-ntp true`"
            ),
        );
    }
}

/// The application, its account and its rights. Answers whether they are in order.
fn application(answer: &mut BatchAnswer, chart: &mut Chart) -> bool {
    let info = judge(
        "application",
        answer,
        "info",
        chart,
        |info| match application::inactive(info) {
            Some(reason) => Err(format!("no events are recorded: {reason}")),
            None => Ok("installed and paid for".to_owned()),
        },
    );
    let account = answer.take("profile").ok().map(|reply| reply.result);
    let account = account.and_then(|profile| wire::id(&profile["ID"]));
    let admin = judge("administrator", answer, "admin", chart, |admin| {
        let account = account
            .map(|id| format!("account {id}"))
            .unwrap_or_default();
        match wire::flag(admin) {
            Some(true) => Ok(format!("{account} is one").trim_start().to_owned()),
            _ => Err(application::NO_ADMINISTRATOR.to_owned()),
        }
    });
    let scope = judge("scope", answer, "scopes", chart, |scopes| {
        if application::has_scope(scopes, application::CRM_SCOPE) {
            Ok("`crm` is granted".to_owned())
        } else {
            Err(application::NO_SCOPE.to_owned())
        }
    });
    info && admin && scope
}

fn judge(
    check: &'static str,
    answer: &mut BatchAnswer,
    key: &str,
    chart: &mut Chart,
    verdict: impl FnOnce(&Value) -> Result<String, String>,
) -> bool {
    match answer.take(key) {
        Err(problem) => {
            refused(check, &problem, chart);
            false
        }
        Ok(reply) => match verdict(&reply.result) {
            Ok(detail) => {
                chart.ok(check, detail);
                true
            }
            Err(text) => {
                chart.fail(check, Exit::NotAuthorised, text);
                false
            }
        },
    }
}

fn plan(portal: &Portal, answer: &mut BatchAnswer, chart: &mut Chart) {
    let mut feature = |key: &str| {
        let reply = answer.take(key)?;
        Ok::<_, Problem>(application::has_feature(&reply.result))
    };
    match feature("confirms") {
        Ok(true) => chart.ok("plan", "it lets events be reserved (rest_offline_extended)"),
        Ok(false) => chart.warn(
            "plan",
            "it has no rest_offline_extended; nothing to do: events are listed, stored and then taken, \
             which costs more requests and loses nothing",
        ),
        Err(problem) => refused("plan", &problem, chart),
    }
    let configured = portal.config.connector.as_ref();
    match (configured, feature("connector")) {
        (None, _) => chart.ok("auth_connector", "none is configured; none is needed"),
        (Some(connector), Ok(true)) => {
            chart.ok(
                "auth_connector",
                format!("{:?} is in use", connector.as_str()),
            );
        }
        // Said already where the portal refused it.
        (Some(_), Ok(false)) if portal.queue().connector.is_empty() => {}
        (Some(_), Ok(false)) => without_connector(
            &Said {
                code: String::new(),
                text: "it has no rest_auth_connector".to_owned(),
            },
            chart,
        ),
        (Some(_), Err(problem)) => refused("auth_connector", &problem, chart),
    }
}

fn bindings(portal: &Portal, found: &[Binding], chart: &mut Chart) {
    let connector = portal.queue().connector;
    let missing = events::unbound(found, &ContactEvent::NAMES, &connector);
    let mut others: Vec<&str> = found
        .iter()
        .filter(|it| it.offline && ContactEvent::from_name(&it.event).is_some())
        .map(|it| it.connector.as_str())
        .filter(|other| *other != connector)
        .collect();
    others.sort_unstable();
    others.dedup();
    let named = |connector: &str| match connector {
        "" => "without auth_connector".to_owned(),
        name => format!("with auth_connector {name:?}"),
    };
    if missing.is_empty() {
        chart.ok(
            "bindings",
            format!("both contact events, {}", named(&connector)),
        );
    } else {
        chart.warn(
            "bindings",
            format!(
                "changes go unrecorded: {} not bound {}; run `b24-tidyd events bind`, or start \
                 the service",
                missing.join(" and "),
                named(&connector)
            ),
        );
    }
    for other in others {
        chart.warn(
            "bindings",
            format!(
                "events are bound {} too, and wait in a queue that is not the configured one, \
                 which therefore looks empty; correct `auth_connector` in the configuration, or \
                 remove that binding: `b24-tidyd events unbind --connector '{other}'`",
                named(other)
            ),
        );
    }
}

async fn limits(
    portal: &Portal,
    answer: &BatchAnswer,
    chart: &mut Chart,
) -> Result<(), CallFailure> {
    for method in [
        "batch",
        portal.contacts().list(),
        portal.contacts().update(),
        "event.offline.get",
    ] {
        if let Some(until) = portal.blocked_until(method) {
            let rest = length(seconds_between(portal.now(), until));
            chart.warn(
                "limits",
                format!(
                    "{method} is blocked for {rest}; nothing to do: work goes on by itself then"
                ),
            );
        }
    }
    let most = answer
        .times
        .iter()
        .filter_map(|(step, time)| Some((time.as_ref()?.operating?, step.method)))
        .max_by(|one, other| one.0.total_cmp(&other.0));
    let config = &portal.config;
    let used = match most.filter(|(seconds, _)| *seconds >= 1.0) {
        Some((seconds, method)) => format!(
            "; {method} used {seconds:.0} of {:.0} s in ten minutes",
            config.operating_limit
        ),
        None => String::new(),
    };
    let level = portal.bucket_level().await?;
    chart.ok(
        "limits",
        format!(
            "{level:.0} of {:.0} requests in the bucket{used}",
            config.burst
        ),
    );
    Ok(())
}
