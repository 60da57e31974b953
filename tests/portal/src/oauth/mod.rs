//! The authorisation server.

pub(crate) mod endpoint;
pub(crate) mod tokens;
