//! Listening sockets and connections.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderValue, Request, Response, StatusCode, header};
use hyper::body::Frame;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::clock::PortalClock;
use crate::wire::message::{self, Answer, Delivery};

/// A listener that was bound synchronously, so that the address is known at once.
pub(crate) fn bind(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = std::net::TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    Ok((TcpListener::from_std(listener)?, address))
}

/// Accepts connections until `stopped` changes or closes. A handler that answers `None` ends the
/// connection without a word.
pub(crate) async fn listen<H, F>(
    listener: TcpListener,
    handler: H,
    mut stopped: watch::Receiver<bool>,
) where
    H: Fn(IpAddr, Request<Body>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Option<Response<Body>>> + Send + 'static,
{
    loop {
        tokio::select! {
            _ = stopped.changed() => return,
            accepted = listener.accept() => {
                if let Ok((stream, peer)) = accepted {
                    tokio::spawn(talk(stream, peer.ip(), handler.clone(), stopped.clone()));
                }
            }
        }
    }
}

/// One connection.
async fn talk<H, F>(stream: TcpStream, from: IpAddr, handler: H, mut stopped: watch::Receiver<bool>)
where
    H: Fn(IpAddr, Request<Body>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Option<Response<Body>>> + Send + 'static,
{
    // Small answers go out at once; a client that waits for them must not wait for the kernel.
    let _ = stream.set_nodelay(true);
    let handler = Arc::new(handler);
    let service = service_fn(move |request: Request<hyper::body::Incoming>| {
        let handler = Arc::clone(&handler);
        async move {
            let response = handler(from, request.map(Body::new)).await;
            response.ok_or_else(|| io::Error::other("no answer on order"))
        }
    });
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        _ = stopped.changed() => {}
        _ = connection => {}
    }
}

/// Wraps a router that cannot fail into a handler.
pub(crate) async fn route(router: axum::Router, request: Request<Body>) -> Option<Response<Body>> {
    use hyper::service::Service;
    let service = hyper_util::service::TowerToHyperService::new(router);
    let answer: Result<_, Infallible> = service.call(request).await;
    match answer {
        Ok(response) => Some(response),
    }
}

/// A request as the portal takes it; `None` where its body does not arrive.
pub(crate) async fn read(request: Request<Body>) -> Option<message::Request> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.ok()?;
    let path = parts.uri.path();
    let url = parts
        .uri
        .path_and_query()
        .map_or_else(|| path.to_owned(), ToString::to_string);
    let headers = parts.headers.iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.as_str().to_owned(), value)
    });
    Some(message::Request {
        verb: parts.method.to_string(),
        url,
        headers: headers.collect(),
        body: body.into(),
    })
}

/// An answer as hyper sends it.
pub(crate) fn response(answer: Answer, clock: Arc<dyn PortalClock>) -> Response<Body> {
    let length = answer.body.len();
    let body = match answer.delivery {
        Delivery::Whole => Body::from(answer.body),
        Delivery::Cut => {
            let half = Bytes::copy_from_slice(&answer.body[..length / 2]);
            Body::new(CutBody(Some(half)))
        }
        Delivery::Drip(milliseconds) => Body::new(DripBody {
            rest: answer.body.into(),
            pause: Duration::from_millis(milliseconds.into()),
            clock,
            waiting: None,
        }),
    };
    let mut response = Response::new(body);
    *response.status_mut() =
        StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    for (name, value) in answer.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    if answer.delivery != Delivery::Whole {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length.max(1)));
    }
    response
}

/// A body that breaks the connection after its first part.
struct CutBody(Option<Bytes>);

impl hyper::body::Body for CutBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        Poll::Ready(Some(match self.0.take() {
            Some(part) => Ok(Frame::data(part)),
            None => Err(io::Error::other("cut on order")),
        }))
    }
}

type Waiting = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A body that comes byte by byte.
struct DripBody {
    rest: Bytes,
    pause: Duration,
    clock: Arc<dyn PortalClock>,
    waiting: Option<Waiting>,
}

impl hyper::body::Body for DripBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let (clock, pause) = (Arc::clone(&self.clock), self.pause);
        let waiting = self.waiting.get_or_insert_with(|| {
            Box::pin(async move {
                clock.spend(pause.as_secs_f64()).await;
                if !clock.waits() {
                    // A client on the same clock gets a moment to see that its time is up.
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            })
        });
        ready!(waiting.as_mut().poll(context));
        self.waiting = None;
        let byte = self.rest.split_to(1);
        Poll::Ready(Some(Ok(Frame::data(byte))))
    }
}
