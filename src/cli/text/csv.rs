//! Lines for a spreadsheet, as RFC 4180 has them.

use std::io::{self, Write};

/// Writes one line. A value that a spreadsheet would run as a formula gets a `'` in front: names are
/// typed by strangers.
///
/// # Errors
/// Those of `out`.
pub(in crate::cli) fn write_line<'a>(
    out: &mut (impl Write + ?Sized),
    values: impl IntoIterator<Item = &'a str>,
) -> io::Result<()> {
    let line: Vec<String> = values.into_iter().map(cell).collect();
    write!(out, "{}\r\n", line.join(","))
}

fn cell(value: &str) -> String {
    let formula = value.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let guard = if formula { "'" } else { "" };
    if value.contains(['"', ',', '\r', '\n']) {
        format!("\"{guard}{}\"", value.replace('"', "\"\""))
    } else {
        format!("{guard}{value}")
    }
}

#[cfg(test)]
mod tests {
    use super::cell;

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
            ("", ""),
        ] {
            assert_eq!(cell(value), written);
        }
    }
}
