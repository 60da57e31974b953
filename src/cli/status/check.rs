//! `status --check`: one line and an exit code for Nagios and its relatives.

use std::{fmt::Display, io::Write, time::Duration};

use clap::Args;
use jiff::Timestamp;

use super::report::{PortalStatus, Report};
use crate::{
    cli::{exit::Exit, text::length},
    clock::seconds_between,
    condition::{Acts, Condition},
};

/// When to warn and when to raise the alarm.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Thresholds of --check (reached is too much)")]
pub struct Thresholds {
    /// Time since the last drain that succeeded
    #[arg(long, default_value = "15m", value_parser = crate::cli::text::duration, value_name = "DURATION")]
    pub warning_age: Duration,
    /// Time since the last drain that succeeded
    #[arg(long, default_value = "1h", value_parser = crate::cli::text::duration, value_name = "DURATION")]
    pub critical_age: Duration,
    /// Contacts that the portal refuses
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub warning_parked: u64,
    /// Contacts that the portal refuses
    #[arg(long, value_name = "N")]
    pub critical_parked: Option<u64>,
    /// Contacts whose names somebody else keeps changing back
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub warning_contested: u64,
    /// Contacts whose names somebody else keeps changing back
    #[arg(long, value_name = "N")]
    pub critical_contested: Option<u64>,
    /// Age of the oldest row: in the portal's queue with --live, else of those taken over
    #[arg(long, default_value = "15m", value_parser = crate::cli::text::duration, value_name = "DURATION")]
    pub warning_oldest: Duration,
    /// Age of the oldest row: in the portal's queue with --live, else of those taken over
    #[arg(long, default_value = "2h", value_parser = crate::cli::text::duration, value_name = "DURATION")]
    pub critical_oldest: Duration,
    /// With --live: rows that nobody has reserved
    #[arg(long, value_name = "N")]
    pub warning_pending: Option<u64>,
    /// With --live: rows that nobody has reserved
    #[arg(long, value_name = "N")]
    pub critical_pending: Option<u64>,
}

/// How bad it is, in the order in which one hides another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Health {
    Ok,
    Unknown,
    Warning,
    Critical,
}

impl Health {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Unknown => "UNKNOWN",
            Self::Warning => "WARNING",
            Self::Critical => "CRITICAL",
        }
    }

    fn exit(self) -> Exit {
        match self {
            Self::Ok => Exit::Done,
            Self::Unknown => Exit::Unknown,
            Self::Warning => Exit::Warning,
            Self::Critical => Exit::Critical,
        }
    }
}

/// Answers that nothing could be found out.
///
/// # Errors
/// Where `out` cannot be written.
pub fn unknown(error: &anyhow::Error, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let text = format!("{error:#}").replace(['\n', '|'], " ");
    writeln!(out, "{} - {text}", Health::Unknown.word())?;
    Ok(Health::Unknown.exit())
}

/// Judges the report.
pub(super) fn write(
    report: &Report,
    thresholds: &Thresholds,
    now: Timestamp,
    out: &mut dyn Write,
) -> anyhow::Result<Exit> {
    let mut check = Check {
        thresholds,
        now,
        findings: Vec::new(),
        data: Vec::new(),
    };
    check.conditions("this host", &report.conditions);
    for portal in &report.portals {
        check.portal(portal);
    }
    let worst = check.findings.iter().map(|(health, _)| *health).max();
    let worst = worst.unwrap_or(Health::Ok);
    check
        .findings
        .sort_by_key(|(health, _)| std::cmp::Reverse(*health));
    let texts: Vec<String> = check
        .findings
        .into_iter()
        .filter(|(health, _)| worst == Health::Ok || *health != Health::Ok)
        .map(|(_, text)| text.replace(['\n', '|'], " "))
        .collect();
    let (texts, data) = (texts.join("; "), check.data.join(" "));
    writeln!(out, "{} - {texts} | {data}", worst.word())?;
    Ok(worst.exit())
}

struct Check<'a> {
    thresholds: &'a Thresholds,
    now: Timestamp,
    findings: Vec<(Health, String)>,
    data: Vec<String>,
}

