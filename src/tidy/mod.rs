//! The work on contacts: reading them, judging them, and writing what they need, always under guard
//! where the portal has one.
//!
//! Contacts come from a *source*: rows of the queue ([`Tidy::take_rows`]), ids that somebody names
//! ([`Tidy::take_contacts`]: due failures, truces that are over, an undo's list), or a walk
//! ([`Tidy::walk`], [`Tidy::take_read`]: a gap's sweep, `sweep`). What is done to them is a
//! [`Purpose`], chosen once by [`Tidy::begin`]. From there on all are treated alike.
//!
//! | file | noun |
//! | --- | --- |
//! | `desk` | all of it together: where contacts come in, what becomes of them |
//! | `purpose`, `judge` | what is done with contacts; what each of them needs |
//! | `item` | a contact in hand, and a correction |
//! | `reading`, `read` | the contacts to be read; the reads of a request |
//! | `writing`, `write`, `plain` | the corrections to be written; the writes of a request; writing without a guard |
//! | `verdict` | what a problem means for a contact |
//! | `ledger`, `books` | what became of each contact; the history of what we write |
//! | `family` | by which methods contacts are read and written |
//! | `guards`, `brake`, `contests` | what keeps us from writing, or from writing wrongly |
//! | `denied`, `rights` | whether it is the contact that is refused, or the account |
//! | `walk`, `gap`, `undo` | contacts by id; those of a gap; values to put back |
//! | `size`, `wait` | how much a request carries; until when something has to wait |

mod books;
mod brake;
mod contests;
mod denied;
mod desk;
mod failure;
mod family;
mod gap;
mod guards;
mod item;
mod judge;
mod ledger;
mod plain;
mod purpose;
mod read;
mod reading;
mod rights;
mod size;
mod undo;
mod verdict;
mod wait;
mod walk;
mod write;
mod writing;

pub use desk::{SweptGap, Tidy, Work};
pub use failure::TidyFailure;
pub use purpose::{Finding, Purpose, PutBack};
pub use undo::values_to_put_back;
pub use wait::Wait;
pub use walk::{Stretch, Walked};

use crate::bitrix::events::ContactEvent;

/// The events that speak of contacts which may have to be tidied.
pub const EVENTS: [&str; 2] = ContactEvent::NAMES;
