//! `undo`: puts old values back, where the field still holds what was written.

use std::io::Write;

use clap::{ArgGroup, Args};
use jiff::tz::TimeZone;
use serde_json::json;

use super::{
    list::{ChangeList, FormArgs},
    report::Report,
};
use crate::{
    cli::{
        exit::Exit,
        text::{TIMES, When, count},
    },
    drain::Drain,
    store::{ChangeFilter, RunId},
    tidy::values_to_put_back,
};

/// Arguments of `undo`.
#[derive(Debug, Clone, Args)]
#[command(
    group = ArgGroup::new("what").args(["contact", "run", "since"]).required(true).multiple(true),
    after_help = format!("{TIMES}

Values that were put back are left alone until they change; `b24-tidyd ignore list`
shows them, and `b24-tidyd ignore remove ID` lets them be tidied again.
Examples:
  b24-tidyd undo --contact 82
  b24-tidyd undo --since 2d --until 1d --apply"))]
pub struct UndoArgs {
    /// What was written to this contact
    #[arg(long, value_name = "ID")]
    pub contact: Option<u64>,
    /// What this run wrote (`b24-tidyd history` shows runs)
    #[arg(long, value_name = "N")]
    pub run: Option<i64>,
    /// What was written since this time
    #[arg(long, value_name = "TIME")]
    pub since: Option<When>,
    /// ... and before this time
    #[arg(long, value_name = "TIME", requires = "since")]
    pub until: Option<When>,
    /// Write; without it, only show what would be put back
    #[arg(long)]
    pub apply: bool,
    /// The form of the list
    #[command(flatten)]
    pub form: FormArgs,
}

/// Puts back, or shows what would be put back. With `apply` the caller holds the drain lock.
///
/// # Errors
/// A failure of the pass, or of `out`.
pub async fn undo(
    args: &UndoArgs,
    drain: &mut Drain,
    zone: &TimeZone,
    out: &mut (dyn Write + Send),
    notes: &mut (dyn Write + Send),
) -> anyhow::Result<Exit> {
    let portal = drain.portal();
    let now = portal.now();
    let mut moment = |when: Option<When>| when.map(|it| it.resolve(now, zone, notes)).transpose();
    let chosen = ChangeFilter {
        contact_id: args.contact,
        run: args.run.map(RunId),
        since: moment(args.since)?,
        until: moment(args.until)?,
        rule: None,
    };
    let values = values_to_put_back(portal.store(), portal.id, &chosen).await?;
    let planned = values.len() as u64;
    let mut list = ChangeList::of_plans(out, args.form)?;
    let mut found = 0;
    let summary = drain
        .put_back(values, !args.apply, &mut |finding| {
            found += 1;
            list.plan(finding.contact_id, &finding.changes)
        })
        .await?;
    let left = planned - found - (summary.put_off.len() + summary.refused.len()) as u64;
    let mut report = Report::new(args.form, list.end(), notes);
    report.summary(&json!({
        "applied": args.apply, "contacts": found, "changed_since": left,
    }))?;
    let verb = if args.apply {
        "put back"
    } else {
        "would be put back"
    };
    report.line(&format!("{} {verb}", count(found, "contact")))?;
    if left > 0 {
        let left = count(left, "contact");
        report.line(&format!("{left} left alone: changed since, or gone"))?;
    }
    if !args.apply && found > 0 {
        report.line("nothing was written; add --apply to write")?;
    }
    Ok(report.what_is_left(&summary)?)
}
