//! The word lists of [`lists`], ready to be asked with one look-up per word.

use std::collections::HashMap;
use std::fmt;

use super::fold::Fold;
use super::{Settings, lists};

/// Which lists a word stands in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Lists(u16);

impl Lists {
    /// 6.1, any language and the portal's own.
    pub(super) const PARTICLE: Lists = Lists(1);
    /// 6.1, particles that depend on their neighbours.
    pub(super) const NEIGHBOURLY_PARTICLE: Lists = Lists(1 << 1);
    /// 6.1, also as last token.
    pub(super) const PATRONYMIC_WORD: Lists = Lists(1 << 2);
    /// 6.2.
    pub(super) const KEPT_PARTICLE: Lists = Lists(1 << 3);
    /// 6.1, the Vietnamese guard.
    pub(super) const VIETNAMESE: Lists = Lists(1 << 4);
    /// 3.8.
    pub(super) const LEGAL_FORM: Lists = Lists(1 << 5);
    /// 5.3.
    pub(super) const CLIPPED: Lists = Lists(1 << 6);
    /// 6.3.
    pub(super) const POST_NOMINAL: Lists = Lists(1 << 7);
    /// 6.4.
    pub(super) const NUMERAL: Lists = Lists(1 << 8);
    /// 6.5, interior.
    pub(super) const INNER_PART: Lists = Lists(1 << 9);
    /// 6.5, kept article.
    pub(super) const ARTICLE: Lists = Lists(1 << 10);
    /// 7.1.3.
    pub(super) const MAC_NAME: Lists = Lists(1 << 11);

    /// Whether the word stands in any of the given lists.
    pub(super) fn has(self, lists: Lists) -> bool {
        self.0 & lists.0 != 0
    }
}

/// Every listed word by its fold.
#[derive(Default)]
pub(super) struct Lexicon {
    words: HashMap<Box<str>, Lists>,
}

impl Lexicon {
    pub(super) fn new(settings: &Settings) -> Lexicon {
        let mut lexicon = Lexicon::default();
        if settings.particles_enabled {
            lexicon.add_particles(settings);
        }
        lexicon.add_all(lists::KEPT_PARTICLES, Lists::KEPT_PARTICLE);
        lexicon.add_all(lists::VIETNAMESE_NAMES, Lists::VIETNAMESE);
        lexicon.add_all(lists::LEGAL_FORMS, Lists::LEGAL_FORM);
        lexicon.add_all(lists::CLIPPED, Lists::CLIPPED);
        lexicon.add_all(lists::POST_NOMINALS, Lists::POST_NOMINAL);
        lexicon.add_all(lists::NUMERALS, Lists::NUMERAL);
        lexicon.add_all(lists::INNER_PARTS, Lists::INNER_PART);
        lexicon.add_all(lists::ARTICLES, Lists::ARTICLE);
        match &settings.mac_names {
            None => lexicon.add_all(lists::MAC_NAMES, Lists::MAC_NAME),
            Some(names) => names
                .iter()
                .for_each(|name| lexicon.add(name, Lists::MAC_NAME)),
        }
        lexicon
    }

    /// Section 6.1; all of its words, of every language, belong to 6.2 too.
    fn add_particles(&mut self, settings: &Settings) {
        let mut add = |words: &str, list: Lists| {
            self.add_all(words, list);
            self.add_all(words, Lists::KEPT_PARTICLE);
        };
        add(lists::PARTICLES, Lists::PARTICLE);
        for (languages, words) in lists::PARTICLES_BY_LANGUAGE {
            let own = languages
                .split(' ')
                .any(|language| settings.language.as_str() == language);
            add(
                words,
                if own {
                    Lists::PARTICLE
                } else {
                    Lists::KEPT_PARTICLE
                },
            );
        }
        for (_, words) in lists::PARTICLES_AFTER {
            add(words, Lists::NEIGHBOURLY_PARTICLE);
        }
        for (words, _) in lists::PARTICLES_BEFORE {
            add(words, Lists::NEIGHBOURLY_PARTICLE);
        }
        let [_, und, zu] = lists::VON_UND_ZU;
        add(und, Lists::NEIGHBOURLY_PARTICLE);
        add(zu, Lists::NEIGHBOURLY_PARTICLE);
        add(lists::PATRONYMIC_WORDS, Lists::PATRONYMIC_WORD);
        for word in &settings.extra_particles {
            self.add(word.trim(), Lists::PARTICLE);
            self.add(word.trim(), Lists::KEPT_PARTICLE);
        }
    }

    fn add_all(&mut self, words: &str, list: Lists) {
        words
            .split_whitespace()
            .for_each(|word| self.add(word, list));
    }

    fn add(&mut self, word: &str, list: Lists) {
        let fold = Fold::of_text(word);
        let lists = self.words.entry(fold.as_str().into()).or_default();
        lists.0 |= list.0;
    }

    /// The lists that a folded word stands in.
    pub(super) fn lists_of(&self, fold: &Fold) -> Lists {
        self.words.get(fold.as_str()).copied().unwrap_or_default()
    }
}

impl fmt::Debug for Lexicon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lexicon of {} words", self.words.len())
    }
}

/// Whether a folded word is one of the words of a short list.
pub(super) fn is_one_of(fold: &Fold, words: &str) -> bool {
    words.split_whitespace().any(|word| word == fold.as_str())
}
