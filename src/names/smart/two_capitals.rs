//! Policy section 7.2: are two capitals initials (`JF`) or a short name (`LI`)? And section 7: three
//! capitals without a vowel (`JRR`).

use crate::names::lexicon::is_one_of;
use crate::names::lists;
use crate::names::text::fold::Fold;
use crate::names::text::glyph::Glyph;
use crate::names::text::letters::has_vowel;

use super::surroundings::Surroundings;

/// 7.2 A part of two capitals stays as it is. `before_full_stop`: a `.` follows directly.
pub(super) fn are_initials(
    around: &Surroundings<'_>,
    part: &[Glyph],
    before_full_stop: bool,
) -> bool {
    let fold = Fold::of(part);
    let settled = around.reading.settled;
    let is_first = around.in_first_token();
    let is_word = is_one_of(&fold, lists::SHORT_WORDS)
        || !is_first && is_one_of(&fold, lists::SHORT_WORDS_LATER)
        || (is_first || around.is_followed()) && fold.as_str() == lists::SHORT_WORD_BUT_LAST;
    if is_word {
        false
    } else if !has_vowel(part) {
        let is_short_form = before_full_stop || is_one_of(&fold, lists::SHORT_FORMS);
        settled || !is_short_form
    } else {
        settled && around.token().tally.cased == 2
    }
}

/// 7 Three capitals that are the token's only ones stay, where somebody typed the rest with care.
pub(super) fn are_three_initials(around: &Surroundings<'_>, part: &[Glyph]) -> bool {
    around.reading.settled && around.token().tally.cased == 3 && !has_vowel(part)
}
