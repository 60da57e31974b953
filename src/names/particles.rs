//! Policy sections 6.1 and 6.2: particles inside a field.

use super::lexicon::{Lists, is_one_of};
use super::lists;
use super::reading::Reading;
use super::shape::Shape;

/// 6.1 The token `at`, not the first, is written in lower case.
pub(super) fn is_lowered(reading: &Reading, at: usize) -> bool {
    let token = &reading.tokens[at];
    let undecided = match token.shape {
        Some(Shape::SingleUpper) => !reading.settled,
        Some(shape) => shape.is_uniform(),
        None => false,
    };
    if !undecided {
        return false;
    }
    if token.lists.has(Lists::PATRONYMIC_WORD) {
        return true;
    }
    let listed = token.lists.has(Lists::PARTICLE)
        || (token.lists.has(Lists::NEIGHBOURLY_PARTICLE) && suits_its_neighbours(reading, at));
    listed && !reading.vietnamese && reading.after(at).is_some() && is_no_initial(reading, at)
}

/// 6.2 The token `at`, not the first and typed in lower case, stays so.
pub(super) fn is_kept(reading: &Reading, at: usize) -> bool {
    let token = &reading.tokens[at];
    let may_stand_here = reading.after(at).is_some() || token.lists.has(Lists::PATRONYMIC_WORD);
    may_stand_here && is_typed_particle(reading, at)
}

/// 5, `leading_particle = "keep"`: the first token `at` stays lower.
pub(super) fn is_kept_in_front(reading: &Reading, at: usize) -> bool {
    is_typed_particle(reading, at)
}

/// In the list of 6.2, and typed in lower case by somebody who used capitals elsewhere.
fn is_typed_particle(reading: &Reading, at: usize) -> bool {
    let token = &reading.tokens[at];
    token.shape == Some(Shape::Lower)
        && reading.has_upper
        && token.lists.has(Lists::KEPT_PARTICLE)
        && is_no_initial(reading, at)
}

/// 6.1 Particles that are such only after or before certain words.
fn suits_its_neighbours(reading: &Reading, at: usize) -> bool {
    let word = &reading.tokens[at].fold;
    let before = reading.before(at, 1).map(|token| &token.fold);
    let after = reading.after(at).map(|token| &token.fold);

    let follows = |(befores, words): &(&str, &str)| {
        is_one_of(word, words) && before.is_some_and(|before| is_one_of(before, befores))
    };
    let precedes = |(words, afters): &(&str, &str)| {
        is_one_of(word, words) && after.is_some_and(|after| is_one_of(after, afters))
    };
    lists::PARTICLES_AFTER.iter().any(follows)
        || lists::PARTICLES_BEFORE.iter().any(precedes)
        || stands_in_von_und_zu(reading, at)
}

/// `und` between `von` and `zu`, and the `zu` after that.
fn stands_in_von_und_zu(reading: &Reading, at: usize) -> bool {
    let [von, und, zu] = lists::VON_UND_ZU;
    let is = |place: Option<usize>, word: &str| {
        place
            .and_then(|place| reading.tokens.get(place))
            .is_some_and(|token| token.fold.as_str() == word)
    };
    let von_und_zu_from = |start: Option<usize>| {
        start.is_some_and(|start| {
            is(Some(start), von) && is(Some(start + 1), und) && is(Some(start + 2), zu)
        })
    };
    von_und_zu_from(at.checked_sub(1)) || von_und_zu_from(at.checked_sub(2))
}

/// A particle of one letter needs a neighbour of two or more letters on both sides; otherwise it
/// is an initial.
fn is_no_initial(reading: &Reading, at: usize) -> bool {
    let mut characters = reading.tokens[at].fold.as_str().chars();
    let one_letter = characters.next().is_some() && characters.next().is_none();
    !one_letter
        || [reading.before(at, 1), reading.after(at)]
            .into_iter()
            .all(|neighbour| neighbour.is_some_and(|token| token.letters >= 2))
}
