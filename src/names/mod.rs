//! Tidies the capital letters of contact names. Pure: no clock, no network, no store.
mod casing;
mod engine;
mod fold;
mod glyph;
mod guards;
mod hyphenated;
mod lexicon;
mod lists;
mod overrides;
mod part;
mod particles;
mod plain;
mod reading;
mod rule;
mod settings;
mod shape;
mod smart;
mod suffixes;
mod text;
mod title_case;
mod two_capitals;

pub use engine::{Engine, Explanation, Word};
pub use overrides::{OverrideError, Overrides};
pub use rule::{NotAName, Rule};
pub use settings::{BadLanguage, Field, Language, LeadingParticle, Settings, Style, UnknownChoice};
