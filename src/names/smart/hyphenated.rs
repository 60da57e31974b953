//! Policy section 6.5: parts that have a rule of their own inside a token of several.

use crate::names::language::Tongue;
use crate::names::lexicon::{Lists, is_one_of};
use crate::names::lists;
use crate::names::rule::Rule;
use crate::names::text::fold::Fold;
use crate::names::text::glyph::Glyph;
use crate::names::text::shape::Shape;

use super::gaelic::follows_article;
use super::reading::Part;
use super::surroundings::Surroundings;
use super::syllable::is_syllable;
use super::title_case::title_case;

/// A letter part among those of its token, as the token was found.
struct Place<'a> {
    around: &'a Surroundings<'a>,
    parts: &'a [Part],
    number: usize,
    part: &'a Part,
    shape: Shape,
    /// The character directly before the part, inside the token.
    joint: Option<Glyph>,
}

/// Applies the first of the rules that fits to the letter part of that number. `None` if none does.
pub(super) fn tidy(around: &Surroundings<'_>, number: usize, field: &mut [Glyph]) -> Option<Rule> {
    let parts = around.parts();
    let part = &parts[number];
    if parts.len() == 1 && part.lists.is_empty() && !around.speaks(Tongue::French) {
        return None;
    }
    let start = part.span.start;
    let place = Place {
        around,
        parts,
        number,
        part,
        shape: part.shape?,
        joint: (start > around.token().span.start).then(|| field[start - 1]),
    };
    let rule = place.rule(field)?;
    let glyphs = &mut field[part.span.clone()];
    match rule {
        Rule::FrenchD => lower_french_prefix(around, glyphs),
        Rule::KeptPart | Rule::KeptArticle | Rule::KeptSyllable | Rule::TitleEnding => {}
        _ => around.lower_word(glyphs, part.lists),
    }
    Some(rule)
}

