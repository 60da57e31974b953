//! Whether the state file is sound, and whether the next write can be expected to succeed.

use super::{Store, StoreFault};

/// The largest file that is looked through whole at each start, in bytes: some 60 MB a second were
/// measured, from a cold disk.
const CHECKED_WHOLE: u64 = 64 << 20;

/// The tables that no drain can do without.
const VITAL: [&str; 8] = [
    "portal",
    "cursor",
    "event",
    "parked",
    "contested",
    "ignored",
    "bucket",
    "tally",
];

/// More than a pair of tokens with everything beside it takes, in bytes.
const ROOM: usize = 16 << 10;

impl Store {
    /// Proves with a write that reaches the disk that the next one can be expected to: for what
    /// cannot be had a second time, such as a renewed pair of tokens. It is larger than such a pair.
    ///
    /// # Errors
    /// The fault that the next write would meet.
    pub async fn prove_writable(&self) -> Result<(), StoreFault> {
        self.write(|db| {
            let before: u8 = db.query_row(
                "SELECT coalesce(max(unicode(substr(filling, 1, 1))), 0) FROM room",
                [],
                |row| row.get(0),
            )?;
            // What is the same as before would not be written.
            let filling = match before {
                b'a' => "b",
                _ => "a",
            }
            .repeat(ROOM);
            db.execute(
                "INSERT INTO room (id, filling) VALUES (1, ?1)
                 ON CONFLICT DO UPDATE SET filling = ?1",
                [filling],
            )
            .map(drop)
        })
        .await
    }

    /// Empties the log beside the file, where pages wait as they were before something was removed.
    /// Where another process reads it at this moment, they go with a later checkpoint.
    pub(super) async fn empty_log(&self) -> Result<(), StoreFault> {
        self.read(|db| {
            db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
                .or(Ok(()))
        })
        .await
    }

    /// Looks for damage, as every start of work does: through the whole file where that takes about a
    /// second at most, else through what no drain can do without. That leaves out the history, which
    /// is what grows.
    ///
    /// # Errors
    /// [`StoreFault::Corrupt`] with the first damage found.
    pub async fn check_integrity(&self) -> Result<(), StoreFault> {
        let size: u64 = self
            .read(|db| {
                let pages: i64 = db.query_row("PRAGMA page_count", [], |row| row.get(0))?;
                let size: i64 = db.query_row("PRAGMA page_size", [], |row| row.get(0))?;
                Ok(pages.saturating_mul(size).unsigned_abs())
            })
            .await?;
        if size <= CHECKED_WHOLE {
            return self.check_all().await;
        }
        for table in VITAL {
            self.check(table).await?;
        }
        Ok(())
    }

    /// Looks through the whole file for damage, however long that takes.
    ///
    /// # Errors
    /// [`StoreFault::Corrupt`] with the first damage found.
    pub async fn check_all(&self) -> Result<(), StoreFault> {
        self.check("1").await
    }

    /// `what`: a table, or the number of damages that are enough.
    async fn check(&self, what: &str) -> Result<(), StoreFault> {
        let pragma = format!("PRAGMA quick_check({what})");
        let verdict: String = self
            .read(move |db| db.query_row(&pragma, [], |row| row.get(0)))
            .await?;
        if verdict == "ok" {
            return Ok(());
        }
        Err(StoreFault::Corrupt {
            path: self.path.clone(),
            reason: verdict,
        })
    }
}
