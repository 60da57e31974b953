//! Integration tests.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod names;
mod names_command;
mod names_invariants;
mod names_settings;
