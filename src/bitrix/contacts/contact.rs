//! A contact as it was read.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::family::Family;

/// A contact as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// Its id.
    pub id: u64,
    /// The family that has read it, which is the one to write it with: the other may not see it.
    pub family: Family,
    /// The name fields that have a value, by our names for them.
    pub fields: BTreeMap<&'static str, String>,
    /// `DATE_MODIFY`, or `updatedTime`, to the letter, as guards need it.
    pub modified: Option<String>,
    /// The portal's clock when it was read, in whole seconds.
    pub read_at: Option<Timestamp>,
}

impl Contact {
    /// The moment of its last change, in whole seconds.
    #[must_use]
    pub fn modified_at(&self) -> Option<Timestamp> {
        self.modified.as_deref()?.parse().ok()
    }

    /// Whether a later edit is certain to show in the moment of the last change, which has whole
    /// seconds: the read must lie in a later second. None where the portal gives no times.
    #[must_use]
    pub fn is_settled(&self) -> Option<bool> {
        Some(self.read_at?.as_second() > self.modified_at()?.as_second())
    }

    /// Whether its last change lies in a later second than the read itself: some clock is wrong there,
    /// and waiting until it is past may take for ever.
    #[must_use]
    pub fn is_from_the_future(&self) -> bool {
        let seconds = |moment: Option<Timestamp>| moment.map(Timestamp::as_second);
        matches!((seconds(self.modified_at()), seconds(self.read_at)), (Some(modified), Some(read)) if modified > read)
    }

    /// Whether it stands as it was read another time, as far as the name fields and the moment of the
    /// last change tell. The families may spell the same moment differently.
    #[must_use]
    pub fn is_as(&self, other: &Self) -> bool {
        let unchanged = self.modified == other.modified
            || self.modified_at().is_some() && self.modified_at() == other.modified_at();
        self.fields == other.fields && unchanged
    }
}
