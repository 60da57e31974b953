//! What can come while a login waits.

use std::io::BufRead;

use anyhow::Context as _;
use tokio::sync::mpsc;

use super::listen::Caught;

/// Something that came while a login waits.
#[derive(Debug)]
pub enum Arrival {
    /// A line was pasted.
    Pasted(String),
    /// A browser came by.
    Caught(Caught),
}

/// Hands over standard input line by line; the channel closes with its end. The thread is one that
/// the end of the process does not wait for.
pub(super) fn read_lines(send: mpsc::Sender<Arrival>) -> anyhow::Result<()> {
    let read = move || {
        let mut input = std::io::stdin().lock();
        let mut line = Vec::new();
        while matches!(input.read_until(b'\n', &mut line), Ok(read) if read > 0) {
            let text = String::from_utf8_lossy(&line).into_owned();
            if send.blocking_send(Arrival::Pasted(text)).is_err() {
                return;
            }
            line.clear();
        }
    };
    std::thread::Builder::new()
        .spawn(read)
        .map(drop)
        .context("standard input cannot be read")
}
