//! What the service manager is told, and how often it wants a sign of life.

use std::{
    io,
    os::{
        linux::net::SocketAddrExt,
        unix::{
            ffi::OsStrExt,
            net::{SocketAddr, UnixDatagram},
        },
    },
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use sd_notify::NotifyState;

/// The variable that names the service manager's socket.
const SOCKET: &str = "NOTIFY_SOCKET";

/// Tells somebody, and answers whether that went out.
type Tell = dyn Fn(&str) -> bool + Send + Sync;

/// The service manager's ear. Clones share it.
///
/// Nothing here ever waits: a manager that does not read must not hold up the work.
#[derive(Clone)]
pub struct Notifier {
    tell: Arc<Tell>,
    watchdog: Option<Duration>,
    /// What has to be said and could not be so far, in order.
    unsaid: Arc<Mutex<Vec<String>>>,
}

impl Notifier {
    /// systemd, as `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID` describe it; nobody where they
    /// are unset.
    #[must_use]
    pub fn systemd() -> Self {
        let tell = |message: &str| match send(message) {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => false,
            Err(error) => {
                tracing::debug!(%error, "the service manager cannot be told");
                true
            }
        };
        Self::new(tell, sd_notify::watchdog_enabled())
    }

    /// Tells `tell` messages of the sd_notify protocol; it answers whether it could take them now. It
    /// expects a sign of life at least every `watchdog`.
    pub fn new(
        tell: impl Fn(&str) -> bool + Send + Sync + 'static,
        watchdog: Option<Duration>,
    ) -> Self {
        Self {
            tell: Arc::new(tell),
            watchdog: watchdog.filter(|interval| !interval.is_zero()),
            unsaid: Arc::default(),
        }
    }

    /// How long the service manager waits for a sign of life before it restarts the service.
    #[must_use]
    pub fn watchdog(&self) -> Option<Duration> {
        self.watchdog
    }

    pub(super) fn ready(&self) {
        self.say_for_sure(&[NotifyState::Ready]);
    }

    /// One line for people, and whether it went out. Texts of a portal may be part of it: what could
    /// end the line does not get through.
    pub(super) fn status(&self, text: &str) -> bool {
        let line: String = text
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        self.say(&[NotifyState::Status(&line)])
    }

    pub(super) fn reloading(&self) {
        match NotifyState::monotonic_usec_now() {
            Ok(moment) => self.say_for_sure(&[NotifyState::Reloading, moment]),
            Err(error) => tracing::debug!(%error, "no monotonic clock"),
        }
    }

    pub(super) fn stopping(&self) {
        self.say_for_sure(&[NotifyState::Stopping]);
    }

    pub(super) fn alive(&self) {
        self.say(&[NotifyState::Watchdog]);
    }

    /// Says what is still unsaid, and answers whether nothing is left of it.
    pub(super) fn catch_up(&self) -> bool {
        let mut unsaid = self.unsaid.lock().unwrap_or_else(PoisonError::into_inner);
        let said = unsaid.iter().take_while(|it| (self.tell)(it)).count();
        unsaid.drain(..said);
        unsaid.is_empty()
    }

    fn say(&self, states: &[NotifyState<'_>]) -> bool {
        self.catch_up() && (self.tell)(&message(states))
    }

    fn say_for_sure(&self, states: &[NotifyState<'_>]) {
        if !self.say(states) {
            let mut unsaid = self.unsaid.lock().unwrap_or_else(PoisonError::into_inner);
            unsaid.push(message(states));
        }
    }
}

fn message(states: &[NotifyState<'_>]) -> String {
    states.iter().map(|state| format!("{state}\n")).collect()
}

/// Sends a message without waiting, as `sd_notify::notify` would not.
fn send(message: &str) -> io::Result<()> {
    let Some(name) = std::env::var_os(SOCKET) else {
        return Ok(());
    };
    let address = match name.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        _ => SocketAddr::from_pathname(&name)?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    socket.send_to_addr(message.as_bytes(), &address).map(drop)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[test]
    fn what_matters_is_said_later_where_nobody_can_listen_now() {
        let (listens, heard) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::default()));
        let (ears, notes): (_, Arc<Mutex<Vec<String>>>) = (listens.clone(), heard.clone());
        let notifier = Notifier::new(
            move |message| {
                let listening = ears.load(Ordering::Relaxed);
                if listening {
                    let mut notes = notes.lock().unwrap_or_else(PoisonError::into_inner);
                    notes.push(message.to_owned());
                }
                listening
            },
            None,
        );
        notifier.ready();
        assert!(!notifier.status("of no importance later"));
        notifier.stopping();
        assert!(!notifier.catch_up());
        listens.store(true, Ordering::Relaxed);
        notifier.alive();
        let heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
        assert_eq!(*heard, ["READY=1\n", "STOPPING=1\n", "WATCHDOG=1\n"]);
    }
}
