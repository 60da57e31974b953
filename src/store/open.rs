//! Opening the state file.

use std::{
    fs::{self, File, OpenOptions},
    io::Read,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
    sync::Arc,
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, config::DbConfig};
use tokio::sync::{mpsc, oneshot};

use super::{
    Line, Runner, Store, StoreFault,
    create::create,
    db::Db,
    keeper::Keeper,
    migrations::{APPLICATION_ID, migrate},
    patience::patiently,
    place::Place,
};

/// What every database begins with.
const SQLITE_MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// The length of a database's header, and where the number of its program stands in it, see
/// "Database File Format".
const HEADER: usize = 100;
const APPLICATION_AT: usize = 68;

/// An open state file.
struct Opened {
    connection: Connection,
    /// Stays open as long as the connection: closing it would end the locks that SQLite has on it.
    file: File,
    place: Place,
}

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
        open: fn(&Path) -> Result<Opened, StoreFault>,
    ) -> Result<Self, StoreFault> {
        let (questions, asked) = mpsc::unbounded_channel();
        let (opened, is_open) = oneshot::channel();
        let (clock, checkpoints) = (runner.clock.clone(), runner.checkpoints_on_close);
        let file = path.to_path_buf();
        let running = runner.start(Box::pin(async move {
            let is_busy = |fault: &StoreFault| matches!(fault, StoreFault::Locked(_));
            let found = patiently(&*clock, is_busy, || {
                let opened = open(&file)?;
                let keeps_log = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
                opened
                    .connection
                    .set_db_config(keeps_log, !checkpoints)
                    .map_err(|error| StoreFault::from_sqlite(&file, error))?;
                Ok(opened)
            });
            match found.await {
                Ok(found) => {
                    // Where whoever opened it has gone, nobody asks, and the loop ends at once.
                    let _ = opened.send(Ok(()));
                    let db = Db::new(found.connection, found.file);
                    let keeper = Keeper::new(db, file, found.place, clock);
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
}

fn open(path: &Path) -> Result<Opened, StoreFault> {
    let place = Place::of(path);
    let file = check_file(path)?;
    let mut connection = connect(path)?;
    migrate(path, &mut connection)?;
    Ok(Opened {
        connection,
        file,
        place,
    })
}

/// Looks at the file before SQLite does, which would change another program's, take an empty one for a
/// new database, and open one for reading alone that it may not write.
fn check_file(path: &Path) -> Result<File, StoreFault> {
    let io = |error: std::io::Error| StoreFault::from_io(path, &error);
    let corrupt = |reason: &str| StoreFault::Corrupt {
        path: path.to_path_buf(),
        reason: reason.to_owned(),
    };
    let found = match fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(StoreFault::Missing(path.to_path_buf()));
        }
        other => other.map_err(io)?,
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
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        // Should a pipe take its place at this moment, nobody waits for its other end.
        .custom_flags(libc::O_NONBLOCK)
        .open(path)
        .map_err(io)?;
    let mut header = [0_u8; HEADER];
    if file.read_exact(&mut header).is_err() || !header.starts_with(SQLITE_MAGIC) {
        return Err(corrupt(
            "it does not begin like a database; was it cut short?",
        ));
    }
    let application = header[APPLICATION_AT..].first_chunk().copied();
    if application.map(i32::from_be_bytes).map(i64::from) != Some(APPLICATION_ID) {
        return Err(corrupt("another program's database"));
    }
    Ok(file)
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
             PRAGMA trusted_schema = OFF; PRAGMA secure_delete = ON;
             PRAGMA journal_size_limit = 4194304;",
        )
        .map_err(fault)?;
    Ok(connection)
}
