//! `preview`: what the next drain would change.

use std::io::Write;

use clap::Args;
use jiff::tz::TimeZone;
use serde_json::json;

use super::{
    list::{ChangeList, FormArgs},
    report::Report,
    summary::ChangeSummary,
    walk::{Errand, walk},
};
use crate::{
    cli::{exit::Exit, text::count},
    drain::Drain,
};

/// Arguments of `preview`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Nothing is reserved, written or acknowledged; a daemon may run beside it.
Examples:
  b24-tidyd preview
  b24-tidyd preview --all --csv > preview.csv"
)]
pub struct PreviewArgs {
    /// Look at every contact of the portal instead of the queue; goes on where it was interrupted
    #[arg(long)]
    pub all: bool,
    /// Begin with the first contact, also where such a walk was interrupted
    #[arg(long, requires = "all")]
    pub restart: bool,
    /// The form of the list
    #[command(flatten)]
    pub form: FormArgs,
}

/// Lists what the next drain would change, contact by contact as they are read.
///
/// # Errors
/// A failure of the pass, or of `out`.
pub async fn preview(
    args: &PreviewArgs,
    drain: &mut Drain,
    out: &mut (dyn Write + Send),
    notes: &mut (dyn Write + Send),
) -> anyhow::Result<Exit> {
    if args.all {
        let errand = Errand {
            purpose: "preview --all",
            modified_since: None,
            limit: None,
            apply: false,
            restart: args.restart,
            form: args.form,
        };
        return walk(&errand, drain, &TimeZone::UTC, out, notes).await;
    }
    let mut list = ChangeList::of_plans(out, args.form)?;
    let mut changes = ChangeSummary::default();
    let summary = drain
        .preview(&mut |finding| {
            changes.add(&finding.changes);
            list.plan(finding.contact_id, &finding.changes)
        })
        .await?;
    let mut report = Report::new(args.form, list.end(), notes);
    report.summary(&json!({
        "checked": summary.contacts, "contacts": changes.contacts, "fields": changes.fields,
        "by_rule": changes.rules(),
    }))?;
    let looked_at = summary.contacts + summary.refused.len() as u64;
    if looked_at == 0 {
        report.line("nothing waits in the queue; --all looks at every contact")?;
        return Ok(Exit::Done);
    }
    report.line(&format!(
        "{} in the queue, {} would change",
        count(looked_at, "contact"),
        changes.contacts
    ))?;
    Ok(report.what_is_left(&summary)?)
}
