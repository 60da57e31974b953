//! The conditions of portals and of the host: where a problem is found it is named (`found`), kept with
//! the moment it began and told when it begins, changes and ends (`ledger`), and read together with what
//! the state file shows by itself (`standing`).
//!
//! What cannot be stored, because the state file itself is in trouble, stands beside it (`aside`).

mod aside;
mod found;
mod host;
mod ledger;
mod standing;
mod told;

pub use aside::read as read_aside;
pub use found::{of_secret, of_store};
pub use host::{Running, of_host, of_missing};
pub use standing::of_portal;

pub(super) use found::of_outcome;
pub(super) use host::HostBook;
pub(super) use ledger::{Ledger, Proof};
