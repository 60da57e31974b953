//! The hands of tests, people and other programs.

pub(crate) mod control;
pub(crate) mod orders;
pub(crate) mod others;
pub(crate) mod people;
