//! A moment before which something cannot be done, and why.

use jiff::Timestamp;

/// Something cannot be done before a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    /// When it can be tried.
    pub until: Timestamp,
    /// What is in the way.
    pub why: String,
}

impl Wait {
    /// A wait until a moment, for a reason in words.
    pub(super) fn new(until: Timestamp, why: &impl ToString) -> Self {
        Self {
            until,
            why: why.to_string(),
        }
    }
}
