//! Opening, creating and migrating the state file.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::Read,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, TransactionBehavior, config::DbConfig};
use tokio::sync::{mpsc, oneshot};

use super::{
    Line, Runner, Store, StoreFault, db::Db, keeper::Keeper, owner::hand_over, patience::patiently,
};

/// Marks a database as ours: `b24t` in ASCII.
const APPLICATION_ID: i64 = 0x6232_3474;

/// Forward migrations; the schema's version is the number of those applied.
const MIGRATIONS: [&str; 5] = [
    include_str!("schema.sql"),
    // When guards were tried last on a portal where they did not work; when a person last brought
    // tokens, which a renewal does not change.
    "ALTER TABLE portal ADD COLUMN guards_tried_at INTEGER;
     ALTER TABLE portal ADD COLUMN imported_at INTEGER",
    // Which methods a portal has for contacts, and which are in use; until when all that the portal had
    // queued is accounted for, by its clock and by ours, so that a purge of the queue is noticed.
    "ALTER TABLE portal ADD COLUMN has_items INTEGER;
     ALTER TABLE portal ADD COLUMN uses_items INTEGER;
     ALTER TABLE cursor ADD COLUMN accounted_until INTEGER;
     ALTER TABLE cursor ADD COLUMN accounted_at INTEGER",
    include_str!("conditions.sql"),
    // Addresses that a portal points to without the authorisation server naming them; features that a
    // portal claims and refuses.
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
];

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

/// What an empty but otherwise sound file begins with.
const SQLITE_MAGIC: &[u8; 16] = b"SQLite format 3\0";

impl Store {
    /// Opens the state file, migrating an older schema forward. Its loop runs on a thread of its own.
    ///
    /// # Errors
    /// A [`StoreFault`] that names the file and the remedy. A missing file is [`StoreFault::Missing`]:
    /// only [`Store::open_or_create`] makes one, so that a lost file is never silently replaced.
    pub async fn open(path: &Path) -> Result<Self, StoreFault> {
        Self::open_with(path, Runner::thread()).await
    }

    /// Opens the state file, or makes a new one where there is none.
    ///
    /// # Errors
    /// As [`Store::open`], except that a missing file is created.
    pub async fn open_or_create(path: &Path) -> Result<Self, StoreFault> {
        Self::open_or_create_with(path, Runner::thread()).await
    }

    /// As [`Store::open`], with a loop that runs where `runner` says.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn open_with(path: &Path, runner: Runner) -> Result<Self, StoreFault> {
        Self::start(path, runner, open).await
    }

    /// As [`Store::open_or_create`], with a loop that runs where `runner` says.
    ///
    /// # Errors
    /// As [`Store::open_or_create`].
    pub async fn open_or_create_with(path: &Path, runner: Runner) -> Result<Self, StoreFault> {
        let open_or_create = |path: &Path| {
            if !path.exists() {
                create(path)?;
            }
            open(path)
        };
        Self::start(path, runner, open_or_create).await
    }

    /// Starts the loop, which opens the file first.
    async fn start(
        path: &Path,
        runner: Runner,
        open: fn(&Path) -> Result<Connection, StoreFault>,
    ) -> Result<Self, StoreFault> {
        let (questions, asked) = mpsc::unbounded_channel();
        let (opened, is_open) = oneshot::channel();
        let (clock, checkpoints) = (runner.clock.clone(), runner.checkpoints_on_close);
        let file = path.to_path_buf();
        let running = runner.start(Box::pin(async move {
            let is_busy = |fault: &StoreFault| matches!(fault, StoreFault::Locked(_));
            let found = patiently(&*clock, is_busy, || {
                let connection = open(&file)?;
                let keeps_log = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
                connection
                    .set_db_config(keeps_log, !checkpoints)
                    .map_err(|error| StoreFault::from_sqlite(&file, error))?;
                Ok(connection)
            });
            match found.await {
                Ok(connection) => {
                    // Where whoever opened it has gone, nobody asks, and the loop ends at once.
                    let _ = opened.send(Ok(()));
                    let keeper = Keeper::new(Db::new(connection), file, clock);
                    keeper.serve(asked).await;
                }
                Err(fault) => {
                    let _ = opened.send(Err(fault));
                }
            }
        }));
        let store = Self {
            line: Arc::new(Line {
                questions: Some(questions),
                running: running.map_err(|error| StoreFault::from_io(path, &error))?,
            }),
            path: path.to_path_buf(),
        };
        match is_open.await {
            Ok(opened) => opened.map(|()| store),
            Err(_) => Err(StoreFault::without_answer(path)),
        }
    }

    /// Proves with a write that reaches the disk that the next one can be expected to: for what
    /// cannot be had a second time, such as a renewed pair of tokens.
    ///
    /// # Errors
    /// The fault that the next write would meet.
    pub async fn prove_writable(&self) -> Result<(), StoreFault> {
        self.write(|db| {
            let version: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
            db.run(&format!("PRAGMA user_version = {version}"))
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

fn open(path: &Path) -> Result<Connection, StoreFault> {
    check_file(path)?;
    migrate(path, connect(path)?)
}

fn check_file(path: &Path) -> Result<(), StoreFault> {
    let found = match fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(StoreFault::Missing(path.to_path_buf()));
        }
        other => other.map_err(|error| StoreFault::from_io(path, &error))?,
    };
    // A pipe would be waited on, and a device is nothing to change the mode of.
    if !found.is_file() {
        return Err(StoreFault::NotAFile(path.to_path_buf()));
    }
    let mode = found.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(StoreFault::WrongMode {
            path: path.to_path_buf(),
            mode,
        });
    }
    let mut start = [0_u8; 16];
    // For writing as well: SQLite would open a file that it may not write for reading alone, and leave
    // companions behind that nobody can write either.
    let sound = OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .map_err(|error| StoreFault::from_io(path, &error))?
        .read_exact(&mut start)
        .is_ok_and(|()| start == *SQLITE_MAGIC);
    // SQLite would take an empty file for a new database, and every token would silently be gone.
    if sound {
        Ok(())
    } else {
        Err(StoreFault::Corrupt {
            path: path.to_path_buf(),
            reason: "it does not begin like a database; was it cut short?".to_owned(),
        })
    }
}

