//! `status`: how the portals are doing.

mod check;
pub(super) mod live;
mod people;
pub mod report;

use std::io::Write;

use clap::Args;

pub use check::{Thresholds, unknown};

use super::{
    desk::{Desk, desk},
    exit::{Exit, exit_of, first_of},
    global::Global,
    output::Unread,
    surroundings::Surroundings,
};

/// Arguments of `status`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Without --live only the state file is read. A state file that cannot be read is an
error; one that is missing is none: then nobody has authorised yet.

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
    let status = async { run(&desk?, args, &mut world.out).await };
    match status.await {
        // A monitor takes every other code for a broken plugin.
        Err(error) if args.check => unknown(&error, &mut world.out),
        other => other,
    }
}

/// Tells how every portal of `desk` is doing.
///
/// # Errors
/// A fault of the state file. A missing one is none: then nobody has authorised yet.
pub async fn run(desk: &Desk, args: &StatusArgs, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let mut answers = Vec::new();
    if args.live {
        for config in &desk.portals {
            answers.push(ask(desk, config).await);
        }
    }
    // After the portals were asked: that may have renewed the tokens.
    let mut report = report::gather(desk).await?;
    let mut exits = Vec::new();
    for (portal, answer) in report.portals.iter_mut().zip(answers) {
        match answer {
            Ok(live) => portal.live = Some(live),
            Err(error) => {
                exits.push(exit_of(&error));
                portal.live_error = Some(format!("{error:#}"));
            }
        }
    }
    if args.check {
        return check::write(&report, &args.thresholds, desk.now(), out);
    }
    if args.json {
        json(&report, out)?;
    } else {
        people::write(&report, desk.now(), out)?;
    }
    Ok(first_of(exits))
}

fn json(report: &report::Report, out: &mut dyn Write) -> std::io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, report)?;
    writeln!(out)
}

async fn ask(
    desk: &Desk,
    config: &std::sync::Arc<crate::config::PortalConfig>,
) -> anyhow::Result<live::Live> {
    Ok(live::ask(&desk.portal(config).await?).await?)
}
