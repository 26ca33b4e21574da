//! More callers than there are places, and callers that take what they are given nowhere.

use super::{super::Peer, *};
use axum::{Extension, routing::get};
use hyper_util::rt::TokioTimer;

/// Routes that count a call as delivered, and say who calls.
fn delivering() -> Router {
    let deliver = |Extension(peer): Extension<Peer>, body: Bytes| async move {
        peer.delivered();
        body
    };
    routes().route("/deliver", any(deliver)).route(
        "/who",
        get(|Extension(peer): Extension<Peer>| async move { peer.caller().to_string() }),
    )
}

async fn get_text(sender: &mut Sender, path: &str) -> Result<String, String> {
    let request = Request::post(path)
        .header("host", "localhost")
        .method("GET")
        .body(Full::default())
        .unwrap();
    let response = sender
        .send_request(request)
        .await
        .map_err(|it| it.to_string())?;
    let body = response
        .into_body()
        .collect()
        .await
        .map_err(|it| it.to_string())?
        .to_bytes();
    Ok(String::from_utf8_lossy(&body).into_owned())
}

async fn few_places(dir: &Path, connections: usize) -> Server {
    let limits = Limits {
        connections,
        ..Limits::default()
    };
    start(dir, "127.0.0.1:0", limits, Clients::default(), delivering()).await
}

/// A connection that never says a byte.
async fn silent(server: &Server) -> TcpStream {
    TcpStream::connect(server.address).await.unwrap()
}

#[tokio::test]
async fn silent_connections_make_room_and_one_that_delivered_stays() {
    let dir = tempfile::tempdir().unwrap();
    let server = few_places(dir.path(), 4).await;
    let caller = Caller::trusting(&server.tls.ca_bundle());
    let mut ordinary = caller.connect(server.address).await.unwrap();
    assert!(get_text(&mut ordinary, "/deliver").await.is_ok());
    let mut held = Vec::new();
    for _ in 0..40 {
        held.push(silent(&server).await);
    }
    // All but the newest are closed, though nobody else has come.
    for closed in held.iter_mut().take(30) {
        let _ = closed.read_to_end(&mut Vec::new()).await;
    }
    for _ in 0..3 {
        assert_eq!(caller.call(server.address).await, Ok(()), "a newcomer");
    }
    assert_eq!(call(&mut ordinary).await, Ok(false), "one that delivered");
}

#[tokio::test]
async fn where_everybody_has_delivered_a_new_connection_is_refused_and_counted() {
    let dir = tempfile::tempdir().unwrap();
    let server = few_places(dir.path(), 2).await;
    let caller = Caller::trusting(&server.tls.ca_bundle());
    let (mut a, mut b) = (
        caller.connect(server.address).await.unwrap(),
        caller.connect(server.address).await.unwrap(),
    );
    for sender in [&mut a, &mut b] {
        get_text(sender, "/deliver").await.unwrap();
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
async fn callers_are_told_apart_by_address_and_by_certificate() {
    let dir = tempfile::tempdir().unwrap();
    let server = few_places(dir.path(), 4).await;
    let mut anybody = Caller::trusting(&server.tls.ca_bundle())
        .connect(server.address)
        .await
        .unwrap();
    assert_eq!(get_text(&mut anybody, "/who").await.unwrap(), "127.0.0.1");

    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    fs::write(
        dir.path().join("client-ca.crt"),
        params.self_signed(&key).unwrap().pem(),
    )
    .unwrap();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params
        .distinguished_name
        .push(DnType::CommonName, "apiserver");
    params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    let (certificate, key) = (
        params.signed_by(&key, &issuer).unwrap().pem(),
        key.serialize_pem(),
    );
    let clients = Clients {
        ca: Some(dir.path().join("client-ca.crt")),
        names: Vec::new(),
    };
    let server = start(
        &dir.path().join("tls"),
        "127.0.0.1:0",
        Limits::default(),
        clients,
        delivering(),
    )
    .await;
    let caller = Caller::new(
        &server.tls.ca_bundle(),
        Some((&certificate, &key)),
        b"http/1.1",
    );
    let mut known = caller.connect(server.address).await.unwrap();
    assert!(
        get_text(&mut known, "/who")
            .await
            .unwrap()
            .contains("CN=apiserver")
    );
}

/// A caller of HTTP/2 that answers every PING and lets no answer come.
#[tokio::test]
async fn answers_of_http2_that_nobody_takes_are_cut() {
    let dir = tempfile::tempdir().unwrap();
    let limits = Limits {
        taken: Duration::from_millis(300),
        head: Duration::from_millis(50),
        ..Limits::default()
    };
    let server = start(
        dir.path(),
        "127.0.0.1:0",
        limits,
        Clients::default(),
        delivering(),
    )
    .await;
    // No byte of an answer may come, or the first only.
    for window in [0, 1] {
        let stream = Caller::new(&server.tls.ca_bundle(), None, b"h2")
            .tls(server.address)
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
        let mut request = request();
        *request.uri_mut() = "https://localhost/deliver".parse().unwrap();
        let response = sender.send_request(request).await.unwrap();
        // The body is held, and never read.
        let ended = tokio::time::timeout(Duration::from_secs(30), connection).await;
        assert!(ended.is_ok(), "the connection is still open");
        drop(response);
    }
}

#[tokio::test]
async fn an_idle_connection_of_http2_ends() {
    let dir = tempfile::tempdir().unwrap();
    let limits = Limits {
        idle: Duration::from_millis(200),
        head: Duration::from_millis(50),
        ..Limits::default()
    };
    let server = start(
        dir.path(),
        "127.0.0.1:0",
        limits,
        Clients::default(),
        delivering(),
    )
    .await;
    let stream = Caller::new(&server.tls.ca_bundle(), None, b"h2")
        .tls(server.address)
        .await
        .unwrap();
    let (mut sender, connection) =
        conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    let connection = tokio::spawn(connection);
    let mut request = request();
    *request.uri_mut() = "https://localhost/".parse().unwrap();
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
