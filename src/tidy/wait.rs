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
