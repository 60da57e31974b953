//! What others say, made fit to be shown: every text from outside passes here once, where it is decoded.

/// The longest text from outside that is kept, in characters.
pub const LONGEST: usize = 300;

/// What the portal or the authorisation server said: an error code (which may be empty) and a text. Both
/// are one short plain line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Said {
    /// The `error` member, possibly empty.
    pub code: String,
    /// The `error_description` member, without markup.
    pub text: String,
}

impl Said {
    /// What was said, tamed.
    #[must_use]
    pub fn new(code: &str, text: &str) -> Self {
        Self {
            code: tame(code),
            text: tame(&without_markup(text)),
        }
    }

    /// A text without a code.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::new("", text)
    }

    /// Whether the code is `code`, in any case.
    #[must_use]
    pub fn is(&self, code: &str) -> bool {
        self.code.eq_ignore_ascii_case(code)
    }
}

impl std::fmt::Display for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.code.is_empty(), self.text.is_empty()) {
            (true, true) => f.write_str("an error without code or text"),
            (true, false) => f.write_str(&self.text),
            (false, true) => f.write_str(&self.code),
            (false, false) => write!(f, "{} ({})", self.text, self.code),
        }
    }
}

/// A text as one line of [`LONGEST`] characters at most, without anything that a terminal or a log would
/// obey: control characters, line breaks, and what changes the direction of writing or hides.
#[must_use]
pub fn tame(text: &str) -> String {
    let mut line = String::new();
    let (mut length, mut gap) = (0, false);
    for character in text.chars() {
        if character.is_whitespace() || character.is_control() {
            gap = length > 0;
            continue;
        }
        if is_unseen(character) {
            continue;
        }
        if gap {
            line.push(' ');
            length += 1;
            gap = false;
        }
        if length >= LONGEST {
            break;
        }
        line.push(character);
        length += 1;
    }
    line.truncate(line.trim_end().len());
    line
}

/// Characters that turn the direction of what follows, or are not seen at all.
fn is_unseen(character: char) -> bool {
    matches!(
        character,
        '\u{ad}'
            | '\u{61c}'
            | '\u{200b}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

/// Error texts may contain HTML: tags go, what looks like one and has no end stays.
fn without_markup(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    // More than is ever shown need not be read.
    while let Some(at) = rest.find('<')
        && plain.len() < 16 * LONGEST
    {
        let (before, tag) = rest.split_at(at);
        plain.push_str(before);
        let opens = tag[1..].starts_with(|c: char| c.is_ascii_alphabetic() || "/!?".contains(c));
        match tag.find('>').filter(|_| opens) {
            Some(end) => {
                plain.push(' ');
                rest = &tag[end + 1..];
            }
            None => {
                plain.push('<');
                rest = &tag[1..];
            }
        }
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_is_left() {
        let text = "\u{1b}[31mred\u{7}\r\n<3>kernel: forged\u{202e}gnp.exe\u{2066} a\u{0}b\u{85}c";
        assert_eq!(tame(text), "[31mred <3>kernel: forgedgnp.exe a b c");
        assert_eq!(tame(&"я".repeat(20_000)).chars().count(), LONGEST);
        assert_eq!(tame(" \u{feff} "), "");
    }

    #[test]
    fn markup_goes_and_comparisons_stay() {
        let said = Said::new(
            "E\n1",
            &format!("<b>Wrong</b>\n value {}", "x".repeat(1000)),
        );
        assert_eq!(said.code, "E 1");
        assert!(said.text.starts_with("Wrong value xxx"));
        assert_eq!(said.text.chars().count(), LONGEST);
        assert_eq!(Said::text("a < b and <c").text, "a < b and <c");
        assert_eq!(Said::text("one<br>two").text, "one two");
    }
}
