//! A conditional update, built from two commands of one batch (protocol document, section 11).

use crate::bitrix::Call;

/// A list that answers a contact's row only while nobody has touched it, and a call whose id comes
/// from that row.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// The contact.
    pub contact_id: u64,
    /// The list.
    pub guard: Call,
    /// What is done where the guard holds; it has no id of its own.
    pub then: Call,
    /// Where in the guard's answer the id stands, as a reference spells it: `[0][ID]`.
    pub id_at: String,
}
