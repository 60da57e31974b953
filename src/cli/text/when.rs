//! Moments as people type them: a time, a day, or so long ago.

use std::{io, io::Write, str::FromStr};

use anyhow::Context as _;
use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, DateTime},
    tz::TimeZone,
};
use serde::{Deserialize, Serialize};

use super::length;
use crate::cli::exit::{Exit, Refusal};

/// A moment on the command line. What is relative counts from when the command started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum When {
    /// `2026-01-05T10:00:00+01:00`, or `2026-01-05` for the start of that day in UTC.
    At(Timestamp),
    /// `2026-01-05T10:00`: that time on the clocks of this host.
    Local(DateTime),
    /// `2d`, `36h`, `1h 30m`: so long ago.
    Ago(SignedDuration),
}

/// How a moment may be written, for help texts.
pub(in crate::cli) const TIMES: &str = "\
Times: 2026-01-05T10:00:00Z, or with another zone such as +01:00; 2026-01-05 for
the start of that day in UTC; 2026-01-05T10:00 in this host's zone; or how long
ago: 2d, 36h, 1h 30m.";

impl When {
    /// The moment that is meant, seen from `now`. How a time without a zone is taken is said in `notes`.
    ///
    /// # Errors
    /// Where the clocks of this host skip that time or show it twice.
    pub(in crate::cli) fn resolve(
        self,
        now: Timestamp,
        zone: &TimeZone,
        notes: &mut (dyn Write + Send),
    ) -> anyhow::Result<Timestamp> {
        Ok(match self {
            Self::At(moment) => moment,
            Self::Ago(duration) => now.checked_sub(duration).unwrap_or(Timestamp::MIN),
            Self::Local(time) => {
                let found = zone.to_ambiguous_timestamp(time).unambiguous();
                let moment = found.map_err(|_| Refusal {
                    exit: Exit::Usage,
                    message: format!(
                        "{time} comes twice or never in this host's time zone; add the zone, such as \
                         {time}Z"
                    ),
                })?;
                said(time, moment, notes).context("standard error cannot be written")?;
                moment
            }
        })
    }
}

fn said(time: DateTime, moment: Timestamp, notes: &mut dyn Write) -> io::Result<()> {
    writeln!(
        notes,
        "{time} has no zone and is taken as this host's local time: {moment:.0}"
    )
}

impl FromStr for When {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        read(text).ok_or_else(|| {
            "write a time such as 2026-01-05T10:00:00Z, a day such as 2026-01-05, or how long ago, \
             such as 2d or 36h"
                .to_owned()
        })
    }
}

fn read(text: &str) -> Option<When> {
    if let Ok(moment) = text.parse() {
        return Some(When::At(moment));
    }
    let digit = |c: char| c.is_ascii_digit();
    let shape: String = text
        .chars()
        .map(|c| if digit(c) { '0' } else { c })
        .collect();
    if shape == "0000-00-00" {
        let start = text.parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok()?;
        return Some(When::At(start.timestamp()));
    }
    // A time of day, and nothing behind it: what is cut off by a parser that knows better is no time.
    let local = shape.starts_with("0000-00-00T00:00") || shape.starts_with("0000-00-00 00:00");
    if local {
        let rest = &shape["0000-00-00T00:00".len()..];
        let seconds = rest.is_empty()
            || rest == ":00"
            || (rest.starts_with(":00.") && rest[4..].chars().all(digit));
        return seconds
            .then(|| text.parse().ok().map(When::Local))
            .flatten();
    }
    if text.chars().all(digit) {
        return None;
    }
    length::read(text).map(When::Ago)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(text: &str) -> Option<(String, bool)> {
        let now: Timestamp = "2026-03-10T12:00:00Z".parse().ok()?;
        let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").ok()?;
        let mut notes = Vec::new();
        let moment = text
            .parse::<When>()
            .ok()?
            .resolve(now, &zone, &mut notes)
            .ok()?;
        Some((moment.to_string(), !notes.is_empty()))
    }

    #[test]
    fn moments_are_read_as_people_write_them() {
        for (text, moment, is_local) in [
            ("2026-01-05T10:00:00+01:00", "2026-01-05T09:00:00Z", false),
            ("2026-01-05T10:00Z", "2026-01-05T10:00:00Z", false),
            ("2026-01-05", "2026-01-05T00:00:00Z", false),
            ("2026-01-05T15:00", "2026-01-05T14:00:00Z", true),
            ("2026-07-05 15:00:30", "2026-07-05T13:00:30Z", true),
            ("2026-01-05T15:00:00.5", "2026-01-05T14:00:00.5Z", true),
            ("2d", "2026-03-08T12:00:00Z", false),
            ("1w", "2026-03-03T12:00:00Z", false),
            ("1h 30m", "2026-03-10T10:30:00Z", false),
        ] {
            let expected = Some((moment.to_owned(), is_local));
            assert_eq!(resolved(text), expected, "{text}");
        }
    }

    #[test]
    fn nothing_else_is_taken_for_a_time() {
        for text in [
            "",
            "yesterday",
            "5",
            "20260105",
            "-2d",
            "1mo",
            "2026-13-01",
            "2026-01-05T25:00",
            "2026-01-05T15",
            "2026-01-05T15:00:00 tomorrow",
            "2026-01-05T15:00[Nowhere/City]",
            "2026-01-05T",
            "2026-01-05Z",
            // Skipped, and shown twice.
            "2026-03-29T02:30",
            "2026-10-25T02:30",
        ] {
            assert_eq!(resolved(text), None, "{text}");
        }
    }
}
