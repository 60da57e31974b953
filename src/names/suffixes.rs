//! Policy sections 6.3 and 6.4: what may stand after a name.

use super::casing::Casing;
use super::fold::Fold;
use super::glyph::Glyph;
use super::lexicon::{Lexicon, Lists};
use super::lists;
use super::shape::Shape;
use super::text::Span;

/// 6.3 A post-nominal, which is never the first token: `true` if the token was one, and it now has
/// the entry's case. A token in title case (`Mba`) is a surname.
pub(super) fn tidy_post_nominal(
    casing: Casing,
    lexicon: &Lexicon,
    token: &mut [Glyph],
    shape: Option<Shape>,
) -> bool {
    if !token
        .iter()
        .all(|glyph| glyph.is_letter() || matches!(glyph.ch, '.' | ','))
    {
        return false;
    }
    let letters = || token.iter().filter(|glyph| glyph.is_letter());
    let fold = Fold::of_some(letters());
    if !lexicon.lists_of(&fold).has(Lists::POST_NOMINAL) {
        return false;
    }
    let is_entry = |entry: &&str| entry.eq_ignore_ascii_case(fold.as_str());
    let Some(entry) = lists::POST_NOMINALS.split_whitespace().find(is_entry) else {
        return false;
    };
    if letters().map(|glyph| glyph.ch).eq(entry.chars()) {
        return true;
    }
    if !shape.is_some_and(Shape::is_uniform) || letters().count() != entry.len() {
        return false;
    }
    lay_case(casing, token, entry);
    true
}

fn lay_case(casing: Casing, token: &mut [Glyph], entry: &str) {
    let mut wanted = entry.chars();
    let places = token
        .iter()
        .enumerate()
        .filter(|(_, glyph)| glyph.is_letter());
    let capitals: Vec<usize> = places
        .filter(|_| wanted.next().is_some_and(char::is_uppercase))
        .map(|(place, _)| place)
        .collect();
    casing.capitalise(token, &capitals);
}

/// 6.4 The part that is a numeral, if it is the token's only letter part and ASCII. Outside the
/// first token an `İ` counts as the `i` it stands for under Turkic casing, so that a numeral that
/// was raised is a numeral still.
pub(super) fn numeral(
    lexicon: &Lexicon,
    token: &[Glyph],
    letter_parts: &[Span],
    is_first: bool,
) -> Option<Span> {
    let [part] = letter_parts else { return None };
    let glyphs = &token[part.clone()];
    let may_be_numeral = |glyph: &Glyph| glyph.ch.is_ascii() || (glyph.ch == 'İ' && !is_first);
    let listed = || lexicon.lists_of(&Fold::of(glyphs)).has(Lists::NUMERAL);
    (glyphs.iter().all(may_be_numeral) && listed()).then(|| part.clone())
}

/// 6.4 Upper case, whatever the shape.
pub(super) fn raise_numeral(casing: Casing, part: &mut [Glyph]) {
    for at in 0..part.len() {
        casing.raise(part, at);
    }
}
