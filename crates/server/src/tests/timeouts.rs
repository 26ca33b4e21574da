//! Callers that are slow, silent or idle, or that never read their responses.

use std::time::Duration;

use http_body_util::BodyExt;
use hyper::client::conn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::support::{Caller, ServerOptions, call, delivery_routes, http2_request, start};
use crate::ConnectionLimits;

#[tokio::test]
async fn slow_head_is_closed_and_idle_connection_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let limits = ConnectionLimits {
        header_timeout: Duration::from_millis(200),
        ..ConnectionLimits::default()
    };
    let server = start(
        dir.path(),
        ServerOptions {
            limits,
            ..ServerOptions::default()
        },
    )
    .await;
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
    let server = start(
        dir.path(),
        ServerOptions {
            limits,
            ..ServerOptions::default()
        },
    )
    .await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let _ = stream.read_to_end(&mut Vec::new()).await;
    assert_eq!(server.metrics.handshake_failures.get(), 1);
}

/// An HTTP/2 caller answers every PING and never opens the window for a response.
#[tokio::test]
async fn http2_connection_with_unread_response_is_closed() {
    let dir = tempfile::tempdir().unwrap();
    let limits = ConnectionLimits {
        send_timeout: Duration::from_millis(300),
        header_timeout: Duration::from_millis(50),
        ..ConnectionLimits::default()
    };
    let server = start(
        dir.path(),
        ServerOptions {
            limits,
            routes: delivery_routes(),
            ..ServerOptions::default()
        },
    )
    .await;
    // No byte of a response fits into the window, or only the first.
    for window in [0, 1] {
        let stream = Caller::http2(&server.tls.ca_bundle())
            .connect_tls(server.address)
            .await
            .unwrap();
        let (mut sender, connection) = conn::http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .initial_stream_window_size(window)
            .keep_alive_interval(Duration::from_millis(100))
            .handshake(TokioIo::new(stream))
            .await
            .unwrap();
        let connection = tokio::spawn(connection);
        let request = http2_request("/deliver");
        let response = sender.send_request(request).await.unwrap();
        // The body is never read.
        let ended = tokio::time::timeout(Duration::from_secs(30), connection).await;
        assert!(ended.is_ok(), "the connection is still open");
        drop(response);
    }
}

#[tokio::test]
async fn idle_http2_connection_is_closed() {
    let dir = tempfile::tempdir().unwrap();
    let limits = ConnectionLimits {
        idle_timeout: Duration::from_millis(200),
        header_timeout: Duration::from_millis(50),
        ..ConnectionLimits::default()
    };
    let server = start(
        dir.path(),
        ServerOptions {
            limits,
            routes: delivery_routes(),
            ..ServerOptions::default()
        },
    )
    .await;
    let stream = Caller::http2(&server.tls.ca_bundle())
        .connect_tls(server.address)
        .await
        .unwrap();
    let (mut sender, connection) =
        conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    let connection = tokio::spawn(connection);
    let request = http2_request("/");
    sender
        .send_request(request)
        .await
        .unwrap()
        .into_body()
        .collect()
        .await
        .unwrap();
    tokio::time::timeout(Duration::from_secs(30), connection)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
}
