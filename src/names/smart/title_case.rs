//! Policy sections 7.1 and 7.3: which letters of a part are capitals in title case.

use smallvec::SmallVec;

use crate::names::choice::Field;
use crate::names::language::Tongue;
use crate::names::lexicon::{Lists, is_one_of};
use crate::names::lists;
use crate::names::rule::Rule;
use crate::names::text::fold::Fold;
use crate::names::text::glyph::{Alphabet, Glyph, Kind};
use crate::names::text::letters::{apostrophe_after_letter, letter_places, spelt_letter};

use super::surroundings::Surroundings;

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

/// 7.1 First cased letter up, all others down, except these.
pub(super) fn title_case(around: &Surroundings<'_>, part: &[Glyph]) -> TitleCase {
    let mut title = TitleCase {
        capitals: SmallVec::new(),
        rule: Rule::TitleCase,
    };
    if let Some(first) = part.iter().position(|glyph| glyph.is_cased()) {
        title.capitals.push(first);
    }
    if around.casing.opens_with_ij(part) {
        title.add(1, Rule::DutchIj);
    }
    if let Some(third) = letter_after_mc(part) {
        title.add(third, Rule::Mc);
    }
    if let Some(fourth) = letter_after_mac(around, part) {
        title.add(fourth, Rule::Mac);
    }
    if let Some(prefix) = ApostrophePrefix::of(around, part) {
        title.add(prefix.next, Rule::ApostrophePrefix);
    }
    title
}

/// 7.3 The letters that are raised in a part that already is in title case.
pub(super) fn corrections(around: &Surroundings<'_>, part: &[Glyph]) -> TitleCase {
    let mut title = TitleCase {
        capitals: SmallVec::new(),
        rule: Rule::Kept,
    };
    if around.field == Field::LastName
        && let Some(third) = letter_after_mc(part)
    {
        title.add(third, Rule::Mc);
    }
    if let Some(prefix) = ApostrophePrefix::of(around, part)
        && !prefix.may_be_followed_by_lower(part)
    {
        title.add(prefix.next, Rule::ApostrophePrefix);
    }
    if around.casing.opens_with_ij(part) {
        title.add(1, Rule::DutchIj);
    }
    title
}

/// 7.1.2 `Mc`: Latin, four or more letters, the first two adjacent to the third. Answers the third.
fn letter_after_mc(part: &[Glyph]) -> Option<usize> {
    let mut places = letter_places(part);
    let start = places.next()?;
    let [m, c, third, ..] = &part[start..] else {
        return None;
    };
    let is_mc = matches!(m.ch, 'm' | 'M') && matches!(c.ch, 'c' | 'C');
    let is_latin = third.is_letter() && third.alphabet == Alphabet::Latin;
    (is_mc && is_latin && places.nth(2).is_some()).then_some(start + 2)
}

/// 7.1.3 `Mac`: the fourth letter of a listed surname; in Scottish Gaelic of any that looks like one.
fn letter_after_mac(around: &Surroundings<'_>, part: &[Glyph]) -> Option<usize> {
    let starts_like_mac = |glyph: &Glyph| matches!(glyph.ch, 'm' | 'M' | 'n' | 'N');
    let first = letter_places(part).next()?;
    let own_list = around.settings.mac_names.is_some();
    if !own_list && !starts_like_mac(&part[first])
        || around.field != Field::LastName && around.in_first_token()
    {
        return None;
    }
    let fold = Fold::of(part);
    let listed = around
        .lexicon
        .lists_of(fold.as_bytes())
        .has(Lists::MAC_NAME);
    let starts_with_any =
        |starts: &[&str]| starts.iter().any(|start| fold.as_str().starts_with(start));
    let gaelic = || {
        around.speaks(Tongue::ScottishGaelic)
            && letter_places(part).count() >= 6
            && starts_with_any(lists::GAELIC_MACS)
            && !starts_with_any(lists::GAELIC_NO_MACS)
    };
    if listed || gaelic() {
        letter_places(part).nth(3)
    } else {
        None
    }
}

/// 7.1.4 A prefix, an apostrophe, and the letter after it, which is raised in title case.
struct ApostrophePrefix {
    fold: Fold,
    /// The place of the letter after the apostrophe.
    next: usize,
}

impl ApostrophePrefix {
    fn of(around: &Surroundings<'_>, part: &[Glyph]) -> Option<ApostrophePrefix> {
        let apostrophe = apostrophe_after_letter(part)?;
        if around.speaks(Tongue::Uzbek) || part[apostrophe].kind != Kind::Apostrophe {
            return None;
        }
        let after = apostrophe + 1;
        let is_visible = |glyph: &Glyph| glyph.kind != Kind::Format;
        let next = after + part[after..].iter().position(is_visible)?;
        if !part[next].is_letter() || letter_places(&part[next..]).nth(1).is_none() {
            return None;
        }
        let is_spelt = |glyph: &&Glyph| matches!(glyph.kind, Kind::Letter | Kind::Mark);
        let fold = Fold::of_some(part[..apostrophe].iter().filter(is_spelt));
        let raised = match part[next].alphabet {
            Alphabet::Latin => {
                is_one_of(&fold, lists::APOSTROPHE_PREFIXES)
                    && !(fold.as_str() == "o" && is_uzbek(part, next))
            }
            Alphabet::Greek => is_one_of(&fold, lists::GREEK_PREFIXES),
            Alphabet::Cyrillic => {
                is_one_of(&fold, lists::CYRILLIC_PREFIXES)
                    && !is_one_of(&spelt_letter(part, next), lists::CYRILLIC_IOTATED)
            }
            _ => false,
        };
        raised.then_some(ApostrophePrefix { fold, next })
    }

    /// 7.3 `N'diaye`, `D'hondt`.
    fn may_be_followed_by_lower(&self, part: &[Glyph]) -> bool {
        is_one_of(&self.fold, lists::AFRICAN_PREFIXES)
            || is_one_of(&self.fold, lists::PREFIXES_BEFORE_H)
                && matches!(part[self.next].ch, 'h' | 'H')
    }
}

/// 7.1.4 Whether a part that begins with o' is an Uzbek word, by its stem or its ending.
fn is_uzbek(part: &[Glyph], next: usize) -> bool {
    let (rest, whole) = (Fold::of(&part[next..]), Fold::of(part));
    let starts = |stem: &&str| rest.as_str().starts_with(*stem);
    let ends = |ending: &&str| whole.as_str().ends_with(*ending);
    lists::UZBEK_STEMS.iter().any(starts) || lists::UZBEK_ENDINGS.iter().any(ends)
}
