//! The way of a request and of its answer, and what may spoil them.

pub(crate) mod exchange;
pub(crate) mod fault;
pub(crate) mod message;
pub(crate) mod reply;
pub(crate) mod request;
pub(crate) mod server;
pub(crate) mod spoil;
