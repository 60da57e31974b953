//! `status`: how the portals are doing.

mod live;
mod people;
pub mod report;

use std::io::Write;

use clap::Args;

use super::{desk::Desk, exit::Exit};

/// Arguments of `status`.
#[derive(Debug, Clone, Default, Args)]
#[command(after_help = "Examples:
  b24-tidyd status
  b24-tidyd status --json | jq '.portals[] | select(.authorised | not) | .name'")]
pub struct StatusArgs {
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// Tells how every portal of `desk` is doing.
///
/// # Errors
/// A fault of the state file. A missing one is none: then nobody has authorised yet.
pub async fn run(desk: &Desk, args: &StatusArgs, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let report = report::gather(desk)?;
    if args.json {
        serde_json::to_writer_pretty(&mut *out, &report)?;
        writeln!(out)?;
    } else {
        people::write(&report, desk.now(), out)?;
    }
    Ok(Exit::Done)
}
