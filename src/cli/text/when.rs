//! Moments as people type them: a time, a day, or so long ago.

use std::str::FromStr;

use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};

/// A moment on the command line. What is relative counts from when the command started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum When {
    /// `2026-01-05T10:00:00+01:00`, or `2026-01-05` for the start of that day in UTC.
    At(Timestamp),
    /// `2d`, `36h`, `1h 30m`: so long ago.
    Ago(SignedDuration),
}

impl When {
    /// The moment that is meant, seen from `now`.
    #[must_use]
    pub fn resolve(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(moment) => moment,
            Self::Ago(duration) => now.checked_sub(duration).unwrap_or(Timestamp::MIN),
        }
    }
}

impl FromStr for When {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(moment) = text.parse() {
            return Ok(Self::At(moment));
        }
        if let Some(start) = text
            .parse::<Date>()
            .ok()
            .and_then(|day| day.to_zoned(TimeZone::UTC).ok())
        {
            return Ok(Self::At(start.timestamp()));
        }
        text.parse::<Span>()
            .and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()))
            .ok()
            .filter(|duration| !duration.is_negative())
            .map(Self::Ago)
            .ok_or_else(|| {
                "write a time such as 2026-01-05T10:00:00Z, a day such as 2026-01-05, \
                 or how long ago, such as 2d or 36h"
                    .to_owned()
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(text: &str) -> Option<String> {
        let now: Timestamp = "2026-03-10T12:00:00Z".parse().ok()?;
        Some(text.parse::<When>().ok()?.resolve(now).to_string())
    }

    #[test]
    fn moments_are_read_as_people_write_them() {
        for (text, moment) in [
            ("2026-01-05T10:00:00+01:00", "2026-01-05T09:00:00Z"),
            ("2026-01-05", "2026-01-05T00:00:00Z"),
            ("2d", "2026-03-08T12:00:00Z"),
            ("1w", "2026-03-03T12:00:00Z"),
            ("1h 30m", "2026-03-10T10:30:00Z"),
        ] {
            assert_eq!(resolved(text).as_deref(), Some(moment), "{text}");
        }
        for text in ["", "yesterday", "5", "-2d", "2026-13-01"] {
            assert_eq!(resolved(text), None, "{text}");
        }
    }
}
