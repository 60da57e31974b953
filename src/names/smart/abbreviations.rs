//! Policy section 6.6: abbreviations that were typed lower, and Russian `г-н`.

use crate::names::language::Tongue;
use crate::names::lexicon::Lists;
use crate::names::lists;
use crate::names::rule::Rule;
use crate::names::text::fold::Fold;
use crate::names::text::glyph::{Glyph, Kind};
use crate::names::text::letters::letter_places;
use crate::names::text::shape::Shape;

use super::surroundings::Surroundings;

/// Leaves an abbreviation lower that was typed so beside a capital, and gives `г-н` its one capital
/// otherwise. `None` if the token is neither.
pub(super) fn tidy(around: &Surroundings<'_>, token: &mut [Glyph]) -> Option<Rule> {
    let shape = around.token().shape?;
    if around.token().tally.letters as usize == token.len() {
        return None;
    }
    let before_comma = match &*token {
        [rest @ .., comma] if comma.ch == ',' => Some(Fold::of(rest)),
        _ => None,
    };
    let lists = match &before_comma {
        Some(fold) => around.lexicon.lists_of(fold.as_bytes()),
        None => around.token().lists,
    };
    let is_courtesy_title = lists.has(Lists::COURTESY_TITLE);
    let may_be_left = shape == Shape::Lower
        && around.reading.has_upper
        && before_comma.is_none()
        && (!around.in_first_token() || around.keeps_first_word());
    if may_be_left && (is_courtesy_title || is_russian_degree(token) || is_cut_short(around, token))
    {
        return Some(Rule::Abbreviation);
    }
    if !is_courtesy_title {
        return None;
    }
    let first = letter_places(token).next()?;
    around.casing.capitalise(token, &[first]);
    Some(Rule::CourtesyTitle)
}

/// `к.т.н.`, candidate or doctor of sciences.
fn is_russian_degree(token: &[Glyph]) -> bool {
    let fold = Fold::of(token);
    let text = fold.as_str();
    lists::DEGREE_STARTS
        .iter()
        .any(|start| text.starts_with(start))
        && lists::DEGREE_ENDS.iter().any(|end| text.ends_with(end))
}

/// `med.`, `dipl.-ing.`: groups of letters with a full stop at the end. In front of a field they are
/// shorter, and in English they take a capital.
fn is_cut_short(around: &Surroundings<'_>, token: &[Glyph]) -> bool {
    let [groups @ .., full_stop] = token else {
        return false;
    };
    let is_divider = |glyph: &Glyph| glyph.ch == '.' || glyph.is_hyphen();
    let longest = if around.in_first_token() { 4 } else { 6 };
    let is_group = |group: &[Glyph]| {
        let letters = letter_places(group).count();
        let spelt = |glyph: &Glyph| glyph.is_letter() || glyph.kind == Kind::Mark;
        (2..=longest).contains(&letters) && group.iter().all(spelt)
    };
    let mut pieces = groups.split(is_divider).peekable();
    let starts = pieces.peek().is_some_and(|piece| !piece.is_empty());
    let ends = groups.last().is_some_and(|glyph| !is_divider(glyph));
    full_stop.ch == '.'
        && starts
        && ends
        && pieces.filter(|piece| !piece.is_empty()).all(is_group)
        && !(around.in_first_token() && around.speaks(Tongue::English))
        && !(around.is_followed() && Fold::of(groups).as_str() == lists::SENIOR_OR_SAINT)
}
