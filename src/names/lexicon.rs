//! The word lists of [`lists`], ready to be asked with one look-up per word.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};

use super::lists::{self, Side};
use super::settings::Settings;
use super::text::fold::Fold;

/// Which lists a word stands in, and which rows of [`lists::PARTICLES_BESIDE`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Lists(u64);

impl Lists {
    /// 6.1, any language and the portal's own.
    pub(super) const PARTICLE: Lists = Lists(1);
    /// 6.1, any word of it in any language.
    pub(super) const LOWERED_SOMEWHERE: Lists = Lists(1 << 1);
    /// 6.1, begins a surname in the portal's language.
    pub(super) const SURNAME_START: Lists = Lists(1 << 2);
    /// 6.1, a Belgian surname goes on after it.
    pub(super) const SURNAME_GOES_ON: Lists = Lists(1 << 3);
    /// 6.1, `a/l` and its like.
    pub(super) const RELATION: Lists = Lists(1 << 4);
    /// 6.1, also as last token.
    pub(super) const PATRONYMIC_WORD: Lists = Lists(1 << 5);
    /// 6.1, with a dotless ı under Turkic casing.
    pub(super) const DOTLESS: Lists = Lists(1 << 6);
    /// 6.1, the Vietnamese guard.
    pub(super) const VIETNAMESE: Lists = Lists(1 << 7);
    /// 6.1, the words of `von und zu`.
    pub(super) const VON: Lists = Lists(1 << 8);
    /// 6.1
    pub(super) const UND: Lists = Lists(1 << 9);
    /// 6.1
    pub(super) const ZU: Lists = Lists(1 << 10);
    /// 6.1, Gaelic.
    pub(super) const GAELIC_ARTICLE: Lists = Lists(1 << 11);
    /// 6.2, Gaelic.
    pub(super) const GAELIC_KEPT_ARTICLE: Lists = Lists(1 << 12);
    /// 6.1, Gaelic.
    pub(super) const GAELIC_CHILD: Lists = Lists(1 << 13);
    /// 6.2.
    pub(super) const KEPT_PARTICLE: Lists = Lists(1 << 14);
    /// 6.2, not kept in front of a first name.
    pub(super) const GIVEN_NAME: Lists = Lists(1 << 15);
    /// 6.2, a middle name of nothing else.
    pub(super) const DUTCH_INFIX: Lists = Lists(1 << 16);
    /// 6.1 switched off: a patronymic word, which is kept where typed lower.
    pub(super) const KEPT_PATRONYMIC_WORD: Lists = Lists(1 << 17);
    /// 3.8.
    pub(super) const LEGAL_FORM: Lists = Lists(1 << 18);
    /// 3.8, in capitals.
    pub(super) const LEGAL_FORM_IN_CAPITALS: Lists = Lists(1 << 19);
    /// 5.3.
    pub(super) const CLIPPED: Lists = Lists(1 << 20);
    /// 6.3.
    pub(super) const POST_NOMINAL: Lists = Lists(1 << 21);
    /// 6.3, kept only.
    pub(super) const NAMELIKE_POST_NOMINAL: Lists = Lists(1 << 22);
    /// 6.4.
    pub(super) const NUMERAL: Lists = Lists(1 << 23);
    /// 6.5, interior.
    pub(super) const INNER_PART: Lists = Lists(1 << 24);
    /// 6.5, last.
    pub(super) const LAST_PART: Lists = Lists(1 << 25);
    /// 6.5, after a hyphen.
    pub(super) const AFTER_HYPHEN: Lists = Lists(1 << 26);
    /// 6.5, kept article.
    pub(super) const ARTICLE: Lists = Lists(1 << 27);
    /// 6.6.
    pub(super) const COURTESY_TITLE: Lists = Lists(1 << 28);
    /// 6.7.
    pub(super) const IRISH_PREFIX: Lists = Lists(1 << 29);
    /// 7.1.3.
    pub(super) const MAC_NAME: Lists = Lists(1 << 30);
    /// 6.5, French `de`.
    pub(super) const FRENCH_DE: Lists = Lists(1 << 31);

    /// The first of eight bits for the neighbours of [`lists::PARTICLES_BESIDE`], a row each.
    const NEIGHBOUR: u32 = 48;
    /// The first of eight bits for its particles.
    const BESIDE: u32 = 56;

