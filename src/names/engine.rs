//! The engine: policy sections in the order in which they decide about a field.

use std::borrow::Cow;

use smallvec::{SmallVec, smallvec};

use super::casing::Casing;
use super::glyph::{Glyph, Glyphs, Kind};
use super::text::{Span, glyphs, tokens};
use super::{Field, Rule, Settings, plain};

/// Tidies names. Built once from its settings, pure, and free to be shared.
#[derive(Debug)]
pub struct Engine {
    settings: Settings,
}

/// What became of a text, word by word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The tidied text.
    pub output: String,
    /// The words between white space.
    pub words: Vec<Word>,
}

/// A word and the rule that decided about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// As it came.
    pub text: String,
    /// As it left.
    pub output: String,
    /// The rule that decided.
    pub rule: Rule,
}

/// A text after the work, still in places.
struct Tidied {
    glyphs: Glyphs,
    words: SmallVec<[(Span, Rule); 8]>,
}

impl Engine {
    /// Builds an engine.
    pub fn new(settings: Settings) -> Engine {
        Engine { settings }
    }

    /// The tidied text: only the case of letters differs. Borrowed if nothing changed.
    pub fn tidy<'a>(&self, field: Field, text: &'a str) -> Cow<'a, str> {
        let tidied = self.work(field, text);
        if text.chars().eq(tidied.glyphs.iter().map(|glyph| glyph.ch)) {
            Cow::Borrowed(text)
        } else {
            Cow::Owned(spell(&tidied.glyphs))
        }
    }

    /// The same text as [`Engine::tidy`] gives, with the rule that decided about each word.
    pub fn explain(&self, field: Field, text: &str) -> Explanation {
        let before = glyphs(text);
        let tidied = self.work(field, text);
        let words = tidied.words.iter().map(|(span, rule)| Word {
            text: spell(&before[span.clone()]),
            output: spell(&tidied.glyphs[span.clone()]),
            rule: *rule,
        });
        Explanation {
            output: spell(&tidied.glyphs),
            words: words.collect(),
        }
    }

    fn work(&self, field: Field, text: &str) -> Tidied {
        let mut glyphs = glyphs(text);
        let overrides = &self.settings.overrides;
        let inner = without_outer_space(&glyphs);
        if overrides.lay_over(field, &mut glyphs[inner.clone()]) {
            return Tidied {
                glyphs,
                words: smallvec![(inner, Rule::FieldOverride)],
            };
        }
        let casing = Casing::of(&self.settings.language, &glyphs);
        let mut words = SmallVec::new();
        for span in tokens(&glyphs) {
            let token = &mut glyphs[span.clone()];
            let rule = if overrides.lay_over(field, token) {
                Rule::Override
            } else {
                plain::tidy_token(casing, &self.settings.language, token);
                Rule::Plain
            };
            words.push((span, rule));
        }
        Tidied { glyphs, words }
    }
}

fn spell(glyphs: &[Glyph]) -> String {
    glyphs.iter().map(|glyph| glyph.ch).collect()
}

fn without_outer_space(glyphs: &[Glyph]) -> Span {
    let is_ink = |glyph: &Glyph| glyph.kind != Kind::White;
    match (
        glyphs.iter().position(is_ink),
        glyphs.iter().rposition(is_ink),
    ) {
        (Some(first), Some(last)) => first..last + 1,
        _ => 0..0,
    }
}
