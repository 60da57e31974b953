//! `sweep`: tidies contacts that were there before the daemon.

use std::io::Write;

use clap::Args;
use jiff::tz::TimeZone;

use super::{
    list::FormArgs,
    walk::{Errand, walk},
};
use crate::{
    cli::{
        exit::Exit,
        text::{TIMES, When},
    },
    drain::Drain,
};

/// Arguments of `sweep`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = format!("{TIMES}

A sweep that was interrupted goes on where it was. Progress goes to standard error.
Examples:
  b24-tidyd sweep --limit 20
  b24-tidyd sweep --modified-since 30d --apply")
)]
pub struct SweepArgs {
    /// Write; without it, only show what would be written
    #[arg(long)]
    pub apply: bool,
    /// Only contacts changed since this time
    #[arg(long, value_name = "TIME")]
    pub modified_since: Option<When>,
    /// End after so many contacts that need a change; the next call goes on behind them
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: Option<u64>,
    /// Begin with the first contact, also where a sweep was interrupted
    #[arg(long)]
    pub restart: bool,
    /// The form of the list
    #[command(flatten)]
    pub form: FormArgs,
}

/// Walks over the contacts. With `apply` the caller holds the drain lock.
///
/// # Errors
/// A failure of the walk, or of `out`.
pub async fn sweep(
    args: &SweepArgs,
    drain: &mut Drain,
    zone: &TimeZone,
    out: &mut (dyn Write + Send),
    notes: &mut (dyn Write + Send),
) -> anyhow::Result<Exit> {
    let errand = Errand {
        purpose: if args.apply { "sweep --apply" } else { "sweep" },
        modified_since: args.modified_since,
        limit: args.limit,
        apply: args.apply,
        restart: args.restart,
        form: args.form,
    };
    walk(&errand, drain, zone, out, notes).await
}