    /// Whether the word stands in any of the given lists.
    pub(super) fn has(self, lists: Lists) -> bool {
        self.0 & lists.0 != 0
    }

    /// Whether the word stands in no list at all.
    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// 6.1, third list: whether this word is a particle on that side of its neighbour.
    pub(super) fn is_particle(self, side: Side, neighbour: Lists) -> bool {
        let mut rows = (self.0 >> Lists::BESIDE) & (neighbour.0 >> Lists::NEIGHBOUR) & 0xFF;
        if rows == 0 {
            return false;
        }
        let on_side = |row: &lists::Beside| row.side == side;
        for row in lists::PARTICLES_BESIDE {
            if rows & 1 == 1 && on_side(row) {
                return true;
            }
            rows >>= 1;
        }
        false
    }

    fn row(first_bit: u32, number: usize) -> Lists {
        Lists(1 << (first_bit as usize + number))
    }
}

/// Every listed word by its fold.
#[derive(Default)]
pub(super) struct Lexicon {
    words: HashMap<Box<[u8]>, Lists, BuildHasherDefault<WordHasher>>,
    /// In bytes: no longer word needs to be looked up.
    longest: usize,
}

impl Lexicon {
    /// All lists as the settings want them.
    pub(super) fn new(settings: &Settings) -> Lexicon {
        let mut lexicon = Lexicon::default();
        if settings.particles_enabled {
            lexicon.add_lowered_particles(settings);
        } else {
            lexicon.add_all(lists::PATRONYMIC_WORDS, Lists::KEPT_PATRONYMIC_WORD);
        }
        lexicon.add_kept_particles(settings);
        for (words, list) in [
            (lists::RELATIONS, Lists::RELATION),
            (lists::DOTLESS_WORDS, Lists::DOTLESS),
            (lists::VIETNAMESE_NAMES, Lists::VIETNAMESE),
            (lists::GAELIC_CHILDREN, Lists::GAELIC_CHILD),
            (lists::LEGAL_FORMS, Lists::LEGAL_FORM),
            (
                lists::LEGAL_FORMS_IN_CAPITALS,
                Lists::LEGAL_FORM_IN_CAPITALS,
            ),
            (lists::CLIPPED, Lists::CLIPPED),
            (lists::POST_NOMINALS, Lists::POST_NOMINAL),
            (lists::NAMELIKE_POST_NOMINALS, Lists::NAMELIKE_POST_NOMINAL),
            (lists::NUMERALS, Lists::NUMERAL),
            (lists::INNER_PARTS, Lists::INNER_PART),
            (lists::LAST_PARTS, Lists::LAST_PART),
            (lists::PARTICLES_AFTER_HYPHEN, Lists::AFTER_HYPHEN),
            (lists::ARTICLES, Lists::ARTICLE),
            (lists::COURTESY_TITLES, Lists::COURTESY_TITLE),
            (lists::IRISH_PREFIXES, Lists::IRISH_PREFIX),
        ] {
            lexicon.add_all(words, list);
        }
        lexicon.add(lists::FRENCH_DE, Lists::FRENCH_DE);
        match &settings.mac_names {
            None => lexicon.add_all(lists::MAC_NAMES, Lists::MAC_NAME),
            Some(names) => names
                .iter()
                .for_each(|name| lexicon.add(name, Lists::MAC_NAME)),
        }
        lexicon
    }

