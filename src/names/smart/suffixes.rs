//! Policy sections 6.3 and 6.4: what may stand after a name.

use crate::names::lexicon::Lists;
use crate::names::lists;
use crate::names::text::fold::Fold;
use crate::names::text::glyph::Glyph;
use crate::names::text::shape::Shape;

use super::surroundings::Surroundings;

/// 6.3 A post-nominal, which is never the first token: `true` if the token was one, and it now has
/// the entry's case. A token in title case (`Mba`) is a surname.
pub(super) fn tidy_post_nominal(around: &Surroundings<'_>, token: &mut [Glyph]) -> bool {
    let is_sign = |glyph: &Glyph| matches!(glyph.ch, '.' | ',');
    if !token
        .iter()
        .all(|glyph| glyph.is_letter() || is_sign(glyph))
    {
        return false;
    }
    let letters = || token.iter().filter(|glyph| glyph.is_letter());
    let listed = if token.len() == around.token().tally.letters as usize {
        around.token().lists
    } else {
        let fold = Fold::of_some(letters());
        around.lexicon.lists_of(fold.as_bytes())
    };
    let is_exactly = |entry: &&&str| letters().map(|glyph| glyph.ch).eq(entry.chars());
    if listed.has(Lists::NAMELIKE_POST_NOMINAL) {
        let entries = lists::NAMELIKE_POST_NOMINALS;
        return around.reading.settled && entries.iter().any(|entry| is_exactly(&entry));
    }
    if !listed.has(Lists::POST_NOMINAL) {
        return false;
    }
    if lists::POST_NOMINALS.iter().any(|entry| is_exactly(&entry)) {
        return true;
    }
    let fold = Fold::of_some(letters());
    let is_entry = |entry: &&&str| entry.eq_ignore_ascii_case(fold.as_str());
    match lists::POST_NOMINALS.iter().find(is_entry) {
        Some(entry)
            if around.token().shape.is_some_and(Shape::is_uniform)
                && letters().count() == entry.len() =>
        {
            lay_case(around, token, entry);
            true
        }
        _ => false,
    }
}

fn lay_case(around: &Surroundings<'_>, token: &mut [Glyph], entry: &str) {
    let mut wanted = entry.chars();
    let places = token
        .iter()
        .enumerate()
        .filter(|(_, glyph)| glyph.is_letter());
    let capitals: Vec<usize> = places
        .filter(|_| wanted.next().is_some_and(char::is_uppercase))
        .map(|(place, _)| place)
        .collect();
    around.casing.without_turkic().capitalise(token, &capitals);
}

/// 6.4 Whether the token is a numeral: its only letter part is one, in ASCII. `field` as it is by now.
pub(super) fn is_numeral(around: &Surroundings<'_>, field: &[Glyph]) -> bool {
    let [part] = around.parts() else { return false };
    let glyphs = &field[part.span.clone()];
    part.lists.has(Lists::NUMERAL) && glyphs.iter().all(|glyph| glyph.ch.is_ascii())
}

/// 6.4 Upper case, whatever the shape. A numeral is foreign to every language's own `i`.
pub(super) fn raise_numeral(around: &Surroundings<'_>, field: &mut [Glyph]) {
    let [part] = around.parts() else { return };
    let glyphs = &mut field[part.span.clone()];
    for at in 0..glyphs.len() {
        around.casing.without_turkic().raise(glyphs, at);
    }
}

/// 5.10 Whether the token has become one by the rules for its parts, such as `ıi` by Turkic casing.
pub(super) fn became_numeral(around: &Surroundings<'_>, field: &[Glyph]) -> bool {
    let [part] = around.parts() else { return false };
    let glyphs = &field[part.span.clone()];
    // Nothing that any rule gives to another word folds to a numeral but by its ı.
    around.casing.is_turkic() && glyphs.iter().all(|glyph| glyph.ch.is_ascii()) && {
        let fold = Fold::of(glyphs);
        around.lexicon.lists_of(fold.as_bytes()).has(Lists::NUMERAL)
    }
}
