//! What is asked of the state file: work on the open database, and where its answer goes.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rusqlite::Error;
use tokio::sync::oneshot;

use super::{StoreFault, db::Db};

/// What a question does to the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing.
    Read,
    /// It writes what has to be on the disk before it is answered.
    Durable,
    /// It writes what may be lost in a failure of the machine.
    Relaxed,
}

/// How the work on a question went.
pub(super) enum Went {
    Well,
    Wrong(Error),
    /// The work panicked: whoever asks gets no answer.
    Mad,
}

/// A question on its way to the database.
pub(super) struct Question {
    pub(super) kind: Kind,
    asked: Box<dyn Asked>,
}

trait Asked: Send {
    fn work(&mut self, db: &Db) -> Result<(), Error>;
    fn answer(self: Box<Self>, kept: Result<(), StoreFault>);
    fn is_given_up(&self) -> bool;
}

struct Asking<T, W> {
    work: W,
    found: Option<T>,
    reply: oneshot::Sender<Result<T, StoreFault>>,
}

impl Question {
    /// A question and where its answer arrives. `work` may be called again where what it did was
    /// rolled back for reasons that are not its own.
    pub(super) fn new<T: Send + 'static>(
        kind: Kind,
        work: impl FnMut(&Db) -> Result<T, Error> + Send + 'static,
    ) -> (Self, oneshot::Receiver<Result<T, StoreFault>>) {
        let (reply, answer) = oneshot::channel();
        let found = None;
        let asked = Box::new(Asking { work, found, reply });
        (Self { kind, asked }, answer)
    }

    /// Works on the database, and keeps what it finds for [`Question::answer`].
    pub(super) fn work(&mut self, db: &mut Db) -> Went {
        // A statement under way is reset as the panic passes it; the rest is rolled back outside.
        match catch_unwind(AssertUnwindSafe(|| self.asked.work(db))) {
            Ok(Ok(())) => Went::Well,
            Ok(Err(error)) => Went::Wrong(error),
            Err(_) => Went::Mad,
        }
    }

    /// Answers with what was found, or with the fault that undid it.
    pub(super) fn answer(self, kept: Result<(), StoreFault>) {
        self.asked.answer(kept);
    }

    /// Whether nobody waits for the answer any more.
    pub(super) fn is_given_up(&self) -> bool {
        self.asked.is_given_up()
    }
}

impl<T: Send, W: FnMut(&Db) -> Result<T, Error> + Send> Asked for Asking<T, W> {
    fn work(&mut self, db: &Db) -> Result<(), Error> {
        self.found = None;
        self.found = Some((self.work)(db)?);
        Ok(())
    }

    fn answer(self: Box<Self>, kept: Result<(), StoreFault>) {
        let answer = match (kept, self.found) {
            (Err(fault), _) => Err(fault),
            (Ok(()), Some(found)) => Ok(found),
            // Never worked on: without an answer its asker learns of it as well.
            (Ok(()), None) => return,
        };
        // Whoever asked may have gone; what was written stays.
        let _ = self.reply.send(answer);
    }

    fn is_given_up(&self) -> bool {
        self.reply.is_closed()
    }
}
