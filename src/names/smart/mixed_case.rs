//! Policy sections 7.4 and 7.5, and the first word of a field: mixed case that is deliberate, and
//! mixed case that is not.

use crate::names::lexicon::is_one_of;
use crate::names::lists;
use crate::names::text::casing::Casing;
use crate::names::text::fold::Fold;
use crate::names::text::glyph::{Alphabet, Glyph, Kind};
use crate::names::text::letters::{is_vowel, letter_places, spelt_letter};

/// 7.4 A word of shape SH is no typo: `ODonnell`, `DSouza`, `IJsbrand`, `MBappe`, `hUiginn`.
pub(super) fn is_second_capital_meant(part: &[Glyph], in_first_token: bool) -> bool {
    let mut places = letter_places(part);
    let (Some(first), Some(second)) = (places.next(), places.next()) else {
        return false;
    };
    if part[first].alphabet != Alphabet::Latin {
        return false;
    }
    let first_fold = spelt_letter(part, first);
    let second_fold = spelt_letter(part, second);
    match (first_fold.as_str(), second_fold.as_str()) {
        ("o" | "ó" | "d", _) | ("i", "j") => true,
        ("m", "c") => false,
        ("m" | "n", _) if !is_vowel(part[second]) => true,
        ("h" | "t" | "n", _) => !in_first_token && part[first].is_lower(),
        _ => false,
    }
}

/// 7 A lower first letter before a capital that is none: `oNeill`, `mcMahon`, `iJsbrand`.
pub(super) fn is_never_lower(part: &[Glyph]) -> bool {
    let is_cased = |glyph: &&Glyph| glyph.is_cased();
    let before = part
        .iter()
        .filter(is_cased)
        .take_while(|glyph| !glyph.is_upper());
    let first_upper = part.iter().find(|glyph| glyph.is_upper());
    let fold = Fold::of_some(before);
    let opens_with_ij = || fold.as_str() == "i" && first_upper.is_some_and(|glyph| glyph.ch == 'J');
    is_one_of(&fold, lists::NEVER_LOWER_STARTS) || opens_with_ij()
}

/// 7.5 Lowers a tail of capitals after a typed prefix: `McDONALD`. `None` if the part has none, else
/// whether anything changed.
pub(super) fn lower_caps_tail(casing: Casing, part: &mut [Glyph]) -> Option<bool> {
    let tail = caps_tail(part)?;
    let first = letter_places(&part[tail..]).next()?;
    Some(casing.lower_from(part, tail + first + 1))
}

/// Where the tail of capitals begins, after one of the typed prefixes.
fn caps_tail(part: &[Glyph]) -> Option<usize> {
    if part.iter().any(|glyph| glyph.is_apostrophe()) {
        return None;
    }
    let start = part.iter().position(|glyph| glyph.kind != Kind::Format)?;
    let begins_with = |prefix: &&&str| {
        part[start..].len() > prefix.len()
            && part[start..]
                .iter()
                .zip(prefix.chars())
                .all(|(glyph, letter)| glyph.ch == letter)
    };
    let prefix = lists::CAPS_TAIL_PREFIXES.iter().find(begins_with)?;
    let tail = start + prefix.len();
    let mut cased = part[tail..].iter().filter(|glyph| glyph.is_cased());
    let is_caps = cased.clone().count() >= 3 && cased.all(|glyph| glyph.is_upper());
    is_caps.then_some(tail)
}
