//! Policy sections 6.1 and 6.2: particles inside a field, and in front of it.

use crate::names::choice::Field;
use crate::names::lexicon::Lists;
use crate::names::lists::Side;
use crate::names::rule::Rule;
use crate::names::text::glyph::Glyph;
use crate::names::text::shape::Shape;

use super::gaelic::stands_after_child;
use super::reading::Token;
use super::surroundings::Surroundings;

/// What the policy says about a token that is not the first: lower it, raise it because a surname
/// starts there, leave it lower, or nothing. `after_lowered`: the token before is lower by these rules.
pub(super) fn inside(
    around: &Surroundings<'_>,
    field: &[Glyph],
    after_lowered: bool,
) -> Option<Rule> {
    let token = around.token();
    let shape = token.shape?;
    let settled = around.reading.settled;
    let undecided = match shape {
        Shape::SingleUpper => !settled || token.lists.has(Lists::GAELIC_ARTICLE),
        _ => shape.is_uniform() || token.lists.has(Lists::RELATION),
    };
    if undecided && let Some(rule) = undecided_particle(around, shape) {
        return Some(rule);
    }
    let kept = shape == Shape::Lower
        && around.reading.has_upper
        && may_be_kept(around, field, after_lowered);
    kept.then_some(Rule::KeptParticle)
}

/// 6.1 In lower case, or the start of a surname.
fn undecided_particle(around: &Surroundings<'_>, shape: Shape) -> Option<Rule> {
    let (reading, at) = (around.reading, around.at);
    let lists = around.token().lists;
    if lists.has(Lists::PATRONYMIC_WORD) {
        return Some(Rule::Particle);
    }
    if reading.vietnamese || reading.is_last(at) || is_initial(around) {
        return None;
    }
    let word_before = reading.word_before(at);
    if lists.has(Lists::SURNAME_START) && !word_before.has(Lists::SURNAME_GOES_ON) {
        let lost_case = shape == Shape::Upper || !reading.has_upper;
        return lost_case.then_some(Rule::SurnameStart);
    }
    let after = reading
        .after(at)
        .map_or(Lists::default(), |token| token.lists);
    let is_particle = lists.has(Lists::PARTICLE)
        || lists.is_particle(Side::After, word_before)
        || lists.is_particle(Side::Before, after)
        || stands_in_von_und_zu(around)
        || lists.has(Lists::GAELIC_ARTICLE) && stands_after_child(around, at);
    is_particle.then_some(Rule::Particle)
}

/// `und` between `von` and `zu`, and the `zu` after that.
fn stands_in_von_und_zu(around: &Surroundings<'_>) -> bool {
    let (reading, at) = (around.reading, around.at);
    let is_und = |at: usize| {
        reading.tokens[at].lists.has(Lists::UND) && reading.word_before(at).has(Lists::VON)
    };
    let lists = around.token().lists;
    let before_zu = || {
        reading
            .after(at)
            .is_some_and(|after| after.lists.has(Lists::ZU))
    };
    lists.has(Lists::UND) && is_und(at) && before_zu()
        || lists.has(Lists::ZU) && at > 0 && is_und(at - 1)
}

/// 6.2 The token was typed lower beside a capital and is in the list.
fn may_be_kept(around: &Surroundings<'_>, field: &[Glyph], after_lowered: bool) -> bool {
    let (reading, at) = (around.reading, around.at);
    let lists = around.token().lists;
    if lists.has(Lists::KEPT_PATRONYMIC_WORD) {
        return true;
    }
    let gaelic = lists.has(Lists::GAELIC_KEPT_ARTICLE)
        && !reading.is_last(at)
        && stands_after_child(around, at);
    let after_comma = || {
        let ends_with_comma = |token: &Token| field[token.span.end - 1].ch == ',';
        reading.before(at).is_some_and(ends_with_comma)
    };
    (lists.has(Lists::KEPT_PARTICLE) || gaelic)
        && !is_initial(around)
        && (!reading.is_last(at) || after_lowered || after_comma())
}

/// 6.2 The first token was typed lower beside a capital, is in the list, and no name of its own.
pub(super) fn is_kept_in_front(around: &Surroundings<'_>) -> bool {
    let (reading, token) = (around.reading, around.token());
    let is_given_name = || around.field == Field::Name && token.lists.has(Lists::GIVEN_NAME);
    token.lists.has(Lists::KEPT_PARTICLE)
        && token.shape == Some(Shape::Lower)
        && reading.has_upper
        && token.span.len() > 1
        && around.is_followed()
        && !reading.vietnamese_name
        && !is_given_name()
}

/// 6.2 The whole middle name is a Dutch surname prefix, typed lower: `van der`.
pub(super) fn is_infix(around: &Surroundings<'_>) -> bool {
    around.field == Field::SecondName && around.reading.only_infixes
}

/// A particle of one letter needs a neighbour of two or more letters on both sides; otherwise it is an
/// initial.
fn is_initial(around: &Surroundings<'_>) -> bool {
    let (reading, at) = (around.reading, around.at);
    let is_long = |token: Option<&Token>| token.is_some_and(|token| token.tally.letters >= 2);
    around.token().is_one_character && !(is_long(reading.before(at)) && is_long(reading.after(at)))
}
