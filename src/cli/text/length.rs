//! Lengths of time and counts, as people write and read them.

use std::time::Duration;

use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};

use crate::clock::seconds_between;

/// A length of time in its largest unit that makes sense: `42 s`, `5 min`, `3 h`, `12 days`.
pub(in crate::cli) fn length(seconds: f64) -> String {
    let seconds = seconds.max(0.0);
    match seconds {
        ..120.0 => format!("{} s", seconds as u64),
        ..7200.0 => format!("{} min", (seconds / 60.0) as u64),
        ..172_800.0 => format!("{} h", (seconds / 3600.0) as u64),
        _ => format!("{} days", (seconds / 86_400.0) as u64),
    }
}

/// How long ago a moment was.
pub(in crate::cli) fn age(moment: Timestamp, now: Timestamp) -> String {
    length(seconds_between(moment, now))
}

/// Reads `90s`, `2m`, `1h 30m`, `2d` and the like; a day has 24 hours.
pub(in crate::cli) fn read(text: &str) -> Option<SignedDuration> {
    let span: Span = text.trim().parse().ok()?;
    let length = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    Some(length).filter(|length| !length.is_negative())
}

/// An option's duration: as [`read`] has it, or a number of seconds.
pub(in crate::cli) fn duration(text: &str) -> Result<Duration, String> {
    let length = match text.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => read(text).and_then(|length| length.try_into().ok()),
    };
    let usable = length.filter(|length| *length <= LONGEST);
    usable.ok_or_else(|| "write a duration such as 90s, 2m, 1h or 2d".to_owned())
}

/// The longest duration that makes sense: a hundred years.
const LONGEST: Duration = Duration::from_secs(100 * 366 * 24 * 3600);

/// A count with its noun: `1 row`, `2 rows`.
pub(in crate::cli) fn count(number: u64, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, seconds) in [
            ("90", 90),
            ("90s", 90),
            ("2m", 120),
            ("1h 30m", 5400),
            ("2d", 172_800),
            ("1w", 604_800),
            ("PT5M", 300),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "-2m", "1mo", "soon", "1e9", "18446744073709551615"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn lengths_are_told_in_one_unit() {
        for (seconds, told) in [
            (-5.0, "0 s"),
            (119.9, "119 s"),
            (120.0, "2 min"),
            (7200.0, "2 h"),
            (200_000.0, "2 days"),
        ] {
            assert_eq!(length(seconds), told);
        }
    }
}
