//! The server and its callers, for tests: a server on loopback with certificates in a directory, and
//! a TLS client.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use axum::{
    Extension, Router,
    body::Bytes,
    routing::{any, get},
};
use http_body_util::{BodyExt, Full};
use hyper::{Request, client::conn};
use hyper_util::rt::TokioIo;
use prometheus_client::registry::Registry;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use time::OffsetDateTime;
use tokio::{net::TcpStream, task::JoinHandle};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::{
    CertificateRenewer, ClientAuthConfig, ConnectionLimits, DirStore, Drain, Listener, Peer,
    ServerMetrics, Shutdown, StoredCertificates, TlsSource, leaf_names, serve_tls,
    serving_certificate::parse_certificates,
};

/// The drain of test servers: short phases.
pub(super) const QUICK_DRAIN: Drain = Drain {
    delay: Duration::from_millis(300),
    settle: Duration::from_millis(100),
    deadline: Duration::from_secs(20),
};

/// A running server and its parts.
pub(super) struct TestServer {
    pub(super) address: SocketAddr,
    pub(super) tls: TlsSource,
    pub(super) metrics: ServerMetrics,
    pub(super) shutdown: Shutdown,
    pub(super) ended: JoinHandle<()>,
}

pub(super) fn renewer(dir: &Path) -> CertificateRenewer<DirStore> {
    CertificateRenewer::new(
        Arc::new(DirStore::new(dir)),
        leaf_names(&[]).unwrap(),
        Duration::ZERO,
    )
}

/// Reconciles the certificates of a directory now, and returns them.
pub(super) async fn reconcile(dir: &Path) -> StoredCertificates {
    let now = OffsetDateTime::now_utc();
    renewer(dir).reconcile(now).await.unwrap()
}

/// Returns routes of which `/` echoes the body.
pub(super) fn echo_routes() -> Router {
    Router::new().route("/", any(|body: Bytes| async move { body }))
}

/// Returns [`echo_routes`] with `/deliver`, which marks the connection as delivered, and `/who`, which
/// returns the caller.
pub(super) fn delivery_routes() -> Router {
    let deliver = |Extension(peer): Extension<Peer>, body: Bytes| async move {
        peer.mark_delivered();
        body
    };
    let who = |Extension(peer): Extension<Peer>| async move { peer.caller().to_string() };
    echo_routes()
        .route("/deliver", any(deliver))
        .route("/who", get(who))
}

/// The options of a test server. The default is an ordinary server on a free port.
pub(super) struct ServerOptions {
    pub(super) address: SocketAddr,
    pub(super) limits: ConnectionLimits,
    pub(super) client_auth: ClientAuthConfig,
    pub(super) routes: Router,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            address: ([127, 0, 0, 1], 0).into(),
            limits: ConnectionLimits::default(),
            client_auth: ClientAuthConfig::default(),
            routes: echo_routes(),
        }
    }
}

/// Starts a server with these limits and [`delivery_routes`].
pub(super) async fn start_limited(dir: &Path, limits: ConnectionLimits) -> TestServer {
    let options = ServerOptions {
        limits,
        routes: delivery_routes(),
        ..ServerOptions::default()
    };
    start(dir, options).await
}

/// Starts a server with the certificates of a directory, which are issued if there are none.
pub(super) async fn start(dir: &Path, options: ServerOptions) -> TestServer {
    reconcile(dir).await;
    let metrics = ServerMetrics::register(&mut Registry::default());
    let store = DirStore::new(dir);
    let tls = TlsSource::open(&store, options.client_auth, metrics.clone())
        .await
        .unwrap();
    let listener = Listener::bind_shared(options.address, options.limits, metrics.clone()).unwrap();
    let shutdown = Shutdown::new(QUICK_DRAIN);
    let address = listener.address().unwrap();
    let serving = serve_tls(listener, tls.clone(), options.routes, shutdown.clone());
    TestServer {
        address,
        tls,
        metrics,
        shutdown,
        ended: tokio::spawn(serving),
    }
}

/// A client: the authorities that it trusts, its certificate, and its protocol.
pub(super) struct Caller {
    connector: TlsConnector,
}

pub(super) type Sender = conn::http1::SendRequest<Full<Bytes>>;

impl Caller {
    /// `identity` is the client certificate and its key, both PEM; `protocol` is an ALPN name.
    pub(super) fn new(ca: &[u8], identity: Option<(&str, &str)>, protocol: &[u8]) -> Self {
        let mut roots = RootCertStore::empty();
        for certificate in parse_certificates(ca).unwrap() {
            roots.add(certificate).unwrap();
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match identity {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
                let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
                builder.with_client_auth_cert(chain, key).unwrap()
            }
        };
        config.alpn_protocols = vec![protocol.to_vec()];
        Self {
            connector: TlsConnector::from(Arc::new(config)),
        }
    }

    pub(super) fn http1(ca: &[u8]) -> Self {
        Self::new(ca, None, b"http/1.1")
    }

    pub(super) fn http2(ca: &[u8]) -> Self {
        Self::new(ca, None, b"h2")
    }

    pub(super) async fn connect_tls(
        &self,
        address: SocketAddr,
    ) -> Result<TlsStream<TcpStream>, String> {
        let stream = TcpStream::connect(address)
            .await
            .map_err(|error| format!("connect: {error}"))?;
        stream.set_nodelay(true).unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        self.connector
            .connect(name, stream)
            .await
            .map_err(|error| format!("handshake: {error}"))
    }

    pub(super) async fn connect(&self, address: SocketAddr) -> Result<Sender, String> {
        let io = TokioIo::new(self.connect_tls(address).await?);
        let (sender, connection) = conn::http1::handshake(io)
            .await
            .map_err(|error| error.to_string())?;
        tokio::spawn(connection);
        Ok(sender)
    }

    /// Makes one call on a new connection.
    pub(super) async fn call(&self, address: SocketAddr) -> Result<(), String> {
        call(&mut self.connect(address).await?).await.map(|_| ())
    }
}

pub(super) fn echo_request() -> Request<Full<Bytes>> {
    Request::post("/")
        .header("host", "localhost")
        .body(Full::from("hello"))
        .unwrap()
}

/// Returns the request for HTTP/2, which needs an absolute URI.
pub(super) fn http2_request(path: &str) -> Request<Full<Bytes>> {
    let mut request = echo_request();
    *request.uri_mut() = format!("https://localhost{path}").parse().unwrap();
    request
}

/// Makes one call; true if the response has the header `connection: close`.
pub(super) async fn call(sender: &mut Sender) -> Result<bool, String> {
    let response = sender
        .send_request(echo_request())
        .await
        .map_err(|error| format!("send: {error:?}"))?;
    let must_close = response
        .headers()
        .get("connection")
        .is_some_and(|value| value == "close");
    let body = response
        .into_body()
        .collect()
        .await
        .map_err(|error| format!("body: {error}"))?
        .to_bytes();
    if body == "hello" {
        Ok(must_close)
    } else {
        Err(format!("answered {body:?}"))
    }
}
