//! Policy section 1, "Shape": how the capitals of a word are spread.

use super::glyph::Glyph;

/// The shape of a part or token, read over its cased letters only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::names) enum Shape {
    /// L: all lower, `smith`.
    Lower,
    /// U1: one letter, upper, `J`.
    SingleUpper,
    /// U: two or more, all upper, `SMITH`.
    Upper,
    /// T: first upper, all others lower, `Smith`.
    Title,
    /// INV: first lower, all others upper, `sMITH`.
    Inverted,
    /// SH: second upper, third and later lower, `SMith`: the shift key came late.
    LateShift,
    /// M: anything else, `McDonald`.
    Mixed,
}

impl Shape {
    /// L or U: the typist did not choose, so the rules may.
    pub(in crate::names) fn is_uniform(self) -> bool {
        matches!(self, Shape::Lower | Shape::Upper)
    }
}

/// The letters of a word, counted one by one.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::names) struct Tally {
    /// Letters, cased or not.
    pub(in crate::names) letters: u32,
    /// Cased letters.
    pub(in crate::names) cased: u32,
    /// Upper letters among them.
    pub(in crate::names) uppers: u32,
    /// The first letter is a cased one.
    pub(in crate::names) starts_cased: bool,
    /// The first cased letter is upper.
    pub(in crate::names) starts_upper: bool,
    second_is_upper: bool,
}

impl Tally {
    /// Counts a whole word.
    pub(in crate::names) fn of(word: &[Glyph]) -> Tally {
        let mut tally = Tally::default();
        word.iter().for_each(|glyph| tally.add(*glyph));
        tally
    }

    /// Counts one more character.
    pub(in crate::names) fn add(&mut self, glyph: Glyph) {
        if !glyph.is_letter() {
            return;
        }
        self.letters += 1;
        if !glyph.is_cased() {
            return;
        }
        self.cased += 1;
        let upper = glyph.is_upper();
        self.uppers += u32::from(upper);
        match self.cased {
            1 => {
                self.starts_cased = self.letters == 1;
                self.starts_upper = upper;
            }
            2 => self.second_is_upper = upper,
            _ => {}
        }
    }

    /// Counts the letters of another word behind these.
    pub(in crate::names) fn append(&mut self, next: Tally) {
        if self.letters == 0 {
            *self = next;
            return;
        }
        match self.cased {
            0 => {
                self.starts_upper = next.starts_upper;
                self.second_is_upper = next.second_is_upper;
            }
            1 => self.second_is_upper = next.starts_upper,
            _ => {}
        }
        self.letters += next.letters;
        self.cased += next.cased;
        self.uppers += next.uppers;
    }

    /// The shape of what was counted; `None` without a cased letter.
    pub(in crate::names) fn shape(&self) -> Option<Shape> {
        let (cased, uppers) = (self.cased, self.uppers);
        let after_second = uppers - u32::from(self.starts_upper) - u32::from(self.second_is_upper);
        match cased {
            0 => None,
            _ if uppers == 0 => Some(Shape::Lower),
            1 => Some(Shape::SingleUpper),
            _ if uppers == cased => Some(Shape::Upper),
            _ if self.starts_upper && uppers == 1 => Some(Shape::Title),
            _ if !self.starts_upper && uppers == cased - 1 => Some(Shape::Inverted),
            3.. if self.second_is_upper && after_second == 0 => Some(Shape::LateShift),
            _ => Some(Shape::Mixed),
        }
    }

    /// Three or more cased letters, of both cases.
    pub(in crate::names) fn has_three_of_both_cases(&self) -> bool {
        self.cased >= 3 && self.uppers > 0 && self.uppers < self.cased
    }
}
