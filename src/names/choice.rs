//! What an administrator chooses from: fields, styles, and what becomes of a first particle.

use std::fmt;
use std::str::FromStr;

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

/// What happens to a first word that was typed lower beside a capital (policy section 5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LeadingParticle {
    /// A particle, an article and a mixed-case word stay as typed: `van der Berg`, `al-Assad`,
    /// `d'Arnaud`.
    #[default]
    Keep,
    /// Every first word is raised: `van der Berg` becomes `Van der Berg`.
    Capital,
}

impl FromStr for LeadingParticle {
    type Err = UnknownChoice;

    fn from_str(text: &str) -> Result<LeadingParticle, UnknownChoice> {
        match text {
            "keep" => Ok(LeadingParticle::Keep),
            "capital" => Ok(LeadingParticle::Capital),
            _ => Err(UnknownChoice::new(
                "leading_particle",
                text,
                "keep, capital",
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
