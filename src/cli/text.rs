//! Text for people at a terminal: lengths of time, and lines that fit 80 columns.

use jiff::Timestamp;
use serde::Serializer;

use crate::clock::seconds_between;

/// How wide the output for people is.
pub(super) const WIDTH: usize = 80;

/// A length of time in its largest unit that makes sense: `42 s`, `5 min`, `3 h`, `12 days`.
pub(super) fn length(seconds: f64) -> String {
    let seconds = seconds.max(0.0);
    match seconds {
        ..120.0 => format!("{} s", seconds as u64),
        ..7200.0 => format!("{} min", (seconds / 60.0) as u64),
        ..172_800.0 => format!("{} h", (seconds / 3600.0) as u64),
        _ => format!("{} days", (seconds / 86_400.0) as u64),
    }
}

/// How long ago a moment was.
pub(super) fn age(moment: Timestamp, now: Timestamp) -> String {
    length(seconds_between(moment, now))
}

/// Serialises a moment as RFC 3339 in UTC, to the second: what reads it, such as jq, knows no fractions.
pub(super) fn to_the_second<S: Serializer>(
    moment: &Timestamp,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{moment:.0}"))
}

/// The same for a moment that there may not be.
pub(super) fn to_the_second_if_any<S: Serializer>(
    moment: &Option<Timestamp>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match moment {
        Some(moment) => to_the_second(moment, serializer),
        None => serializer.serialize_none(),
    }
}

/// A moment to the second, in UTC.
pub(super) fn moment(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// A count with its noun: `1 row`, `2 rows`.
pub(super) fn count(number: u64, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{ending}")
}

/// The text on one line of at most `width` characters; what is cut off leaves a mark.
pub(super) fn cut(text: &str, width: usize) -> String {
    let line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if line.chars().count() <= width {
        return line;
    }
    let kept: String = line.chars().take(width.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// The text in lines of at most `width` characters, broken at spaces where there are any.
pub(super) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let Some(line) = lines.last_mut() else {
            break;
        };
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
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

    #[test]
    fn wrapping_keeps_every_word() {
        let text = "one two three four";
        assert_eq!(wrapped(text, 9), ["one two", "three", "four"]);
    }
}
