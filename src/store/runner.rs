//! Where the store's loop runs, and whose clock it waits on.

use std::{future::Future, io, pin::Pin, sync::Arc, thread};

use crate::clock::{SharedClock, SystemClock};

/// The loop that answers for one open state file. It ends when the last [`super::Store`] has gone and
/// everything is done that was asked until then.
pub type Loop = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What has to be waited for when the last handle goes.
pub(super) type Running = Option<thread::JoinHandle<()>>;

/// Where a store's loop runs, and whose clock it waits on.
pub struct Runner {
    start: Box<dyn FnOnce(Loop) -> io::Result<Running> + Send>,
    /// Whose time passes while another process has the file.
    pub(super) clock: SharedClock,
    /// Whether the log beside the file is worked into it at the end.
    pub(super) checkpoints_on_close: bool,
}

impl Runner {
    /// On a thread of its own, so that a locked file or a slow disk holds up nobody else. The last
    /// handle waits for its end.
    #[must_use]
    pub fn thread() -> Self {
        Self {
            start: Box::new(on_a_thread),
            clock: Arc::new(SystemClock),
            checkpoints_on_close: true,
        }
    }

    /// As a task among others: `spawn` gets the loop, which waits on `clock` alone. For a world that
    /// runs on one thread from one seed.
    #[must_use]
    pub fn task(clock: SharedClock, spawn: impl FnOnce(Loop) + Send + 'static) -> Self {
        Self {
            start: Box::new(|serving| {
                spawn(serving);
                Ok(None)
            }),
            clock,
            checkpoints_on_close: true,
        }
    }

    /// Leaves the log beside the file as it is when the store is closed, as a process does that is
    /// killed.
    #[must_use]
    pub fn without_checkpoint_on_close(mut self) -> Self {
        self.checkpoints_on_close = false;
        self
    }

    pub(super) fn start(self, serving: Loop) -> io::Result<Running> {
        (self.start)(serving)
    }
}

impl std::fmt::Debug for Runner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runner")
            .field("checkpoints_on_close", &self.checkpoints_on_close)
            .finish_non_exhaustive()
    }
}

fn on_a_thread(serving: Loop) -> io::Result<Running> {
    // Of a runtime it needs no more than a timer, for the time that another process has the file.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    let thread = thread::Builder::new().name("state file".to_owned());
    thread.spawn(move || runtime.block_on(serving)).map(Some)
}
