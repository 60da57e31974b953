//! Moments as the store keeps them.

use jiff::Timestamp;

/// A moment as the store keeps it: unix milliseconds.
pub(super) fn millis(moment: Timestamp) -> i64 {
    moment.as_millisecond()
}

/// A stored moment; one that no clock can have written counts as the beginning of time.
pub(super) fn moment(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::UNIX_EPOCH)
}
