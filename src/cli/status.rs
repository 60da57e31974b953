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
    desk::{Desk, desk, without_store as desk_without_store},
    exit::{Exit, exit_of, first_of, of_store},
    global::Global,
    output::Unread,
    surroundings::Surroundings,
};
use crate::{drain::DrainFailure, portal::CallFailure, store::StoreFault};

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
    #[arg(long, default_value = "10s", value_parser = super::text::duration, value_name = "DURATION")]
    pub timeout: Duration,
    /// Answer one line as a Nagios plugin: exit 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN
    #[arg(long)]
    pub check: bool,
    /// Thresholds of --check
    #[command(flatten)]
    pub thresholds: Thresholds,
}

/// Tells how the portals are doing.
pub(super) async fn status(
    global: &Global,
    world: &mut Surroundings,
    args: &StatusArgs,
) -> anyhow::Result<Exit> {
    if args.check {
        world.out.where_unread(Unread::Ignore);
    }
    let desk = desk(global, world, args.live).await;
    let nothing = desk_without_store(global, world);
    let status = async {
        match desk {
            Ok(desk) => run(&desk, args, &mut world.out).await,
            Err(error) => {
                let fault: StoreFault = error.downcast()?;
                without_store(&nothing?, &fault, args, &mut world.out)
            }
        }
    };
    match status.await {
        // A monitor takes every other code for a broken plugin.
        Err(error) if args.check => unknown(&error, &mut world.out),
        other => other,
    }
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
            Ok(live) => portal.note_live(&live, running),
            Err(error) => {
                exits.push(exit_of(&error));
                portal.live_error = Some(format!("{error:#}"));
                let failure = error.downcast::<CallFailure>().ok();
                let failure = failure.map(DrainFailure::from);
                failure
                    .as_ref()
                    .and_then(|it| it.trouble().cloned())
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
    if args.json {
        json(report, out)?;
    } else {
        people::write(report, now, out)?;
    }
    Ok(exit)
}

fn json(report: &report::Report, out: &mut dyn Write) -> std::io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, report)?;
    writeln!(out)
}
