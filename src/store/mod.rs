//! The state file: tokens, reservations, failures, history and cursors in one SQLite database.
//!
//! Everything here is synchronous and short. Nothing in this module speaks HTTP.

mod bucket;
mod contests;
mod cursors;
mod failures;
mod fault;
mod history;
mod ignored;
mod lock;
mod moves;
mod open;
mod open_rows;
mod owner;
mod portals;
mod refusals;
mod reservations;
mod runs;
mod tallies;
mod walks;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use rusqlite::{Connection, Transaction, TransactionBehavior};

pub use contests::{Contested, Truce};
pub use cursors::Cursor;
pub use failures::Parked;
pub use fault::StoreFault;
pub use history::{Change, ChangeFilter, SentChange};
pub use ignored::{Ignored, LeftAlone};
pub use lock::{Holder, Lock};
pub use moves::Move;
pub use open_rows::OpenTotals;
pub use portals::{PlanFacts, PortalId, PortalRecord, Tokens};
pub use reservations::{QueueKey, StoredEvent};
pub use runs::{LastRun, RunId, RunKind, RunTotals};
pub use tallies::{Backlog, Tally};
pub use walks::Walk;

/// An open state file. Clones share one connection.
#[derive(Clone)]
pub struct Store {
    connection: Arc<Mutex<Connection>>,
    path: PathBuf,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Where the state file lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // A panic while the lock was held rolled its transaction back: the connection is sound.
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `work` in one transaction that takes the write lock at once.
    fn write<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreFault> {
        transact(&mut self.connection(), work)
            .map_err(|error| StoreFault::from_sqlite(&self.path, error))
    }

    /// As [`Store::write`], but without waiting for the disk: for what may lag behind after a failure
    /// of the machine. The next write that waits for the disk takes it along.
    fn write_relaxed<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreFault> {
        // The connection stays ours throughout: nobody else's commit may go unsynchronised.
        let mut connection = self.connection();
        let outcome = (|| {
            connection.execute_batch("PRAGMA synchronous = NORMAL")?;
            let outcome = transact(&mut connection, work);
            connection.execute_batch("PRAGMA synchronous = FULL")?;
            outcome
        })();
        outcome.map_err(|error| StoreFault::from_sqlite(&self.path, error))
    }

    fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreFault> {
        work(&self.connection()).map_err(|error| StoreFault::from_sqlite(&self.path, error))
    }
}

fn transact<T>(
    connection: &mut Connection,
    work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let value = work(&transaction)?;
    transaction.commit()?;
    Ok(value)
}

/// A moment as the store keeps it: unix milliseconds.
fn millis(moment: Timestamp) -> i64 {
    moment.as_millisecond()
}

/// A stored moment; one that no clock can have written counts as the beginning of time.
fn moment(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::UNIX_EPOCH)
}
