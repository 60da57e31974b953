//! All that the rules for a part may ask about the place where it stands.

use crate::names::choice::{Field, LeadingParticle};
use crate::names::language::Tongue;
use crate::names::lexicon::{Lexicon, Lists};
use crate::names::settings::Settings;
use crate::names::text::casing::Casing;
use crate::names::text::glyph::Glyph;

use super::reading::{Part, Reading, Token};

/// The place of a token in its field, and what was chosen for the field.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'a> {
    pub(super) field: Field,
    pub(super) settings: &'a Settings,
    pub(super) lexicon: &'a Lexicon,
    pub(super) casing: Casing,
    pub(super) reading: &'a Reading,
    /// The token's number.
    pub(super) at: usize,
}

impl<'a> Surroundings<'a> {
    pub(super) fn token(&self) -> &'a Token {
        &self.reading.tokens[self.at]
    }

    /// The letter parts of the token.
    pub(super) fn parts(&self) -> &'a [Part] {
        self.reading.parts_of(self.token())
    }

    /// Whether this is the first token that has a name in it.
    pub(super) fn in_first_token(&self) -> bool {
        self.reading.first == Some(self.at)
    }

    /// Whether a token follows.
    pub(super) fn is_followed(&self) -> bool {
        !self.reading.is_last(self.at)
    }

    /// Whether the portal's language is this one.
    pub(super) fn speaks(&self, tongue: Tongue) -> bool {
        self.settings.language.is(tongue)
    }

    /// `leading_particle = "keep"`.
    pub(super) fn keeps_first_word(&self) -> bool {
        self.settings.leading_particle == LeadingParticle::Keep
    }

    /// Lowers a listed word. Under Turkic casing only a few of them have a dotless ı.
    pub(super) fn lower_word(&self, word: &mut [Glyph], lists: Lists) {
        let casing = if lists.has(Lists::DOTLESS) {
            self.casing
        } else {
            self.casing.without_turkic()
        };
        casing.capitalise(word, &[]);
    }
}
