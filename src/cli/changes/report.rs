//! What stands below a list of changes: with the list where people read it, else apart from it.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::list::FormArgs;
use crate::{
    cli::{
        exit::Exit,
        text::{WIDTH, count, wrapped},
    },
    drain::TaskSummary,
};

/// Where the words go that are not part of the list.
pub(super) struct Report<'w> {
    form: FormArgs,
    out: &'w mut (dyn Write + Send),
    notes: &'w mut (dyn Write + Send),
}

/// Contacts named in one line at most.
const MOST_NAMED: usize = 8;

impl<'w> Report<'w> {
    pub(super) fn new(
        form: FormArgs,
        out: &'w mut (dyn Write + Send),
        notes: &'w mut (dyn Write + Send),
    ) -> Self {
        Self { form, out, notes }
    }

    /// The summary as the last line of a list for programs.
    pub(super) fn summary(&mut self, summary: &Value) -> io::Result<()> {
        if !self.form.json {
            return Ok(());
        }
        serde_json::to_writer(&mut *self.out, &json!({"summary": summary}))?;
        writeln!(self.out)
    }

    /// A line for people.
    pub(super) fn line(&mut self, text: &str) -> io::Result<()> {
        for line in wrapped(text, WIDTH) {
            writeln!(self.for_people(), "{line}")?;
        }
        Ok(())
    }

    /// Where words for people go.
    pub(super) fn for_people(&mut self) -> &mut (dyn Write + Send) {
        if self.form.is_for_people() {
            self.out
        } else {
            self.notes
        }
    }

    /// Names the contacts that the portal refuses and those that have to wait.
    pub(super) fn what_is_left(&mut self, summary: &TaskSummary) -> io::Result<Exit> {
        for (contact, reason) in &summary.refused {
            self.line(&format!("contact {contact} is refused: {reason}"))?;
        }
        if summary.put_off.is_empty() {
            return Ok(Exit::Done);
        }
        let named = summary.put_off.iter().take(MOST_NAMED);
        let named: Vec<String> = named.map(u64::to_string).collect();
        let more = if summary.put_off.len() > MOST_NAMED {
            ", ..."
        } else {
            ""
        };
        self.line(&format!(
            "{} being edited right now; try again: {}{more}",
            count(summary.put_off.len() as u64, "contact"),
            named.join(", ")
        ))?;
        Ok(Exit::Temporary)
    }
}
