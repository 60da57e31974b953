//! The portal's language, as far as the rules tell languages apart.

use std::fmt;
use std::str::FromStr;

/// A portal's language: the primary subtag of a BCP 47 tag, and whether it is Belgian Dutch, the one
/// region that has rules of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Language {
    /// In lower case.
    primary: String,
    tongue: Tongue,
    belgian: bool,
}

/// The languages that a rule asks about by name; the lists know more of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tongue {
    Azerbaijani,
    Chinese,
    CrimeanTatar,
    Dutch,
    English,
    French,
    Gagauz,
    Korean,
    ScottishGaelic,
    Turkish,
    Uzbek,
    Vietnamese,
    Other,
}

impl Language {
    /// Reads a BCP 47 tag (`pt-BR`, `tr`, `und`). Everything after the primary subtag is checked for
    /// its form and then dropped, but for the region of `nl-BE`. `Err` if the text is no such tag.
    pub fn parse(tag: &str) -> Result<Language, BadLanguage> {
        let bad = || BadLanguage {
            tag: tag.to_owned(),
        };
        let mut subtags = tag.split('-');
        let primary = subtags.next().unwrap_or_default();
        let letters = primary.bytes().all(|byte| byte.is_ascii_alphabetic());
        if !letters || !(2..=8).contains(&primary.len()) {
            return Err(bad());
        }
        let well_formed = |subtag: &str| {
            (1..=8).contains(&subtag.len()) && subtag.bytes().all(|b| b.is_ascii_alphanumeric())
        };
        if !subtags.clone().all(well_formed) {
            return Err(bad());
        }
        let primary = primary.to_ascii_lowercase();
        let tongue = Tongue::of(&primary);
        // A subtag of one character opens an extension, where no region stands any more.
        let in_belgium = subtags
            .take_while(|subtag| subtag.len() > 1)
            .any(|subtag| subtag.eq_ignore_ascii_case("BE"));
        Ok(Language {
            primary,
            tongue,
            belgian: tongue == Tongue::Dutch && in_belgium,
        })
    }

    /// The primary subtag, such as `pt`.
    pub fn as_str(&self) -> &str {
        &self.primary
    }

    /// Whether this is that language.
    pub(super) fn is(&self, tongue: Tongue) -> bool {
        self.tongue == tongue
    }

    /// Whether this is Dutch as written in Belgium.
    pub(super) fn is_belgian_dutch(&self) -> bool {
        self.belgian
    }

    /// Whether `i` and `ı` are two letters in this language (policy section 2).
    pub(super) fn is_turkic(&self) -> bool {
        matches!(
            self.tongue,
            Tongue::Azerbaijani | Tongue::CrimeanTatar | Tongue::Gagauz | Tongue::Turkish
        )
    }
}

impl Tongue {
    fn of(primary: &str) -> Tongue {
        match primary {
            "az" => Tongue::Azerbaijani,
            "crh" => Tongue::CrimeanTatar,
            "en" => Tongue::English,
            "fr" => Tongue::French,
            "gag" => Tongue::Gagauz,
            "gd" => Tongue::ScottishGaelic,
            "ko" => Tongue::Korean,
            "nl" => Tongue::Dutch,
            "tr" => Tongue::Turkish,
            "uz" => Tongue::Uzbek,
            "vi" => Tongue::Vietnamese,
            "zh" => Tongue::Chinese,
            _ => Tongue::Other,
        }
    }
}

impl Default for Language {
    /// `und`: the language is not known.
    fn default() -> Language {
        Language {
            primary: "und".to_owned(),
            tongue: Tongue::Other,
            belgian: false,
        }
    }
}

impl fmt::Display for Language {
    /// The tag that parses into this language again.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.primary)?;
        f.write_str(if self.belgian { "-BE" } else { "" })
    }
}

impl FromStr for Language {
    type Err = BadLanguage;

    fn from_str(tag: &str) -> Result<Language, BadLanguage> {
        Language::parse(tag)
    }
}

/// A text that is no BCP 47 language tag.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{tag:?} is no language tag: write one such as \"de\", \"pt-BR\" or \"und\"")]
pub struct BadLanguage {
    tag: String,
}
