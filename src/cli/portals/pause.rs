//! `pause` and `resume`: a portal rests, and goes on.

use std::io::Write;

use clap::Args;
use serde_json::json;

use crate::cli::{desk::Desk, exit::Exit, text::moment};

/// Arguments of `pause` and `resume`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Nothing is lost by a pause: changes wait in the portal's queue. A daemon need not be
restarted for either.

Example: b24-tidyd --portal acme pause"
)]
pub struct PauseArgs {
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// Pauses the one portal of `desk`; a pass that is under way still ends.
///
/// # Errors
/// A fault of the state file, or no tokens.
pub(super) async fn pause(
    desk: &Desk,
    args: &PauseArgs,
    out: &mut dyn Write,
) -> anyhow::Result<Exit> {
    let portal = desk.only()?;
    let record = desk.record(portal).await?;
    let since = record.paused_at.unwrap_or(desk.now());
    desk.store()?.set_paused(record.id, Some(since)).await?;
    let name = &portal.name;
    if args.json {
        let answer = json!({"portal": name, "paused": true, "paused_at": format!("{since:.0}")});
        writeln!(out, "{answer}")?;
    } else {
        let since = moment(since);
        writeln!(
            out,
            "{name}: paused since {since}; changes wait in the portal"
        )?;
    }
    Ok(Exit::Done)
}

/// Lets the one portal of `desk` go on with its next pass.
///
/// # Errors
/// A fault of the state file, or no tokens.
pub(super) async fn resume(
    desk: &Desk,
    args: &PauseArgs,
    out: &mut dyn Write,
) -> anyhow::Result<Exit> {
    let portal = desk.only()?;
    let record = desk.record(portal).await?;
    desk.store()?.set_paused(record.id, None).await?;
    let name = &portal.name;
    if args.json {
        let answer = json!({"portal": name, "paused": false, "paused_at": null});
        writeln!(out, "{answer}")?;
    } else if record.paused_at.is_some() {
        writeln!(out, "{name}: goes on with the next drain")?;
    } else {
        writeln!(out, "{name}: was not paused")?;
    }
    Ok(Exit::Done)
}
