//! What the doctor finds, and how it is told.

use std::io::{self, Write};

use jiff::Timestamp;
use serde::Serialize;

use crate::condition::{Condition, Trouble};

use crate::cli::{
    exit::{Exit, first_of, of_condition},
    text::{WIDTH, count, wrapped},
};

/// How a precondition is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It is met.
    Ok,
    /// Work goes on, but not as it should.
    Warning,
    /// Nothing works before this is mended.
    Failed,
    /// It could not be looked at.
    Skipped,
}

impl Verdict {
    fn mark(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "WARN",
            Self::Failed => "FAIL",
            Self::Skipped => "--",
        }
    }
}

/// One precondition, looked at.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// The portal that is meant; none where the host is.
    pub portal: Option<String>,
    /// What was looked at.
    pub check: &'static str,
    /// How it is.
    pub result: Verdict,
    /// What was found.
    pub detail: String,
    /// What to do about it.
    pub remedy: Option<String>,
    #[serde(skip)]
    exit: Exit,
}

/// Everything that was found so far.
#[derive(Debug, Default)]
pub(super) struct Chart {
    portal: Option<String>,
    findings: Vec<Finding>,
}

impl Chart {
    /// What follows is about this portal.
    pub(super) fn turn_to(&mut self, portal: &str) {
        self.portal = Some(portal.to_owned());
    }

    pub(super) fn ok(&mut self, check: &'static str, detail: impl Into<String>) {
        self.add(check, Verdict::Ok, Exit::Done, detail.into(), None);
    }

    pub(super) fn skip(&mut self, check: &'static str, why: impl Into<String>) {
        self.add(check, Verdict::Skipped, Exit::Done, why.into(), None);
    }

    /// Something is not as it should be; a remedy may stand behind the last semicolon.
    pub(super) fn warn(&mut self, check: &'static str, text: impl Into<String>) {
        let (detail, remedy) = split(text.into());
        self.add(check, Verdict::Warning, Exit::Done, detail, remedy);
    }

    /// Something has to be mended; a remedy may stand behind the last semicolon.
    pub(super) fn fail(&mut self, check: &'static str, exit: Exit, text: impl Into<String>) {
        let (detail, remedy) = split(text.into());
        self.add(check, Verdict::Failed, exit, detail, remedy);
    }

    /// A condition, in the words that `status` has for it.
    pub(super) fn condition(&mut self, condition: &Condition) {
        let exit = of_condition(condition);
        let result = match exit {
            Exit::Done => Verdict::Warning,
            _ => Verdict::Failed,
        };
        let (text, remedy) = (condition.text.clone(), Some(condition.advice()));
        self.add(condition.kind.as_str(), result, exit, text, remedy);
    }

    /// What somebody refused, in the words of the conditions.
    pub(super) fn refused(&mut self, check: &'static str, exit: Exit, trouble: &Trouble) {
        let condition = trouble.since(Timestamp::UNIX_EPOCH, self.portal.as_deref());
        let remedy = Some(condition.remedy).filter(|remedy| !remedy.is_empty());
        self.add(check, Verdict::Failed, exit, condition.text, remedy);
    }

    fn add(
        &mut self,
        check: &'static str,
        result: Verdict,
        exit: Exit,
        detail: String,
        remedy: Option<String>,
    ) {
        self.findings.push(Finding {
            portal: self.portal.clone(),
            check,
            result,
            detail,
            remedy,
            exit,
        });
    }

    fn number(&self, verdict: Verdict) -> u64 {
        let all = self.findings.iter();
        all.filter(|finding| finding.result == verdict).count() as u64
    }

    /// The exit code: that of what has to be mended first.
    pub(super) fn exit(&self) -> Exit {
        first_of(self.findings.iter().map(|finding| finding.exit))
    }

    pub(super) fn write_json(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        let ok = self.number(Verdict::Failed) == 0;
        let answer = serde_json::json!({"ok": ok, "checks": self.findings});
        serde_json::to_writer_pretty(&mut *out, &answer)?;
        writeln!(out)?;
        Ok(())
    }

    pub(super) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut heading = None;
        for finding in &self.findings {
            if heading != Some(&finding.portal) {
                heading = Some(&finding.portal);
                let name = finding.portal.as_deref().unwrap_or("this host");
                writeln!(out, "{name}")?;
            }
            finding.write(out)?;
        }
        writeln!(
            out,
            "{}: {} failed, {}, {} skipped",
            count(self.findings.len() as u64, "check"),
            self.number(Verdict::Failed),
            count(self.number(Verdict::Warning), "warning"),
            self.number(Verdict::Skipped)
        )
    }
}

/// The column in which the words begin.
const INDENT: usize = 25;

impl Finding {
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut start = format!("  {:4}  {:15}  ", self.result.mark(), self.check);
        let remedy = self.remedy.iter().map(|remedy| format!("-> {remedy}"));
        for text in [self.detail.clone()].into_iter().chain(remedy) {
            for line in wrapped(&text, WIDTH - INDENT) {
                writeln!(out, "{start}{line}")?;
                start = " ".repeat(INDENT);
            }
        }
        Ok(())
    }
}

/// What is wrong, and what to do, as errors of this program tell them: with a semicolon between, the last
/// one, as servers may use some too.
fn split(text: String) -> (String, Option<String>) {
    match text.rsplit_once("; ") {
        Some((detail, remedy)) => (detail.to_owned(), Some(remedy.to_owned())),
        None => (text, None),
    }
}
