//! What an administrator can choose: the `[names]` section of the configuration.

use std::fmt;
use std::str::FromStr;

use super::Overrides;

/// The contact field that a text stands in. A few rules depend on it (`Mac` names, for instance).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// `NAME`, the first name.
    Name,
    /// `SECOND_NAME`, the middle name or patronymic.
    SecondName,
    /// `LAST_NAME`, the surname.
    LastName,
}

impl Field {
    /// All fields, in the order in which the portal shows them.
    pub const ALL: [Field; 3] = [Field::Name, Field::SecondName, Field::LastName];

    /// The portal's own name of the field, such as `LAST_NAME`.
    pub fn as_str(self) -> &'static str {
        match self {
            Field::Name => "NAME",
            Field::SecondName => "SECOND_NAME",
            Field::LastName => "LAST_NAME",
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Field {
    type Err = UnknownChoice;

    fn from_str(text: &str) -> Result<Field, UnknownChoice> {
        let known = Field::ALL.into_iter().find(|field| field.as_str() == text);
        known.ok_or_else(|| UnknownChoice::new("field", text, "NAME, SECOND_NAME, LAST_NAME"))
    }
}

/// How much the engine knows about names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// All rules of the policy: particles, prefixes, numerals, typed mixed case.
    #[default]
    Smart,
    /// First letter of each part up, the others down (policy section 4).
    Plain,
}

impl FromStr for Style {
    type Err = UnknownChoice;

    fn from_str(text: &str) -> Result<Style, UnknownChoice> {
        match text {
            "smart" => Ok(Style::Smart),
            "plain" => Ok(Style::Plain),
            _ => Err(UnknownChoice::new("style", text, "smart, plain")),
        }
    }
}

/// What happens to a particle that is the first word of a field (policy section 5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LeadingParticle {
    /// `van der Berg` becomes `Van der Berg`.
    #[default]
    Capital,
    /// A typed `van der Berg` stays as it is.
    Keep,
}

impl FromStr for LeadingParticle {
    type Err = UnknownChoice;

    fn from_str(text: &str) -> Result<LeadingParticle, UnknownChoice> {
        match text {
            "capital" => Ok(LeadingParticle::Capital),
            "keep" => Ok(LeadingParticle::Keep),
            _ => Err(UnknownChoice::new(
                "leading_particle",
                text,
                "capital, keep",
            )),
        }
    }
}

/// A word that is none of the choices of a setting.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown {setting} {text:?}: use one of {choices}")]
pub struct UnknownChoice {
    setting: &'static str,
    text: String,
    choices: &'static str,
}

impl UnknownChoice {
    fn new(setting: &'static str, text: &str, choices: &'static str) -> UnknownChoice {
        UnknownChoice {
            setting,
            text: text.to_owned(),
            choices,
        }
    }
}

/// A portal's language: the primary subtag of a BCP 47 tag, in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Language(String);

impl Language {
    /// Reads a BCP 47 tag (`pt-BR`, `tr`, `und`). Everything after the primary subtag is checked
    /// for its form and then dropped. `Err` if the text is no such tag.
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
        if subtags.all(well_formed) {
            Ok(Language(primary.to_ascii_lowercase()))
        } else {
            Err(bad())
        }
    }

    /// The primary subtag, such as `pt`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is one of the given languages.
    pub(super) fn is_any(&self, languages: &[&str]) -> bool {
        languages.contains(&self.as_str())
    }
}

impl Default for Language {
    /// `und`: the language is not known.
    fn default() -> Language {
        Language("und".to_owned())
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
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

/// Everything the engine is built from. `Default` is the contract's defaults.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Smart or plain.
    pub style: Style,
    /// The portal's language.
    pub language: Language,
    /// What to do with `van` at the start of a field.
    pub leading_particle: LeadingParticle,
    /// `false` empties the lists of policy section 6.1, the extra particles included.
    pub particles_enabled: bool,
    /// Words added to the particles of any language.
    pub extra_particles: Vec<String>,
    /// `None`: the built-in list. `Some` replaces it; an empty one switches the rule off.
    pub mac_names: Option<Vec<String>>,
    /// Exact spellings that win over the rules.
    pub overrides: Overrides,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            style: Style::default(),
            language: Language::default(),
            leading_particle: LeadingParticle::default(),
            particles_enabled: true,
            extra_particles: Vec::new(),
            mac_names: None,
            overrides: Overrides::default(),
        }
    }
}
