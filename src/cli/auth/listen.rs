//! Catching what a browser brings, on a port of this machine alone.
//!
//! As much HTTP as one page needs: a head, a body of known length, one answer, the end.

use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

use super::arrival::Arrival;
use crate::{
    bitrix::handed::LONGEST,
    clock::{SharedClock, after},
};

/// How long a browser may take to send its request, in seconds: many open a connection ahead of
/// time and send nothing.
const REQUEST_SECONDS: f64 = 30.0;

/// The longest head that is read, in bytes.
const LONGEST_HEAD: usize = 16 * 1024;

/// Reads a loopback address with its port.
pub(super) fn loopback(text: &str) -> Result<SocketAddr, String> {
    let wrong = "write an address of this machine with a port, such as 127.0.0.1:8765";
    let numeric = text.replacen("localhost:", "127.0.0.1:", 1);
    let address: SocketAddr = numeric.parse().map_err(|_| wrong.to_owned())?;
    if address.ip().is_loopback() {
        Ok(address)
    } else {
        Err(format!(
            "tokens are caught on this machine's loopback addresses alone; {wrong}, and reach it \
             from elsewhere through `ssh -L`"
        ))
    }
}

/// A browser's request that waits for its page.
#[derive(Debug)]
pub struct Caught {
    /// Query and body, each on a line of its own.
    pub fields: String,
    stream: TcpStream,
}

impl Caught {
    /// Answers with a page that says `text`, and ends the connection.
    pub(super) async fn answer(self, status: &str, text: &str) {
        // The browser may be gone: then nobody misses the page.
        let _ = page(self.stream, status, text).await;
    }
}

/// Hands over every request that brings something.
pub(super) async fn listen(
    listener: TcpListener,
    clock: SharedClock,
    arrivals: mpsc::Sender<Arrival>,
) {
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "no longer listening");
                return;
            }
        };
        let (clock, arrivals) = (clock.clone(), arrivals.clone());
        tokio::spawn(async move {
            let deadline = after(clock.now(), REQUEST_SECONDS);
            tokio::select! {
                result = receive(stream, &arrivals) => {
                    if let Err(error) = result {
                        tracing::debug!(%error, "a connection that brought nothing");
                    }
                }
                () = clock.alarm_at(deadline) => {}
            }
        });
    }
}

async fn receive(mut stream: TcpStream, arrivals: &mpsc::Sender<Arrival>) -> io::Result<()> {
    let fields = match request(&mut stream).await? {
        Ok(fields) => fields,
        Err(status) => return page(stream, status, "This is no request for this page.").await,
    };
    let brings = |name: &str| fields.contains(name);
    if !(brings("code=") || brings("AUTH_ID=")) {
        let text = "Waiting for a login. Open the address that the terminal shows.";
        return page(stream, "404 Not Found", text).await;
    }
    // Where nobody takes it, the login has ended, and the process with it.
    let _ = arrivals
        .send(Arrival::Caught(Caught { fields, stream }))
        .await;
    Ok(())
}

/// Reads one request: its query and body. The inner error is the status to answer.
async fn request(stream: &mut TcpStream) -> io::Result<Result<String, &'static str>> {
    let mut bytes = Vec::new();
    let (query, method, body_at, length) = loop {
        if bytes.len() > LONGEST_HEAD {
            return Ok(Err("431 Request Header Fields Too Large"));
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut headers = [httparse::EMPTY_HEADER; 100];
        let mut head = httparse::Request::new(&mut headers);
        let body_at = match head.parse(&bytes) {
            Ok(httparse::Status::Complete(body_at)) => body_at,
            Ok(httparse::Status::Partial) => continue,
            Err(_) => return Ok(Err("400 Bad Request")),
        };
        let path = head.path.unwrap_or_default();
        let query = path.split_once('?').map_or("", |(_, query)| query);
        let length = head
            .headers
            .iter()
            .find(|header| header.name.eq_ignore_ascii_case("content-length"))
            .and_then(|header| std::str::from_utf8(header.value).ok()?.trim().parse().ok());
        break (
            query.to_owned(),
            head.method.unwrap_or_default().to_owned(),
            body_at,
            length,
        );
    };
    let length: usize = match (method.as_str(), length) {
        ("GET", _) => 0,
        ("POST", Some(length)) if length <= LONGEST => length,
        ("POST", Some(_)) => return Ok(Err("413 Content Too Large")),
        ("POST", None) => return Ok(Err("411 Length Required")),
        _ => return Ok(Err("405 Method Not Allowed")),
    };
    while bytes.len() < body_at + length {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    let body = String::from_utf8_lossy(&bytes[body_at..body_at + length]);
    Ok(Ok(format!("{query}\n{body}")))
}

async fn page(mut stream: TcpStream, status: &str, text: &str) -> io::Result<()> {
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

#[cfg(test)]
mod tests {
    use super::loopback;

    #[test]
    fn only_this_machine_may_be_listened_on() {
        for text in [
            "127.0.0.1:8765",
            "localhost:1",
            "[::1]:8765",
            "127.8.9.1:80",
        ] {
            assert!(loopback(text).is_ok(), "{text}");
        }
        for text in [
            "0.0.0.0:8765",
            "192.168.1.2:80",
            "[::]:80",
            "8765",
            "host:80",
        ] {
            assert!(loopback(text).is_err(), "{text}");
        }
    }
}
