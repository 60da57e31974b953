//! Listening sockets and connections.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, Response};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::reply::NoAnswer;

/// A listener that was bound synchronously, so that the address is known at once.
pub(crate) fn bind(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = std::net::TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    Ok((TcpListener::from_std(listener)?, address))
}

/// Accepts connections until `stopped` changes or closes.
pub(crate) async fn listen<H, F>(
    listener: TcpListener,
    handler: H,
    mut stopped: watch::Receiver<bool>,
) where
    H: Fn(IpAddr, Request<Body>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
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

/// One connection. A response marked with [`NoAnswer`] ends it without a word.
async fn talk<H, F>(stream: TcpStream, from: IpAddr, handler: H, mut stopped: watch::Receiver<bool>)
where
    H: Fn(IpAddr, Request<Body>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    // Small answers go out at once; a client that waits for them must not wait for the kernel.
    let _ = stream.set_nodelay(true);
    let handler = Arc::new(handler);
    let service = service_fn(move |request: Request<hyper::body::Incoming>| {
        let handler = Arc::clone(&handler);
        async move {
            let response = handler(from, request.map(Body::new)).await;
            if response.extensions().get::<NoAnswer>().is_some() {
                return Err(io::Error::other("no answer on order"));
            }
            Ok(response)
        }
    });
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        _ = stopped.changed() => {}
        _ = connection => {}
    }
}

/// Wraps a router that cannot fail into a handler.
pub(crate) async fn route(router: axum::Router, request: Request<Body>) -> Response<Body> {
    use hyper::service::Service;
    let service = hyper_util::service::TowerToHyperService::new(router);
    let answer: Result<_, Infallible> = service.call(request).await;
    match answer {
        Ok(response) => response,
    }
}