fn connect(path: &Path) -> Result<Connection, StoreFault> {
    let fault = |error| StoreFault::from_sqlite(path, error);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(fault)?;
    // Who waits for another process does so on the clock of the loop.
    connection.busy_timeout(Duration::ZERO).map_err(fault)?;
    // A rotated refresh token that is lost cannot be had again: every commit reaches the disk.
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
             PRAGMA trusted_schema = OFF; PRAGMA journal_size_limit = 4194304;",
        )
        .map_err(fault)?;
    Ok(connection)
}

/// Writes a complete empty store under another name first, so that a crash leaves no half-made one.
fn create(path: &Path) -> Result<(), StoreFault> {
    let io = |error: std::io::Error| StoreFault::from_io(path, &error);
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        let mut private = DirBuilder::new();
        private.recursive(true).mode(0o700);
        private.create(folder).map_err(io)?;
    }
    let draft = PathBuf::from(format!("{}.new.{}", path.display(), std::process::id()));
    let _ = fs::remove_file(&draft);
    // A hard link fails where another process was faster; its store is as good as ours.
    let linked = fill(path, &draft).map(|()| fs::hard_link(&draft, path));
    let removed = fs::remove_file(&draft);
    match linked? {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(io(error)),
        _ => removed.map_err(io),
    }
}

/// Writes the empty store that is to stand at `path` as `draft`.
fn fill(path: &Path, draft: &Path) -> Result<(), StoreFault> {
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(draft)
        .map_err(|error| StoreFault::from_io(path, &error))?;
    if let Some(folder) = draft.parent() {
        hand_over(&file, folder);
    }
    let fault = |error| StoreFault::from_sqlite(path, error);
    let mut connection = Connection::open(draft).map_err(fault)?;
    apply_migrations(&mut connection, 0).map_err(fault)?;
    connection
        .pragma_update(None, "application_id", APPLICATION_ID)
        .map_err(fault)?;
    connection.close().map_err(|(_, error)| fault(error))
}

fn migrate(path: &Path, mut connection: Connection) -> Result<Connection, StoreFault> {
    let fault = |error| StoreFault::from_sqlite(path, error);
    let application: i64 = connection
        .pragma_query_value(None, "application_id", |row| row.get(0))
        .map_err(fault)?;
    if application != APPLICATION_ID {
        return Err(StoreFault::Corrupt {
            path: path.to_path_buf(),
            reason: "another program's database".to_owned(),
        });
    }
    let known = MIGRATIONS.len() as i64;
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
    if found < known {
        apply_migrations(&mut connection, found).map_err(fault)?;
    }
    Ok(connection)
}

fn apply_migrations(connection: &mut Connection, from: i64) -> rusqlite::Result<()> {
    for (done, step) in MIGRATIONS
        .iter()
        .enumerate()
        .skip(usize::try_from(from).unwrap_or(0))
    {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let version: i64 =
            transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if version == done as i64 {
            transaction.execute_batch(step)?;
            transaction.pragma_update(None, "user_version", done as i64 + 1)?;
        }
        transaction.commit()?;
    }
    Ok(())
}
