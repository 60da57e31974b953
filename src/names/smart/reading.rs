//! Policy section 1: what the rules need to know about a field before any of it is changed.

use std::ops::Range;

use smallvec::SmallVec;

use crate::names::language::{Language, Tongue};
use crate::names::lexicon::{Lexicon, Lists};
use crate::names::text::fold::Fold;
use crate::names::text::glyph::{Glyph, Kind};
use crate::names::text::letters::letter_places;
use crate::names::text::shape::{Shape, Tally};
use crate::names::text::spans::{Span, is_word_character};

/// A field as it was found.
pub(in crate::names) struct Reading {
    pub(in crate::names) tokens: SmallVec<[Token; 4]>,
    /// The letter parts of all tokens, in their order.
    parts: SmallVec<[Part; 6]>,
    /// The first token that has a cased letter and no digit and is not `'t`, `'s`, `'n`.
    pub(super) first: Option<usize>,
    /// Somebody typed this field with care: a word in title case, or a longer one not in capitals.
    pub(super) settled: bool,
    /// Some token surely has an upper letter now and in the result.
    pub(super) has_upper: bool,
    /// One of the names of the Vietnamese guard stands in the field.
    pub(super) vietnamese_name: bool,
    /// Nothing is lowered as a particle (6.1): such a name, or the language.
    pub(super) vietnamese: bool,
    /// The first token that is Gaelic for "son" or "daughter".
    pub(super) gaelic_child: Option<usize>,
    /// Nothing but Dutch surname prefixes, all typed lower.
    pub(super) only_infixes: bool,
}

/// A token as it was found. Places are those in the field.
pub(in crate::names) struct Token {
    pub(in crate::names) span: Span,
    /// Its letter parts, as places in the reading.
    parts: Range<usize>,
    pub(in crate::names) tally: Tally,
    pub(super) shape: Option<Shape>,
    pub(super) has_digit: bool,
    pub(in crate::names) lists: Lists,
    /// Its first letter stands behind a `(` that no `)` closed.
    pub(super) in_brackets: bool,
    /// Its fold has one character.
    pub(super) is_one_character: bool,
}

/// A letter part as it was found.
pub(super) struct Part {
    pub(super) span: Span,
    pub(super) tally: Tally,
    pub(super) shape: Option<Shape>,
    pub(super) lists: Lists,
}

