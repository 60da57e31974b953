//! Integration tests: a module per promise, command or part.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod arrows;
mod config;
mod config_example;
mod config_problems;
mod config_schedule;
mod config_secret;
mod console;
mod drain;
mod history;
mod ignore;
mod installed;
mod main_job;
mod names;
mod names_command;
mod names_invariants;
mod names_settings;
mod preview;
mod sandbox;
mod sweep;
mod undo;
mod units;
mod world;
