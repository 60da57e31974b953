//! Policy section 1: where the tokens of a field and the parts of a token begin and end.

use std::ops::Range;

use smallvec::SmallVec;

use super::glyph::{Glyph, Glyphs, Kind};

/// Places in the glyphs of a field (or of a token, for parts).
pub(in crate::names) type Span = Range<usize>;

/// The spans of a usual name, without the heap.
pub(in crate::names) type Spans = SmallVec<[Span; 8]>;

/// A text as the engine works on it.
pub(in crate::names) fn glyphs(text: &str) -> Glyphs {
    text.chars().map(Glyph::new).collect()
}

/// Tokens: maximal runs without white space.
pub(in crate::names) fn tokens(field: &[Glyph]) -> Spans {
    runs(field, |at| field[at].kind != Kind::White)
}

/// Parts: maximal runs of word characters inside a token.
pub(in crate::names) fn parts(token: &[Glyph]) -> Spans {
    runs(token, |at| is_word_character(token, at))
}

fn runs(glyphs: &[Glyph], belongs: impl Fn(usize) -> bool) -> Spans {
    let mut runs = Spans::new();
    let mut start = None;
    for at in 0..glyphs.len() {
        match (start, belongs(at)) {
            (None, true) => start = Some(at),
            (Some(from), false) => {
                runs.push(from..at);
                start = None;
            }
            _ => {}
        }
    }
    if let Some(from) = start {
        runs.push(from..glyphs.len());
    }
    runs
}

/// Whether a character of a token belongs to a part.
pub(in crate::names) fn is_word_character(token: &[Glyph], at: usize) -> bool {
    match token[at].kind {
        Kind::Letter
        | Kind::Mark
        | Kind::Digit
        | Kind::Format
        | Kind::Apostrophe
        | Kind::TurnedComma
        | Kind::MiddleDot => true,
        _ => replaces_ukrainian_apostrophe(token, at),
    }
}

/// `"` or `*` directly between two Cyrillic letters, as in older Ukrainian data: `Дем"яненко`.
fn replaces_ukrainian_apostrophe(token: &[Glyph], at: usize) -> bool {
    let is_cyrillic = |place: Option<usize>| {
        place
            .and_then(|place| token.get(place))
            .is_some_and(|glyph| glyph.is_cyrillic_letter())
    };
    matches!(token[at].ch, '"' | '*')
        && is_cyrillic(at.checked_sub(1))
        && is_cyrillic(at.checked_add(1))
}
