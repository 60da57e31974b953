//! `preview`: what the next drain would change.

use std::io::Write;

use clap::Args;
use serde_json::json;

use super::{
    change_list::{ChangeList, FormArgs},
    change_summary::ChangeSummary,
    exit::Exit,
    report::Report,
};
use crate::drain::Drain;

/// Arguments of `preview`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Nothing is reserved, written or acknowledged; a daemon may run beside it.
Examples:
  b24-tidyd preview
  b24-tidyd preview --csv > preview.csv"
)]
pub struct PreviewArgs {
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
    report.line(&format!(
        "{} contacts wait in the queue, {} of them would change",
        summary.contacts, changes.contacts
    ))?;
    Ok(report.what_is_left(&summary)?)
}
