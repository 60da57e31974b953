//! What the servers' tasks share: the clock, the state behind its lock, the test's hooks.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use tokio::sync::Notify;

use crate::clock::PortalClock;
use crate::log::{Command, RequestRecord};
use crate::portal::{Portal, Stop};
use crate::state::State;

type RequestHook = Box<dyn FnMut(&Portal, &RequestRecord) + Send>;
type CommandHook = Box<dyn FnMut(&Portal, &RequestRecord, &Command) + Send>;

pub(crate) struct Shared {
    pub(crate) clock: Arc<dyn PortalClock>,
    state: Mutex<State>,
    pub(crate) request_hook: Mutex<Option<RequestHook>>,
    pub(crate) command_hook: Mutex<Option<CommandHook>>,
    /// Rings after every request.
    pub(crate) progress: Notify,
    /// Weak, so that the servers' tasks do not keep themselves alive.
    pub(crate) stop: OnceLock<Weak<Stop>>,
}

impl Shared {
    pub(crate) fn new(clock: Arc<dyn PortalClock>, state: State) -> Self {
        Self {
            clock,
            state: Mutex::new(state),
            request_hook: Mutex::new(None),
            command_hook: Mutex::new(None),
            progress: Notify::new(),
            stop: OnceLock::new(),
        }
    }

    /// The state. A test that panicked in a hook leaves it usable.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A handle, while anybody else still has one.
    pub(crate) fn portal(self: &Arc<Self>) -> Option<Portal> {
        let stop = self.stop.get()?.upgrade()?;
        Some(Portal::from_parts(Arc::clone(self), stop))
    }

    /// Runs the test's hook ahead of a request, without holding the state.
    pub(crate) fn before_request(self: &Arc<Self>, record: &RequestRecord) {
        let mut hook = self
            .request_hook
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let (Some(hook), Some(portal)) = (hook.as_mut(), self.portal()) {
            hook(&portal, record);
        }
    }

    /// Runs the test's hook ahead of a command inside a batch.
    pub(crate) fn before_command(self: &Arc<Self>, record: &RequestRecord, command: &Command) {
        let mut hook = self
            .command_hook
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let (Some(hook), Some(portal)) = (hook.as_mut(), self.portal()) {
            hook(&portal, record, command);
        }
    }

    /// Completes a request's record, unless the log was cleared meanwhile.
    pub(crate) fn note(&self, number: u64, complete: impl FnOnce(&mut RequestRecord)) {
        let mut state = self.state();
        if let Ok(at) = state
            .log
            .binary_search_by_key(&number, |record| record.number)
            && let Some(record) = state.log.get_mut(at)
        {
            complete(record);
        }
    }
}
