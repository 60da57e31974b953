//! Policy section 2: raising and lowering one letter, always by one-to-one mappings.

use icu_casemap::{CaseMapper, CaseMapperBorrowed};

use super::Language;
use super::glyph::Glyph;

const MAPPER: CaseMapperBorrowed<'static> = CaseMapper::new();

/// The case mappings that hold in one field.
#[derive(Clone, Copy, Debug)]
pub(super) struct Casing {
    turkic: bool,
}

impl Casing {
    /// Turkic casing applies by language, or by the evidence of `ı` or `İ` anywhere in the field.
    pub(super) fn of(language: &Language, text: &[Glyph]) -> Casing {
        let turkic = language.is_any(&["tr", "az", "crh", "gag"])
            || text.iter().any(|glyph| matches!(glyph.ch, 'ı' | 'İ'));
        Casing { turkic }
    }

    /// Raises one letter of a part, if it is cased, to its title-case form (`ǆ` gives `ǅ`).
    /// Answers whether it changed.
    pub(super) fn raise(self, part: &mut [Glyph], at: usize) -> bool {
        let raised = match part[at].ch {
            _ if !part[at].is_cased() => return false,
            'i' if self.turkic => 'İ',
            // With a dot as a mark, `I` would be the capital of `i`, which is another letter.
            'ı' if has_dot_above(part, at) => 'ı',
            'ı' => 'I',
            ch => MAPPER.simple_titlecase(ch),
        };
        part[at].replace(raised)
    }

    /// Lowers one letter of a part, cased or Mtavruli. The part is needed for the final sigma and
    /// for an `I` that carries its dot as a mark. Answers whether it changed.
    pub(super) fn lower(self, part: &mut [Glyph], at: usize, letters: LetterSpan) -> bool {
        let lowered = match part[at].ch {
            'Σ' if letters.first < at && at == letters.last => 'ς',
            'I' if self.turkic && !has_dot_above(part, at) => 'ı',
            'İ' => 'i',
            ch if part[at].is_upper() || part[at].is_mtavruli() => MAPPER.simple_lowercase(ch),
            ch => ch,
        };
        part[at].replace(lowered)
    }

    /// Lowers every letter of a part.
    pub(super) fn lower_all(self, part: &mut [Glyph]) -> bool {
        self.capitalise(part, &[])
    }

    /// Raises the letters at the given places and lowers all others.
    pub(super) fn capitalise(self, part: &mut [Glyph], capitals: &[usize]) -> bool {
        let Some(letters) = LetterSpan::of(part) else {
            return false;
        };
        let mut changed = false;
        for at in letters.first..=letters.last {
            changed |= if capitals.contains(&at) {
                self.raise(part, at)
            } else {
                self.lower(part, at, letters)
            };
        }
        changed
    }
}

/// The letter carries U+0307 as a mark of its own.
fn has_dot_above(part: &[Glyph], at: usize) -> bool {
    part.get(at + 1).is_some_and(|next| next.ch == '\u{307}')
}

/// Georgian: Mtavruli capitals always become Mkhedruli, which is never raised.
pub(super) fn lower_georgian(text: &mut [Glyph]) -> bool {
    let mut changed = false;
    for glyph in text.iter_mut().filter(|glyph| glyph.is_mtavruli()) {
        changed |= glyph.replace(MAPPER.simple_lowercase(glyph.ch));
    }
    changed
}

/// Where the first and the last letter of a part stand.
#[derive(Clone, Copy, Debug)]
pub(super) struct LetterSpan {
    pub(super) first: usize,
    pub(super) last: usize,
}

impl LetterSpan {
    /// `None` if the part has no letter.
    pub(super) fn of(part: &[Glyph]) -> Option<LetterSpan> {
        let first = part.iter().position(|glyph| glyph.is_letter())?;
        let last = part.iter().rposition(|glyph| glyph.is_letter())?;
        Some(LetterSpan { first, last })
    }
}

/// Dutch: the two places of an `ij` that opens a part, which are raised together.
pub(super) fn opening_ij(language: &Language, part: &[Glyph]) -> bool {
    language.is_any(&["nl"])
        && matches!(part, [i, j, ..]
            if matches!(i.ch, 'i' | 'I' | 'İ') && matches!(j.ch, 'j' | 'J'))
}
