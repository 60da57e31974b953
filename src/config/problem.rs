use std::fmt;
use std::path::PathBuf;

/// One thing that is wrong with the configuration.
///
/// It never carries the value of a key that may hold a secret, nor a piece of
/// the file's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file that needs the correction.
    pub file: PathBuf,
    /// Its line, counted from 1, where the problem has one; a key that is
    /// missing has none.
    pub line: Option<usize>,
    /// The key's path, such as `poll.limit` or `portal.acme.url`; empty where
    /// the file as a whole is meant.
    pub key: String,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
    /// It will pass by itself: the host has run out of file descriptors or memory.
    pub passing: bool,
}

impl fmt::Display for Problem {
    /// `<file>:<line>: <key>: <what is wrong>; <remedy>`, on one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if !self.key.is_empty() {
            write!(f, ": {}", self.key)?;
        }
        write!(f, ": {}; {}", self.what, self.remedy)
    }
}

/// Everything that is wrong with the configuration, in the order of the files'
/// lines. Never empty. The program's answer to it is exit code 78.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    /// One line for each problem, without a newline after the last.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}
