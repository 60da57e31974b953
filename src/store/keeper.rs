//! Whoever has the database in hand: takes the questions as they come and answers them.

use std::path::PathBuf;

use rusqlite::Error;
use tokio::sync::mpsc::UnboundedReceiver;

use super::{
    StoreFault,
    db::Db,
    fault::is_busy,
    patience::patiently,
    place::Place,
    question::{Kind, Question, Went},
};
use crate::clock::SharedClock;

/// Questions taken up together. A later batch never passes an earlier one.
const BATCH: usize = 256;

/// The database, for those who ask.
pub(super) struct Keeper {
    db: Db,
    path: PathBuf,
    place: Place,
    clock: SharedClock,
    /// Whether commits wait for the disk at the moment; not known before the first.
    waits_for_disk: Option<bool>,
}

impl Keeper {
    /// `clock`: whose time passes while another process has the file.
    pub(super) fn new(db: Db, path: PathBuf, place: Place, clock: SharedClock) -> Self {
        Self {
            db,
            path,
            place,
            clock,
            waits_for_disk: None,
        }
    }

    /// Answers questions until nobody can ask any more; whatever was asked by then is still done.
    pub(super) async fn serve(mut self, mut questions: UnboundedReceiver<Question>) {
        let mut batch = Vec::new();
        while questions.recv_many(&mut batch, BATCH).await > 0 {
            let (reads, writes): (Vec<_>, Vec<_>) = batch
                .drain(..)
                .partition(|question: &Question| question.kind == Kind::Read);
            // Reads come last: each sees everything that was asked before it.
            self.write(writes).await;
            for question in reads {
                self.read(question).await;
            }
        }
    }

    async fn read(&mut self, mut question: Question) {
        if question.is_given_up() {
            return;
        }
        let clock = self.clock.clone();
        let went = patiently(&*clock, is_busy, || match question.work(&mut self.db) {
            Went::Wrong(error) => Err(error),
            went => Ok(went),
        });
        let went = went.await.unwrap_or_else(Went::Wrong);
        self.answer(question, went);
    }

    /// Writes all in one transaction, so that they share one wait for the disk.
    async fn write(&mut self, mut group: Vec<Question>) {
        if group.is_empty() {
            return;
        }
        if !self.place.is_kept() {
            for question in group {
                question.answer(Err(StoreFault::Replaced(self.path.clone())));
            }
            return;
        }
        let clock = self.clock.clone();
        let committed = patiently(&*clock, is_busy, || self.commit(&mut group)).await;
        match committed {
            Ok(went) => {
                for (question, went) in group.into_iter().zip(went) {
                    self.answer(question, went);
                }
            }
            Err(error) if is_busy(&error) => {
                for question in group {
                    question.answer(Err(StoreFault::Locked(self.path.clone())));
                }
            }
            // One of them took the transaction along, or all were too much: each for itself.
            Err(_) if group.len() > 1 => {
                for question in group {
                    Box::pin(self.write(vec![question])).await;
                }
            }
            Err(error) => {
                if let Some(question) = group.pop() {
                    self.answer(question, Went::Wrong(error));
                }
            }
        }
    }

    fn answer(&self, question: Question, went: Went) {
        match went {
            Went::Well => question.answer(Ok(())),
            Went::Wrong(error) => {
                question.answer(Err(StoreFault::from_sqlite(&self.path, error)));
            }
            // Whoever asked learns of it by getting no answer.
            Went::Mad => {}
        }
    }

    /// One transaction with a savepoint for each question, so that one that goes wrong takes no
    /// neighbour along. Answers how each of them went, once all that went well is committed.
    fn commit(&mut self, group: &mut [Question]) -> Result<Vec<Went>, Error> {
        // One that may not lag behind makes all of them wait for the disk. What earlier commits left
        // to the system, a commit that does wait takes along.
        self.wait_for_disk(group.iter().any(|question| question.kind == Kind::Durable))?;
        self.db.execute("BEGIN IMMEDIATE", [])?;
        let done = self.work_through(group).and_then(|went| {
            self.db.execute("COMMIT", [])?;
            Ok(went)
        });
        if done.is_err() && !self.db.is_at_rest() {
            // Where this fails as well, the next BEGIN says so.
            let _ = self.db.execute("ROLLBACK", []);
        }
        done
    }

    fn work_through(&mut self, group: &mut [Question]) -> Result<Vec<Went>, Error> {
        let mut all = Vec::with_capacity(group.len());
        for question in group {
            self.db.execute("SAVEPOINT question", [])?;
            let went = match question.work(&mut self.db) {
                // A full disk, above all, ends the transaction as a whole.
                Went::Wrong(error) if self.db.is_at_rest() => return Err(error),
                went => went,
            };
            if !matches!(went, Went::Well) {
                self.db.execute("ROLLBACK TO question", [])?;
            }
            self.db.execute("RELEASE question", [])?;
            all.push(went);
        }
        Ok(all)
    }

    fn wait_for_disk(&mut self, wanted: bool) -> Result<(), Error> {
        if self.waits_for_disk != Some(wanted) {
            self.waits_for_disk = None;
            self.db.run(match wanted {
                true => "PRAGMA synchronous = FULL",
                false => "PRAGMA synchronous = NORMAL",
            })?;
            self.waits_for_disk = Some(wanted);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{fs::File, sync::Arc};

    use tokio::sync::oneshot::Receiver;

    use super::*;
    use crate::clock::SystemClock;

    const WITHOUT_WAITING: i64 = 1;
    const WAITS: i64 = 2;

    /// A question that answers whether its commit waits for the disk.
    fn question(kind: Kind) -> (Question, Receiver<Result<i64, StoreFault>>) {
        Question::new(kind, |db| {
            db.query_row("PRAGMA synchronous", [], |row| row.get(0))
        })
    }

    /// Break: let what may lag behind decide for its neighbours; forget to switch back.
    #[tokio::test]
    async fn what_has_to_be_on_the_disk_never_lags_behind() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("state.db");
        let db = Db::new(rusqlite::Connection::open(&path)?, File::create(&path)?);
        let place = Place::of(&path);
        let mut keeper = Keeper::new(db, path, place, Arc::new(SystemClock));
        let groups: [&[Kind]; 5] = [
            &[Kind::Durable],
            &[Kind::Relaxed, Kind::Relaxed],
            &[Kind::Relaxed, Kind::Durable, Kind::Relaxed],
            &[Kind::Relaxed],
            &[Kind::Durable],
        ];
        for group in groups {
            let (questions, answers): (Vec<_>, Vec<_>) =
                group.iter().map(|kind| question(*kind)).unzip();
            keeper.write(questions).await;
            let wanted = match group.contains(&Kind::Durable) {
                true => WAITS,
                false => WITHOUT_WAITING,
            };
            for answer in answers {
                let answer = answer.await.ok().and_then(Result::ok);
                assert_eq!(answer, Some(wanted), "{group:?}");
            }
        }
        Ok(())
    }
}
