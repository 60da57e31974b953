//! What is done with contacts: chosen once, at the start of a pass.

use std::collections::HashMap;

use crate::{bitrix::contacts::Contact, contact::FieldChange, names::Field, store::RunKind};

/// What is done with the contacts that are read.
#[derive(Debug, Default)]
pub enum Purpose {
    /// They are tidied, and what cannot be tidied is kept on the list of failures.
    #[default]
    Tidy,
    /// It is told what tidying them would change. Nothing is changed, here or on the portal.
    Report,
    /// Values that we wrote are put back, by contact; or, without `write`, it is told which.
    PutBack {
        /// The values.
        values: HashMap<u64, Vec<PutBack>>,
        /// Whether they are written.
        write: bool,
    },
}

/// A value of a field that we wrote, and the one that stood there before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutBack {
    /// The field.
    pub field: Field,
    /// What we wrote: only where it still stands is anything put back.
    pub ours: String,
    /// What stood there before.
    pub earlier: String,
}

/// A contact that is to change (where nothing is written), or was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The contact.
    pub contact_id: u64,
    /// Its fields that change.
    pub changes: Vec<FieldChange>,
}

impl Purpose {
    /// Whether corrections are written.
    pub(super) fn writes(&self) -> bool {
        !matches!(self, Self::Report | Self::PutBack { write: false, .. })
    }

    /// Whether contacts that cannot be done are remembered, and tried again later.
    pub(super) fn keeps_failures(&self) -> bool {
        matches!(self, Self::Tidy)
    }

    /// Whether the brake is there for it: it is against too many corrections, not against taking them
    /// back.
    pub(super) fn is_braked(&self) -> bool {
        matches!(self, Self::Tidy)
    }

    /// Whether values that we wrote are put back.
    pub(super) fn puts_anything_back(&self) -> bool {
        matches!(self, Self::PutBack { .. })
    }

    /// Whether a robot that changes a contact back keeps us from it.
    pub(super) fn yields(&self) -> bool {
        !matches!(self, Self::PutBack { .. })
    }

    /// Whether every change is told to whoever listens.
    pub(super) fn is_told(&self) -> bool {
        !matches!(self, Self::Tidy)
    }

    /// The kind under which its writes stand in the history, where contacts came by the queue.
    pub(super) fn kind(&self, walked: bool) -> RunKind {
        match self {
            Self::PutBack { .. } => RunKind::Undo,
            _ if walked => RunKind::Sweep,
            _ => RunKind::Drain,
        }
    }

    /// The changes that put back what still stands in a contact as we wrote it; none where that is not
    /// what this is for.
    pub(super) fn puts_back(&self, contact: &Contact) -> Option<Vec<FieldChange>> {
        let Self::PutBack { values, .. } = self else {
            return None;
        };
        let values = values.get(&contact.id).into_iter().flatten();
        let still_ours =
            |value: &&PutBack| contact.fields.get(value.field.as_str()) == Some(&value.ours);
        let change = |value: &PutBack| FieldChange {
            field: value.field,
            old: value.ours.clone(),
            new: value.earlier.clone(),
            rules: "undo".to_owned(),
        };
        Some(values.filter(still_ours).map(change).collect())
    }
}
