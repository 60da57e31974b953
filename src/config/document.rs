use std::cell::RefCell;
use std::fs;
use std::io;
use std::ops::Range;
use std::path::Path;

use toml::de::DeTable;

use super::problem::{Problem, Problems};

/// The configuration file while it is being read, and everything found wrong so
/// far.
pub(super) struct Document<'a> {
    file: &'a Path,
    text: &'a str,
    problems: RefCell<Vec<Problem>>,
}

impl<'a> Document<'a> {
    pub(super) fn new(file: &'a Path, text: &'a str) -> Self {
        Self {
            file,
            text,
            problems: RefCell::new(Vec::new()),
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
                self.report(
                    line,
                    "",
                    format!("is not valid TOML: {}", error.message()),
                    "correct this line, then check again",
                );
            }
            last_line = line;
        }
        errors.is_empty().then(|| table.into_inner())
    }

    /// Remembers a problem of this file.
    pub(super) fn report(
        &self,
        line: Option<usize>,
        key: impl Into<String>,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.report_in(self.file, line, key, what, remedy);
    }

    /// Remembers a problem of a file that this one names.
    pub(super) fn report_in(
        &self,
        file: &Path,
        line: Option<usize>,
        key: impl Into<String>,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.problems.borrow_mut().push(Problem {
            file: file.to_owned(),
            line,
            key: key.into(),
            what: what.into(),
            remedy: remedy.into(),
        });
    }

    /// The line, counted from 1, on which a stretch of the text begins.
    pub(super) fn line(&self, span: &Range<usize>) -> usize {
        let before = &self.text.as_bytes()[..span.start.min(self.text.len())];
        1 + before.iter().filter(|byte| **byte == b'\n').count()
    }

    /// The problems in the order a reader meets them; none where all is well.
    pub(super) fn problems(self) -> Problems {
        let mut problems = self.problems.into_inner();
        problems.sort_by_key(|problem| {
            let elsewhere = (problem.file != self.file).then(|| problem.file.clone());
            (elsewhere, problem.line.unwrap_or(usize::MAX))
        });
        Problems(problems)
    }
}

/// The file's text, or the one problem that stands before all others.
pub(super) fn read(file: &Path) -> Result<String, Problems> {
    let problem = |line, what: String, remedy: &str| {
        Problems(vec![Problem {
            file: file.to_owned(),
            line,
            key: String::new(),
            what,
            remedy: remedy.to_owned(),
        }])
    };
    let bytes = fs::read(file).map_err(|error| {
        let remedy = match error.kind() {
            io::ErrorKind::NotFound => {
                "create it from the example, or name another with --config or B24_TIDYD_CONFIG"
            }
            io::ErrorKind::PermissionDenied => {
                "run as the service user, or let its group read the file"
            }
            _ => "name a readable file with --config or B24_TIDYD_CONFIG",
        };
        problem(None, format!("cannot be read: {error}"), remedy)
    })?;
    String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + valid.iter().filter(|byte| **byte == b'\n').count();
        problem(
            Some(line),
            "is not UTF-8".to_owned(),
            "save the file as UTF-8",
        )
    })
}
