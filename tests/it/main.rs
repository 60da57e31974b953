//! Integration tests: a module per promise, command or part.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod arrows;
mod config;
mod config_example;
mod config_problems;
mod config_schedule;
mod config_secret;
mod drain;
mod faults;
mod gaps;
mod names;
mod names_command;
mod names_invariants;
mod names_settings;
mod plans;
mod sandbox;
mod scene;
mod units;
mod world;
