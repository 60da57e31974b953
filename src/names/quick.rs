//! A quick road for what most fields hold: one or two words of plain Latin or Cyrillic letters that no
//! list knows. It needs no Unicode table, and gives what the policy gives; where a rule might ask for
//! more, it gives nothing and the engine takes the long road.

use std::borrow::Cow;

use smallvec::SmallVec;

use super::choice::Style;
use super::lexicon::Lexicon;
use super::settings::Settings;
use super::text::mapping;

/// How many words a field may have.
const WORDS: usize = 2;

/// The longest word in bytes that is looked up here.
const LONGEST_WORD: usize = 48;

/// Fewer capitals in a word may be initials.
const CAPITALS: usize = 4;

/// Whether the settings leave a quick road at all: no exact spellings, no `i` of its own, and no
/// Scottish Gaelic, where every `Mac` is a prefix.
pub(super) fn is_open(settings: &Settings) -> bool {
    let language = &settings.language;
    settings.overrides.is_empty() && !language.is_turkic() && language.as_str() != "gd"
}

/// The tidied text, if nothing but the letters themselves decides about it.
pub(super) fn tidy<'a>(text: &'a str, style: Style, lexicon: &Lexicon) -> Option<Cow<'a, str>> {
    let mut words: SmallVec<[Word<'_>; WORDS]> = SmallVec::new();
    for word in text.split(' ') {
        if words.len() == WORDS {
            return None;
        }
        words.push(Word::read(word, style, lexicon)?);
    }
    if words.iter().all(|word| word.is_fine) {
        return Some(Cow::Borrowed(text));
    }
    let mut output = String::with_capacity(text.len());
    for (number, word) in words.iter().enumerate() {
        if number > 0 {
            output.push(' ');
        }
        word.write(&mut output);
    }
    Some(Cow::Owned(output))
}

/// A word that begins with a capital in the end, and has no other.
struct Word<'a> {
    text: &'a str,
    /// So it is spelt already.
    is_fine: bool,
}

impl Word<'_> {
    fn read<'a>(text: &'a str, style: Style, lexicon: &Lexicon) -> Option<Word<'a>> {
        let mut fold = [0; LONGEST_WORD];
        if text.is_empty() || text.len() > LONGEST_WORD {
            return None;
        }
        let (mut letters, mut uppers, mut starts_upper) = (0, 0, false);
        let mut end = 0;
        for ch in text.chars() {
            let lower = match ch {
                'a'..='z' | 'à'..='ö' | 'ø'..='ÿ' | 'а'..='џ' => ch,
                'A'..='Z' | 'À'..='Ö' | 'Ø'..='Þ' | 'Ѐ'..='Я' => {
                    uppers += 1;
                    starts_upper |= letters == 0;
                    mapping::lower(ch)
                }
                _ => return None,
            };
            letters += 1;
            end += lower.encode_utf8(&mut fold[end..]).len();
        }
        let is_fine = starts_upper && uppers == 1;
        let fold = std::str::from_utf8(&fold[..end]).ok()?;
        let is_ordinary = match style {
            Style::Plain => true,
            Style::Smart => {
                let is_uniform = uppers == 0 || uppers == letters && letters >= CAPITALS;
                (is_fine || is_uniform)
                    && !fold.starts_with("mc")
                    && lexicon.lists_of(fold).is_empty()
            }
        };
        (is_ordinary && !fold.starts_with("ij")).then_some(Word { text, is_fine })
    }

    fn write(&self, output: &mut String) {
        if self.is_fine {
            output.push_str(self.text);
            return;
        }
        let mut letters = self.text.chars();
        output.extend(letters.next().map(mapping::title));
        output.extend(letters.map(mapping::lower));
    }
}
