//! A list of changes, made or to come, in the form that was asked for.

use std::io::{self, Write};

use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

use crate::{
    cli::text::{WIDTH, csv, quoted, width},
    contact::FieldChange,
    store::Change,
};

/// In which form a list is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Args)]
pub struct FormArgs {
    /// One JSON object per line
    #[arg(long, conflicts_with = "csv")]
    pub json: bool,
    /// For a spreadsheet (RFC 4180; what looks like a formula gets a ' in front)
    #[arg(long)]
    pub csv: bool,
}

impl FormArgs {
    /// Whether people read it.
    #[must_use]
    pub fn is_for_people(self) -> bool {
        !self.json && !self.csv
    }
}

/// Writes changes one by one as they come.
pub(super) struct ChangeList<'w> {
    out: &'w mut (dyn Write + Send),
    form: FormArgs,
    /// The headings that the last change stood under.
    under: (Option<String>, Option<u64>),
}

/// One field of one contact.
#[derive(Debug, Serialize)]
struct Row<'a> {
    #[serde(flatten)]
    written: Option<Written<'a>>,
    contact_id: u64,
    field: &'a str,
    old: &'a str,
    new: &'a str,
    rule: &'a str,
}

/// What is known of a change that was made.
#[derive(Debug, Serialize)]
struct Written<'a> {
    #[serde(serialize_with = "crate::cli::text::to_the_second")]
    at: Timestamp,
    run: i64,
    kind: &'a str,
    confirmed: bool,
}

impl<'w> ChangeList<'w> {
    /// A list of changes that are to come, or are just being made.
    pub(super) fn of_plans(out: &'w mut (dyn Write + Send), form: FormArgs) -> io::Result<Self> {
        Self::begin(out, form, &["contact_id", "field", "old", "new", "rule"])
    }

    /// The same where the list goes on that an earlier run began.
    pub(super) fn of_more_plans(out: &'w mut (dyn Write + Send), form: FormArgs) -> Self {
        Self {
            out,
            form,
            under: (None, None),
        }
    }

    /// A list of changes from the history.
    pub(super) fn of_history(out: &'w mut (dyn Write + Send), form: FormArgs) -> io::Result<Self> {
        let columns = [
            "at",
            "run",
            "kind",
            "confirmed",
            "contact_id",
            "field",
            "old",
            "new",
            "rule",
        ];
        Self::begin(out, form, &columns)
    }

    fn begin(
        out: &'w mut (dyn Write + Send),
        form: FormArgs,
        columns: &[&str],
    ) -> io::Result<Self> {
        if form.csv {
            csv::write_line(out, columns.iter().copied())?;
        }
        Ok(Self::of_more_plans(out, form))
    }

    /// Adds what is to change in a contact.
    pub(super) fn plan(&mut self, contact_id: u64, changes: &[FieldChange]) -> io::Result<()> {
        for change in changes {
            self.row(&Row {
                written: None,
                contact_id,
                field: change.field.as_str(),
                old: &change.old,
                new: &change.new,
                rule: &change.rules,
            })?;
        }
        Ok(())
    }

    /// Adds a change that was made.
    pub(super) fn written(&mut self, change: &Change) -> io::Result<()> {
        self.row(&Row {
            written: Some(Written {
                at: change.at,
                run: change.run.0,
                kind: &change.kind,
                confirmed: change.confirmed,
            }),
            contact_id: change.sent.contact_id,
            field: &change.sent.field,
            old: &change.sent.old,
            new: &change.sent.new,
            rule: &change.sent.rule,
        })
    }

    /// The writer, for what follows the list.
    pub(super) fn end(self) -> &'w mut (dyn Write + Send) {
        self.out
    }

    fn row(&mut self, row: &Row<'_>) -> io::Result<()> {
        if self.form.json {
            serde_json::to_writer(&mut *self.out, row)?;
            return writeln!(self.out);
        }
        if self.form.csv {
            return self.csv_row(row);
        }
        self.headings(row)?;
        let field = row.field;
        let (old, new) = (quoted(row.old), quoted(row.new));
        let doubt = match &row.written {
            Some(written) if !written.confirmed => ", not confirmed by the portal",
            _ => "",
        };
        let why = format!("({}{doubt})", row.rule);
        let line = format!("  {field:<11}  {old} -> {new}  {why}");
        if width(&line) <= WIDTH {
            writeln!(self.out, "{line}")
        } else {
            writeln!(self.out, "  {field:<11}  {old}")?;
            writeln!(self.out, "           ->  {new}")?;
            writeln!(self.out, "               {why}")
        }
    }

    fn headings(&mut self, row: &Row<'_>) -> io::Result<()> {
        let run = row
            .written
            .as_ref()
            .map(|written| format!("{:.0}, {} (run {})", written.at, written.kind, written.run));
        if run != self.under.0 {
            if let Some(run) = &run {
                writeln!(self.out, "{run}")?;
            }
            self.under = (run, None);
        }
        if self.under.1 != Some(row.contact_id) {
            self.under.1 = Some(row.contact_id);
            writeln!(self.out, "contact {}", row.contact_id)?;
        }
        Ok(())
    }

    fn csv_row(&mut self, row: &Row<'_>) -> io::Result<()> {
        let mut cells = Vec::new();
        if let Some(written) = &row.written {
            cells.extend([
                format!("{:.0}", written.at),
                written.run.to_string(),
                written.kind.to_owned(),
                written.confirmed.to_string(),
            ]);
        }
        cells.push(row.contact_id.to_string());
        cells.extend([row.field, row.old, row.new, row.rule].map(str::to_owned));
        csv::write_line(self.out, cells.iter().map(String::as_str))
    }
}
