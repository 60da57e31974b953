//! The state file: tokens, reservations, failures, history and cursors in one SQLite database.
//!
//! Everything is asked with `.await`: the database belongs to a loop on a thread of its own (or among
//! the tasks of a simulated world, see [`Runner`]), and a [`Store`] sends it questions. A question
//! that was sent is done as a whole, whether or not anybody waits for the answer. Writes that come at
//! the same moment share one commit, and with it the wait for the disk. Nothing here speaks HTTP.

mod aside;
mod bucket;
mod conditions;
mod contests;
mod create;
mod cursors;
mod db;
mod failures;
mod fault;
mod headway;
mod history;
mod ignored;
mod integrity;
mod keeper;
mod lock;
mod migrations;
mod moves;
mod open;
mod open_rows;
mod owner;
mod patience;
mod place;
mod plain;
mod portals;
mod question;
mod refusals;
mod reservations;
mod runner;
mod runs;
mod tallies;
mod time;
mod walks;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio::sync::mpsc::UnboundedSender;

pub use aside::{read_aside, write_aside};
pub use contests::{Contested, Truce};
pub use cursors::Cursor;
pub use failures::Parked;
pub use fault::StoreFault;
pub use headway::{Headway, RunningDrain};
pub use history::{Change, ChangeFilter, SentChange};
pub use ignored::{Ignored, LeftAlone};
pub use lock::{Holder, Lock, drain_holder};
pub use moves::Move;
pub use open_rows::OpenTotals;
pub use place::Place;
pub use portals::{PlanFacts, PortalId, PortalRecord, Tokens};
pub use reservations::{QueueKey, StoredEvent};
pub use runner::{Loop, Runner};
pub use runs::{LastRun, RunId, RunKind, RunTotals};
pub use tallies::{Backlog, Tally};
pub use walks::Walk;

use self::{
    db::Db,
    question::{Kind, Question},
    runner::Running,
    time::{millis, moment},
};

/// An open state file. Clones share one connection, which is closed with the last of them.
#[derive(Clone)]
pub struct Store {
    line: Arc<Line>,
    path: PathBuf,
}

/// The line to the loop that has the database in hand.
struct Line {
    questions: Option<UnboundedSender<Question>>,
    running: Running,
}

impl Drop for Line {
    fn drop(&mut self) {
        drop(self.questions.take());
        if let Some(thread) = self.running.take() {
            // What was asked is done before we go on, or end. A panic was told to those who asked.
            let _ = thread.join();
        }
    }
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

    /// Runs `work` in a transaction that has the write lock, and answers once it is on the disk.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnMut(&Db) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreFault> {
        self.ask(Kind::Durable, work).await
    }

    /// As [`Store::write`], but without waiting for the disk: for what may lag behind after a failure
    /// of the machine. The next write that waits for the disk takes it along.
    async fn write_relaxed<T: Send + 'static>(
        &self,
        work: impl FnMut(&Db) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreFault> {
        self.ask(Kind::Relaxed, work).await
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnMut(&Db) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreFault> {
        self.ask(Kind::Read, work).await
    }

    async fn ask<T: Send + 'static>(
        &self,
        kind: Kind,
        work: impl FnMut(&Db) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreFault> {
        let (question, answer) = Question::new(kind, work);
        // Where the loop has ended, the question is dropped and so is its end of the answer.
        if let Some(questions) = &self.line.questions {
            let _ = questions.send(question);
        }
        answer
            .await
            .unwrap_or_else(|_| Err(StoreFault::without_answer(&self.path)))
    }
}
