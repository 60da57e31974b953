//! The engine: policy sections in the order in which they decide about a field.

use std::borrow::Cow;

use smallvec::SmallVec;

use super::casing::Casing;
use super::glyph::{Glyph, Glyphs, Kind};
use super::lexicon::Lexicon;
use super::reading::Reading;
use super::smart::Smart;
use super::text::{Span, glyphs, tokens};
use super::{Field, NotAName, Rule, Settings, Style, guards, plain};

/// How often a text may be worked on until it must have settled.
const ROUNDS: usize = 8;

/// Tidies names. Built once from its settings, pure, and free to be shared.
#[derive(Debug)]
pub struct Engine {
    settings: Settings,
    lexicon: Lexicon,
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

/// A text after the work.
struct Tidied {
    glyphs: Glyphs,
    words: Words,
}

/// The places of the words, and what decided about each.
type Words = SmallVec<[(Span, Rule); 8]>;

/// What decided about each word in one round.
type Decisions = SmallVec<[Rule; 8]>;

impl Engine {
    /// Builds an engine.
    pub fn new(settings: Settings) -> Engine {
        let lexicon = Lexicon::new(&settings);
        Engine { settings, lexicon }
    }

    /// What the engine was built from.
    pub fn settings(&self) -> &Settings {
        &self.settings
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

    /// Applies the policy until nothing changes any more, so that tidying a tidied name is idle
    /// whatever the input. Nearly every name settles in the first round; a few odd texts, such as a
    /// capital `BIN` under Turkic casing (lowered to `bın`, which is no particle any more), need
    /// another. A text that would never settle stays as it was, which is idle too.
    fn work(&self, field: Field, text: &str) -> Tidied {
        let mut glyphs = glyphs(text);
        let mut words: Words = tokens(&glyphs)
            .into_iter()
            .map(|word| (word, Rule::Kept))
            .collect();
        let original = glyphs.clone();
        for round in 0..ROUNDS {
            let before = glyphs.clone();
            let decisions = self.apply_policy(field, &mut glyphs, &words);
            for ((word, rule), decision) in words.iter_mut().zip(decisions) {
                if round == 0 || glyphs[word.clone()] != before[word.clone()] {
                    *rule = decision;
                }
            }
            if glyphs == before {
                return Tidied { glyphs, words };
            }
        }
        words.iter_mut().for_each(|(_, rule)| *rule = Rule::Kept);
        Tidied {
            glyphs: original,
            words,
        }
    }

    /// The policy, once: an override for the whole field, then section 3, then the style. Answers
    /// the rule that decided about each word.
    fn apply_policy(&self, field: Field, glyphs: &mut Glyphs, words: &Words) -> Decisions {
        let all = |rule: Rule| SmallVec::from_elem(rule, words.len());
        if self
            .settings
            .overrides
            .lay_over(field, without_outer_space(glyphs))
        {
            return all(Rule::FieldOverride);
        }
        if let Some(reason) = self.not_a_name(glyphs, words) {
            return all(Rule::NotAName(reason));
        }
        let casing = Casing::of(&self.settings.language, glyphs);
        match self.settings.style {
            Style::Plain => self.apply_plain(field, casing, glyphs, words),
            Style::Smart => self.apply_smart(field, casing, glyphs, words),
        }
    }

    fn not_a_name(&self, glyphs: &[Glyph], words: &Words) -> Option<NotAName> {
        guards::not_a_name(glyphs, words).or_else(|| {
            let company = self.settings.style == Style::Smart
                && guards::is_company(&self.lexicon, glyphs, words);
            company.then_some(NotAName::LegalForm)
        })
    }

    fn apply_plain(
        &self,
        field: Field,
        casing: Casing,
        glyphs: &mut [Glyph],
        words: &Words,
    ) -> Decisions {
        let tidy = |(word, _): &(Span, Rule)| {
            let token = &mut glyphs[word.clone()];
            if self.settings.overrides.lay_over(field, token) {
                return Rule::Override;
            }
            match plain::tidy_token(casing, &self.settings.language, token) {
                true => Rule::Plain,
                false => Rule::PlainKept,
            }
        };
        words.iter().map(tidy).collect()
    }

    fn apply_smart(
        &self,
        field: Field,
        casing: Casing,
        glyphs: &mut [Glyph],
        words: &Words,
    ) -> Decisions {
        let reading = Reading::of(glyphs, &self.lexicon, &self.settings.language);
        let (settings, lexicon) = (&self.settings, &self.lexicon);
        let smart = Smart {
            field,
            settings,
            lexicon,
            casing,
            reading: &reading,
        };
        let tidy = |(at, (word, _)): (usize, &(Span, Rule))| {
            smart.tidy_token(at, &mut glyphs[word.clone()])
        };
        words.iter().enumerate().map(tidy).collect()
    }
}

fn spell(glyphs: &[Glyph]) -> String {
    glyphs.iter().map(|glyph| glyph.ch).collect()
}

fn without_outer_space(glyphs: &mut [Glyph]) -> &mut [Glyph] {
    let is_ink = |glyph: &Glyph| glyph.kind != Kind::White;
    match (
        glyphs.iter().position(is_ink),
        glyphs.iter().rposition(is_ink),
    ) {
        (Some(first), Some(last)) => &mut glyphs[first..=last],
        _ => &mut [],
    }
}
