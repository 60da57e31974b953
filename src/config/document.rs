use std::cell::RefCell;
use std::io;
use std::ops::Range;
use std::path::Path;

use toml::de::DeTable;

use super::file::{self, FileError, LONGEST_TEXT};
use super::problem::{Problem, Problems};

/// The configuration file while it is being read, and everything found wrong or
/// odd so far.
pub(super) struct Document<'a> {
    file: &'a Path,
    text: &'a str,
    /// Where each line ends, in bytes.
    line_ends: Vec<usize>,
    findings: RefCell<Findings>,
}

/// What is wrong or odd, as far as it was met.
#[derive(Default)]
struct Findings {
    /// The configuration cannot be used.
    problems: Vec<Problem>,
    /// The portals that need these secrets cannot be worked with.
    secrets: Vec<Problem>,
    /// Nobody is kept from working.
    remarks: Vec<Problem>,
}

/// What keeps single portals from working, and what keeps nobody.
pub(super) struct Minor {
    pub(super) secrets: Vec<Problem>,
    pub(super) remarks: Vec<Problem>,
}

impl<'a> Document<'a> {
    pub(super) fn new(file: &'a Path, text: &'a str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        Self {
            file,
            text,
            line_ends: breaks.map(|(at, _)| at).collect(),
            findings: RefCell::default(),
        }
    }

    /// The file as TOML. Each line whose syntax is wrong gets one problem; then
    /// there is no telling what the rest means.
    ///
    /// The parser's own error text shows the line, secrets and all: only its
    /// message is used, which is made of fixed phrases.
    pub(super) fn parse(&self) -> Option<DeTable<'a>> {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        let mut last_line = None;
        for error in &errors {
            let line = error.span().map(|span| self.line(&span));
            if line.is_none() || line != last_line {
                let what = format!("is not valid TOML: {}", error.message());
                self.report(self.problem(line, "", what, "correct this line, then check again"));
            }
            last_line = line;
        }
        errors.is_empty().then(|| table.into_inner())
    }

    /// Something about a key of this file.
    pub(super) fn problem(
        &self,
        line: Option<usize>,
        key: impl Into<String>,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Problem {
        Problem {
            file: self.file.to_owned(),
            line,
            key: key.into(),
            what: what.into(),
            remedy: remedy.into(),
            passing: false,
        }
    }

    /// Remembers a problem: the configuration cannot be used.
    pub(super) fn report(&self, problem: Problem) {
        self.findings.borrow_mut().problems.push(problem);
    }

    /// Remembers why there is no secret for one or more portals. Answers it.
    pub(super) fn report_secret(&self, problem: Problem) -> Problem {
        self.findings.borrow_mut().secrets.push(problem.clone());
        problem
    }

    /// Remembers something odd that keeps nobody from working.
    pub(super) fn remark(&self, remark: Problem) {
        self.findings.borrow_mut().remarks.push(remark);
    }

    /// The line, counted from 1, on which a stretch of the text begins.
    pub(super) fn line(&self, span: &Range<usize>) -> usize {
        1 + self.line_ends.partition_point(|end| *end < span.start)
    }

    /// What was met, in the order of a reader.
    ///
    /// # Errors
    /// Everything that has to be mended, secrets included, where the configuration cannot be used.
    pub(super) fn finish(self) -> Result<Minor, Problems> {
        let file = self.file;
        let ordered = |mut found: Vec<Problem>| {
            found.sort_by_cached_key(|problem| {
                let elsewhere = (problem.file != file).then(|| problem.file.clone());
                (elsewhere, problem.line.unwrap_or(usize::MAX))
            });
            found
        };
        let findings = self.findings.into_inner();
        let Findings {
            mut problems,
            mut secrets,
            remarks,
        } = findings;
        if problems.is_empty() {
            return Ok(Minor {
                secrets: ordered(secrets),
                remarks: ordered(remarks),
            });
        }
        problems.append(&mut secrets);
        Err(Problems(ordered(problems)))
    }
}

/// The file's text, or the one problem that stands before all others.
pub(super) fn read(file: &Path) -> Result<String, Problems> {
    let problem = |line, what: String, remedy: &str, passing| {
        Problems(vec![Problem {
            file: file.to_owned(),
            line,
            key: String::new(),
            what,
            remedy: remedy.to_owned(),
            passing,
        }])
    };
    let bytes = file::read(file, LONGEST_TEXT).map_err(|error| {
        let remedy = match &error {
            _ if error.is_passing() => "close what holds so many files, or raise the limit",
            FileError::Io(_) if file.starts_with("~") => {
                "write the whole path: ~ is no folder, only a shell makes it one"
            }
            FileError::Io(error) if error.kind() == io::ErrorKind::NotFound => {
                "create it from the example, or name another with --config or B24_TIDYD_CONFIG"
            }
            FileError::Io(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                "run as the service user, or let its group read the file"
            }
            _ => "name a readable file with --config or B24_TIDYD_CONFIG",
        };
        problem(None, error.to_string(), remedy, error.is_passing())
    })?;
    String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + valid.iter().filter(|byte| **byte == b'\n').count();
        let what = "is not UTF-8".to_owned();
        problem(Some(line), what, "save the file as UTF-8", false)
    })
}
