//! A console in a world: commands as they are typed, their output as it is read.

use b24_tidyd::cli::{
    Cli, Command,
    changes::{
        ChangesCommand, history::history, ignore::ignore, preview::preview, sweep::sweep,
        undo::undo,
    },
    exit::Exit,
};
use clap::Parser;
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::world::World;

/// What a command said.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) out: String,
    pub(crate) notes: String,
    pub(crate) exit: Exit,
}

impl Answer {
    /// The lines of `--json`, the summary left out.
    pub(crate) fn json(&self) -> Vec<Value> {
        let lines = self
            .out
            .lines()
            .map(|line| serde_json::from_str(line).unwrap());
        lines
            .filter(|line: &Value| line.get("summary").is_none())
            .collect()
    }

    /// The summary of `--json`.
    pub(crate) fn summary(&self) -> Value {
        let last = self.out.lines().last().unwrap();
        serde_json::from_str::<Value>(last).unwrap()["summary"].take()
    }

    /// Contact, field, old and new value of each line of `--json`, sorted.
    pub(crate) fn changes(&self) -> Vec<(u64, String, String, String)> {
        let text = |line: &Value, key: &str| line[key].as_str().unwrap().to_owned();
        let mut changes: Vec<_> = self
            .json()
            .iter()
            .map(|line| {
                let id = line["contact_id"].as_u64().unwrap();
                (
                    id,
                    text(line, "field"),
                    text(line, "old"),
                    text(line, "new"),
                )
            })
            .collect();
        changes.sort();
        changes
    }

    /// Asserts that the output fits a terminal.
    pub(crate) fn assert_fits(&self) {
        for line in self.out.lines().chain(self.notes.lines()) {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }
}

impl World {
    /// Runs a command as a process of its own would.
    pub(crate) async fn command(&self, line: &str) -> anyhow::Result<Answer> {
        let words = std::iter::once("b24-tidyd").chain(line.split_whitespace());
        let Command::Changes(command) = Cli::try_parse_from(words)?.command else {
            panic!("{line} is no command for this console");
        };
        let (mut out, mut notes) = (Vec::new(), Vec::new());
        let (store, id, now) = (&self.context.store, self.id(), self.context.clock.now());
        let mut drain = self.drain();
        let exit = match command {
            ChangesCommand::Preview(args) => {
                preview(&args, &mut drain, &mut out, &mut notes).await?
            }
            ChangesCommand::Sweep(args) => {
                sweep(&args, &mut drain, &TimeZone::UTC, &mut out, &mut notes).await?
            }
            ChangesCommand::Undo(args) => {
                undo(&args, &mut drain, &TimeZone::UTC, &mut out, &mut notes).await?
            }
            ChangesCommand::History(args) => {
                let when = (now, &TimeZone::UTC);
                history(&args, store, id, when, &mut out, &mut notes).await?
            }
            ChangesCommand::Ignore(args) => ignore(&args, store, id, now, &mut out).await?,
        };
        Ok(Answer {
            out: String::from_utf8(out)?,
            notes: String::from_utf8(notes)?,
            exit,
        })
    }

    /// The same for a command that must work.
    pub(crate) async fn says(&self, line: &str) -> Answer {
        self.command(line).await.unwrap()
    }
}
