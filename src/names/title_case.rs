//! Policy section 7.1: which letters of a part are capitals in title case.

use smallvec::SmallVec;

use super::casing::opening_ij;
use super::fold::Fold;
use super::glyph::{Alphabet, Glyph, Kind};
use super::lexicon::{Lists, is_one_of};
use super::part::PartContext;
use super::{Field, Rule, lists};

/// The places of the capitals, and the rule that explains them best.
pub(super) struct TitleCase {
    /// The first letter's place stands first.
    pub(super) capitals: SmallVec<[usize; 6]>,
    pub(super) rule: Rule,
}

impl TitleCase {
    fn add(&mut self, place: usize, rule: Rule) {
        self.capitals.push(place);
        self.rule = self.rule.max(rule);
    }
}

impl PartContext<'_> {
    /// 7.1 First cased letter up, all others down, except these.
    pub(super) fn title_case(&self, part: &[Glyph]) -> TitleCase {
        let mut title = TitleCase {
            capitals: SmallVec::new(),
            rule: Rule::TitleCase,
        };
        if let Some(first) = part.iter().position(|glyph| glyph.is_cased()) {
            title.capitals.push(first);
        }
        if opening_ij(self.language, part) {
            title.add(1, Rule::DutchIj);
        }
        if let Some(third) = letter_after_mc(part) {
            title.add(third, Rule::Mc);
        }
        if let Some(fourth) = self.letter_after_mac(part) {
            title.add(fourth, Rule::Mac);
        }
        if let Some(place) = self.letter_after_apostrophe(part, Prefixes::All) {
            title.add(place, Rule::ApostrophePrefix);
        }
        title
    }

    /// 7.3 The letters that are raised in a part that already is in title case.
    pub(super) fn corrections(&self, part: &[Glyph]) -> TitleCase {
        let mut title = TitleCase {
            capitals: SmallVec::new(),
            rule: Rule::Kept,
        };
        if self.field == Field::LastName
            && let Some(third) = letter_after_mc(part)
        {
            title.add(third, Rule::Mc);
        }
        if let Some(place) = self.letter_after_apostrophe(part, Prefixes::WithoutAfrican) {
            title.add(place, Rule::ApostrophePrefix);
        }
        if opening_ij(self.language, part) {
            title.add(1, Rule::DutchIj);
        }
        title
    }

    /// 7.1.3 `Mac`: the fourth letter of a listed surname.
    fn letter_after_mac(&self, part: &[Glyph]) -> Option<usize> {
        let listed = || self.lexicon.lists_of(&Fold::of(part)).has(Lists::MAC_NAME);
        if self.field == Field::LastName && listed() {
            letter_places(part).nth(3)
        } else {
            None
        }
    }

    /// 7.1.4 Apostrophe prefix: the letter after the first apostrophe that follows a letter.
    fn letter_after_apostrophe(&self, part: &[Glyph], prefixes: Prefixes) -> Option<usize> {
        if self.language.is_any(&["uz"]) {
            return None;
        }
        let apostrophe = apostrophe_after_letter(part)?;
        if part[apostrophe].kind != Kind::Apostrophe {
            return None;
        }
        let after = apostrophe + 1;
        let next = after
            + part[after..]
                .iter()
                .position(|glyph| glyph.kind != Kind::Format)?;
        if !part[next].is_letter() || letter_places(&part[next..]).nth(1).is_none() {
            return None;
        }
        let is_spelt = |glyph: &&Glyph| matches!(glyph.kind, Kind::Letter | Kind::Mark);
        let prefix = Fold::of_some(part[..apostrophe].iter().filter(is_spelt));
        let raised = match part[next].alphabet {
            Alphabet::Latin => {
                is_one_of(&prefix, lists::APOSTROPHE_PREFIXES)
                    && !(prefixes == Prefixes::WithoutAfrican
                        && is_one_of(&prefix, lists::AFRICAN_PREFIXES))
                    && !(prefix.as_str() == "o" && is_uzbek_stem(&part[next..]))
            }
            Alphabet::Cyrillic => {
                is_one_of(&prefix, lists::CYRILLIC_PREFIXES)
                    && !is_one_of(&spelt_letter(part, next), lists::CYRILLIC_IOTATED)
            }
            _ => false,
        };
        raised.then_some(next)
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Prefixes {
    All,
    /// Without `m` and `n`.
    WithoutAfrican,
}

/// 7.1.2 `Mc`: Latin, four or more letters, the first two adjacent to the third. Answers the third.
fn letter_after_mc(part: &[Glyph]) -> Option<usize> {
    let mut places = letter_places(part);
    let start = places.next()?;
    let [m, c, third, ..] = &part[start..] else {
        return None;
    };
    let is_mc = matches!(m.ch, 'm' | 'M') && matches!(c.ch, 'c' | 'C');
    let is_long_enough = places.nth(2).is_some();
    if is_mc && third.is_letter() && third.alphabet == Alphabet::Latin && is_long_enough {
        Some(start + 2)
    } else {
        None
    }
}

/// 7.1.4 After `o'`, these are Uzbek words.
fn is_uzbek_stem(rest: &[Glyph]) -> bool {
    let fold = Fold::of(rest);
    lists::UZBEK_STEMS
        .split_whitespace()
        .any(|stem| fold.as_str().starts_with(stem))
}

/// The first apostrophe, of either class, that has a letter before it.
pub(super) fn apostrophe_after_letter(part: &[Glyph]) -> Option<usize> {
    let start = letter_places(part).next()?;
    part[start..]
        .iter()
        .position(|glyph| glyph.is_apostrophe())
        .map(|place| start + place)
}

/// Where the letters of a part stand.
pub(super) fn letter_places(part: &[Glyph]) -> impl Iterator<Item = usize> {
    part.iter()
        .enumerate()
        .filter(|(_, glyph)| glyph.is_letter())
        .map(|(place, _)| place)
}

/// The fold of the letter at a place together with the marks that belong to it.
pub(super) fn spelt_letter(part: &[Glyph], place: usize) -> Fold {
    let marks = part[place + 1..]
        .iter()
        .take_while(|glyph| glyph.kind == Kind::Mark)
        .count();
    Fold::of(&part[place..=place + marks])
}
