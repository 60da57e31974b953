//! Policy sections 6.1 and 6.7: Irish and Scottish Gaelic.

use crate::names::lexicon::Lists;
use crate::names::text::glyph::Glyph;
use crate::names::text::letters::{is_vowel, letter_places};
use crate::names::text::shape::Shape;

use super::reading::Part;
use super::surroundings::Surroundings;
use super::title_case::title_case;

/// 6.1 Some earlier token is Gaelic for "son" or "daughter".
pub(super) fn stands_after_child(around: &Surroundings<'_>, at: usize) -> bool {
    let child = around.reading.gaelic_child;
    !around.casing.is_turkic()
        && !around.reading.vietnamese
        && child.is_some_and(|child| child < at)
}

/// 6.7 The token follows an `an` after one of those words.
pub(super) fn follows_article(around: &Surroundings<'_>) -> bool {
    around.at > 0
        && around.reading.before(around.at).is_some_and(|before| {
            before.lists.has(Lists::GAELIC_ARTICLE) && before.tally.letters == 2
        })
        && stands_after_child(around, around.at - 1)
}

/// 6.7 `Ó hUiginn`, `Mac an tSaoir`: the first letter lower, the second raised. `false` if the first
/// part of a later token is no such word.
pub(super) fn lower_first_letter(
    around: &Surroundings<'_>,
    part: &Part,
    field: &mut [Glyph],
) -> bool {
    if part.tally.cased < 3 || !part.shape.is_some_and(Shape::is_uniform) {
        return false;
    }
    let glyphs = &mut field[part.span.clone()];
    let mut places = letter_places(glyphs);
    let (Some(first), Some(second)) = (places.next(), places.next()) else {
        return false;
    };
    drop(places);
    let after_irish = || {
        around
            .reading
            .word_before(around.at)
            .has(Lists::IRISH_PREFIX)
    };
    let fits = match glyphs[first].ch {
        'h' | 'H' => after_irish() && is_vowel(glyphs[second]),
        't' | 'T' => matches!(glyphs[second].ch, 's' | 'S') && follows_article(around),
        _ => false,
    };
    if fits {
        let mut capitals = title_case(around, glyphs).capitals;
        if let Some(capital) = capitals.first_mut() {
            *capital = second;
        }
        around.casing.capitalise(glyphs, &capitals);
    }
    fits
}
