//! Policy section 5: the smart style, token by token. The first rule that fits decides.

use super::casing::{Casing, lower_georgian};
use super::glyph::Glyph;
use super::hyphenated::{self, Place};
use super::lexicon::{Lexicon, Lists};
use super::part::PartContext;
use super::reading::Reading;
use super::shape::Shape;
use super::text::{Span, letter_parts, parts};
use super::{Field, LeadingParticle, Rule, Settings, particles, suffixes};

/// The smart style at work on one field.
pub(super) struct Smart<'a> {
    pub(super) field: Field,
    pub(super) settings: &'a Settings,
    pub(super) lexicon: &'a Lexicon,
    pub(super) casing: Casing,
    pub(super) reading: &'a Reading,
}

impl Smart<'_> {
    /// Tidies the token `at`, whose glyphs are given.
    pub(super) fn tidy_token(&self, at: usize, glyphs: &mut [Glyph]) -> Rule {
        let token = &self.reading.tokens[at];
        let is_first = self.reading.first == Some(at);

        // 1. Digits; no cased letters.
        if token.has_digit {
            return Rule::Digit;
        }
        if token.shape.is_none() {
            return if lower_georgian(glyphs) {
                Rule::Georgian
            } else {
                Rule::Uncased
            };
        }
        // 2. Overrides.
        if self.settings.overrides.lay_over(self.field, glyphs) {
            return Rule::Override;
        }
        lower_georgian(glyphs);
        // 3. 't, 's, 'n.
        if token.lists.has(Lists::CLIPPED) {
            self.lower(glyphs);
            return Rule::Clipped;
        }
        if is_first {
            if self.settings.leading_particle == LeadingParticle::Keep
                && particles::is_kept_in_front(self.reading, at)
            {
                return Rule::LeadingParticle;
            }
        } else {
            // 4. Particles.
            if particles::is_lowered(self.reading, at) {
                self.lower(glyphs);
                return Rule::Particle;
            }
            if particles::is_kept(self.reading, at) {
                return Rule::KeptParticle;
            }
            // 5. Post-nominals.
            if suffixes::tidy_post_nominal(self.casing, self.lexicon, glyphs, token.shape) {
                return Rule::PostNominal;
            }
        }
        let letter_parts = letter_parts(glyphs);
        // 6. Numerals. As the first token only one in capitals counts: `Ii` is a surname.
        if let Some(part) = suffixes::numeral(self.lexicon, glyphs, &letter_parts, is_first) {
            if !is_first {
                suffixes::raise_numeral(self.casing, &mut glyphs[part]);
                return Rule::Numeral;
            }
            if token.shape == Some(Shape::Upper) {
                return Rule::Numeral;
            }
        }
        // 7. Part by part.
        let rule = self.tidy_parts(at, glyphs, &letter_parts);
        // 8. A numeral that came out only now: `ıi` gave `Ii`.
        if !is_first
            && let Some(part) = suffixes::numeral(self.lexicon, glyphs, &letter_parts, is_first)
        {
            suffixes::raise_numeral(self.casing, &mut glyphs[part]);
            return Rule::Numeral;
        }
        rule
    }

    fn tidy_parts(&self, at: usize, glyphs: &mut [Glyph], letter_parts: &[Span]) -> Rule {
        let context = PartContext {
            field: self.field,
            language: &self.settings.language,
            lexicon: self.lexicon,
            casing: self.casing,
            reading: self.reading,
            in_first_token: self.reading.first == Some(at),
            cased_letters_in_token: self.reading.tokens[at].cased_letters,
        };
        let after_o = self
            .reading
            .before(at, 1)
            .is_some_and(|before| before.fold.as_str() == "ó");
        let mut rule = Rule::Kept;
        let mut follows_capital = false;
        for (number, span) in letter_parts.iter().enumerate() {
            let place = Place {
                number,
                count: letter_parts.len(),
                after_hyphen: span.start > 0 && glyphs[span.start - 1].is_hyphen(),
                follows_capital,
            };
            let part = &mut glyphs[span.clone()];
            follows_capital = part
                .iter()
                .find(|glyph| glyph.is_letter())
                .is_some_and(|g| g.is_upper());
            let of_part = if let Some(rule) = hyphenated::tidy(&context, place, part) {
                rule
            } else if after_o && number == 0 && context.tidy_irish_h(part) {
                Rule::IrishH
            } else {
                context.tidy(part, context.in_first_token && number == 0)
            };
            rule = rule.max(of_part);
        }
        rule
    }

    fn lower(&self, token: &mut [Glyph]) {
        for part in parts(token) {
            self.casing.lower_all(&mut token[part]);
        }
    }
}
