//! Tidies the capital letters of contact names. Pure: no clock, no network, no store.
//!
//! The code mirrors the naming policy. To find a rule by its section:
//!
//! | section | what | where |
//! | --- | --- | --- |
//! | 1 | characters, tokens and parts, shapes, fold | `glyph`, `text`, `shape`, `fold`, `reading` |
//! | 2 | raising and lowering one letter; Turkic, sigma, Dutch, Georgian | `casing` |
//! | 3 | fields that are no names | `guards` |
//! | 4 | the plain style | `plain` |
//! | 5 | the smart style, token by token | `smart` |
//! | 6.1, 6.2 | particles: `van`, `de la` | `particles` |
//! | 6.3, 6.4 | `PhD`, `III` | `suffixes` |
//! | 6.5 | inside a hyphenated word: `Abd-el-Kader` | `hyphenated` |
//! | 7, 7.5 | one part, by its shape; capitals after a prefix | `part` |
//! | 7.1, 7.3 | title case: `Mc`, `Mac`, `O'` | `title_case` |
//! | 7.2, 7.4 | two capitals | `two_capitals` |
//! | 8 | exact spellings | `overrides` |
//! | all | the word lists, as data | `lists`, looked up through `lexicon` |
//!
//! Where the policy taken once would not settle, [`Engine`] applies it again until it does.

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
