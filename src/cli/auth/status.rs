//! `auth status`: whose tokens are stored, whether they may be used, and what to do if not.

use std::{
    io::{self, Write},
    sync::Arc,
};

use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

use crate::{
    cli::{
        desk::Desk,
        exit::{Exit, exit_of, first_of},
        text::{WIDTH, age, cut, length, moment, typed, wrapped},
    },
    clock::seconds_between,
    config::{PortalConfig, written},
    store::PortalRecord,
};

/// Arguments of `auth status`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Without --check only the state file is read. --check asks the portals, as an import does:
tokens that were stored as unverified and pass are used from then on. The exit code is 77 where a
portal is not authorised.

Examples:
  b24-tidyd auth status
  b24-tidyd --portal acme auth status --check"
)]
pub struct StatusArgs {
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
    /// Ask the portals whether the stored tokens can do the work
    #[arg(long)]
    pub check: bool,
}

#[derive(Serialize)]
struct Report {
    portals: Vec<Authorisation>,
    /// Stored, but no configured portal's.
    others: Vec<Other>,
}

/// One configured portal.
#[derive(Serialize)]
struct Authorisation {
    name: String,
    url: String,
    authorised: bool,
    member_id: Option<String>,
    user_id: Option<u64>,
    #[serde(serialize_with = "crate::cli::text::to_the_second_if_any")]
    access_expires_at: Option<Timestamp>,
    #[serde(serialize_with = "crate::cli::text::to_the_second_if_any")]
    stored_at: Option<Timestamp>,
    /// Why the tokens are stored, but not used.
    unverified: Option<String>,
    /// Why the portal no longer accepts them.
    lost: Option<String>,
    /// What a person has to do.
    to_do: Option<String>,
    check: Option<Check>,
}

/// What the portal answered.
#[derive(Serialize)]
struct Check {
    passed: bool,
    problem: Option<String>,
}

#[derive(Serialize)]
struct Other {
    member_id: String,
    url: String,
    unverified: Option<String>,
}

/// Tells how the portals of `desk` are authorised. `all`: they are all that are configured.
///
/// # Errors
/// A fault of the state file. A missing one is none: then nobody has authorised yet.
pub async fn status(
    desk: &Desk,
    args: &StatusArgs,
    all: bool,
    out: &mut (dyn Write + Send),
) -> anyhow::Result<Exit> {
    let mut exits = Vec::new();
    let mut report = Report {
        portals: Vec::new(),
        others: Vec::new(),
    };
    for config in &desk.portals {
        let check = match desk.find(config).await? {
            Some(_) if args.check => Some(check(desk, config, &mut exits).await?),
            _ => None,
        };
        // After the check, which may have changed it.
        let known = authorisation(config, desk.find(config).await?, check);
        if !known.authorised {
            exits.push(Exit::NotAuthorised);
        }
        report.portals.push(known);
    }
    if all {
        let unclaimed = desk.unclaimed().await?.into_iter().map(|record| Other {
            member_id: record.tokens.member_id,
            url: record.url.trim_end_matches('/').to_owned(),
            unverified: record.unverified,
        });
        report.others = unclaimed.collect();
    }
    if args.json {
        serde_json::to_writer_pretty(&mut *out, &report)?;
        writeln!(out)?;
    } else {
        write(&report, desk.now(), out)?;
    }
    Ok(first_of(exits))
}

async fn check(
    desk: &Desk,
    config: &Arc<PortalConfig>,
    exits: &mut Vec<Exit>,
) -> anyhow::Result<Check> {
    let problem = match desk.portal(config).await?.verify().await {
        Ok(Ok(_)) => None,
        Ok(Err(unfit)) => {
            exits.push(Exit::NotAuthorised);
            Some(unfit.to_string())
        }
        Err(failure) => {
            let text = failure.to_string();
            exits.push(exit_of(&failure.into()));
            Some(text)
        }
    };
    Ok(Check {
        passed: problem.is_none(),
        problem,
    })
}

fn authorisation(
    config: &PortalConfig,
    record: Option<PortalRecord>,
    check: Option<Check>,
) -> Authorisation {
    let name = &config.name;
    let to_do = match &record {
        None => Some(format!("{}, or `auth import`", typed(name, "auth login"))),
        // The reason ends with what to do.
        Some(record) if record.lost.is_some() => record.lost.clone(),
        Some(record) if record.unverified.is_some() => Some(format!(
            "put that right, then {}; a daemon looks again by itself",
            typed(name, "auth status --check")
        )),
        Some(_) => check.as_ref().and_then(|check| check.problem.clone()),
    };
    let tokens = record.as_ref().map(|record| &record.tokens);
    Authorisation {
        name: name.clone(),
        url: written(&config.url).to_owned(),
        authorised: record
            .as_ref()
            .is_some_and(|record| record.lost.is_none() && record.unverified.is_none()),
        member_id: tokens.map(|tokens| tokens.member_id.clone()),
        user_id: tokens.and_then(|tokens| tokens.user_id),
        access_expires_at: tokens.and_then(|tokens| tokens.access_expires_at),
        stored_at: record.as_ref().map(|record| record.stored_at),
        unverified: record.as_ref().and_then(|record| record.unverified.clone()),
        lost: record.and_then(|record| record.lost),
        to_do,
        check,
    }
}

fn write(report: &Report, now: Timestamp, out: &mut dyn Write) -> io::Result<()> {
    for portal in &report.portals {
        writeln!(
            out,
            "{}",
            cut(&format!("{}  {}", portal.name, portal.url), WIDTH)
        )?;
        let mut lines = vec![standing(portal)];
        if portal.stored_at.is_some() {
            lines.push(tokens(portal, now));
        }
        if let Some(check) = &portal.check {
            let said = if check.passed { "passed" } else { "failed" };
            lines.push(format!("checked just now: {said}"));
        }
        lines.extend(portal.to_do.iter().map(|text| format!("to do: {text}")));
        for line in lines.iter().flat_map(|line| wrapped(line, WIDTH - 2)) {
            writeln!(out, "  {line}")?;
        }
    }
    for other in &report.others {
        let text = format!(
            "also stored, but not configured: {} (is a `url` mistyped? `b24-tidyd auth forget \
             --member-id {}` removes it)",
            other.url, other.member_id
        );
        for line in wrapped(&text, WIDTH) {
            writeln!(out, "{line}")?;
        }
    }
    Ok(())
}

fn standing(portal: &Authorisation) -> String {
    let account = portal
        .user_id
        .map_or_else(String::new, |id| format!(" as user {id}"));
    match portal {
        _ if portal.stored_at.is_none() => "not authorised: no tokens are stored".to_owned(),
        _ if portal.lost.is_some() => {
            "not authorised: the tokens are no longer accepted".to_owned()
        }
        Authorisation {
            unverified: Some(reason),
            ..
        } => format!("tokens are stored, but not used: {reason}"),
        _ => format!("authorised{account}"),
    }
}

fn tokens(portal: &Authorisation, now: Timestamp) -> String {
    let stored = portal
        .stored_at
        .map_or_else(String::new, |at| format!("stored {} ago", age(at, now)));
    let until = match portal.access_expires_at {
        None => "the access token's end is not known".to_owned(),
        Some(end) if end <= now => "the access token has ended and is renewed at need".to_owned(),
        Some(end) => format!(
            "access token until {} ({})",
            moment(end),
            length(seconds_between(now, end))
        ),
    };
    format!("{stored}; {until}")
}
