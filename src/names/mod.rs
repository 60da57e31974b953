//! Tidies the capital letters of contact names. Pure: no clock, no network, no store.
mod casing;
mod engine;
mod fold;
mod glyph;
mod overrides;
mod plain;
mod rule;
mod settings;
mod shape;
mod text;

pub use engine::{Engine, Explanation, Word};
pub use overrides::{OverrideError, Overrides};
pub use rule::{NotAName, Rule};
pub use settings::{BadLanguage, Field, Language, LeadingParticle, Settings, Style, UnknownChoice};
