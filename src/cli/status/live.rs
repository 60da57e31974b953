//! What only the portal can tell: how long its queue is, and how old.

use jiff::Timestamp;
use serde::Serialize;

/// The queue as the portal shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Live {
    /// Rows that nobody has reserved, of our two events.
    pub pending: u64,
    /// Rows that a reservation holds, of our two events.
    pub reserved: u64,
    /// Error rows that nobody has reserved, of our two events.
    pub errors: u64,
    /// Rows of other events, for other handlers of the application.
    pub foreign: u64,
    /// When the oldest row of our two events last changed.
    pub oldest_at: Option<Timestamp>,
}
