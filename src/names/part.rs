//! Policy section 7: one part of a token, in the smart style.

use super::casing::{Casing, LetterSpan};
use super::glyph::{Glyph, Kind};
use super::lexicon::Lexicon;
use super::reading::Reading;
use super::shape::Shape;
use super::title_case::{apostrophe_after_letter, letter_places};
use super::two_capitals::is_vowel;
use super::{Field, Language, Rule, lists};

/// Section 7: after a change the shape is read again, at most so many times.
const ROUNDS: usize = 4;

/// All that the rules for a part may ask about its surroundings.
pub(super) struct PartContext<'a> {
    pub(super) field: Field,
    pub(super) language: &'a Language,
    pub(super) lexicon: &'a Lexicon,
    pub(super) casing: Casing,
    pub(super) reading: &'a Reading,
    /// The part belongs to the first token of the field.
    pub(super) in_first_token: bool,
    pub(super) cased_letters_in_token: usize,
}

impl PartContext<'_> {
    /// The rules of section 7. `opens_field`: the first part of the first token.
    pub(super) fn tidy(&self, part: &mut [Glyph], opens_field: bool) -> Rule {
        let starts_cased = part
            .iter()
            .find(|glyph| glyph.is_letter())
            .is_some_and(|g| g.is_cased());
        if !starts_cased {
            return Rule::UncasedStart;
        }
        let mut rule = Rule::Kept;
        for _ in 0..ROUNDS {
            let (by_shape, mut changed) = self.tidy_by_shape(part);
            rule = rule.max(by_shape);
            if opens_field && self.raise_first(part) {
                rule = rule.max(Rule::FirstLetter);
                changed = true;
            }
            if !changed {
                break;
            }
        }
        rule
    }

    /// The table of section 7. Answers the rule and whether anything changed.
    fn tidy_by_shape(&self, part: &mut [Glyph]) -> (Rule, bool) {
        match Shape::of(part) {
            None | Some(Shape::SingleUpper) => (Rule::Kept, false),
            Some(Shape::Lower | Shape::Inverted) => self.apply_title_case(part),
            Some(Shape::Upper) => {
                let two = part.iter().filter(|glyph| glyph.is_cased()).count() == 2;
                if two && self.are_initials(part) {
                    (Rule::TwoCapitals, false)
                } else {
                    self.apply_title_case(part)
                }
            }
            Some(Shape::Title) => self.correct(part),
            Some(Shape::LateShift) => {
                if apostrophe_after_letter(part).is_some() {
                    (Rule::MixedCase, false)
                } else if self.is_second_capital_meant(part) {
                    (Rule::SecondCapital, false)
                } else {
                    let (rule, changed) = self.apply_title_case(part);
                    (rule.max(Rule::LateShift), changed)
                }
            }
            Some(Shape::Mixed) => self.lower_caps_tail(part),
        }
    }

    /// 7.1
    fn apply_title_case(&self, part: &mut [Glyph]) -> (Rule, bool) {
        let title = self.title_case(part);
        (title.rule, self.casing.capitalise(part, &title.capitals))
    }

    /// 7.3 Shape T stays, except for a few letters that are raised.
    fn correct(&self, part: &mut [Glyph]) -> (Rule, bool) {
        let corrections = self.corrections(part);
        let mut changed = false;
        for place in corrections.capitals {
            changed |= self.casing.raise(part, place);
        }
        (corrections.rule, changed)
    }

    /// 7.5 Caps tail: `McDONALD`, `DeANDRE`. Any other mixed case stays.
    fn lower_caps_tail(&self, part: &mut [Glyph]) -> (Rule, bool) {
        let Some(tail) = caps_tail(part) else {
            return (Rule::MixedCase, false);
        };
        let Some(letters) = LetterSpan::of(part) else {
            return (Rule::MixedCase, false);
        };
        let mut changed = false;
        for place in letter_places(&part[tail..])
            .skip(1)
            .map(|place| tail + place)
            .collect::<Vec<_>>()
        {
            changed |= self.casing.lower(part, place, letters);
        }
        (Rule::CapsTail, changed)
    }

    /// The first word of a field starts with a capital.
    fn raise_first(&self, part: &mut [Glyph]) -> bool {
        let first = part.iter().position(|glyph| glyph.is_cased());
        first.is_some_and(|first| part[first].is_lower() && self.casing.raise(part, first))
    }

    /// Irish, after a token that folds to `ó`: `h` stays lower before a raised vowel, `Ó hUiginn`.
    /// `false` if the part is no such word.
    pub(super) fn tidy_irish_h(&self, part: &mut [Glyph]) -> bool {
        let mut places = letter_places(part);
        let (Some(h), Some(vowel), Some(_)) = (places.next(), places.next(), places.next()) else {
            return false;
        };
        let fits = Shape::of(part).is_some_and(Shape::is_uniform)
            && matches!(part[h].ch, 'h' | 'H')
            && is_vowel(part[vowel]);
        drop(places);
        if fits {
            self.casing.capitalise(part, &[vowel]);
        }
        fits
    }
}

/// 7.5 Where the tail of capitals begins, after one of the typed prefixes.
fn caps_tail(part: &[Glyph]) -> Option<usize> {
    if part.iter().any(|glyph| glyph.is_apostrophe()) {
        return None;
    }
    let start = part.iter().position(|glyph| glyph.kind != Kind::Format)?;
    let begins_with = |prefix: &&str| {
        part[start..].len() > prefix.len()
            && part[start..]
                .iter()
                .zip(prefix.chars())
                .all(|(glyph, letter)| glyph.ch == letter)
    };
    let prefix = lists::CAPS_TAIL_PREFIXES
        .split_whitespace()
        .find(begins_with)?;
    let tail = start + prefix.len();
    let mut cased = part[tail..].iter().filter(|glyph| glyph.is_cased());
    let is_caps = cased.clone().count() >= 3 && cased.all(|glyph| glyph.is_upper());
    is_caps.then_some(tail)
}
