//! What a pass did, how it ended, and how far it has come.

use jiff::Timestamp;

use crate::store::RunTotals;

/// What a pass did and what it left.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// Events settled, contacts changed, requests sent.
    pub totals: RunTotals,
    /// Contacts that were parked in this pass.
    pub parked: u64,
    /// What is left.
    pub outcome: Outcome,
}

impl Summary {
    /// Of a pass that did nothing.
    #[must_use]
    pub(super) fn nothing(outcome: Outcome) -> Self {
        Self {
            totals: RunTotals::default(),
            parked: 0,
            outcome,
        }
    }
}

/// How a pass ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The queue is empty and nothing of ours is open.
    Done,
    /// Work is left that cannot be done now; `until` is when to try again.
    WorkLeft {
        /// When the first of it may be tried.
        until: Timestamp,
        /// Why it waits.
        why: String,
    },
    /// A stop was asked for; the rest stays reserved.
    Stopped,
    /// The portal is paused.
    Paused,
}

impl Outcome {
    /// Whether the portal is looked after: what is left waits for a reason that passes by itself.
    #[must_use]
    pub fn is_success(&self) -> bool {
        matches!(self, Self::Done | Self::WorkLeft { .. })
    }

    /// The outcome in a word or two, as `status` shows it.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::WorkLeft { .. } => "work left",
            Self::Stopped => "stopped",
            Self::Paused => "paused",
        }
    }
}

/// How far a pass has come; reported after each turn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Events settled so far.
    pub events: u64,
    /// Contacts changed so far.
    pub changed: u64,
    /// Contacts in hand that are not done yet.
    pub in_hand: u64,
    /// Events that wait in the portal's queue, where that was asked: in a long drain alone.
    pub waiting: Option<u64>,
}

impl Progress {
    /// Both together.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self {
            events: self.events + other.events,
            changed: self.changed + other.changed,
            in_hand: self.in_hand + other.in_hand,
            waiting: match (self.waiting, other.waiting) {
                (Some(one), Some(two)) => Some(one + two),
                (one, two) => one.or(two),
            },
        }
    }
}
