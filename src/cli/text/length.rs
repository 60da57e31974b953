//! Lengths of time and counts, as people write and read them.

use std::time::Duration;

use jiff::Timestamp;

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

/// Reads `90`, `90s`, `2m`, `1h 30m` and the like.
pub(in crate::cli) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "write a duration such as 90s, 2m or 1h".to_owned();
    if let Ok(seconds) = text.parse() {
        return Ok(Duration::from_secs(seconds));
    }
    let span: jiff::SignedDuration = text.parse().map_err(|_| wrong())?;
    Duration::try_from(span).map_err(|_| wrong())
}

/// A count with its noun: `1 row`, `2 rows`.
pub(in crate::cli) fn count(number: u64, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

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
