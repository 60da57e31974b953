//! By which methods contacts are read and written on this portal.

use super::Portal;
use crate::{
    bitrix::contacts::Family,
    config::{ContactsApi, PortalConfig},
    store::PlanFacts,
};

/// The methods by which contacts are read and written, by the configuration and what was learnt of the
/// portal; none while that is unknown.
#[must_use]
pub fn contacts_in_use(config: &PortalConfig, facts: PlanFacts) -> Option<Family> {
    match config.contacts_api {
        ContactsApi::Universal => Some(Family::Universal),
        ContactsApi::Classic => Some(Family::Classic),
        ContactsApi::Auto => facts.has_items.map(|has| match has {
            true => Family::Universal,
            false => Family::Classic,
        }),
    }
}

impl Portal {
    /// The methods by which contacts are read and written now. Where nothing is known that is the
    /// classic family, which every portal has had.
    #[must_use]
    pub fn contacts(&self) -> Family {
        self.session().contacts
    }

    /// Reads and writes contacts by these methods from here on.
    pub fn use_contacts(&self, family: Family) {
        self.session().contacts = family;
    }
}