impl Place<'_> {
    /// The first rule that fits, in the policy's order.
    fn rule(&self, field: &[Glyph]) -> Option<Rule> {
        if self.part.lists.has(Lists::CLIPPED) {
            return Some(Rule::ClippedPart);
        }
        if self.parts.len() > 1 {
            let rule = self
                .lowered_by_list()
                .or_else(|| self.kept_by_list(field))
                .or_else(|| self.syllable(field))
                .or_else(|| self.gaelic_t(field));
            if rule.is_some() {
                return rule;
            }
        }
        self.french_prefix(field)
    }

    /// Between hyphens, at the end, and at the end before another token.
    fn lowered_by_list(&self) -> Option<Rule> {
        let lists = self.part.lists;
        if !self.shape.is_uniform() || !self.after_hyphen() {
            return None;
        }
        let lowered_here = || {
            lists.has(Lists::AFTER_HYPHEN)
                && lists.has(Lists::PARTICLE)
                && !lists.has(Lists::SURNAME_START)
                && !self.around.reading.vietnamese
        };
        if lists.has(Lists::INNER_PART) && self.is_inner() {
            Some(Rule::InnerPart)
        } else if !self.is_last() {
            None
        } else if lists.has(Lists::PATRONYMIC_WORD) || lists.has(Lists::LAST_PART) {
            Some(Rule::LastPart)
        } else if self.around.is_followed() && lowered_here() {
            Some(Rule::ParticlePart)
        } else {
            None
        }
    }

    /// What was typed lower and stays so: particles, endings of a title, articles.
    fn kept_by_list(&self, field: &[Glyph]) -> Option<Rule> {
        let lists = self.part.lists;
        if self.shape != Shape::Lower {
            return None;
        }
        let ends_before_token = self.is_last() && self.around.is_followed();
        let beside_capital = self.around.reading.has_upper;
        let after_full_stop = self.joint.is_some_and(|joint| joint.ch == '.');

        let kept_at_end =
            || ends_before_token && (self.after_hyphen() || after_full_stop && !self.is_initial());
        let kept_inside = || self.after_hyphen() && self.is_inner();
        if lists.has(Lists::KEPT_PARTICLE) && beside_capital && (kept_at_end() || kept_inside()) {
            Some(Rule::KeptPart)
        } else if ends_before_token && after_full_stop && self.ends_title(field) {
            Some(Rule::TitleEnding)
        } else if lists.has(Lists::ARTICLE) && !self.is_last() && self.keeps_article() {
            Some(Rule::KeptArticle)
        } else {
            None
        }
    }

    /// `г.и. Петров`: one letter, between full stops.
    fn is_initial(&self) -> bool {
        let before = self.before().map_or(0, |part| part.tally.letters);
        self.part.tally.letters == 1 && before < 2
    }

    /// `Dott.ssa`
    fn ends_title(&self, field: &[Glyph]) -> bool {
        let fold = |part: &Part| Fold::of(&field[part.span.clone()]);
        is_one_of(&fold(self.part), lists::TITLE_ENDINGS)
            && self.before().is_some_and(|title| {
                title.span.end + 1 == self.part.span.start
                    && title.tally.starts_upper
                    && is_one_of(&fold(title), lists::TITLES_IN_ONE_WORD)
            })
    }

    /// `Bashar al-Assad`; in front of the field only before a part that shows how it is meant.
    fn keeps_article(&self) -> bool {
        if self.around.in_first_token() && self.number == 0 {
            let next = self.parts[1].tally;
            self.around.keeps_first_word() && next.has_three_of_both_cases() && next.starts_upper
        } else {
            self.around.reading.has_upper
        }
    }

    /// The second half of a Korean or Chinese given name: `Kai-shek`.
    fn syllable(&self, field: &[Glyph]) -> Option<Rule> {
        let korean = self.around.speaks(Tongue::Korean);
        let before = self.before()?;
        if !self.after_hyphen() {
            return None;
        }
        let is_upper_still = || {
            let cased = field[before.span.clone()]
                .iter()
                .find(|glyph| glyph.is_cased());
            before.tally.starts_upper && cased.is_some_and(|glyph| glyph.is_upper())
        };
        if (korean || self.around.speaks(Tongue::Chinese))
            && self.shape == Shape::Lower
            && is_upper_still()
        {
            return Some(Rule::KeptSyllable);
        }
        let token = self.around.token();
        let typed = self.shape == Shape::Lower
            && matches!(before.shape, Some(Shape::Title | Shape::SingleUpper));
        let lowered =
            korean && token.shape.is_some_and(Shape::is_uniform) && token.tally.cased >= 3;
        let are_syllables = || {
            self.parts.len() == 2
                && before.span.end + 1 == self.part.span.start
                && is_syllable(&field[before.span.clone()])
                && is_syllable(&field[self.part.span.clone()])
        };
        if !(typed || lowered) || !are_syllables() {
            None
        } else if typed {
            Some(Rule::KeptSyllable)
        } else {
            Some(Rule::LoweredSyllable)
        }
    }

    /// `an t-Saoir`
    fn gaelic_t(&self, field: &[Glyph]) -> Option<Rule> {
        let next = self.parts.get(self.number + 1)?;
        let letter = |part: &Part| part.first_letter(field).map(|at| field[at].ch);
        let fits = self.number == 0
            && self.part.tally.letters == 1
            && matches!(letter(self.part), Some('t' | 'T'))
            && matches!(letter(next), Some('s' | 'S'))
            && next.span.start == self.part.span.end + 1
            && field[self.part.span.end].is_hyphen()
            && follows_article(self.around);
        fits.then_some(Rule::GaelicT)
    }

    /// `Jean d'Ormesson`, `Jean de l'Hôpital`
    fn french_prefix(&self, field: &[Glyph]) -> Option<Rule> {
        let around = self.around;
        if !around.speaks(Tongue::French)
            || around.in_first_token()
            || self.number > 0
            || !self.shape.is_uniform()
            || self.part.tally.cased < 3
        {
            return None;
        }
        let fold = Fold::of(&field[self.part.span.clone()]);
        let after_de = || around.reading.word_before(around.at).has(Lists::FRENCH_DE);
        let fits = fold.as_str().starts_with("d'") || fold.as_str().starts_with("l'") && after_de();
        fits.then_some(Rule::FrenchD)
    }

    fn before(&self) -> Option<&Part> {
        self.number.checked_sub(1).map(|place| &self.parts[place])
    }

    fn after_hyphen(&self) -> bool {
        self.joint.is_some_and(Glyph::is_hyphen)
    }

    fn is_last(&self) -> bool {
        self.number + 1 == self.parts.len()
    }

    fn is_inner(&self) -> bool {
        self.number > 0 && !self.is_last()
    }
}

/// Title case, then the first letter lower: `d'Ormesson`.
fn lower_french_prefix(around: &Surroundings<'_>, part: &mut [Glyph]) {
    let capitals = title_case(around, part).capitals;
    around
        .casing
        .capitalise(part, capitals.get(1..).unwrap_or_default());
}
