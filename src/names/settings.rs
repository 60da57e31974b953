//! What an administrator can choose: the `[names]` section of the configuration.

use super::choice::{LeadingParticle, Style};
use super::language::Language;
use super::overrides::Overrides;

/// Everything the engine is built from. `Default` is the contract's defaults.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Smart or plain.
    pub style: Style,
    /// The portal's language.
    pub language: Language,
    /// What to do with a first word that was typed lower beside a capital.
    pub leading_particle: LeadingParticle,
    /// `false` empties the lists of policy section 6.1, the extra particles included; what was typed
    /// lower stays so.
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
