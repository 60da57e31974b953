//! Single letters of a part: where they stand, how they are spelt, and which are vowels.

use unicode_normalization::char::decompose_canonical;

use super::fold::Fold;
use super::glyph::{Alphabet, Glyph, Kind};
use super::mapping;
use crate::names::lists;

/// Where the letters of a part stand.
pub(in crate::names) fn letter_places(part: &[Glyph]) -> impl Iterator<Item = usize> + Clone {
    part.iter()
        .enumerate()
        .filter(|(_, glyph)| glyph.is_letter())
        .map(|(place, _)| place)
}

/// The fold of the letter at a place together with the marks that belong to it.
pub(in crate::names) fn spelt_letter(part: &[Glyph], place: usize) -> Fold {
    let marks = part[place + 1..]
        .iter()
        .take_while(|glyph| glyph.kind == Kind::Mark)
        .count();
    Fold::of(&part[place..=place + marks])
}

/// Section 7.1.4, 7: the first apostrophe, of either class, that has a letter before it.
pub(in crate::names) fn apostrophe_after_letter(part: &[Glyph]) -> Option<usize> {
    let start = letter_places(part).next()?;
    part[start..]
        .iter()
        .position(|glyph| glyph.is_apostrophe())
        .map(|place| start + place)
}

/// Section 7.2: by the first character of the letter's canonical decomposition. Every Greek and
/// Armenian letter counts as a vowel.
pub(in crate::names) fn is_vowel(glyph: Glyph) -> bool {
    if matches!(glyph.alphabet, Alphabet::Greek | Alphabet::Armenian) {
        return true;
    }
    let mut base = None;
    decompose_canonical(glyph.ch, |ch| {
        base.get_or_insert(ch);
    });
    base.is_some_and(|ch| lists::VOWELS.contains(&mapping::lower(ch)))
}

/// Whether one of the cased letters is a vowel.
pub(in crate::names) fn has_vowel(part: &[Glyph]) -> bool {
    part.iter()
        .any(|glyph| glyph.is_cased() && is_vowel(*glyph))
}
