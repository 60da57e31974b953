//! Catching what a browser brings, on a port of this machine alone.
//!
//! Others may use this machine: whoever connects is heard, nobody for long, and the oldest that still
//! has said nothing makes room for the newest. As much HTTP as one page needs: a head, a body of known
//! length, one answer, the end.

use std::{collections::VecDeque, io, net::SocketAddr};

use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::{AbortHandle, JoinSet},
};
use url::Url;

use super::arrival::{Arrival, Caught, page};
use crate::{
    bitrix::handed::LONGEST,
    clock::{SharedClock, after},
    config::is_loopback,
};

/// How long a browser may take to send its request, in seconds: many open a connection ahead of
/// time and send nothing.
const REQUEST_SECONDS: f64 = 10.0;

/// Connections that may be read at once.
const MOST_VISITORS: usize = 32;

/// How long to wait where no connection can be taken, in seconds: something ran out.
const REST_SECONDS: f64 = 0.2;

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

/// Hands over every request that brings something, whatever else comes. `portal` is the site whose
/// pages may post to us.
pub(super) async fn listen(
    listener: TcpListener,
    portal: Url,
    clock: SharedClock,
    arrivals: mpsc::Sender<Arrival>,
) {
    let mut visitors = JoinSet::new();
    let mut unheard: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        let accepted = tokio::select! {
            biased;
            Some(_) = visitors.join_next() => {
                unheard.retain(|visitor| !visitor.is_finished());
                continue;
            }
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::debug!(%error, "a connection could not be taken");
                clock.alarm_at(after(clock.now(), REST_SECONDS)).await;
                continue;
            }
        };
        if unheard.len() >= MOST_VISITORS
            && let Some(oldest) = unheard.pop_front()
        {
            oldest.abort();
        }
        let (portal, clock, arrivals) = (portal.clone(), clock.clone(), arrivals.clone());
        unheard.push_back(visitors.spawn(async move {
            let deadline = after(clock.now(), REQUEST_SECONDS);
            tokio::select! {
                biased;
                heard = receive(stream, &portal, &arrivals) => {
                    if let Err(error) = heard {
                        tracing::debug!(%error, "a connection that brought nothing");
                    }
                }
                () = clock.alarm_at(deadline) => {}
            }
        }));
    }
}

async fn receive(
    mut stream: TcpStream,
    portal: &Url,
    arrivals: &mpsc::Sender<Arrival>,
) -> io::Result<()> {
    let request = match read(&mut stream).await? {
        Ok(request) => request,
        Err(status) => return page(stream, status, "This is no request for this page.").await,
    };
    if let Err(why) = request.check_sender(portal) {
        return page(stream, "403 Forbidden", why).await;
    }
    let fields = request.fields;
    let brings = |name: &str| fields.contains(name);
    if !(brings("code=") || brings("AUTH_ID=")) {
        let text = "Waiting for a login. Open the address that the terminal shows.";
        return page(stream, "404 Not Found", text).await;
    }
    match arrivals.try_send(Arrival::Caught(Caught { fields, stream })) {
        Err(mpsc::error::TrySendError::Full(Arrival::Caught(caught))) => {
            let text = "Too much comes at once. Load this page again.";
            page(caught.stream, "503 Service Unavailable", text).await
        }
        // Where nobody takes it, the login has ended, and the process with it.
        _ => Ok(()),
    }
}

/// One request, as far as it matters.
struct Request {
    /// Query and body, each on a line of its own.
    fields: String,
    host: Option<String>,
    origin: Option<String>,
}

impl Request {
    /// Refuses what a page of somebody else has sent through a browser of ours: under a name that leads
    /// here by chance, or from another site than the portal.
    fn check_sender(&self, portal: &Url) -> Result<(), &'static str> {
        let host = self.host.as_deref().unwrap_or_default();
        let here = format!("http://{host}/").parse::<Url>();
        if !here.is_ok_and(|url| is_loopback(&url)) {
            return Err("This page answers under the name of this machine itself alone.");
        }
        let site = |url: &Url| url.origin().ascii_serialization();
        match &self.origin {
            Some(origin) if *origin != site(portal) => {
                Err("This was sent by the page of another site than the portal.")
            }
            _ => Ok(()),
        }
    }
}

/// Reads one request. The inner error is the status to answer.
async fn read(stream: &mut TcpStream) -> io::Result<Result<Request, &'static str>> {
    let mut bytes = Vec::new();
    let (mut request, method, body_at, length) = loop {
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
        let header = |name: &str| {
            let mut all = head.headers.iter();
            let found = all.find(|header| header.name.eq_ignore_ascii_case(name))?;
            Some(std::str::from_utf8(found.value).ok()?.trim().to_owned())
        };
        let request = Request {
            fields: path
                .split_once('?')
                .map_or("", |(_, query)| query)
                .to_owned(),
            host: header("host"),
            origin: header("origin"),
        };
        let length = header("content-length").and_then(|length| length.parse().ok());
        let method = head.method.unwrap_or_default().to_owned();
        break (request, method, body_at, length);
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
    request.fields.push('\n');
    request
        .fields
        .push_str(&String::from_utf8_lossy(&bytes[body_at..body_at + length]));
    Ok(Ok(request))
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
