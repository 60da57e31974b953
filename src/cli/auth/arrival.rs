//! What can come while a login waits.

use std::io::{self, BufRead};

use anyhow::Context as _;
use tokio::{io::AsyncWriteExt as _, net::TcpStream, sync::mpsc};

/// Something that came while a login waits.
#[derive(Debug)]
pub enum Arrival {
    /// A line was pasted.
    Pasted(String),
    /// Nothing will be pasted any more.
    InputEnded,
    /// A browser came by.
    Caught(Caught),
}

/// A browser's request that waits for its page.
#[derive(Debug)]
pub struct Caught {
    /// Query and body, each on a line of its own.
    pub fields: String,
    pub(super) stream: TcpStream,
}

impl Caught {
    /// Answers with a page that says `text`, and ends the connection.
    pub(super) async fn answer(self, status: &str, text: &str) {
        // The browser may be gone: then nobody misses the page.
        let _ = page(self.stream, status, text).await;
    }
}

/// Writes a page that says `text`, and ends the connection.
pub(super) async fn page(mut stream: TcpStream, status: &str, text: &str) -> io::Result<()> {
    let text = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    let body = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>b24-tidyd</title>\
         <body style=\"font: 1.2em sans-serif; margin: 3em; max-width: 40em\"><p>{text}</p>\n"
    );
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n\
         Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\n\
         Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n\
         Connection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.shutdown().await
}

/// The longest line that is read, in bytes; what a browser shows has less than a tenth.
const LONGEST_LINE: u64 = 64 * 1024;

/// Hands over standard input line by line, then its end. The thread is one that the end of the process
/// does not wait for.
pub(super) fn read_lines(
    mut input: impl BufRead + Send + 'static,
    send: mpsc::Sender<Arrival>,
) -> anyhow::Result<()> {
    let read = move || {
        use io::Read as _;
        let mut line = Vec::new();
        while matches!((&mut input).take(LONGEST_LINE).read_until(b'\n', &mut line), Ok(read) if read > 0)
        {
            let text = String::from_utf8_lossy(&line).into_owned();
            if send.blocking_send(Arrival::Pasted(text)).is_err() {
                return;
            }
            line.clear();
        }
        // Where nobody listens any more, the login has ended.
        let _ = send.blocking_send(Arrival::InputEnded);
    };
    std::thread::Builder::new()
        .spawn(read)
        .map(drop)
        .context("standard input cannot be read")
}
