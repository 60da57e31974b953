//! b24-tidyd keeps contact names in Bitrix24 properly capitalised, from a host that nobody outside
//! can reach.
//!
//! The house, in dependency order; arrows point downwards only:
//!
//! | module | what it is |
//! | --- | --- |
//! | [`cli`] | one file per subcommand; the only place that prints to standard output |
//! | [`service`] | the long-running process: a worker per portal, schedule, shutdown, notifications |
//! | [`drain`] | the heart: one pass over a portal's queue, shared by the daemon and `run --once` |
//! | [`portal`] | an authorised portal: protocol client, stored tokens, renewal, pace |
//! | [`config`] | TOML to validated types |
//! | [`contact`] | the change check: a contact and the correction it needs, if any (pure) |
//! | [`names`] | the capitalisation engine (pure) |
//! | [`bitrix`] | the protocol: transport, errors, OAuth, batch, limits, events, contacts |
//! | [`store`] | SQLite: tokens, reservations, failures, history, cursors |
//! | [`condition`] | what is not as it should be: kinds, words, who acts (pure) |
//! | [`clock`] | the wall clock as a value that is passed in |
//! | [`chance`] | chance as a value that is passed in |
//!
//! A walk through the house, as an event lives it: the schedule pokes the worker; `drain` reserves a
//! page of events through `bitrix::events` and writes the reservation to `store` before anything
//! else happens; the contacts are read through `bitrix::contacts`; `contact` asks `names` and
//! answers "nothing to do" or "these fields, these values"; the corrections go out in paced batches;
//! each outcome is settled: history, acknowledgement, retry, or parked failure. No step reaches back
//! to an earlier one.

pub mod bitrix;
pub mod chance;
pub mod cli;
pub mod clock;
pub mod condition;
pub mod config;
pub mod contact;
pub mod drain;
pub mod names;
pub mod portal;
pub mod service;
pub mod store;
