//! The REST methods.

pub(crate) mod application;
pub(crate) mod bindings;
pub(crate) mod contacts;
pub(crate) mod items;
pub(crate) mod offline;
