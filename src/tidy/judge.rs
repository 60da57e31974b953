//! What a contact needs: by the rules, or by what is to be put back; and what a person wants left
//! alone.

use std::sync::Arc;

use super::purpose::Purpose;
use crate::{
    bitrix::contacts::Contact,
    contact::{FieldChange, changes},
    names::Engine,
    portal::Portal,
    store::{LeftAlone, StoreFault},
};

/// Decides what contacts need.
pub(super) struct Judge {
    portal: Arc<Portal>,
    engine: Engine,
    purpose: Purpose,
}

impl Judge {
    pub(super) fn new(portal: Arc<Portal>) -> Self {
        Self {
            engine: Engine::new(portal.config.names.clone()),
            purpose: Purpose::default(),
            portal,
        }
    }

    /// A pass begins.
    pub(super) fn begin(&mut self, purpose: Purpose) {
        self.purpose = purpose;
    }

    /// What contacts are read for.
    pub(super) fn purpose(&self) -> &Purpose {
        &self.purpose
    }

    /// The changes that a contact needs; none where all is well, or nobody wants any.
    pub(super) fn needs(&self, contact: &Contact, alone: &LeftAlone) -> Vec<FieldChange> {
        if let Some(changes) = self.purpose.puts_back(contact) {
            return changes;
        }
        if alone.contact(contact.id) {
            return Vec::new();
        }
        changes(
            &self.engine,
            &self.portal.config.fields,
            |field| contact.fields.get(field.as_str()).map(String::as_str),
            |field, value| alone.value(contact.id, field.as_str(), value),
        )
    }

    /// What of these contacts is to be left alone.
    pub(super) async fn left_alone(
        &self,
        contacts: impl IntoIterator<Item = u64>,
    ) -> Result<LeftAlone, StoreFault> {
        let ids: Vec<u64> = contacts.into_iter().collect();
        self.portal.store().left_alone(self.portal.id, &ids).await
    }

    /// Forgets values that were to be left alone until they change, and have changed.
    pub(super) async fn forget_what_changed(
        &self,
        contact: &Contact,
        alone: &LeftAlone,
    ) -> Result<(), StoreFault> {
        let value = |field: &str| contact.fields.get(field).map(String::as_str);
        let outdated = alone.outdated(contact.id, value);
        let (store, portal) = (self.portal.store(), self.portal.id);
        store.forget_left_alone(portal, contact.id, &outdated).await
    }
}
