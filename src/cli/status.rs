//! `status`: how the portals are doing.

mod check;
pub(super) mod live;
mod people;
pub mod report;

use std::{io::Write, time::Duration};

use clap::Args;
use jiff::Timestamp;

pub use check::{Thresholds, unknown};

use super::{
    desk::Desk,
    exit::{Exit, exit_of, first_of, of_store},
    told,
};
use crate::{drain::DrainFailure, portal::CallFailure, service::conditions, store::StoreFault};

/// Arguments of `status`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Without --live only the state file is read. A state file that is missing or cannot be
read is one of the conditions of this host.

Examples:
  b24-tidyd status
  b24-tidyd status --json | jq '.portals[] | select(.authorised | not) | .name'
  b24-tidyd status --check --live --warning-oldest 30m"
)]
pub struct StatusArgs {
    /// One JSON document instead of text
    #[arg(long, conflicts_with = "check")]
    pub json: bool,
    /// Ask the portals too: what waits in their queues, and since when
    #[arg(long)]
    pub live: bool,
    /// With --live: how long a portal may take to answer
    #[arg(long, default_value = "10s", value_parser = super::run::duration, value_name = "DURATION")]
    pub timeout: Duration,
    /// Answer one line as a Nagios plugin: exit 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN
    #[arg(long)]
    pub check: bool,
    /// Thresholds of --check
    #[command(flatten)]
    pub thresholds: Thresholds,
}

/// Tells how every portal of `desk` is doing.
///
/// # Errors
/// Where `out` cannot be written. A state file that is missing or cannot be read is a condition.
pub async fn run(desk: &Desk, args: &StatusArgs, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let answers = match args.live {
        true => live::ask_all(desk, args.timeout).await,
        false => Vec::new(),
    };
    let warning_age = args.thresholds.warning_age.as_secs_f64();
    // After the portals were asked: that may have renewed the tokens.
    let mut report = match report::gather(desk, warning_age).await {
        Ok(report) => report,
        Err(fault) => return without_store(desk, &fault, args, out),
    };
    let mut exits = Vec::new();
    let running = report.running.is_some();
    for (portal, answer) in report.portals.iter_mut().zip(answers) {
        let anew = match answer {
            Ok(live) => live::conditions(portal, &live, running),
            Err(error) => {
                exits.push(exit_of(&error));
                portal.live_error = Some(format!("{error:#}"));
                let failure = error.downcast::<CallFailure>().ok();
                let failure = failure.map(DrainFailure::from);
                failure
                    .as_ref()
                    .and_then(conditions::of_failure)
                    .into_iter()
                    .collect()
            }
        };
        portal.look_anew(anew, desk.now());
    }
    write(&report, first_of(exits), args, desk.now(), out)
}

/// Tells what can be told where the state file cannot be opened.
///
/// # Errors
/// Where `out` cannot be written.
pub fn without_store(
    desk: &Desk,
    fault: &StoreFault,
    args: &StatusArgs,
    out: &mut dyn Write,
) -> anyhow::Result<Exit> {
    let report = report::without_store(desk, fault);
    // For programs it is an answer like any other, and so it is before anybody has authorised.
    let exit = match args.json || matches!(fault, StoreFault::Missing(_)) {
        true => Exit::Done,
        false => of_store(fault),
    };
    write(&report, exit, args, desk.now(), out)
}

fn write(
    report: &report::Report,
    exit: Exit,
    args: &StatusArgs,
    now: Timestamp,
    out: &mut dyn Write,
) -> anyhow::Result<Exit> {
    if args.check {
        return check::write(report, &args.thresholds, now, out);
    }
    let written = if args.json {
        json(report, out)
    } else {
        people::write(report, now, out)
    };
    told(exit, written)
}

fn json(report: &report::Report, out: &mut dyn Write) -> std::io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, report)?;
    writeln!(out)
}
