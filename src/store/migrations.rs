//! The steps from the first schema to the present one, and nothing back.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::StoreFault;

/// Marks a database as ours: `b24t` in ASCII.
pub(super) const APPLICATION_ID: i64 = 0x6232_3474;

/// A step of the schema.
struct Step {
    sql: &'static str,
    /// Older versions left removed names readable on free pages: the file is written anew first.
    is_preceded_by_cleaning: bool,
}

const fn step(sql: &'static str) -> Step {
    Step {
        sql,
        is_preceded_by_cleaning: false,
    }
}

/// The schema's version is the number of steps that were made. A step that was released never changes.
const STEPS: &[Step] = &[
    step(include_str!("schema.sql")),
    // When guards were tried last on a portal where they did not work; when a person last brought
    // tokens, which a renewal does not change.
    step(
        "ALTER TABLE portal ADD COLUMN guards_tried_at INTEGER;
         ALTER TABLE portal ADD COLUMN imported_at INTEGER",
    ),
    // Which methods a portal has for contacts, and which are in use; until when all that the portal had
    // queued is accounted for, by its clock and by ours, so that a purge of the queue is noticed.
    step(
        "ALTER TABLE portal ADD COLUMN has_items INTEGER;
         ALTER TABLE portal ADD COLUMN uses_items INTEGER;
         ALTER TABLE cursor ADD COLUMN accounted_until INTEGER;
         ALTER TABLE cursor ADD COLUMN accounted_at INTEGER",
    ),
    step(include_str!("conditions.sql")),
    // Addresses that a portal points to without the authorisation server naming them; features that a
    // portal claims and refuses.
    step(
        "CREATE TABLE unconfirmed_move (
           portal_id INTEGER PRIMARY KEY REFERENCES portal ON DELETE CASCADE,
           target    TEXT NOT NULL,
           asked_at  INTEGER NOT NULL
         ) STRICT;
         CREATE TABLE refusal (
           portal_id INTEGER NOT NULL REFERENCES portal ON DELETE CASCADE,
           feature   TEXT NOT NULL,
           at        INTEGER NOT NULL,
           PRIMARY KEY (portal_id, feature)
         ) STRICT, WITHOUT ROWID",
    ),
    // The last number that a portal was given, so that none is given twice; room that is proved.
    Step {
        sql: "CREATE TABLE last_portal (id INTEGER NOT NULL) STRICT;
              INSERT INTO last_portal SELECT coalesce(max(id), 0) FROM portal;
              CREATE TABLE room (
                id      INTEGER PRIMARY KEY CHECK (id = 1),
                filling TEXT NOT NULL
              ) STRICT",
        is_preceded_by_cleaning: true,
    },
];

/// Brings the schema of an open state file forward.
pub(super) fn migrate(path: &Path, connection: &mut Connection) -> Result<(), StoreFault> {
    let fault = |error| StoreFault::from_sqlite(path, error);
    let known = STEPS.len() as i64;
    let found: i64 = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(fault)?;
    if found > known {
        return Err(StoreFault::NewerSchema {
            path: path.to_path_buf(),
            found,
            known,
        });
    }
    apply(connection, found).map_err(fault)
}

/// Makes the steps from version `from` on.
pub(super) fn apply(connection: &mut Connection, from: i64) -> rusqlite::Result<()> {
    let from = usize::try_from(from).unwrap_or(0);
    for (done, step) in STEPS.iter().enumerate().skip(from) {
        if step.is_preceded_by_cleaning && from > 0 {
            clean(connection)?;
        }
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let version: i64 =
            transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
        // Another process may have been faster.
        if version == done as i64 {
            transaction.execute_batch(step.sql)?;
            transaction.pragma_update(None, "user_version", done as i64 + 1)?;
        }
        transaction.commit()?;
    }
    Ok(())
}

/// Writes the file anew, without what was removed. For want of room, or beside a reader, it stays as it
/// is until its pages are used again.
fn clean(connection: &Connection) -> rusqlite::Result<()> {
    match connection.execute_batch("VACUUM") {
        Err(error) if super::fault::is_busy(&error) => Err(error),
        _ => connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
            .or(Ok(())),
    }
}
