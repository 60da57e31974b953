//! Integration tests: a module per promise, command or part.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod arrows;
mod budget;
mod config;
mod config_example;
mod config_problems;
mod config_schedule;
mod config_secret;
mod drain;
mod installed;
mod limits;
mod limits_load;
mod main_job;
mod names;
mod names_command;
mod names_invariants;
mod names_settings;
mod sandbox;
mod units;
mod world;
