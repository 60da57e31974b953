//! `history`: every write that was made, before and after.

use std::{
    io::{self, Write},
    ops::ControlFlow,
};

use anyhow::Context as _;
use clap::Args;
use jiff::{Timestamp, tz::TimeZone};

use super::list::{ChangeList, FormArgs};
use crate::{
    cli::{
        exit::Exit,
        text::{TIMES, When},
    },
    store::{ChangeFilter, PortalId, RunId, Store},
};

/// Arguments of `history`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = format!("{TIMES}
Examples:
  b24-tidyd history --contact 82
  b24-tidyd history --since 2d --rule mc --csv > changes.csv")
)]
pub struct HistoryArgs {
    /// Of this contact alone
    #[arg(long, value_name = "ID")]
    pub contact: Option<u64>,
    /// Not before this time
    #[arg(long, value_name = "TIME")]
    pub since: Option<When>,
    /// Before this time
    #[arg(long, value_name = "TIME")]
    pub until: Option<When>,
    /// Where this rule decided (`b24-tidyd names --explain` shows rules)
    #[arg(long, value_name = "RULE")]
    pub rule: Option<String>,
    /// Of this run alone
    #[arg(long, value_name = "N")]
    pub run: Option<i64>,
    /// The form of the list
    #[command(flatten)]
    pub form: FormArgs,
}

/// Writes the list to `out`, change by change as they are read.
///
/// # Errors
/// A fault of the store, or of `out`.
pub async fn history(
    args: &HistoryArgs,
    store: &Store,
    portal: PortalId,
    (now, zone): (Timestamp, &TimeZone),
    out: &mut (dyn Write + Send),
    notes: &mut (dyn Write + Send),
) -> anyhow::Result<Exit> {
    let mut moment = |when: Option<When>| when.map(|it| it.resolve(now, zone, notes)).transpose();
    let filter = ChangeFilter {
        contact_id: args.contact,
        run: args.run.map(RunId),
        since: moment(args.since)?,
        until: moment(args.until)?,
        rule: args.rule.clone(),
    };
    let mut list = ChangeList::of_history(out, args.form)?;
    let mut written: io::Result<()> = Ok(());
    let mut none = true;
    store
        .for_each_change(portal, &filter, |change| {
            none = false;
            written = list.written(&change);
            match written {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            }
        })
        .await?;
    written.context("the list could not be written")?;
    let out = list.end();
    if none && args.form.is_for_people() {
        writeln!(out, "no such change")?;
    }
    Ok(Exit::Done)
}
