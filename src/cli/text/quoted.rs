//! Texts from the portal, made safe for a terminal.

/// The text in quotes, with everything that could move the cursor or turn the line round spelt out.
#[must_use]
pub(in crate::cli) fn quoted(text: &str) -> String {
    format!(
        "\"{}\"",
        spelt_out(&text.replace('\\', r"\\").replace('"', "\\\""))
    )
}

/// The same without quotes.
#[must_use]
pub(in crate::cli) fn spelt_out(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            c if c.is_control() || is_invisible(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

/// Characters without a shape of their own: direction marks, zero-width ones, line separators.
pub(in crate::cli) fn is_invisible(character: char) -> bool {
    matches!(character, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn nothing_reaches_the_terminal_but_letters() {
        assert_eq!(quoted("Żaneta O'Neill"), "\"Żaneta O'Neill\"");
        assert_eq!(
            quoted("a\u{1b}[31m\"\u{202e}b"),
            r#""a\u{1b}[31m\"\u{202e}b""#
        );
    }
}
