//! Policy section 7: one part of a token, by its shape.

use crate::names::rule::Rule;
use crate::names::text::glyph::Glyph;
use crate::names::text::letters::apostrophe_after_letter;
use crate::names::text::shape::{Shape, Tally};
use crate::names::text::spans::Span;

use super::mixed_case::{is_never_lower, is_second_capital_meant, lower_caps_tail};
use super::surroundings::Surroundings;
use super::title_case::{corrections, title_case};
use super::two_capitals::{are_initials, are_three_initials};

/// After a change the shape is read again, at most so many times.
const ROUNDS: usize = 4;

/// The rules of section 7 for the letter part at a place in the field. `opens_field`: it is the first
/// part of the first token.
pub(super) fn tidy(
    around: &Surroundings<'_>,
    span: &Span,
    field: &mut [Glyph],
    opens_field: bool,
) -> Rule {
    let before_full_stop = field.get(span.end).is_some_and(|next| next.ch == '.');
    let part = Part {
        around,
        before_full_stop,
        opens_field,
    };
    let glyphs = &mut field[span.clone()];
    let mut rule = Rule::Kept;
    for _ in 0..ROUNDS {
        let (of_round, changed) = part.tidy_by_shape(glyphs);
        rule = rule.max(of_round);
        if !changed {
            break;
        }
    }
    rule
}

/// A part and where it stands.
struct Part<'a> {
    around: &'a Surroundings<'a>,
    before_full_stop: bool,
    opens_field: bool,
}

impl Part<'_> {
    /// The table of section 7. Answers the rule and whether anything changed.
    fn tidy_by_shape(&self, part: &mut [Glyph]) -> (Rule, bool) {
        let tally = Tally::of(part);
        if !tally.starts_cased {
            return (Rule::UncasedStart, false);
        }
        match tally.shape() {
            None | Some(Shape::SingleUpper) => (Rule::Kept, false),
            Some(Shape::Lower | Shape::Inverted) => self.apply_title_case(part),
            Some(Shape::Upper) => match tally.cased {
                2 if are_initials(self.around, part, self.before_full_stop) => {
                    (Rule::TwoCapitals, false)
                }
                3 if are_three_initials(self.around, part) => (Rule::ThreeCapitals, false),
                _ => self.apply_title_case(part),
            },
            Some(Shape::Title) => self.correct(part),
            Some(Shape::LateShift) => {
                if apostrophe_after_letter(part).is_some() {
                    self.raise_first(part, (Rule::MixedCase, false))
                } else if is_second_capital_meant(part, self.around.in_first_token()) {
                    self.raise_first(part, (Rule::SecondCapital, false))
                } else {
                    let (rule, changed) = self.apply_title_case(part);
                    (rule.max(Rule::LateShift), changed)
                }
            }
            Some(Shape::Mixed) => {
                let of_tail = match lower_caps_tail(self.around.casing, part) {
                    Some(changed) => (Rule::CapsTail, changed),
                    None => (Rule::MixedCase, false),
                };
                self.raise_first(part, of_tail)
            }
        }
    }

    /// 7.1
    fn apply_title_case(&self, part: &mut [Glyph]) -> (Rule, bool) {
        let title = title_case(self.around, part);
        let changed = self.around.casing.capitalise(part, &title.capitals);
        (title.rule, changed)
    }

    /// 7.3 Shape T stays, except for a few letters that are raised.
    fn correct(&self, part: &mut [Glyph]) -> (Rule, bool) {
        let corrections = corrections(self.around, part);
        let mut changed = false;
        for place in corrections.capitals {
            changed |= self.around.casing.raise(part, place);
        }
        (corrections.rule, changed)
    }

    /// After mixed case: a lower letter that opens the field stays where it may be meant.
    fn raise_first(&self, part: &mut [Glyph], so_far: (Rule, bool)) -> (Rule, bool) {
        let first = part.iter().position(|glyph| glyph.is_cased());
        match first.filter(|first| self.opens_field && part[*first].is_lower()) {
            Some(first) if !self.around.keeps_first_word() || is_never_lower(part) => {
                let raised = self.around.casing.raise(part, first);
                (so_far.0.max(Rule::FirstLetter), so_far.1 || raised)
            }
            Some(_) => (so_far.0.max(Rule::LowerStart), so_far.1),
            None => so_far,
        }
    }
}