    /// Section 6.1.
    fn add_lowered_particles(&mut self, settings: &Settings) {
        let language = settings.language.as_str();
        let left_out = lists::SURNAME_STARTS
            .iter()
            .find(|(own, _)| *own == language)
            .map_or(&[][..], |(_, words)| words);

        self.add_all(lists::PARTICLES, Lists::PARTICLE);
        self.add_all(lists::PARTICLES, Lists::LOWERED_SOMEWHERE);
        for (own, words) in lists::PARTICLES_BY_LANGUAGE {
            self.add_all(words, Lists::LOWERED_SOMEWHERE);
            if *own == language {
                self.add_all(words, Lists::PARTICLE);
            }
        }
        for (number, row) in lists::PARTICLES_BESIDE.iter().enumerate() {
            self.add_all(row.particles, Lists::LOWERED_SOMEWHERE);
            if row.language.is_none_or(|own| own == language) {
                self.add_all(row.particles, Lists::row(Lists::BESIDE, number));
                let had = row
                    .neighbours
                    .iter()
                    .filter(|word| !left_out.contains(word));
                had.for_each(|word| self.add(word, Lists::row(Lists::NEIGHBOUR, number)));
            }
        }
        let [von, und, zu] = lists::VON_UND_ZU;
        for (word, list) in [(von, Lists::VON), (und, Lists::UND), (zu, Lists::ZU)] {
            self.add(word, list);
            self.add(word, Lists::LOWERED_SOMEWHERE);
        }
        self.add_all(lists::GAELIC_ARTICLES, Lists::GAELIC_ARTICLE);
        self.add_all(lists::GAELIC_ARTICLES, Lists::LOWERED_SOMEWHERE);
        self.add_all(lists::PATRONYMIC_WORDS, Lists::PATRONYMIC_WORD);
        self.add_all(lists::PATRONYMIC_WORDS, Lists::LOWERED_SOMEWHERE);

        for word in left_out {
            self.remove(word, Lists::PARTICLE);
            self.add(word, Lists::SURNAME_START);
        }
        if settings.language.is_belgian_dutch() {
            let starts = lists::BELGIAN_SURNAME_STARTS;
            self.add_all(starts, Lists::SURNAME_START);
            self.add_all(starts, Lists::SURNAME_GOES_ON);
            self.add_all(lists::BELGIAN_CONTINUED, Lists::SURNAME_GOES_ON);
        }
        for word in &settings.extra_particles {
            self.remove(word.trim(), Lists::SURNAME_START);
            self.add(word.trim(), Lists::PARTICLE);
            self.add(word.trim(), Lists::LOWERED_SOMEWHERE);
        }
    }

    /// Section 6.2; what is kept does not depend on what is lowered.
    fn add_kept_particles(&mut self, settings: &Settings) {
        self.add_all(lists::PARTICLES, Lists::KEPT_PARTICLE);
        for (_, words) in lists::PARTICLES_BY_LANGUAGE {
            self.add_all(words, Lists::KEPT_PARTICLE);
        }
        self.add_all(lists::KEPT_PARTICLES, Lists::KEPT_PARTICLE);
        self.add_all(lists::GIVEN_NAMES, Lists::GIVEN_NAME);
        self.add_all(lists::DUTCH_INFIXES, Lists::DUTCH_INFIX);
        self.add(lists::GAELIC_KEPT_ARTICLE, Lists::GAELIC_KEPT_ARTICLE);
        for word in &settings.extra_particles {
            self.add(word.trim(), Lists::KEPT_PARTICLE);
        }
    }

    fn add_all(&mut self, words: &[&str], list: Lists) {
        words.iter().for_each(|word| self.add(word, list));
    }

    fn add(&mut self, word: &str, list: Lists) {
        let fold = Fold::of_text(word);
        self.longest = self.longest.max(fold.as_bytes().len());
        let lists = self.words.entry(fold.as_bytes().into()).or_default();
        lists.0 |= list.0;
    }

    fn remove(&mut self, word: &str, list: Lists) {
        if let Some(lists) = self.words.get_mut(Fold::of_text(word).as_bytes()) {
            lists.0 &= !list.0;
        }
    }

    /// The lists that a word stands in, by the bytes of its fold.
    pub(super) fn lists_of(&self, fold: &[u8]) -> Lists {
        if fold.is_empty() || fold.len() > self.longest {
            return Lists::default();
        }
        self.words.get(fold).copied().unwrap_or_default()
    }
}

impl fmt::Debug for Lexicon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lexicon of {} words", self.words.len())
    }
}

/// FNV-1a. The words are ours or the administrator's, so nobody can make them collide on purpose.
struct WordHasher(u64);

impl Default for WordHasher {
    fn default() -> WordHasher {
        WordHasher(0xCBF2_9CE4_8422_2325)
    }
}

impl Hasher for WordHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3);
        }
    }

    /// The length of the word, which adds nothing to its bytes.
    fn write_usize(&mut self, _: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Whether a folded word is one of the words of a short list.
pub(super) fn is_one_of(fold: &Fold, words: &[&str]) -> bool {
    words.iter().any(|word| word.as_bytes() == fold.as_bytes())
}