impl Check<'_> {
    fn portal(&mut self, portal: &PortalStatus) {
        self.conditions(&portal.name, &portal.conditions);
        if portal.member_id.is_none() {
            return;
        }
        self.last_drain(portal);
        self.measure(portal, "open_rows", portal.open_rows, None, None);
        let limits = self.thresholds;
        self.measure(
            portal,
            "parked",
            portal.parked.len() as u64,
            Some(limits.warning_parked),
            limits.critical_parked,
        );
        self.measure(
            portal,
            "contested",
            portal.contested.len() as u64,
            Some(limits.warning_contested),
            limits.critical_contested,
        );
        self.live(portal);
        self.oldest(portal);
    }

    /// A person's condition warns, or raises the alarm where it stops work; the program's says nothing.
    fn conditions(&mut self, whose: &str, conditions: &[Condition]) {
        for condition in conditions {
            let health = match condition.acts {
                Acts::Person if condition.stops_work(self.now) => Health::Critical,
                Acts::Person => Health::Warning,
                Acts::Program => continue,
            };
            let text = format!("{whose}: {} -> {}", condition.text, condition.advice());
            self.findings.push((health, text));
        }
    }

    /// The age of the last drain that succeeded; one that failed is none, and one that is running and
    /// gets on counts so far.
    fn last_drain(&mut self, portal: &PortalStatus) {
        let outcome = portal.last_drain.as_ref().map(|last| last.outcome.as_str());
        // Until a first drain succeeds, it is waited for from the moment at which the tokens came.
        let Some(since) = portal.last_success.max(portal.authorised_at) else {
            return;
        };
        let limits = self.thresholds;
        let limits = match portal.paused {
            // That has a condition of its own.
            true => (Duration::MAX, Duration::MAX),
            false => (limits.warning_age, limits.critical_age),
        };
        let told = self.since(portal, "last_drain", since, limits);
        let text = match (portal.last_success, outcome) {
            (Some(_), Some(outcome)) => {
                format!("last drain that succeeded {told} ago, last: {outcome}")
            }
            _ => "no drain has succeeded yet".to_owned(),
        };
        self.find(portal, Health::Ok, text);
    }

    /// The age of the oldest row: in the portal's queue with `--live`, else of those that are ours.
    fn oldest(&mut self, portal: &PortalStatus) {
        let live = portal.live.as_ref().and_then(|live| live.oldest_at);
        let oldest = live.into_iter().chain(portal.open_since).min();
        let limits = (
            self.thresholds.warning_oldest,
            self.thresholds.critical_oldest,
        );
        self.since(portal, "oldest", oldest.unwrap_or(self.now), limits);
    }

    fn live(&mut self, portal: &PortalStatus) {
        if let Some(why) = &portal.live_error {
            self.find(portal, Health::Unknown, format!("not asked: {why}"));
        }
        let Some(live) = &portal.live else {
            return;
        };
        let limits = self.thresholds;
        let (warning, critical) = (limits.warning_pending, limits.critical_pending);
        self.measure(portal, "pending", live.pending, warning, critical);
        self.measure(portal, "reserved", live.reserved, None, None);
        self.measure(portal, "errors", live.errors, None, None);
        self.measure(portal, "foreign", live.foreign, None, None);
    }

    /// Notes a length of time, and a finding where it is too long. Answers it in words.
    fn since(
        &mut self,
        portal: &PortalStatus,
        what: &str,
        moment: Timestamp,
        (warning, critical): (Duration, Duration),
    ) -> String {
        let seconds = seconds_between(moment, self.now).max(0.0);
        let (warning, critical) = (warning.as_secs(), critical.as_secs());
        let value = format!("{}s", seconds as u64);
        self.note(portal, what, value, Some(warning), Some(critical));
        let told = length(seconds);
        let name = what.replace('_', " ");
        self.compare(
            portal,
            seconds as u64,
            Some(warning),
            Some(critical),
            || format!("{name} {told} ago"),
        );
        told
    }

    /// Notes a count, and a finding where it is too high.
    fn measure(
        &mut self,
        portal: &PortalStatus,
        what: &str,
        value: u64,
        warning: Option<u64>,
        critical: Option<u64>,
    ) {
        self.note(portal, what, value, warning, critical);
        self.compare(portal, value, warning, critical, || {
            format!("{value} {what}")
        });
    }

    fn compare(
        &mut self,
        portal: &PortalStatus,
        value: u64,
        warning: Option<u64>,
        critical: Option<u64>,
        text: impl FnOnce() -> String,
    ) {
        let reached = |limit: Option<u64>| limit.is_some_and(|limit| value >= limit);
        if reached(critical) {
            self.find(portal, Health::Critical, text());
        } else if reached(warning) {
            self.find(portal, Health::Warning, text());
        }
    }

    fn note(
        &mut self,
        portal: &PortalStatus,
        what: &str,
        value: impl Display,
        warning: Option<u64>,
        critical: Option<u64>,
    ) {
        // Quotes and equal signs cannot stand in a label.
        let name = portal.name.replace(['\'', '=', '|', '\n'], "_");
        let limit = |limit: Option<u64>| limit.map(|it| it.to_string()).unwrap_or_default();
        let (warning, critical) = (limit(warning), limit(critical));
        self.data
            .push(format!("'{name}_{what}'={value};{warning};{critical};0"));
    }

    fn find(&mut self, portal: &PortalStatus, health: Health, text: impl Display) {
        self.findings
            .push((health, format!("{}: {text}", portal.name)));
    }
}
