//! The portal's request bucket, shared by all processes on this store.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::{Store, StoreFault, millis, moment};

impl Store {
    /// Reads and rewrites the level of a portal's request bucket in one transaction: `step` gets the
    /// level and when it was noted, and answers with the new ones and its own result.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn with_bucket<T: Send + 'static>(
        &self,
        host: &str,
        step: impl Fn(Option<(f64, Timestamp)>) -> ((f64, Timestamp), T) + Send + 'static,
    ) -> Result<T, StoreFault> {
        let host = host.to_owned();
        self.write_relaxed(move |db| {
            let before = db
                .query_row(
                    "SELECT level, as_of FROM bucket WHERE host = ?1",
                    params![host],
                    |row| Ok((row.get(0)?, moment(row.get(1)?))),
                )
                .optional()?;
            let ((level, as_of), answer) = step(before);
            db.execute(
                "INSERT INTO bucket (host, level, as_of) VALUES (?1, ?2, ?3)
                 ON CONFLICT DO UPDATE SET level = ?2, as_of = ?3",
                params![host, level, millis(as_of)],
            )?;
            Ok(answer)
        })
        .await
    }
}
