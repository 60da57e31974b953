//! The network below the protocol, over real sockets: how far a request came, and how long it may take.

use std::{sync::Arc, time::Duration};

use b24_tidyd::{
    bitrix::{
        Transport,
        network::{Body, Distrust, Fault, Leg},
        transport::CALL_SECONDS,
    },
    clock::{SharedClock, SystemClock},
};
use test_portal::{ManualClock, PortalClock};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::world::TestClock;

async fn post(transport: &Transport, url: &str) -> Result<Vec<u8>, Fault> {
    let body = Body::Json("{}".to_owned().into());
    let url = url.parse().unwrap();
    let answer = transport.post(&url, &body, CALL_SECONDS).await?;
    Ok(answer.body)
}

fn on_system_clock() -> Transport {
    let clock: SharedClock = Arc::new(SystemClock);
    Transport::new(clock).unwrap()
}

/// Answers one connection, after the request was read, with whatever `answer` writes.
async fn serve<F, A>(answer: F) -> String
where
    F: FnOnce(TcpStream) -> A + Send + 'static,
    A: Future<Output = ()> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.read(&mut [0; 65536]).await;
        answer(stream).await;
    });
    format!("http://{address}/rest/x.json")
}

#[tokio::test]
async fn each_way_in_which_nobody_is_reached_is_told_apart() {
    let transport = on_system_clock();
    let fault = post(&transport, "https://nobody.invalid/rest/x")
        .await
        .unwrap_err();
    assert_eq!(
        (fault.leg, fault.host.as_str()),
        (Leg::Name, "nobody.invalid")
    );
    assert!(
        fault.to_string().contains("nobody.invalid is not found"),
        "{fault}"
    );

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = listener.local_addr().unwrap();
    drop(listener);
    let fault = post(&transport, &format!("https://{closed}/"))
        .await
        .unwrap_err();
    assert_eq!(fault.leg, Leg::Connection, "{fault}");
    assert!(!fault.may_have_been_processed());

    // Somebody answers there, but does not speak TLS.
    let plain = serve(|mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    });
    let plain = plain.await.replace("http://", "https://");
    let fault = post(&transport, &plain).await.unwrap_err();
    assert_eq!(fault.leg, Leg::Tls(Distrust::Other), "{fault}");
    assert!(!fault.may_have_been_processed());

    let silent = serve(|stream| async move { drop(stream) }).await;
    let fault = post(&transport, &silent).await.unwrap_err();
    assert_eq!(fault.leg, Leg::Answer, "{fault}");
    assert!(fault.may_have_been_processed());
}

/// Break: limit the time between two pieces alone.
#[tokio::test]
async fn a_body_that_comes_byte_by_byte_is_not_waited_for() {
    let clock = ManualClock::default();
    let (begun, seen) = (PortalClock::now(&clock), clock.clone());
    let url = serve(move |mut stream| async move {
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n";
        stream.write_all(head).await.unwrap();
        while stream.write_all(b" ").await.is_ok() {
            clock.advance(1.0);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    let url = url.await;
    let shared: SharedClock = Arc::new(TestClock(seen.clone()));
    let transport = Transport::new(shared).unwrap();
    let fault = post(&transport, &url).await.unwrap_err();
    assert_eq!(fault.leg, Leg::Answer);
    let waited = PortalClock::now(&seen) - begun;
    assert!((29.0..50.0).contains(&waited), "{waited} s");
}

#[tokio::test]
async fn an_answer_beyond_all_measure_is_not_read() {
    let url = serve(|mut stream| async move {
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n";
        stream.write_all(head).await.unwrap();
        let piece = vec![b' '; 1 << 16];
        while stream.write_all(&piece).await.is_ok() {}
    });
    let fault = post(&on_system_clock(), &url.await).await.unwrap_err();
    assert!(fault.reason.contains("more than 8 MB"), "{fault}");
}
