//! The service manager's side of a running daemon: notify socket, signals, log.

use std::{
    fs::{self, File},
    os::unix::net::UnixDatagram,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::installed::Installed;

/// Ends a test that has failed; nothing waits this long otherwise.
const LIMIT: Duration = Duration::from_secs(60);

/// A daemon that runs, and everything its manager hears of it.
pub(crate) struct Managed {
    child: Child,
    socket: UnixDatagram,
    folder: TempDir,
}

impl Managed {
    /// Starts `run` as a service. `prepare` may change environment and arguments.
    pub(crate) fn start(installed: &Installed, prepare: impl FnOnce(&mut Command)) -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(LIMIT)).unwrap();
        let mut command = installed.command(&[]);
        command
            .env("NOTIFY_SOCKET", path)
            .env_remove("WATCHDOG_PID");
        command.stderr(File::create(folder.path().join("log")).unwrap());
        command.stdin(Stdio::null());
        prepare(&mut command);
        let child = command.arg("run").spawn().unwrap();
        Self {
            child,
            socket,
            folder,
        }
    }

    /// The next message: its lines.
    pub(crate) fn message(&self) -> Vec<String> {
        let mut buffer = [0; 4096];
        let length = match self.socket.recv(&mut buffer) {
            Ok(length) => length,
            Err(error) => panic!("no message ({error}); the log: {}", self.log()),
        };
        let text = std::str::from_utf8(&buffer[..length]).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    /// Reads messages up to the first that fits, and answers all of them.
    pub(crate) fn messages_to(&self, fits: impl Fn(&str) -> bool) -> Vec<String> {
        let mut all = Vec::new();
        loop {
            let lines = self.message();
            let found = lines.iter().any(|line| fits(line));
            all.extend(lines);
            if found {
                return all;
            }
        }
    }

    /// Reads messages up to the first with a line that starts so.
    pub(crate) fn until(&self, start: &str) -> Vec<String> {
        self.messages_to(|line| line.starts_with(start))
    }

    /// The lines of all messages that have come in and were not read.
    pub(crate) fn unread(&self) -> Vec<String> {
        let mut all = Vec::new();
        let mut buffer = [0; 4096];
        self.socket.set_nonblocking(true).unwrap();
        while let Ok(length) = self.socket.recv(&mut buffer) {
            let text = std::str::from_utf8(&buffer[..length]).unwrap();
            all.extend(text.lines().map(str::to_owned));
        }
        self.socket.set_nonblocking(false).unwrap();
        all
    }

    /// Its process number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal, such as `HUP`.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let status = Command::new("kill")
            .args([&format!("-{name}"), &id])
            .status()
            .unwrap();
        assert!(status.success());
    }

    /// Waits for the end, and answers the exit code.
    pub(crate) fn end(&mut self) -> Option<i32> {
        let limit = Instant::now() + LIMIT;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(Instant::now() < limit, "no end; the log: {}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Asks for a stop, waits for the end, and answers the exit code.
    pub(crate) fn stop(&mut self) -> Option<i32> {
        self.signal("TERM");
        self.end()
    }

    /// Everything it logged so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }
}

impl Drop for Managed {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits on a condition; the limit only ends a test that has failed.
pub(crate) fn eventually(what: &str, condition: impl Fn() -> bool) {
    let limit = Instant::now() + LIMIT;
    while !condition() {
        assert!(Instant::now() < limit, "never happened: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
