//! Policy section 5: the smart style, token by token. The first rule that fits decides.

use smallvec::SmallVec;

use crate::names::choice::Field;
use crate::names::lexicon::{Lexicon, Lists};
use crate::names::rule::Rule;
use crate::names::settings::Settings;
use crate::names::text::casing::{Casing, lower_georgian};
use crate::names::text::glyph::Glyph;
use crate::names::text::shape::Shape;
use crate::names::text::spans::parts;

use super::gaelic::lower_first_letter;
use super::reading::Reading;
use super::surroundings::Surroundings;
use super::title_case::title_case;
use super::{abbreviations, hyphenated, part, particles, suffixes};

/// Tidies every token of a field. Answers the rule that decided about each.
pub(in crate::names) fn tidy(
    field: Field,
    settings: &Settings,
    lexicon: &Lexicon,
    casing: Casing,
    reading: &Reading,
    glyphs: &mut [Glyph],
) -> SmallVec<[Rule; 8]> {
    let mut rules: SmallVec<[Rule; 8]> = SmallVec::new();
    for at in 0..reading.tokens.len() {
        let around = Surroundings {
            field,
            settings,
            lexicon,
            casing,
            reading,
            at,
        };
        let after_lowered = rules.last().is_some_and(|rule| rule.is_lower_particle());
        rules.push(tidy_token(&around, glyphs, after_lowered));
    }
    rules
}

/// `after_lowered`: the token before is a particle that is lower.
fn tidy_token(around: &Surroundings<'_>, field: &mut [Glyph], after_lowered: bool) -> Rule {
    let token = around.token();
    let span = token.span.clone();
    // 1. Digits; no cased letters; a note in brackets.
    if token.has_digit {
        return Rule::Digit;
    }
    let Some(shape) = token.shape else {
        return if lower_georgian(&mut field[span]) {
            Rule::Georgian
        } else {
            Rule::Uncased
        };
    };
    if token.in_brackets && shape == Shape::Lower && around.reading.has_upper {
        return Rule::BracketedNote;
    }
    // 2. Overrides.
    let overrides = &around.settings.overrides;
    if overrides.lay_over(around.field, &mut field[span.clone()]) {
        return Rule::Override;
    }
    lower_georgian(&mut field[span.clone()]);
    // 3. 't, 's, 'n.
    if token.lists.has(Lists::CLIPPED) {
        around.lower_word(&mut field[span], token.lists);
        return Rule::Clipped;
    }
    let is_first = around.in_first_token();
    let keeps_infix = around.keeps_first_word() && particles::is_infix(around);
    if !is_first {
        // 4. Particles.
        let of_particle = particles::inside(around, field, after_lowered)
            .or_else(|| keeps_infix.then_some(Rule::KeptParticle));
        if let Some(rule) = of_particle {
            tidy_particle(around, rule, field);
            return rule;
        }
        // 5. Post-nominals.
        if suffixes::tidy_post_nominal(around, &mut field[span.clone()]) {
            return Rule::PostNominal;
        }
    }
    // 6. Abbreviations.
    if let Some(rule) = abbreviations::tidy(around, &mut field[span]) {
        return rule;
    }
    // 7. A particle in front.
    if is_first && (keeps_infix || around.keeps_first_word() && particles::is_kept_in_front(around))
    {
        return Rule::LeadingParticle;
    }
    // 8. Numerals. As the first token only one in capitals counts: `Ii` is a surname.
    if suffixes::is_numeral(around, field) && (!is_first || shape == Shape::Upper) {
        suffixes::raise_numeral(around, field);
        return Rule::Numeral;
    }
    // 9. Part by part.
    let rule = tidy_parts(around, field);
    // 10. A numeral that came out only now: `ıi` gave `Ii`.
    if !is_first && suffixes::became_numeral(around, field) {
        suffixes::raise_numeral(around, field);
        return Rule::Numeral;
    }
    rule
}

/// Carries out what 6.1 or 6.2 says about a token.
fn tidy_particle(around: &Surroundings<'_>, rule: Rule, field: &mut [Glyph]) {
    let token = around.token();
    let glyphs = &mut field[token.span.clone()];
    match rule {
        Rule::Particle => {
            for part in parts(glyphs) {
                around.lower_word(&mut glyphs[part], token.lists);
            }
        }
        Rule::SurnameStart => {
            let capitals = title_case(around, glyphs).capitals;
            around.casing.capitalise(glyphs, &capitals);
        }
        _ => {}
    }
}

fn tidy_parts(around: &Surroundings<'_>, field: &mut [Glyph]) -> Rule {
    let is_first = around.in_first_token();
    let mut rule = Rule::Kept;
    for (number, letters) in around.parts().iter().enumerate() {
        let of_part = if let Some(rule) = hyphenated::tidy(around, number, field) {
            rule
        } else if !is_first && number == 0 && lower_first_letter(around, letters, field) {
            Rule::IrishH
        } else {
            part::tidy(around, &letters.span, field, is_first && number == 0)
        };
        rule = rule.max(of_part);
    }
    rule
}
