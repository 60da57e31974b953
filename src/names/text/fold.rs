//! Policy section 1, "Fold": the form in which words are compared with the lists.

use smallvec::SmallVec;
use unicode_normalization::UnicodeNormalization;

use super::glyph::{Glyph, Kind};
use super::mapping;

/// A folded word. Short ones need no heap.
#[derive(Debug, Default)]
pub(in crate::names) struct Fold(SmallVec<[u8; 64]>);

impl Fold {
    pub(in crate::names) fn of(glyphs: &[Glyph]) -> Fold {
        Fold::of_some(glyphs.iter())
    }

    /// Folds the given characters as if they stood side by side.
    pub(in crate::names) fn of_some<'a>(glyphs: impl Iterator<Item = &'a Glyph> + Clone) -> Fold {
        let visible = glyphs.filter(|glyph| glyph.kind != Kind::Format);
        let mut folded = SmallVec::new();
        for glyph in visible.clone() {
            if glyph.ch.is_ascii() && glyph.is_letter() {
                folded.push(glyph.ch.to_ascii_lowercase() as u8);
                continue;
            }
            let Some(letters) = fold_alone(*glyph) else {
                return Fold::by_the_book(visible.map(|glyph| unify_apostrophe(*glyph)));
            };
            for ch in letters {
                folded.extend_from_slice(ch.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
        Fold(folded)
    }

    /// Folds an entry of a list.
    pub(in crate::names) fn of_text(text: &str) -> Fold {
        let glyphs: Vec<Glyph> = text.chars().map(Glyph::new).collect();
        Fold::of(&glyphs)
    }

    /// NFC, full case folding, `i` with a dot above becomes `i`, NFC.
    fn by_the_book(visible: impl Iterator<Item = char>) -> Fold {
        let composed: String = visible.nfc().collect();
        let folded = mapping::fold_fully(&composed).replace("i\u{307}", "i");
        Fold(folded.nfc().collect::<String>().bytes().collect())
    }

    pub(in crate::names) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(in crate::names) fn as_str(&self) -> &str {
        // Only whole characters are ever written; the empty string is in no list.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

fn unify_apostrophe(glyph: Glyph) -> char {
    if glyph.is_apostrophe() {
        '\''
    } else {
        glyph.ch
    }
}

/// The folded form of a character that does not compose with its neighbours, which is nearly every
/// one that names are written with; `None` for the others.
fn fold_alone(glyph: Glyph) -> Option<impl Iterator<Item = char>> {
    let (first, second) = match glyph.ch {
        _ if glyph.is_apostrophe() => ('\'', None),
        ch if ch.is_ascii() => (ch.to_ascii_lowercase(), None),
        'İ' => ('i', None),
        'ß' | 'ẞ' => ('s', Some('s')),
        'ŉ' | 'ǰ' => return None,
        // Latin, composed letters; Greek; Cyrillic; Armenian; Vietnamese.
        ch @ ('\u{80}'..='\u{24F}'
        | '\u{388}'..='\u{38F}'
        | '\u{391}'..='\u{3AF}'
        | '\u{3B1}'..='\u{3CE}'
        | '\u{400}'..='\u{481}'
        | '\u{48A}'..='\u{52F}'
        | '\u{531}'..='\u{556}'
        | '\u{561}'..='\u{586}'
        | '\u{1EA0}'..='\u{1EF9}') => (mapping::fold(ch), None),
        // Dashes and quotes; Chinese; emoji.
        ch @ ('\u{2010}'..='\u{2027}' | '\u{4E00}'..='\u{9FFF}' | '\u{1F300}'..='\u{1FAFF}') => {
            (ch, None)
        }
        _ => return None,
    };
    Some(std::iter::once(first).chain(second))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The short way and the policy's way agree about every character that may take the short way,
    /// alone and next to itself.
    #[test]
    fn the_short_way_is_the_policys_way() {
        let mut short = 0;
        for ch in '\0'..=char::MAX {
            let glyph = Glyph::new(ch);
            if let Some(folded) = fold_alone(glyph) {
                short += 1;
                let pair = folded.chain(fold_alone(glyph).into_iter().flatten());
                let visible = [unify_apostrophe(glyph); 2].into_iter();
                assert_eq!(
                    pair.collect::<String>(),
                    Fold::by_the_book(visible).as_str(),
                    "{ch:?}"
                );
            }
        }
        assert!(short > 20_000);
    }
}
