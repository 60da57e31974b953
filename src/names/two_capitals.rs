//! Policy section 7.2: are two capitals initials (`JF`) or a short name (`LI`)? And 7.4, where a
//! second capital is no typo.

use icu_casemap::{CaseMapper, CaseMapperBorrowed};
use unicode_normalization::char::decompose_canonical;

use super::fold::Fold;
use super::glyph::{Alphabet, Glyph};
use super::lexicon::is_one_of;
use super::lists;
use super::part::PartContext;
use super::title_case::{letter_places, spelt_letter};

const MAPPER: CaseMapperBorrowed<'static> = CaseMapper::new();

impl PartContext<'_> {
    /// 7.2 A part of two capitals stays as it is.
    pub(super) fn are_initials(&self, part: &[Glyph]) -> bool {
        let fold = Fold::of(part);
        let is_word = is_one_of(&fold, lists::SHORT_WORDS)
            || (!self.in_first_token && is_one_of(&fold, lists::SHORT_WORDS_LATER))
            || (self.in_first_token && is_one_of(&fold, lists::SHORT_WORDS_FIRST));
        let has_vowel = || {
            part.iter()
                .any(|glyph| glyph.is_cased() && is_vowel(*glyph))
        };
        let stands_out = || self.cased_letters_in_token == 2 && self.reading.settled;
        !is_word && (!has_vowel() || stands_out())
    }

    /// 7.4 A word of shape SH is no typo: `ODonnell`, `DSouza`, `IJsbrand`, `MBappe`, `hUiginn`.
    pub(super) fn is_second_capital_meant(&self, part: &[Glyph]) -> bool {
        let mut places = letter_places(part);
        let (Some(first), Some(second)) = (places.next(), places.next()) else {
            return false;
        };
        if part[first].alphabet != Alphabet::Latin {
            return false;
        }
        let first_fold = spelt_letter(part, first);
        let second_fold = spelt_letter(part, second);
        let by_letters = match (first_fold.as_str(), second_fold.as_str()) {
            ("o" | "d", _) | ("i", "j") => true,
            ("m", "c") => false,
            ("m" | "n", _) => !is_vowel(part[second]),
            _ => false,
        };
        let irish = matches!(first_fold.as_str(), "h" | "t" | "n") && part[first].is_lower();
        by_letters || (irish && !self.in_first_token)
    }
}

/// 7.2 By the first character of the letter's canonical decomposition. Every Greek and Armenian
/// letter counts as a vowel.
pub(super) fn is_vowel(glyph: Glyph) -> bool {
    if matches!(glyph.alphabet, Alphabet::Greek | Alphabet::Armenian) {
        return true;
    }
    let mut base = None;
    decompose_canonical(glyph.ch, |ch| {
        base.get_or_insert(ch);
    });
    base.is_some_and(|ch| lists::VOWELS.contains(MAPPER.simple_lowercase(ch)))
}