impl Reading {
    /// Reads a field whose tokens stand at the given places.
    pub(in crate::names) fn of<'a>(
        field: &[Glyph],
        words: impl Iterator<Item = &'a Span>,
        lexicon: &Lexicon,
        language: &Language,
    ) -> Reading {
        let mut reading = Reading {
            tokens: SmallVec::new(),
            parts: SmallVec::new(),
            first: None,
            settled: false,
            has_upper: false,
            vietnamese_name: false,
            vietnamese: language.is(Tongue::Vietnamese),
            gaelic_child: None,
            only_infixes: false,
        };
        let mut open_brackets = 0usize;
        for span in words {
            let token = reading.read_token(field, span, lexicon, &mut open_brackets);
            reading.vietnamese_name |= token.lists.has(Lists::VIETNAMESE);
            if reading.gaelic_child.is_none() && token.lists.has(Lists::GAELIC_CHILD) {
                reading.gaelic_child = Some(reading.tokens.len());
            }
            let opens = !token.has_digit && token.shape.is_some();
            if opens && reading.first.is_none() && !token.lists.has(Lists::CLIPPED) {
                reading.first = Some(reading.tokens.len());
            }
            reading.tokens.push(token);
        }
        reading.vietnamese |= reading.vietnamese_name;
        reading.weigh(field, lexicon);
        reading
    }

    /// Reads the same words again after some of their letters changed case.
    pub(in crate::names) fn read_again(&mut self, field: &[Glyph], lexicon: &Lexicon) {
        for token in &mut self.tokens {
            token.tally = Tally::default();
            for part in &mut self.parts[token.parts.clone()] {
                part.tally = Tally::of(&field[part.span.clone()]);
                part.shape = part.tally.shape();
                token.tally.append(part.tally);
            }
            token.shape = token.tally.shape();
        }
        self.weigh(field, lexicon);
    }

    /// Finds out how the field was typed as a whole.
    fn weigh(&mut self, field: &[Glyph], lexicon: &Lexicon) {
        let names = self
            .tokens
            .iter()
            .filter(|token| !token.has_digit && token.shape.is_some());
        let settles = |token: &Token| {
            !token.lists.has(Lists::COURTESY_TITLE)
                && self
                    .parts_of(token)
                    .iter()
                    .any(|part| part.settles(field, lexicon))
        };
        let has_upper = |token: &Token| {
            let mut parts = self.parts_of(token).iter().enumerate();
            !token.lists.has(Lists::RELATION)
                && parts.any(|(number, part)| part.surely_has_upper(number == 0))
        };
        let settled = names.clone().any(settles);
        let has_upper = names.clone().any(has_upper);
        let is_infix = |token: &Token| {
            token.lists.has(Lists::DUTCH_INFIX) && token.shape == Some(Shape::Lower)
        };
        self.only_infixes = self.tokens.iter().all(is_infix);
        self.settled = settled;
        self.has_upper = has_upper;
    }

    fn read_token(
        &mut self,
        field: &[Glyph],
        span: &Span,
        lexicon: &Lexicon,
        open_brackets: &mut usize,
    ) -> Token {
        let first_part = self.parts.len();
        let mut tally = Tally::default();
        let mut has_digit = false;
        let mut in_brackets = false;
        let mut at = span.start;
        while at < span.end {
            let start = at;
            let mut part = Tally::default();
            while at < span.end && is_word_character(field, at) {
                part.add(field[at]);
                has_digit |= field[at].kind == Kind::Digit;
                at += 1;
            }
            if part.letters > 0 {
                in_brackets |= tally.letters == 0 && *open_brackets > 0;
                tally.append(part);
                self.parts.push(Part {
                    span: start..at,
                    tally: part,
                    shape: part.shape(),
                    lists: Lists::default(),
                });
            }
            if at < span.end {
                match field[at].ch {
                    '(' => *open_brackets += 1,
                    ')' => *open_brackets = open_brackets.saturating_sub(1),
                    _ => {}
                }
                at += 1;
            }
        }
        let mut token = Token {
            span: span.clone(),
            parts: first_part..self.parts.len(),
            shape: tally.shape(),
            tally,
            has_digit,
            lists: Lists::default(),
            in_brackets,
            is_one_character: false,
        };
        self.look_up(field, &mut token, lexicon);
        token
    }

    /// Finds the lists of a token and its parts.
    fn look_up(&mut self, field: &[Glyph], token: &mut Token, lexicon: &Lexicon) {
        let lists_of = |span: &Span| lexicon.lists_of(Fold::of(&field[span.clone()]).as_bytes());
        let parts = &mut self.parts[token.parts.clone()];
        token.is_one_character = token.tally.letters == 1
            && Fold::of(&field[token.span.clone()])
                .as_str()
                .chars()
                .count()
                == 1;
        for part in parts.iter_mut() {
            part.lists = lists_of(&part.span);
        }
        token.lists = match parts {
            [only] if only.span == token.span => only.lists,
            _ => lists_of(&token.span),
        };
    }

    /// The letter parts of a token.
    pub(super) fn parts_of(&self, token: &Token) -> &[Part] {
        &self.parts[token.parts.clone()]
    }

    /// The token before another one.
    pub(super) fn before(&self, at: usize) -> Option<&Token> {
        at.checked_sub(1).map(|place| &self.tokens[place])
    }

    /// The token after another one.
    pub(super) fn after(&self, at: usize) -> Option<&Token> {
        self.tokens.get(at + 1)
    }

    /// The lists of the word before a token: the last letter part of the token before.
    pub(super) fn word_before(&self, at: usize) -> Lists {
        self.before(at)
            .and_then(|token| self.parts_of(token).last())
            .map_or(Lists::default(), |part| part.lists)
    }

    /// Whether this is the last token of the field.
    pub(super) fn is_last(&self, at: usize) -> bool {
        at + 1 == self.tokens.len()
    }
}

impl Part {
    /// Shape T, or three or more letters with at least one lower. Numerals, post-nominals and `ij` do
    /// not count.
    fn settles(&self, field: &[Glyph], lexicon: &Lexicon) -> bool {
        let has_lower = self.tally.uppers < self.tally.cased;
        let is_typed = self.shape == Some(Shape::Title) || (self.tally.letters >= 3 && has_lower);
        is_typed && {
            let part = &field[self.span.clone()];
            let is_short = self.tally.letters <= 2;
            let lists = if part.len() == self.tally.letters as usize && !is_short {
                self.lists
            } else {
                let fold = Fold::of_some(part.iter().filter(|glyph| glyph.is_letter()));
                if fold.as_str() == "ij" {
                    return false;
                }
                lexicon.lists_of(fold.as_bytes())
            };
            !lists.has(Lists::NUMERAL) && !lists.has(Lists::POST_NOMINAL)
        }
    }

    /// Has an upper letter now, and whatever the rules do will have one.
    fn surely_has_upper(&self, opens_token: bool) -> bool {
        let lowered_somewhere =
            || self.lists.has(Lists::LOWERED_SOMEWHERE) || self.lists.has(Lists::CLIPPED);
        self.tally.uppers > 0
            && self.tally.starts_cased
            && (self.tally.has_three_of_both_cases()
                || opens_token
                    && (matches!(self.shape, Some(Shape::Title | Shape::Inverted))
                        || !lowered_somewhere()))
    }

    /// The place of its first letter.
    pub(super) fn first_letter(&self, field: &[Glyph]) -> Option<usize> {
        letter_places(&field[self.span.clone()])
            .next()
            .map(|place| self.span.start + place)
    }
}
