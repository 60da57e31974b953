//! Moments, as people and programs read them.

use jiff::Timestamp;
use serde::Serializer;

/// Serialises a moment as RFC 3339 in UTC, to the second: what reads it, such as jq, knows no fractions.
pub(in crate::cli) fn to_the_second<S: Serializer>(
    moment: &Timestamp,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{moment:.0}"))
}

/// The same for a moment that there may not be.
pub(in crate::cli) fn to_the_second_if_any<S: Serializer>(
    moment: &Option<Timestamp>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match moment {
        Some(moment) => to_the_second(moment, serializer),
        None => serializer.serialize_none(),
    }
}

/// A moment to the second, in UTC.
pub(in crate::cli) fn moment(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}
