//! Callers that are slow, silent or idle, or that never read their responses.

use std::time::Duration;

use http_body_util::BodyExt;
use hyper::client::conn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::support::{Caller, call, http2_request, start_limited};
use crate::ConnectionLimits;

/// The time in which a connection must be closed, whose timeout is a part of a second.
const MAX_CLOSE_TIME: Duration = Duration::from_secs(30);

#[tokio::test]
async fn slow_head_is_closed_and_idle_connection_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let limits = ConnectionLimits {
        header_timeout: Duration::from_millis(200),
        ..ConnectionLimits::default()
    };
    let server = start_limited(dir.path(), limits).await;
    let caller = Caller::http1(&server.tls.ca_bundle());
    let mut patient = caller.connect(server.address).await.unwrap();
    call(&mut patient).await.unwrap();
    // No byte at all; half of a first head; half of a second head.
    for (whole, half) in [
        ("", ""),
        ("", "POST / HTT"),
        ("GET / HTTP/1.1\r\nhost: a\r\n\r\n", "GE"),
    ] {
        let mut stream = caller.connect_tls(server.address).await.unwrap();
        stream.write_all(whole.as_bytes()).await.unwrap();
        let mut head = [0; 512];
        if !whole.is_empty() {
            assert!(stream.read(&mut head).await.unwrap() > 0);
        }
        stream.write_all(half.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        // The connection ends or breaks.
        let _ = stream.read_to_end(&mut Vec::new()).await;
    }
    assert_eq!(call(&mut patient).await, Ok(false));
}

#[tokio::test]
async fn silent_handshake_is_closed() {
    let dir = tempfile::tempdir().unwrap();
    let limits = ConnectionLimits {
        handshake_timeout: Duration::from_millis(50),
        ..ConnectionLimits::default()
    };
    let server = start_limited(dir.path(), limits).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let _ = stream.read_to_end(&mut Vec::new()).await;
    assert_eq!(server.metrics.handshake_failures.get(), 1);
}

/// A caller over HTTP/2, which answers and sends PINGs for as long as the connection lives.
#[derive(Clone, Copy)]
struct Http2Caller {
    path: &'static str,
    /// The bytes of a response for which there is room.
    window: u32,
    reads_body: bool,
}

/// Makes one call, and expects that the server closes the connection: with a GOAWAY if it is
/// `graceful`.
async fn check_closed(limits: ConnectionLimits, http2: Http2Caller, graceful: bool) {
    let dir = tempfile::tempdir().unwrap();
    let server = start_limited(dir.path(), limits).await;
    let caller = Caller::http2(&server.tls.ca_bundle());
    let stream = caller.connect_tls(server.address).await.unwrap();
    let (mut sender, connection) = conn::http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .initial_stream_window_size(http2.window)
        .keep_alive_interval(Duration::from_millis(100))
        .handshake(TokioIo::new(stream))
        .await
        .unwrap();
    let connection = tokio::spawn(connection);
    let request = http2_request(http2.path);
    let mut response = sender.send_request(request).await.unwrap();
    if http2.reads_body {
        response.body_mut().collect().await.unwrap();
    }
    let ended = timeout(MAX_CLOSE_TIME, connection).await;
    let ended = ended.expect("the connection is still open").unwrap();
    assert!(ended.is_ok() || !graceful, "{ended:?}");
    drop(response);
}

#[tokio::test]
async fn http2_connection_with_unread_response_is_closed() {
    let limits = ConnectionLimits {
        send_timeout: Duration::from_millis(300),
        header_timeout: Duration::from_millis(50),
        ..ConnectionLimits::default()
    };
    // No byte of a response fits into the window, or only the first.
    for window in [0, 1] {
        let caller = Http2Caller {
            path: "/deliver",
            window,
            reads_body: false,
        };
        check_closed(limits, caller, false).await;
    }
}

#[tokio::test]
async fn idle_http2_connection_is_closed() {
    let limits = ConnectionLimits {
        idle_timeout: Duration::from_millis(200),
        header_timeout: Duration::from_millis(50),
        ..ConnectionLimits::default()
    };
    let caller = Http2Caller {
        path: "/",
        window: 65_535,
        reads_body: true,
    };
    check_closed(limits, caller, true).await;
}
