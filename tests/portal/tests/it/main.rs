//! The portal against the protocol document.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod batch;
mod broken;
mod client;
mod contacts;
mod control;
mod faults;
mod items;
mod limits;
mod queue;
mod referee;
mod rest;
mod tokens;
mod unserved;
