//! More callers than there are slots.

use std::{fs, path::Path};

use http_body_util::{BodyExt, Full};
use hyper::Request;
use tokio::{io::AsyncReadExt, net::TcpStream};

use super::{
    client_identity::{client_authority, client_identity},
    support::{
        Caller, Sender, ServerOptions, TestServer, call, delivery_routes, start, start_limited,
    },
};
use crate::{ClientAuthConfig, ConnectionLimits};

/// Returns the body of a GET.
async fn get(sender: &mut Sender, path: &str) -> Result<String, String> {
    let request = Request::post(path)
        .header("host", "localhost")
        .method("GET")
        .body(Full::default())
        .unwrap();
    let response = sender
        .send_request(request)
        .await
        .map_err(|error| error.to_string())?;
    let body = response
        .into_body()
        .collect()
        .await
        .map_err(|error| error.to_string())?
        .to_bytes();
    Ok(String::from_utf8_lossy(&body).into_owned())
}

async fn start_small(dir: &Path, max_connections: usize) -> TestServer {
    let limits = ConnectionLimits {
        max_connections,
        ..ConnectionLimits::default()
    };
    start_limited(dir, limits).await
}

/// Opens a connection that never sends a byte.
async fn connect_silent(server: &TestServer) -> TcpStream {
    TcpStream::connect(server.address).await.unwrap()
}

#[tokio::test]
async fn silent_connections_are_evicted_and_delivered_one_stays() {
    let dir = tempfile::tempdir().unwrap();
    let server = start_small(dir.path(), 4).await;
    let caller = Caller::http1(&server.tls.ca_bundle());
    let mut ordinary = caller.connect(server.address).await.unwrap();
    assert!(get(&mut ordinary, "/deliver").await.is_ok());
    let mut silent = Vec::new();
    for _ in 0..40 {
        silent.push(connect_silent(&server).await);
    }
    // All but the newest are closed, although no other caller has connected.
    for closed in silent.iter_mut().take(30) {
        let _ = closed.read_to_end(&mut Vec::new()).await;
    }
    for _ in 0..3 {
        assert_eq!(caller.call(server.address).await, Ok(()), "a newcomer");
    }
    assert_eq!(call(&mut ordinary).await, Ok(false), "one that delivered");
}

#[tokio::test]
async fn connection_is_refused_and_counted_when_all_have_delivered() {
    let dir = tempfile::tempdir().unwrap();
    let server = start_small(dir.path(), 2).await;
    let caller = Caller::http1(&server.tls.ca_bundle());
    let (mut a, mut b) = (
        caller.connect(server.address).await.unwrap(),
        caller.connect(server.address).await.unwrap(),
    );
    for sender in [&mut a, &mut b] {
        get(sender, "/deliver").await.unwrap();
    }
    assert!(caller.connect(server.address).await.is_err());
    assert_eq!(server.metrics.refused_connections.get(), 1);
    assert_eq!(server.metrics.connections.get(), 2);
    assert_eq!(
        (call(&mut a).await, call(&mut b).await),
        (Ok(false), Ok(false))
    );
    drop(a);
    while server.metrics.connections.get() == 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(caller.call(server.address).await, Ok(()));
}

#[tokio::test]
async fn callers_are_identified_by_address_or_certificate() {
    let dir = tempfile::tempdir().unwrap();
    let server = start_small(dir.path(), 4).await;
    let mut anonymous = Caller::http1(&server.tls.ca_bundle())
        .connect(server.address)
        .await
        .unwrap();
    assert_eq!(get(&mut anonymous, "/who").await.unwrap(), "127.0.0.1");

    let (authority, issuer) = client_authority("authority");
    let ca_file = dir.path().join("client-ca.crt");
    fs::write(&ca_file, authority).unwrap();
    let (certificate, key) = client_identity(&issuer, "apiserver");
    let client_auth = ClientAuthConfig {
        ca_file: Some(ca_file),
        common_names: Vec::new(),
    };
    let server = start(
        &dir.path().join("tls"),
        ServerOptions {
            client_auth,
            routes: delivery_routes(),
            ..ServerOptions::default()
        },
    )
    .await;
    let caller = Caller::new(
        &server.tls.ca_bundle(),
        Some((&certificate, &key)),
        b"http/1.1",
    );
    let mut known = caller.connect(server.address).await.unwrap();
    assert!(
        get(&mut known, "/who")
            .await
            .unwrap()
            .contains("CN=apiserver")
    );
}
