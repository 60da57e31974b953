//! What the portal stores, and how it is searched.

pub(crate) mod contact;
pub(crate) mod filter;
pub(crate) mod item;
pub(crate) mod queue;
pub(crate) mod search;
pub(crate) mod selection;
