//! A quick road for what most fields hold: a few words of plain Latin or Cyrillic letters that no list
//! knows. It needs no Unicode table, and gives what the policy gives; where a rule might ask for more,
//! it gives nothing and the engine takes the long road.

use std::borrow::Cow;

use smallvec::SmallVec;

use super::choice::Style;
use super::language::Tongue;
use super::lexicon::Lexicon;
use super::lists;
use super::settings::Settings;
use super::text::mapping;

/// The longest word in bytes that is looked up here.
const LONGEST_WORD: usize = 48;

/// Whether the settings leave a quick road at all: no exact spellings, no `i` of its own, and no
/// Scottish Gaelic, where every `Mac` is a prefix.
pub(super) fn is_open(settings: &Settings) -> bool {
    let language = &settings.language;
    settings.overrides.is_empty() && !language.is_turkic() && !language.is(Tongue::ScottishGaelic)
}

/// The tidied text, if nothing but the letters themselves decides about it: words with a space between
/// them, each of which begins with a capital in the end and has no other.
pub(super) fn tidy<'a>(text: &'a str, style: Style, lexicon: &Lexicon) -> Option<Cow<'a, str>> {
    let mut tidied: SmallVec<[u8; 64]> = SmallVec::new();
    let mut word = Word::default();
    for ch in text.chars() {
        let is_upper = match ch {
            'a'..='z' | 'à'..='ö' | 'ø'..='þ' | 'а'..='џ' => false,
            'A'..='Z' | 'À'..='Ö' | 'Ø'..='Þ' | 'Ѐ'..='Я' => true,
            ' ' => {
                word.end(style, lexicon)?;
                word = Word::default();
                tidied.push(b' ');
                continue;
            }
            _ => return None,
        };
        let lower = if is_upper { mapping::lower(ch) } else { ch };
        let becomes = match (word.letters, is_upper) {
            (0, true) | (1.., false) => ch,
            (0, false) => mapping::title(ch),
            (1.., true) => lower,
        };
        word.add(lower, is_upper)?;
        push(&mut tidied, becomes);
    }
    word.end(style, lexicon)?;
    if tidied[..] == *text.as_bytes() {
        return Some(Cow::Borrowed(text));
    }
    std::str::from_utf8(&tidied)
        .ok()
        .map(|tidied| Cow::Owned(tidied.to_owned()))
}

fn push(bytes: &mut SmallVec<[u8; 64]>, ch: char) {
    if ch.is_ascii() {
        bytes.push(ch as u8);
    } else {
        bytes.extend_from_slice(ch.encode_utf8(&mut [0; 4]).as_bytes());
    }
}

/// A word as far as it was read.
struct Word {
    letters: usize,
    uppers: usize,
    starts_upper: bool,
    fold: [u8; LONGEST_WORD],
    /// How much of the fold is filled.
    length: usize,
}

impl Default for Word {
    fn default() -> Word {
        Word {
            letters: 0,
            uppers: 0,
            starts_upper: false,
            fold: [0; LONGEST_WORD],
            length: 0,
        }
    }
}

impl Word {
    /// `None` if the word is too long.
    fn add(&mut self, lower: char, is_upper: bool) -> Option<()> {
        let room = self
            .fold
            .get_mut(self.length..self.length + lower.len_utf8())?;
        lower.encode_utf8(room);
        self.length += room.len();
        self.starts_upper |= self.letters == 0 && is_upper;
        self.letters += 1;
        self.uppers += usize::from(is_upper);
        Some(())
    }

    /// `None` if a rule might ask for more than the letters of the word.
    fn end(&self, style: Style, lexicon: &Lexicon) -> Option<()> {
        let fold = &self.fold[..self.length];
        let is_ordinary = !fold.is_empty() && !fold.starts_with(b"ij");
        let is_done = match style {
            Style::Plain => is_ordinary,
            Style::Smart => {
                is_ordinary
                    && self.has_plain_shape()
                    && !fold.starts_with(b"mc")
                    && lexicon.lists_of(fold).is_empty()
            }
        };
        is_done.then_some(())
    }

    /// Shape L, T, INV or U1; or U, unless it is short enough for initials.
    fn has_plain_shape(&self) -> bool {
        match (self.uppers, self.starts_upper) {
            (0, _) | (1, true) => true,
            (uppers, false) => uppers + 1 == self.letters,
            (uppers, true) => uppers == self.letters && self.is_no_initials(),
        }
    }

    /// Four capitals, or three with a vowel.
    fn is_no_initials(&self) -> bool {
        self.letters >= 4 || self.letters == 3 && self.has_plain_vowel()
    }

    fn has_plain_vowel(&self) -> bool {
        let fold = std::str::from_utf8(&self.fold[..self.length]).unwrap_or_default();
        fold.chars().any(|letter| lists::VOWELS.contains(&letter))
    }
}
