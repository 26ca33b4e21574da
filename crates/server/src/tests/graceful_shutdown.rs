//! The end of a server: no call fails, idle connections close.

use std::sync::Arc;

use axum::{body::Bytes, routing::any};
use http_body_util::BodyExt;
use hyper::{Version, client::conn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::sync::Notify;

use super::{
    load::Load,
    support::{Caller, ServerOptions, call, echo_request, echo_routes, http2_request, start},
};

/// Of two servers on one port one ends, and no caller notices.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_fails_while_one_of_two_servers_ends() {
    let dir = tempfile::tempdir().unwrap();
    let one = start(dir.path(), ServerOptions::default()).await;
    let two = start(
        dir.path(),
        ServerOptions {
            address: one.address,
            ..ServerOptions::default()
        },
    )
    .await;
    let load = Load::start(one.address, &one.tls.ca_bundle());
    load.wait(200).await;
    one.shutdown.begin();
    one.ended.await.unwrap();
    load.wait(200).await;
    assert_eq!(load.end().await, Vec::<String>::new());
    assert_eq!(one.metrics.connections.get(), 0);
    two.shutdown.begin();
    two.ended.await.unwrap();
}

#[tokio::test]
async fn active_requests_are_answered_and_idle_connections_closed() {
    let dir = tempfile::tempdir().unwrap();
    let (entered, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let slow = {
        let (entered, go) = (entered.clone(), go.clone());
        any(move |body: Bytes| async move {
            entered.notify_one();
            go.notified().await;
            body
        })
    };
    let routes = echo_routes().route("/slow", slow);
    let server = start(
        dir.path(),
        ServerOptions {
            routes,
            ..ServerOptions::default()
        },
    )
    .await;
    let caller = Caller::http1(&server.tls.ca_bundle());
    let mut idle = caller.connect(server.address).await.unwrap();
    assert_eq!(call(&mut idle).await, Ok(false));
    let mut busy = caller.connect(server.address).await.unwrap();
    let mut request = echo_request();
    *request.uri_mut() = "/slow".parse().unwrap();
    let response = tokio::spawn(async move { busy.send_request(request).await });
    entered.notified().await;
    server.shutdown.begin();
    // New callers are still answered, with `connection: close`.
    let mut new = caller.connect(server.address).await.unwrap();
    assert_eq!(call(&mut new).await, Ok(true));
    // The idle connection is closed gracefully.
    while idle.ready().await.is_ok() {
        tokio::task::yield_now().await;
    }
    go.notify_one();
    let response = response.await.unwrap().unwrap();
    assert_eq!(response.headers()["connection"], "close");
    assert_eq!(
        response.into_body().collect().await.unwrap().to_bytes(),
        "hello"
    );
    server.ended.await.unwrap();
    assert!(
        caller
            .call(server.address)
            .await
            .is_err_and(|error| error.starts_with("connect:"))
    );
}

#[tokio::test]
async fn http2_connection_is_closed_gracefully() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(dir.path(), ServerOptions::default()).await;
    let stream = Caller::http2(&server.tls.ca_bundle())
        .connect_tls(server.address)
        .await
        .unwrap();
    let (mut sender, connection) =
        conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    let connection = tokio::spawn(connection);
    for round in 0..2 {
        if round == 1 {
            server.shutdown.begin();
        }
        let request = http2_request("/");
        let response = sender.send_request(request).await.unwrap();
        assert_eq!(
            (response.version(), response.headers().get("connection")),
            (Version::HTTP_2, None)
        );
        assert_eq!(
            response.into_body().collect().await.unwrap().to_bytes(),
            "hello"
        );
    }
    server.ended.await.unwrap();
    connection.await.unwrap().unwrap();
}
