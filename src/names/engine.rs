//! The engine: policy sections in the order in which they decide about a field.

use std::borrow::Cow;

use smallvec::SmallVec;

use super::choice::{Field, Style};
use super::lexicon::Lexicon;
use super::rule::{NotAName, Rule};
use super::settings::Settings;
use super::smart::reading::Reading;
use super::smart::tokens;
use super::text::casing::Casing;
use super::text::glyph::{Glyph, Glyphs, Kind};
use super::text::spans::{self, Spans};
use super::{guards, plain, quick};

/// How often a text may be worked on until it must have settled.
const ROUNDS: usize = 8;

/// Tidies names. Built once from its settings, pure, and free to be shared.
#[derive(Debug)]
pub struct Engine {
    settings: Settings,
    lexicon: Lexicon,
    quick: bool,
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
    words: Spans,
    /// What decided about each word.
    rules: Rules,
}

/// What decided about each word.
type Rules = SmallVec<[Rule; 8]>;

impl Engine {
    /// Builds an engine.
    pub fn new(settings: Settings) -> Engine {
        let lexicon = Lexicon::new(&settings);
        let quick = quick::is_open(&settings);
        Engine {
            settings,
            lexicon,
            quick,
        }
    }

    /// What the engine was built from.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The tidied text: only the case of letters differs. Borrowed if nothing changed.
    pub fn tidy<'a>(&self, field: Field, text: &'a str) -> Cow<'a, str> {
        if self.quick
            && let Some(tidied) = quick::tidy(text, self.settings.style, &self.lexicon)
        {
            return tidied;
        }
        let tidied = self.work(field, text);
        if text.chars().eq(tidied.glyphs.iter().map(|glyph| glyph.ch)) {
            return Cow::Borrowed(text);
        }
        let mut output = String::with_capacity(text.len());
        output.extend(tidied.glyphs.iter().map(|glyph| glyph.ch));
        Cow::Owned(output)
    }

    /// The same text as [`Engine::tidy`] gives, with the rule that decided about each word.
    pub fn explain(&self, field: Field, text: &str) -> Explanation {
        let before = spans::glyphs(text);
        let tidied = self.work(field, text);
        let words = tidied
            .words
            .iter()
            .zip(&tidied.rules)
            .map(|(span, rule)| Word {
                text: spell(&before[span.clone()]),
                output: spell(&tidied.glyphs[span.clone()]),
                rule: *rule,
            });
        Explanation {
            words: words.collect(),
            output: spell(&tidied.glyphs),
        }
    }

    /// Applies the policy until nothing changes any more, so that tidying a tidied name is idle
    /// whatever the input. Nearly every name settles in the first round; a few odd texts, such as one
    /// whose only `İ` was lowered, so that Turkic casing holds no more, need another. A text that
    /// would never settle stays as it was, which is idle too.
    fn work(&self, field: Field, text: &str) -> Tidied {
        let mut glyphs = spans::glyphs(text);
        let words = spans::tokens(&glyphs);
        let mut before = Glyphs::from_slice(&glyphs);
        let mut rules = Rules::new();
        let mut known = None;
        for round in 0..ROUNDS {
            let of_round = self.apply_policy(field, &mut glyphs, &words, &mut known);
            if round == 0 {
                rules = of_round;
            } else {
                for ((word, rule), new) in words.iter().zip(&mut rules).zip(of_round) {
                    if glyphs[word.clone()] != before[word.clone()] {
                        *rule = new;
                    }
                }
            }
            if glyphs == before {
                return Tidied {
                    glyphs,
                    words,
                    rules,
                };
            }
            before.copy_from_slice(&glyphs);
        }
        Tidied {
            glyphs: spans::glyphs(text),
            rules: SmallVec::from_elem(Rule::Kept, words.len()),
            words,
        }
    }

    /// The policy, once: an override for the whole field, then section 3, then the style. Answers
    /// the rule that decided about each word. What is known from an earlier round saves work, as only
    /// case has changed since.
    fn apply_policy(
        &self,
        field: Field,
        glyphs: &mut Glyphs,
        words: &Spans,
        known: &mut Option<(Casing, Reading)>,
    ) -> Rules {
        let all = |rule: Rule| SmallVec::from_elem(rule, words.len());
        let (settings, lexicon) = (&self.settings, &self.lexicon);
        if let Some((casing, reading)) = known {
            reading.read_again(glyphs, lexicon);
            return tokens::tidy(field, settings, lexicon, *casing, reading, glyphs);
        }
        if settings
            .overrides
            .lay_over(field, without_outer_space(glyphs))
        {
            return all(Rule::FieldOverride);
        }
        if let Some(reason) = guards::not_a_name(glyphs, words) {
            return all(Rule::NotAName(reason));
        }
        let casing = Casing::of(&settings.language, glyphs);
        if settings.style == Style::Plain {
            return self.apply_plain(field, casing, glyphs, words);
        }
        let reading = Reading::of(glyphs, words.iter(), lexicon, &settings.language);
        if guards::is_company(lexicon, glyphs, &reading) {
            return all(Rule::NotAName(NotAName::LegalForm));
        }
        let rules = tokens::tidy(field, settings, lexicon, casing, &reading, glyphs);
        // Under Turkic casing an `ı` that is raised makes another word, and another spelling may apply.
        if !casing.is_turkic() && settings.overrides.is_empty() {
            *known = Some((casing, reading));
        }
        rules
    }

    fn apply_plain(
        &self,
        field: Field,
        casing: Casing,
        glyphs: &mut [Glyph],
        words: &Spans,
    ) -> Rules {
        let tidy = |word: &spans::Span| {
            let token = &mut glyphs[word.clone()];
            if self.settings.overrides.lay_over(field, token) {
                Rule::Override
            } else if plain::tidy_token(casing, token) {
                Rule::Plain
            } else {
                Rule::PlainKept
            }
        };
        words.iter().map(tidy).collect()
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
