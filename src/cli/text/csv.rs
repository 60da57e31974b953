//! Lines for a spreadsheet, as RFC 4180 has them.

use std::{
    borrow::Cow,
    io::{self, Write},
};

use csv::{Terminator, WriterBuilder};
use unicode_normalization::UnicodeNormalization as _;

use super::quoted::is_invisible;

/// Writes one line. A value that a spreadsheet would run as a formula gets a `'` in front: names are
/// typed by strangers.
///
/// # Errors
/// Those of `out`.
pub(in crate::cli) fn write_line<'a>(
    out: &mut (impl Write + ?Sized),
    values: impl IntoIterator<Item = &'a str>,
) -> io::Result<()> {
    let mut line = WriterBuilder::new()
        .terminator(Terminator::CRLF)
        .from_writer(Vec::new());
    line.write_record(values.into_iter().map(|value| guarded(value).into_owned()))?;
    line.flush()?;
    out.write_all(line.get_ref())
}

fn guarded(value: &str) -> Cow<'_, str> {
    match is_formula(value) {
        true => format!("'{value}").into(),
        false => value.into(),
    }
}

/// Whether some spreadsheet takes it for a formula: the wide and small relatives of the signs count, as
/// does what stands behind blanks.
fn is_formula(value: &str) -> bool {
    if value.starts_with(['\t', '\r', '\n']) {
        return true;
    }
    let blank = |c: char| c.is_whitespace() || c.is_control() || is_invisible(c);
    let first = value.trim_start_matches(blank).chars().next();
    let plain = first.into_iter().nfkc().next();
    plain.is_some_and(|c| "=+-@\u{2212}".contains(c))
}

#[cfg(test)]
mod tests {
    use super::write_line;

    #[test]
    fn values_are_quoted_where_needed_and_never_formulas() {
        for (value, written) in [
            ("Anna", "Anna"),
            ("O\"Neill, Jr", "\"O\"\"Neill, Jr\""),
            ("two\nlines", "\"two\nlines\""),
            ("=1+1", "'=1+1"),
            ("@x", "'@x"),
            ("+1", "'+1"),
            ("-a,b", "\"'-a,b\""),
            ("＝1+1", "'＝1+1"),
            ("＠x", "'＠x"),
            ("\u{fe62}1", "'\u{fe62}1"),
            ("\u{207c}1", "'\u{207c}1"),
            ("\u{2212}1", "'\u{2212}1"),
            ("\u{200b} =1", "'\u{200b} =1"),
            ("Anna=1", "Anna=1"),
        ] {
            let mut line = Vec::new();
            assert!(write_line(&mut line, [value, ""]).is_ok());
            assert_eq!(String::from_utf8_lossy(&line), format!("{written},\r\n"));
        }
    }
}
