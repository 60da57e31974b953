//! Policy section 1, "Shape": how the capitals of a word are spread.

use super::glyph::Glyph;

/// The shape of a part or token, read over its cased letters only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
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
    /// `None` if there is no cased letter.
    pub(super) fn of(glyphs: &[Glyph]) -> Option<Shape> {
        let mut letters = 0;
        let mut uppers = 0;
        let mut first_is_upper = false;
        let mut second_is_upper = false;
        for glyph in glyphs.iter().filter(|glyph| glyph.is_cased()) {
            letters += 1;
            let upper = glyph.is_upper();
            uppers += usize::from(upper);
            match letters {
                1 => first_is_upper = upper,
                2 => second_is_upper = upper,
                _ => {}
            }
        }
        let uppers_after_second =
            uppers - usize::from(first_is_upper) - usize::from(second_is_upper);
        match letters {
            0 => None,
            _ if uppers == 0 => Some(Shape::Lower),
            1 => Some(Shape::SingleUpper),
            _ if uppers == letters => Some(Shape::Upper),
            _ if first_is_upper && uppers == 1 => Some(Shape::Title),
            _ if !first_is_upper && uppers == letters - 1 => Some(Shape::Inverted),
            3.. if second_is_upper && uppers_after_second == 0 => Some(Shape::LateShift),
            _ => Some(Shape::Mixed),
        }
    }

    /// L or U: the typist did not choose, so the rules may.
    pub(super) fn is_uniform(self) -> bool {
        matches!(self, Shape::Lower | Shape::Upper)
    }
}
