//! Lines that fit 80 columns, as a terminal counts them.

use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// How wide the output for people is.
pub(in crate::cli) const WIDTH: usize = 80;

/// The columns that a text takes.
pub(in crate::cli) fn width(text: &str) -> usize {
    text.width()
}

/// The text on one line of at most `columns`; what is cut off leaves a mark.
pub(in crate::cli) fn cut(text: &str, columns: usize) -> String {
    let line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if width(&line) <= columns {
        return line;
    }
    let mut room = columns.saturating_sub(1);
    let kept = line.chars().take_while(|character| {
        let taken = character.width().unwrap_or(0);
        let fits = taken <= room;
        room = room.saturating_sub(taken);
        fits
    });
    let kept: String = kept.collect();
    format!("{}…", kept.trim_end())
}

/// The text in lines of at most `columns`, broken at spaces where there are any: a command or an
/// address stays whole.
pub(in crate::cli) fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = words.join(" ");
    let options = Options::new(columns)
        .break_words(false)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation)
        .wrap_algorithm(WrapAlgorithm::FirstFit);
    let lines = textwrap::wrap(&text, options);
    lines.into_iter().map(|line| line.into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapping_keeps_every_word() {
        let text = "one two  three\nfour";
        assert_eq!(wrapped(text, 9), ["one two", "three", "four"]);
        assert_eq!(
            wrapped("see `b24-tidyd-is-long`", 9),
            ["see", "`b24-tidyd-is-long`"]
        );
        assert_eq!(wrapped("", 9), [""]);
    }

    #[test]
    fn wide_characters_take_two_columns() {
        assert_eq!(cut("山田太郎", 8), "山田太郎");
        assert_eq!(cut("山田太郎", 7), "山田太…");
        assert_eq!(cut("山田太郎", 6), "山田…");
        assert_eq!(wrapped("山田 太郎", 5), ["山田", "太郎"]);
    }
}
