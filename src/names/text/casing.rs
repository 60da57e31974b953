//! Policy section 2: raising and lowering one letter, always by one-to-one mappings.

use super::glyph::Glyph;
use super::mapping;
use crate::names::language::{Language, Tongue};

/// The case mappings that hold in one field.
#[derive(Clone, Copy, Debug)]
pub(in crate::names) struct Casing {
    turkic: bool,
    /// Turkish and Gagauz have neither q nor x.
    without_q_and_x: bool,
    dutch: bool,
}

impl Casing {
    /// Turkic casing applies by language, or by the evidence of `ı` or `İ` anywhere in the field.
    pub(in crate::names) fn of(language: &Language, text: &[Glyph]) -> Casing {
        let turkic = language.is_turkic() || text.iter().any(|glyph| matches!(glyph.ch, 'ı' | 'İ'));
        Casing {
            turkic,
            without_q_and_x: language.is(Tongue::Turkish) || language.is(Tongue::Gagauz),
            dutch: language.is(Tongue::Dutch),
        }
    }

    /// Whether `i` and `ı` are two letters in this field.
    pub(in crate::names) fn is_turkic(self) -> bool {
        self.turkic
    }

    /// The same, but `I` and `i` are an ordinary pair.
    pub(in crate::names) fn without_turkic(self) -> Casing {
        Casing {
            turkic: false,
            ..self
        }
    }

    /// Raises one letter of a part, if it is cased, to its title-case form (`ǆ` gives `ǅ`).
    /// Answers whether it changed.
    pub(in crate::names) fn raise(self, part: &mut [Glyph], at: usize) -> bool {
        self.in_part(part).raise_letter(part, at)
    }

    /// Lowers the letters from a place on. Answers whether any changed.
    pub(in crate::names) fn lower_from(self, part: &mut [Glyph], from: usize) -> bool {
        let Some(letters) = LetterSpan::of(part) else {
            return false;
        };
        let casing = self.in_part(part);
        let mut changed = false;
        for at in from..part.len() {
            changed |= casing.lower_letter(part, at, letters);
        }
        changed
    }

    /// Raises the letters at the given places and lowers all others.
    pub(in crate::names) fn capitalise(self, part: &mut [Glyph], capitals: &[usize]) -> bool {
        let Some(letters) = LetterSpan::of(part) else {
            return false;
        };
        let casing = self.in_part(part);
        let mut changed = false;
        for at in letters.first..=letters.last {
            changed |= if capitals.contains(&at) {
                casing.raise_letter(part, at)
            } else {
                casing.lower_letter(part, at, letters)
            };
        }
        changed
    }

    /// Dutch: the part opens with `ij`, which is raised together.
    pub(in crate::names) fn opens_with_ij(self, part: &[Glyph]) -> bool {
        self.dutch
            && matches!(part, [i, j, ..]
                if matches!(i.ch, 'i' | 'I' | 'İ') && matches!(j.ch, 'j' | 'J'))
    }

    /// The casing of one part: a foreign one has an ordinary `i`.
    fn in_part(self, part: &[Glyph]) -> Casing {
        if self.turkic && self.is_foreign(part) {
            self.without_turkic()
        } else {
            self
        }
    }

    /// `William`: letters that the language does not have, and no `ı` or `İ`.
    fn is_foreign(self, part: &[Glyph]) -> bool {
        let foreign = |glyph: &Glyph| match glyph.ch {
            'w' | 'W' => true,
            'q' | 'Q' | 'x' | 'X' => self.without_q_and_x,
            _ => false,
        };
        part.iter().any(foreign) && !part.iter().any(|glyph| matches!(glyph.ch, 'ı' | 'İ'))
    }

    fn raise_letter(self, part: &mut [Glyph], at: usize) -> bool {
        let raised = match part[at].ch {
            _ if !part[at].is_cased() => return false,
            'i' if self.turkic && !has_dot_above(part, at) => 'İ',
            // With a dot as a mark, `I` would be the capital of `i`, which is another letter.
            'ı' if has_dot_above(part, at) => 'ı',
            'ı' => 'I',
            ch => mapping::title(ch),
        };
        part[at].replace(raised)
    }

    /// Lowers a letter, cased or Mtavruli. The part is needed for the final sigma and for an `I` that
    /// carries its dot as a mark.
    fn lower_letter(self, part: &mut [Glyph], at: usize, letters: LetterSpan) -> bool {
        let lowered = match part[at].ch {
            'Σ' if letters.first < at && at == letters.last => 'ς',
            'I' if self.turkic && !has_dot_above(part, at) => 'ı',
            'İ' => 'i',
            ch if part[at].is_upper() || part[at].is_mtavruli() => mapping::lower(ch),
            ch => ch,
        };
        part[at].replace(lowered)
    }
}

/// The letter carries U+0307 as a mark of its own.
fn has_dot_above(part: &[Glyph], at: usize) -> bool {
    part.get(at + 1).is_some_and(|next| next.ch == '\u{307}')
}

/// Georgian: Mtavruli capitals always become Mkhedruli, which is never raised.
pub(in crate::names) fn lower_georgian(text: &mut [Glyph]) -> bool {
    let mut changed = false;
    for glyph in text.iter_mut().filter(|glyph| glyph.is_mtavruli()) {
        changed |= glyph.replace(mapping::lower(glyph.ch));
    }
    changed
}

/// Where the first and the last letter of a part stand.
#[derive(Clone, Copy, Debug)]
struct LetterSpan {
    first: usize,
    last: usize,
}

impl LetterSpan {
    /// `None` if the part has no letter.
    fn of(part: &[Glyph]) -> Option<LetterSpan> {
        let first = part.iter().position(|glyph| glyph.is_letter())?;
        let last = part.iter().rposition(|glyph| glyph.is_letter())?;
        Some(LetterSpan { first, last })
    }
}
