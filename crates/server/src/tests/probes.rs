//! Health and metrics over plain HTTP.

use std::sync::Arc;

use axum::body::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, client::conn};
use hyper_util::rt::TokioIo;
use prometheus_client::registry::Registry;
use tokio::net::TcpStream;

use super::support::QUICK_DRAIN;
use crate::{ConnectionLimits, Health, Listener, ServerMetrics, Shutdown, serve_plain};

#[tokio::test]
async fn health_and_metrics_are_served_over_plain_http() {
    let mut registry = Registry::default();
    let metrics = ServerMetrics::register(&mut registry);
    let shutdown = Shutdown::new(QUICK_DRAIN);
    let health = Health::new(&["library"], shutdown.clone());
    let listener = Listener::bind(
        "127.0.0.1:0".parse().unwrap(),
        ConnectionLimits::default(),
        metrics,
    )
    .unwrap();
    let address = listener.address().unwrap();
    let ended = tokio::spawn(serve_plain(
        listener,
        health.routes(Some(Arc::new(registry))),
        shutdown.clone(),
    ));
    let check = async |path: &str, status: u16, content: &str| {
        let io = TokioIo::new(TcpStream::connect(address).await.unwrap());
        let (mut sender, connection) = conn::http1::handshake(io).await.unwrap();
        tokio::spawn(connection);
        let response = sender
            .send_request(Request::get(path).body(Full::<Bytes>::default()).unwrap())
            .await
            .unwrap();
        assert_eq!(response.status(), status, "{path}");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let body = String::from_utf8_lossy(&body);
        assert!(body.contains(content), "{path}: {body}");
    };
    check("/healthz", 200, "ok").await;
    check("/readyz", 503, "library: not there yet").await;
    health.set("library", Ok(()));
    check("/readyz", 200, "ok").await;
    check("/metrics", 200, "kubevet_refused_connections_total 0\n").await;
    check("/metrics", 200, "kubevet_connections 1\n").await;
    shutdown.begin();
    check("/readyz", 503, "shutdown: it has begun").await;
    check("/healthz", 200, "ok").await;
    ended.await.unwrap();
}
