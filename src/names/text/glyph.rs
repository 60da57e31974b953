//! Policy section 1, letter by letter: what a single character is.

use icu_properties::props::{GeneralCategory, Script};
use icu_properties::{CodePointMapData, CodePointMapDataBorrowed};
use smallvec::SmallVec;

use super::mapping;

const CATEGORY: CodePointMapDataBorrowed<'static, GeneralCategory> = CodePointMapData::new();
const SCRIPT: CodePointMapDataBorrowed<'static, Script> = CodePointMapData::new();

/// A text under work. Names of up to 64 characters need no heap.
pub(in crate::names) type Glyphs = SmallVec<[Glyph; 64]>;

/// One character and all that the rules ask about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::names) struct Glyph {
    pub(in crate::names) ch: char,
    pub(in crate::names) kind: Kind,
    pub(in crate::names) case: Case,
    pub(in crate::names) alphabet: Alphabet,
}

/// The classes of section 1. Each character has exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::names) enum Kind {
    /// Unicode White_Space.
    White,
    /// Category L*, apostrophes excepted.
    Letter,
    /// Category M*.
    Mark,
    /// Category N*.
    Digit,
    /// Category Cf, invisible.
    Format,
    /// Apostrophe of class A1: may be followed by a capital.
    Apostrophe,
    /// Apostrophe of class A2: a letter in its own right, never followed by a capital.
    TurnedComma,
    /// `·` U+00B7.
    MiddleDot,
    /// Category Cc, where it is not white space.
    Control,
    /// Category Co.
    PrivateUse,
    /// Everything else: hyphens, punctuation, emoji, unassigned.
    Other,
}

/// The case of a *cased letter*; `None` for every other character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::names) enum Case {
    None,
    Lower,
    Upper,
}

/// The alphabets that have cased letters here; all others are left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::names) enum Alphabet {
    Latin,
    Greek,
    Cyrillic,
    Armenian,
    Other,
}

impl Glyph {
    pub(in crate::names) fn new(ch: char) -> Glyph {
        match ch {
            'a'..='z' | 'à'..='ö' | 'ø'..='ÿ' => {
                Glyph::letter(ch, Case::Lower, Alphabet::Latin)
            }
            'A'..='Z' | 'À'..='Ö' | 'Ø'..='Þ' => {
                Glyph::letter(ch, Case::Upper, Alphabet::Latin)
            }
            'а'..='џ' => Glyph::letter(ch, Case::Lower, Alphabet::Cyrillic),
            'Ѐ'..='Я' => Glyph::letter(ch, Case::Upper, Alphabet::Cyrillic),
            _ => Glyph::look_up(ch),
        }
    }

    fn letter(ch: char, case: Case, alphabet: Alphabet) -> Glyph {
        Glyph {
            ch,
            kind: Kind::Letter,
            case,
            alphabet,
        }
    }

    fn look_up(ch: char) -> Glyph {
        let mut glyph = Glyph {
            ch,
            kind: Kind::Other,
            case: Case::None,
            alphabet: Alphabet::Other,
        };
        glyph.kind = match ch {
            _ if ch.is_whitespace() => Kind::White,
            '\'' | '’' | 'ʼ' | '´' | '`' | '′' | '＇' => Kind::Apostrophe,
            'ʻ' | '‘' | 'ʿ' | 'ʾ' => Kind::TurnedComma,
            '·' => Kind::MiddleDot,
            '0'..='9' => Kind::Digit,
            ' '..='~' => Kind::Other,
            _ => {
                let category = CATEGORY.get(ch);
                let kind = Kind::of_category(category);
                if kind == Kind::Letter {
                    glyph.alphabet = Alphabet::of(ch);
                    glyph.case = Case::of(ch, category, glyph.alphabet);
                }
                kind
            }
        };
        glyph
    }

    /// Puts another form of the same letter in its place; answers whether that is a change.
    pub(in crate::names) fn replace(&mut self, ch: char) -> bool {
        let changes = self.ch != ch;
        if changes {
            *self = Glyph::new(ch);
        }
        changes
    }

    pub(in crate::names) fn is_letter(self) -> bool {
        self.kind == Kind::Letter
    }

    pub(in crate::names) fn is_cased(self) -> bool {
        self.case != Case::None
    }

    pub(in crate::names) fn is_upper(self) -> bool {
        self.case == Case::Upper
    }

    pub(in crate::names) fn is_lower(self) -> bool {
        self.case == Case::Lower
    }

    /// Either class of apostrophe.
    pub(in crate::names) fn is_apostrophe(self) -> bool {
        matches!(self.kind, Kind::Apostrophe | Kind::TurnedComma)
    }

    pub(in crate::names) fn is_cyrillic_letter(self) -> bool {
        self.is_letter() && self.alphabet == Alphabet::Cyrillic
    }

    /// The Georgian capitals that are always lowered (section 2).
    pub(in crate::names) fn is_mtavruli(self) -> bool {
        ('\u{1C90}'..='\u{1CBF}').contains(&self.ch) && self.is_letter()
    }

    /// Hyphens join the parts of a double name; other separators do not.
    pub(in crate::names) fn is_hyphen(self) -> bool {
        matches!(self.ch, '-' | '\u{2010}' | '\u{2011}')
    }
}

impl Kind {
    fn of_category(category: GeneralCategory) -> Kind {
        use GeneralCategory as C;
        match category {
            C::UppercaseLetter
            | C::LowercaseLetter
            | C::TitlecaseLetter
            | C::ModifierLetter
            | C::OtherLetter => Kind::Letter,
            C::NonspacingMark | C::SpacingMark | C::EnclosingMark => Kind::Mark,
            C::DecimalNumber | C::LetterNumber | C::OtherNumber => Kind::Digit,
            C::Format => Kind::Format,
            C::Control => Kind::Control,
            C::PrivateUse => Kind::PrivateUse,
            _ => Kind::Other,
        }
    }
}

impl Alphabet {
    fn of(ch: char) -> Alphabet {
        match SCRIPT.get(ch) {
            Script::Latin => Alphabet::Latin,
            Script::Greek => Alphabet::Greek,
            Script::Cyrillic => Alphabet::Cyrillic,
            Script::Armenian => Alphabet::Armenian,
            _ => Alphabet::Other,
        }
    }
}

impl Case {
    /// A letter counts as cased only if a one-letter mapping leads away from it: ß, ﬁ, ŉ are neutral.
    fn of(ch: char, category: GeneralCategory, alphabet: Alphabet) -> Case {
        use GeneralCategory as C;
        let may_be_cased = matches!(
            category,
            C::UppercaseLetter | C::LowercaseLetter | C::TitlecaseLetter
        );
        if !may_be_cased || alphabet == Alphabet::Other {
            Case::None
        } else if mapping::lower(ch) != ch {
            Case::Upper
        } else if mapping::has_upper(ch) {
            Case::Lower
        } else {
            Case::None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The letters beyond ASCII that need no table are what the table says.
    #[test]
    fn the_quick_way_is_the_tables_way() {
        for ch in '\u{80}'..='\u{600}' {
            assert_eq!(Glyph::new(ch), Glyph::look_up(ch), "{ch:?}");
        }
    }
}
