//! b24-tidyd keeps contact names in Bitrix24 properly capitalised, from a host that nobody outside
//! can reach.
//!
//! The house, in dependency order; arrows point downwards only:
//!
//! | module | what it is |
//! | --- | --- |
//! | [`cli`] | one file per subcommand; the only place that prints to standard output |
//! | [`service`] | the long-running process: a worker per portal, schedule, shutdown, notifications |
//! | [`drain`] | one pass over a portal: composes each request from the parts below; shared by the daemon and `run --once` |
//! | [`tidy`] | the work on contacts: read, judge, write under guard; sweeps, previews, undoing |
//! | [`queue`] | the offline queue of one portal, for any events: bindings, reservations, acknowledging |
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
//! A walk through the house, as an event lives it: the schedule pokes the worker; `drain` begins a
//! pass, and takes turn after turn, each of them one request. `queue` reserves a page of events and
//! writes the reservation to `store` before anything else happens, then hands out its rows; `tidy` reads
//! the contacts that they speak of, and `contact` asks `names` and answers "nothing to do" or "these
//! fields, these values"; the corrections go out under guard. What became of each contact is kept in
//! history or list of failures, its rows are given back, and only then does `queue` acknowledge
//! them. No step reaches back to an earlier one.
//!
//! Where to look:
//!
//! - *Where is a row acknowledged?* In `queue/settled.rs`. A row cannot be copied, and only rows that were
//!   given back as settled get there.
//! - *What happens when a guard refuses?* `tidy/writing.rs` takes in what each pair answered: the contact is
//!   read again, and where that shows that nothing has changed, `tidy/guards.rs` counts it against
//!   guards on this portal.
//! - *Who decides that a contact is left alone?* `tidy/judge.rs`, which asks for what a person wants
//!   left alone; and `tidy/contests.rs` where another robot keeps changing it back.
//! - *Where would a second kind of work be added?* In `drain/turn.rs`: it takes rows from the queue, puts
//!   its commands into the request, redeems them from the answer, and gives the rows back.

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
pub mod queue;
pub mod service;
pub mod store;
pub mod tidy;
