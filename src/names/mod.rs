//! Tidies the capital letters of contact names. Pure: no clock, no network, no store.
//!
//! The code mirrors the naming policy. To find a rule by its section:
//!
//! | section | what | where |
//! | --- | --- | --- |
//! | 1 | characters, tokens and parts, shapes, fold | `text`, `smart::reading` |
//! | 2 | raising and lowering one letter; Turkic, sigma, Dutch, Georgian | `text::casing` |
//! | 3 | fields that are no names | `guards` |
//! | 4 | the plain style | `plain` |
//! | 5 | the smart style, token by token | `smart::tokens` |
//! | 6.1, 6.2 | particles: `van`, `de la` | `smart::particles` |
//! | 6.3, 6.4 | `PhD`, `III` | `smart::suffixes` |
//! | 6.5 | inside a hyphenated word: `Abd-el-Kader`, `Kai-shek` | `smart::hyphenated`, `smart::syllable` |
//! | 6.6 | `geb.`, `к.т.н.` | `smart::abbreviations` |
//! | 6.7 | `Mac an tSaoir` | `smart::gaelic` |
//! | 7 | one part, by its shape | `smart::part` |
//! | 7.1, 7.3 | title case: `Mc`, `Mac`, `O'` | `smart::title_case` |
//! | 7.2 | two capitals | `smart::two_capitals` |
//! | 7.4, 7.5 | a second capital; capitals after a prefix | `smart::mixed_case` |
//! | 8 | exact spellings | `overrides` |
//! | all | the word lists, as data | `lists`, looked up through `lexicon` |
//!
//! Most fields take the short cut of `quick`, which gives the same. Where the policy taken once would
//! not settle, [`Engine`] applies it again until it does.

mod choice;
mod engine;
mod guards;
mod language;
mod lexicon;
mod lists;
mod overrides;
mod plain;
mod quick;
mod rule;
mod settings;
mod smart;
mod text;

pub use choice::{Field, LeadingParticle, Style, UnknownChoice};
pub use engine::{Engine, Explanation, Word};
pub use language::{BadLanguage, Language};
pub use overrides::{OverrideError, Overrides};
pub use rule::{NotAName, Rule};
pub use settings::Settings;
