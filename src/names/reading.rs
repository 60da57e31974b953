//! Policy section 1: what the rules need to know about a field before any of it is changed.

use smallvec::SmallVec;

use super::Language;
use super::fold::Fold;
use super::glyph::{Glyph, Kind};
use super::lexicon::{Lexicon, Lists};
use super::shape::Shape;
use super::text::{Span, parts, tokens};

/// A field as it was found.
pub(super) struct Reading {
    pub(super) tokens: SmallVec<[Token; 6]>,
    /// The first token that has a cased letter and no digit and is not `'t`, `'s`, `'n`.
    pub(super) first: Option<usize>,
    /// Somebody typed this field with care: a word in title case, or a longer one not in capitals.
    pub(super) settled: bool,
    /// Some digit-free token has an upper letter.
    pub(super) has_upper: bool,
    /// Nothing is lowered as a particle (6.1).
    pub(super) vietnamese: bool,
}

/// A token as it was found.
pub(super) struct Token {
    pub(super) span: Span,
    pub(super) shape: Option<Shape>,
    /// How many letters, cased or not.
    pub(super) letters: usize,
    pub(super) cased_letters: usize,
    pub(super) has_digit: bool,
    pub(super) fold: Fold,
    pub(super) lists: Lists,
}

impl Reading {
    pub(super) fn of(field: &[Glyph], lexicon: &Lexicon, language: &Language) -> Reading {
        let tokens: SmallVec<[Token; 6]> = tokens(field)
            .into_iter()
            .map(|span| Token::read(field, span, lexicon))
            .collect();
        let names = || tokens.iter().filter(|token| !token.has_digit);
        let first = tokens.iter().position(|token| {
            token.shape.is_some() && !token.has_digit && !token.lists.has(Lists::CLIPPED)
        });
        let settled = names().any(|token| is_settled(&field[token.span.clone()], lexicon));
        let has_upper = names().any(|token| token.shape.is_some_and(|shape| shape != Shape::Lower));
        let vietnamese = language.is_any(&["vi"])
            || tokens
                .iter()
                .any(|token| token.lists.has(Lists::VIETNAMESE));
        Reading {
            settled,
            has_upper,
            vietnamese,
            first,
            tokens,
        }
    }

    /// The token `steps` places to the left of another one.
    pub(super) fn before(&self, at: usize, steps: usize) -> Option<&Token> {
        at.checked_sub(steps).map(|place| &self.tokens[place])
    }

    /// The token to the right of another one.
    pub(super) fn after(&self, at: usize) -> Option<&Token> {
        self.tokens.get(at + 1)
    }
}

impl Token {
    fn read(field: &[Glyph], span: Span, lexicon: &Lexicon) -> Token {
        let glyphs = &field[span.clone()];
        let has_digit = glyphs.iter().any(|glyph| glyph.kind == Kind::Digit);
        let shape = Shape::of(glyphs);
        // No rule asks about a word with a digit or without cased letters.
        let fold = if has_digit || shape.is_none() {
            Fold::default()
        } else {
            Fold::of(glyphs)
        };
        Token {
            shape,
            letters: glyphs.iter().filter(|glyph| glyph.is_letter()).count(),
            cased_letters: glyphs.iter().filter(|glyph| glyph.is_cased()).count(),
            has_digit,
            lists: lexicon.lists_of(&fold),
            fold,
            span,
        }
    }
}

/// Some part has shape T, or three or more letters with at least one lower. Numerals, post-nominals
/// and `ij` do not count.
fn is_settled(token: &[Glyph], lexicon: &Lexicon) -> bool {
    parts(token).into_iter().any(|part| {
        let part = &token[part];
        let letters = part.iter().filter(|glyph| glyph.is_letter()).count();
        let is_typed = match Shape::of(part) {
            Some(Shape::Title) => true,
            Some(_) => letters >= 3 && part.iter().any(|glyph| glyph.is_lower()),
            None => false,
        };
        is_typed && {
            let fold = Fold::of(part);
            let listed = lexicon.lists_of(&fold);
            !listed.has(Lists::NUMERAL) && !listed.has(Lists::POST_NOMINAL) && fold.as_str() != "ij"
        }
    })
}
