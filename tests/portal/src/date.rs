//! Dates as the portal writes and reads them: whole seconds, in the portal's zone (+03:00).

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::{Offset, TimeZone};

/// The portal's zone.
fn zone() -> TimeZone {
    TimeZone::fixed(Offset::constant(3))
}

/// `2026-01-05T10:00:00+03:00` for whole Unix seconds.
pub(crate) fn format(seconds: i64) -> String {
    Timestamp::from_second(seconds)
        .unwrap_or(Timestamp::UNIX_EPOCH)
        .to_zoned(zone())
        .strftime("%Y-%m-%dT%H:%M:%S%:z")
        .to_string()
}

/// Reads a date with or without a zone; one without belongs to the portal's zone. Fractions of a
/// second are dropped.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(instant.as_second());
    }
    let local = text
        .parse::<DateTime>()
        .or_else(|_| text.parse::<Date>().map(DateTime::from))
        .ok()?;
    Some(local.to_zoned(zone()).ok()?.timestamp().as_second())
}

#[cfg(test)]
mod tests {
    use super::{format, parse};

    #[test]
    fn zones_name_the_same_instant() {
        assert_eq!(format(1_767_596_400), "2026-01-05T10:00:00+03:00");
        for text in [
            "2026-01-05T10:00:00+03:00",
            "2026-01-05T07:00:00Z",
            "2026-01-05T07:00:00.900+00:00",
            "2026-01-05T10:00:00",
            "2026-01-05 10:00:00",
        ] {
            assert_eq!(parse(text), Some(1_767_596_400), "{text}");
        }
        assert_eq!(parse("2026-01-05T10:00:00 03:00"), None);
    }
}
