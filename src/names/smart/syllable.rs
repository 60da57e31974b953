//! Policy section 6.5: syllables of Korean and Chinese romanisation, such as `Kai` and `shek`.

use crate::names::lists;
use crate::names::text::fold::Fold;
use crate::names::text::glyph::{Glyph, Kind};

/// Whether a part is one syllable, in Latin or Russian spelling.
pub(super) fn is_syllable(part: &[Glyph]) -> bool {
    let folded: Vec<Glyph> = Fold::of(part).as_str().chars().map(Glyph::new).collect();
    let is_read = |glyph: &&Glyph| glyph.is_letter() || glyph.is_apostrophe();
    let text: String = folded
        .iter()
        .filter(is_read)
        .map(|glyph| glyph.ch)
        .collect();
    if text.is_ascii() {
        let has_mark = folded.iter().any(|glyph| glyph.kind == Kind::Mark);
        !has_mark && is_latin(&text)
    } else {
        is_cyrillic(&text)
    }
}

fn is_latin(text: &str) -> bool {
    let aspirated = lists::SYLLABLE_STARTS_ASPIRATED
        .iter()
        .filter_map(|start| text.strip_prefix(start));
    let plain = lists::SYLLABLE_STARTS
        .iter()
        .filter_map(|start| text.strip_prefix(start));
    let with_h = plain.clone().filter_map(|rest| rest.strip_prefix('h'));
    let mut rests = std::iter::once(text)
        .chain(aspirated)
        .chain(plain)
        .chain(with_h);
    rests.any(|rest| is_rhyme(rest) || rest.strip_prefix(['y', 'w']).is_some_and(is_rhyme))
}

/// Vowels, and perhaps a consonant that ends the syllable.
fn is_rhyme(text: &str) -> bool {
    let vowels = text
        .chars()
        .take_while(|letter| lists::SYLLABLE_VOWELS.contains(letter))
        .count();
    let y_alone = text.strip_prefix('y').is_some_and(is_end);
    let has_foreign_pair = || {
        let pairs = lists::NO_VOWEL_PAIRS;
        pairs.iter().any(|pair| text[..vowels].contains(pair))
    };
    y_alone || (1..=3).contains(&vowels) && !has_foreign_pair() && is_end(&text[vowels..])
}

fn is_end(text: &str) -> bool {
    text.is_empty() || lists::SYLLABLE_ENDS.contains(&text)
}

fn is_cyrillic(text: &str) -> bool {
    let is_consonant = |ch: char| lists::CYRILLIC_SYLLABLE_CONSONANTS.contains(&ch);
    let is_vowel = |ch: char| lists::CYRILLIC_SYLLABLE_VOWELS.contains(&ch);
    let rhyme = text.trim_start_matches(is_consonant);
    let end = rhyme.trim_start_matches(is_vowel);
    let start = &text[..text.len() - rhyme.len()];
    let vowels = &rhyme[..rhyme.len() - end.len()];
    start.chars().count() <= 3
        && (1..=3).contains(&vowels.chars().count())
        && (end.is_empty() || lists::CYRILLIC_SYLLABLE_ENDS.contains(&end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(text: &str) -> bool {
        let glyphs: Vec<Glyph> = text.chars().map(Glyph::new).collect();
        is_syllable(&glyphs)
    }

    #[test]
    fn korean_and_chinese_syllables_are_told_from_other_words() {
        for text in [
            "Kai", "shek", "Ki", "moon", "Geun", "hye", "Hsin", "Yi", "Un", "Jong", "ch'eng",
            "T'ai", "Kwok", "Wai", "tzu", "Hyun", "Yuet", "E", "ssu", "Ghee", "Сунь", "Ят", "сен",
            "чжун", "Чен", "ын", "я",
        ] {
            assert!(is(text), "{text}");
        }
        for text in [
            "Jean",
            "luc",
            "Anne",
            "Marie",
            "Ann",
            "Mary",
            "Lea",
            "Joan",
            "José",
            "люк",
            "Пётр",
            "xx",
            "",
            "j",
            "Ng",
            "Kirk",
            "Müe",
            "Ya\u{323}n",
        ] {
            assert!(!is(text), "{text}");
        }
    }
}
