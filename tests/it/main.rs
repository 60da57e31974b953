//! Integration tests: a module per promise, command or part.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod arrows;
mod budget;
mod config;
mod config_example;
mod config_problems;
mod config_schedule;
mod config_secret;
mod daemon;
mod drain;
mod installed;
mod main_job;
mod manager;
mod many_portals;
mod names;
mod names_command;
mod names_invariants;
mod names_settings;
mod notify;
mod readiness;
mod sandbox;
mod stepped_clock;
mod units;
mod watch;
mod world;
