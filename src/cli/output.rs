//! The streams that a command writes to. A reader who leaves, or a disk that is full, ends no work that
//! was asked for, and changes no answer that an exit code gives.

use std::{
    io::{self, ErrorKind, Write},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::exit::Exit;

/// What to do where the stream cannot be written to any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unread {
    /// The work goes on, and the exit code says what was done.
    GoOn,
    /// The list is all that is wanted: the command ends.
    End,
    /// The exit code is all that is wanted.
    Ignore,
}

/// A stream that a command writes to. Clones are the same stream.
#[derive(Clone)]
pub struct Output(Arc<Mutex<Stream>>);

struct Stream {
    to: Box<dyn Write + Send>,
    unread: Unread,
    /// Why nothing can be written any more.
    lost: Option<ErrorKind>,
}

impl Output {
    /// A stream to `to`.
    pub fn new(to: impl Write + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(Stream {
            to: Box::new(to),
            unread: Unread::GoOn,
            lost: None,
        })))
    }

    pub(super) fn where_unread(&self, unread: Unread) {
        self.stream().unread = unread;
    }

    /// How a command ends whose answer went here.
    pub(super) fn judge(&self, outcome: anyhow::Result<Exit>) -> anyhow::Result<Exit> {
        let mut stream = self.stream();
        // What is still held back may fail now.
        let _ = stream.attempt(|to| to.flush());
        let Some(lost) = stream.lost else {
            return outcome;
        };
        let exit = match outcome {
            Err(error) if !is_caused_by(&error, lost) => return Err(error),
            Err(_) => Exit::Done,
            Ok(exit) => exit,
        };
        // Whoever reads us may have seen enough, as in `status | head -1`.
        if lost == ErrorKind::BrokenPipe || stream.unread == Unread::Ignore {
            return Ok(exit);
        }
        tracing::warn!("standard output cannot be written: {lost}");
        Ok(match exit {
            Exit::Done => Exit::Unwritten,
            exit => exit,
        })
    }

    fn stream(&self) -> MutexGuard<'_, Stream> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stream {
    fn attempt<T: Default>(
        &mut self,
        write: impl FnOnce(&mut dyn Write) -> io::Result<T>,
    ) -> io::Result<T> {
        let written = match self.lost {
            Some(kind) => Err(kind.into()),
            None => write(&mut *self.to),
        };
        match written {
            Err(error) if error.kind() == ErrorKind::Interrupted => Err(error),
            Err(error) => {
                self.lost = Some(error.kind());
                match self.unread {
                    Unread::End => Err(error),
                    Unread::GoOn | Unread::Ignore => Ok(T::default()),
                }
            }
            written => written,
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream()
            .attempt(|to| to.write_all(bytes))
            .map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream().attempt(|to| to.flush())
    }
}

fn is_caused_by(error: &anyhow::Error, kind: ErrorKind) -> bool {
    error.chain().any(|cause| {
        let io = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        let json = || cause.downcast_ref::<serde_json::Error>()?.io_error_kind();
        io.or_else(json) == Some(kind)
    })
}
