//! The server as a caller meets it: real TLS on loopback, certificates that change under it, its end.

mod crowd;

use std::{
    fs,
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Router, body::Bytes, routing::any};
use http_body_util::{BodyExt, Full};
use hyper::{Request, Version, client::conn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prometheus_client::registry::Registry;
use rcgen::{CertificateParams, DnType, Issuer, KeyPair};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use time::OffsetDateTime;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Notify,
    task::JoinHandle,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{
    Clients, Drain, FolderStore, Health, Keeper, Limits, Listener, Metrics, Shutdown, Stored,
    TlsSource, certificate::issue_leaf, leaf_names, listen, listen_plain,
    serving_certificate::certificates, store::CertificateStore,
};

const LONG: Duration = Duration::from_secs(3600);
const QUICK: Drain = Drain {
    delay: Duration::from_millis(300),
    settle: Duration::from_millis(100),
    bound: Duration::from_secs(20),
};

/// A running server and what it was made of.
struct Server {
    address: SocketAddr,
    tls: TlsSource,
    metrics: Metrics,
    shutdown: Shutdown,
    ended: JoinHandle<()>,
}

fn keeper(dir: &Path) -> Keeper<FolderStore> {
    Keeper::new(
        Arc::new(FolderStore::new(dir)),
        leaf_names(&[]).unwrap(),
        Duration::ZERO,
    )
}

async fn issued(dir: &Path) -> Stored {
    keeper(dir).turn(OffsetDateTime::now_utc()).await.unwrap()
}

fn routes() -> Router {
    Router::new().route("/", any(|body: Bytes| async move { body }))
}

async fn start(
    dir: &Path,
    address: &str,
    limits: Limits,
    clients: Clients,
    routes: Router,
) -> Server {
    issued(dir).await;
    let metrics = Metrics::register(&mut Registry::default());
    let tls = TlsSource::open(&FolderStore::new(dir), clients, metrics.clone())
        .await
        .unwrap();
    let listener =
        Listener::bind_shared(address.parse().unwrap(), limits, metrics.clone()).unwrap();
    let shutdown = Shutdown::new(QUICK);
    let address = listener.address().unwrap();
    let ended = tokio::spawn(listen(listener, tls.clone(), routes, shutdown.clone()));
    Server {
        address,
        tls,
        metrics,
        shutdown,
        ended,
    }
}

async fn plain_start(dir: &Path) -> Server {
    start(
        dir,
        "127.0.0.1:0",
        Limits::default(),
        Clients::default(),
        routes(),
    )
    .await
}

/// Who a client trusts, and what it shows and speaks.
struct Caller {
    connector: TlsConnector,
}

type Sender = conn::http1::SendRequest<Full<Bytes>>;

impl Caller {
    fn new(ca: &[u8], identity: Option<(&str, &str)>, protocol: &[u8]) -> Self {
        let mut roots = RootCertStore::empty();
        certificates(ca)
            .unwrap()
            .into_iter()
            .for_each(|it| roots.add(it).unwrap());
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match identity {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
                builder
                    .with_client_auth_cert(
                        chain,
                        PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
                    )
                    .unwrap()
            }
        };
        config.alpn_protocols = vec![protocol.to_vec()];
        Self {
            connector: TlsConnector::from(Arc::new(config)),
        }
    }

    fn trusting(ca: &[u8]) -> Self {
        Self::new(ca, None, b"http/1.1")
    }

    async fn tls(&self, address: SocketAddr) -> Result<TlsStream<TcpStream>, String> {
        let stream = TcpStream::connect(address)
            .await
            .map_err(|it| format!("connect: {it}"))?;
        stream.set_nodelay(true).unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        self.connector
            .connect(name, stream)
            .await
            .map_err(|it| format!("handshake: {it}"))
    }

    async fn connect(&self, address: SocketAddr) -> Result<Sender, String> {
        let io = TokioIo::new(self.tls(address).await?);
        let (sender, connection) = conn::http1::handshake(io)
            .await
            .map_err(|it| it.to_string())?;
        tokio::spawn(connection);
        Ok(sender)
    }

    /// One call on a connection of its own.
    async fn call(&self, address: SocketAddr) -> Result<(), String> {
        call(&mut self.connect(address).await?).await.map(|_| ())
    }
}

fn request() -> Request<Full<Bytes>> {
    Request::post("/")
        .header("host", "localhost")
        .body(Full::from("hello"))
        .unwrap()
}

/// One call; says whether the caller was asked to leave.
async fn call(sender: &mut Sender) -> Result<bool, String> {
    let response = sender
        .send_request(request())
        .await
        .map_err(|it| format!("send: {it:?}"))?;
    let leave = response
        .headers()
        .get("connection")
        .is_some_and(|it| it == "close");
    let body = response
        .into_body()
        .collect()
        .await
        .map_err(|it| format!("body: {it}"))?
        .to_bytes();
    if body == "hello" {
        Ok(leave)
    } else {
        Err(format!("answered {body:?}"))
    }
}

/// Clients that call until told to stop: half with a connection a call, half with one connection as long as it lasts.
struct Load {
    stop: Arc<AtomicBool>,
    calls: Arc<AtomicUsize>,
    more: Arc<Notify>,
    tasks: Vec<JoinHandle<Vec<String>>>,
}

impl Load {
    fn start(address: SocketAddr, ca: &[u8]) -> Self {
        let (stop, calls, more) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicUsize::new(0)),
            Arc::new(Notify::new()),
        );
        let caller = Arc::new(Caller::trusting(ca));
        let tasks = (0..6).map(|it| {
            let (stop, calls, more, caller) =
                (stop.clone(), calls.clone(), more.clone(), caller.clone());
            tokio::spawn(async move {
                let (mut errors, mut kept) = (Vec::new(), None);
                while !stop.load(Ordering::SeqCst) {
                    let called = if it % 2 == 0 {
                        caller.call(address).await
                    } else {
                        keep_alive(&caller, address, &mut kept).await
                    };
                    errors.extend(called.err());
                    calls.fetch_add(1, Ordering::SeqCst);
                    more.notify_waiters();
                }
                errors
            })
        });
        Self {
            tasks: tasks.collect(),
            stop,
            calls,
            more,
        }
    }

    /// Waits for `calls` more.
    async fn wait(&self, calls: usize) {
        let goal = self.calls.load(Ordering::SeqCst) + calls;
        loop {
            let more = self.more.notified();
            if self.calls.load(Ordering::SeqCst) >= goal {
                return;
            }
            more.await;
        }
    }

    async fn end(self) -> Vec<String> {
        self.stop.store(true, Ordering::SeqCst);
        let mut errors = Vec::new();
        for task in self.tasks {
            errors.extend(task.await.unwrap());
        }
        errors
    }
}

/// As a pooling client does it: a connection known to be closed is not used again.
async fn keep_alive(
    caller: &Caller,
    address: SocketAddr,
    kept: &mut Option<Sender>,
) -> Result<(), String> {
    let usable = match kept {
        Some(sender) => sender.ready().await.is_ok(),
        None => false,
    };
    if !usable {
        *kept = Some(caller.connect(address).await?);
    }
    let leave = call(kept.as_mut().unwrap()).await;
    if leave.as_ref().is_ok_and(|it| *it) || leave.is_err() {
        *kept = None;
    }
    leave.map(|_| ())
}

fn none() -> Vec<String> {
    Vec::new()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_change_under_churning_connections() {
    let dir = tempfile::tempdir().unwrap();
    let server = plain_start(dir.path()).await;
    let store = FolderStore::new(dir.path());
    let watched = tokio::spawn({
        let (tls, store) = (server.tls.clone(), store.clone());
        async move { tls.watch(&store, LONG).await }
    });
    let load = Load::start(server.address, &server.tls.ca_bundle());
    for turn in 1..=10 {
        load.wait(20).await;
        // no leaf: the keeper issues another
        let held = store.read().await.unwrap().unwrap();
        store
            .write(&Stored {
                certificate: Vec::new(),
                key: Vec::new(),
                ..held.clone()
            })
            .await
            .unwrap();
        assert_ne!(issued(dir.path()).await.certificate, held.certificate);
        let looked = server.tls.looked();
        server.tls.reload();
        looked.await;
        assert_eq!(server.metrics.reloads(), (turn, 0));
    }
    load.wait(20).await;
    assert_eq!(load.end().await, none());
    assert_eq!(server.metrics.handshake_failures.get(), 0);
    watched.abort();
}

#[tokio::test]
async fn what_cannot_be_served_keeps_the_old_pair() {
    let dir = tempfile::tempdir().unwrap();
    let server = plain_start(dir.path()).await;
    let good = issued(dir.path()).await;
    let other = issued(tempfile::tempdir().unwrap().path()).await;
    let names = leaf_names(&[]).unwrap();
    let (ca, ca_key) = (
        String::from_utf8(good.ca.clone()).unwrap(),
        good.ca_keys.clone().unwrap(),
    );
    let ca_key = String::from_utf8(ca_key).unwrap();
    let past = OffsetDateTime::now_utc() - Duration::from_secs(200 * 86_400);
    let expired = issue_leaf(&ca, &ca_key, OffsetDateTime::now_utc() + LONG, &names, past).unwrap();
    let half = |it: &[u8]| it[..it.len() / 2].to_vec();
    let caller = Caller::trusting(&good.ca);
    for (certificate, key, words) in [
        (
            half(&good.certificate),
            good.key.clone(),
            "the certificate cannot be read",
        ),
        (
            good.certificate.clone(),
            half(&good.key),
            "the private key cannot be read",
        ),
        (Vec::new(), Vec::new(), "no certificate in it"),
        (
            b"\xff\x00 nonsense".to_vec(),
            good.key.clone(),
            "no certificate in it",
        ),
        (
            good.certificate.clone(),
            other.key.clone(),
            "does not belong to the certificate",
        ),
        (
            expired.certificate.into_bytes(),
            expired.key.into_bytes(),
            "expired on",
        ),
    ] {
        let offered = Stored {
            certificate,
            key,
            ..good.clone()
        };
        let super::Offered::Kept(error) = server.tls.offer(&offered).await else {
            panic!("{words}: taken")
        };
        assert_eq!(server.tls.offer(&offered).await, super::Offered::Same);
        assert!(
            TlsSource::new(&offered, Clients::default(), Metrics::default())
                .await
                .is_err(),
            "{words}"
        );
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(caller.call(server.address).await, Ok(()), "{words}");
    }
    assert_eq!(server.metrics.reloads(), (0, 6));
    assert_eq!(server.tls.offer(&good).await, super::Offered::Taken);
}

#[tokio::test]
async fn a_mounted_secret_swaps_its_symlink() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mount = tempfile::tempdir().unwrap();
    let bundles = [issued(one.path()).await.ca, issued(two.path()).await.ca];
    for (version, from) in [("..1", one.path()), ("..2", two.path())] {
        fs::create_dir(mount.path().join(version)).unwrap();
        for file in ["ca.crt", "tls.crt", "tls.key"] {
            fs::copy(from.join(file), mount.path().join(version).join(file)).unwrap();
        }
    }
    let data = mount.path().join("..data");
    std::os::unix::fs::symlink("..1", &data).unwrap();
    for file in ["ca.crt", "tls.crt", "tls.key"] {
        std::os::unix::fs::symlink(format!("..data/{file}"), mount.path().join(file)).unwrap();
    }
    let server = plain_start(mount.path()).await;
    let callers = bundles.each_ref().map(|it| Caller::trusting(it));
    assert_eq!(callers[0].call(server.address).await, Ok(()));
    let mut alive = callers[0].connect(server.address).await.unwrap();
    call(&mut alive).await.unwrap();

    std::os::unix::fs::symlink("..2", mount.path().join("..new")).unwrap();
    fs::rename(mount.path().join("..new"), &data).unwrap();
    let store = FolderStore::new(mount.path());
    let watched = {
        let tls = server.tls.clone();
        tokio::spawn(async move { tls.watch(&store, Duration::from_millis(1)).await })
    };
    server.tls.looked().await;
    watched.abort();
    assert_eq!(server.tls.ca_bundle(), bundles[1]);
    assert_eq!(callers[1].call(server.address).await, Ok(()));
    assert!(
        callers[0]
            .call(server.address)
            .await
            .is_err_and(|it| it.contains("UnknownIssuer") || it.contains("BadSignature"))
    );
    // the connection from before lives on
    assert_eq!(call(&mut alive).await, Ok(false));
    // not ours: never written
    assert!(!mount.path().join("ca.key").exists());
}

#[tokio::test]
async fn an_expired_leaf_is_replaced_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let then = OffsetDateTime::now_utc() - Duration::from_secs(200 * 86_400);
    let old = keeper(dir.path()).turn(then).await.unwrap();
    let server = plain_start(dir.path()).await;
    assert_eq!(server.tls.ca_bundle(), old.ca);
    assert_eq!(Caller::trusting(&old.ca).call(server.address).await, Ok(()));
}

/// The authority is followed through its change: who trusts the bundle of any step may call after it.
#[tokio::test]
async fn an_authority_hands_over_without_a_gap() {
    let dir = tempfile::tempdir().unwrap();
    let year = Duration::from_secs(365 * 86_400);
    let then = OffsetDateTime::now_utc() - year.mul_f64(4.1);
    let old = keeper(dir.path()).turn(then).await.unwrap();
    let both = keeper(dir.path())
        .turn(OffsetDateTime::now_utc())
        .await
        .unwrap();
    assert_eq!(certificates(&both.ca).unwrap().len(), 2);
    assert!(both.ca.starts_with(&old.ca));
    // the folder's bundle is copied by hand: the old authority still signs
    let server = plain_start(dir.path()).await;
    assert_eq!(Caller::trusting(&old.ca).call(server.address).await, Ok(()));
    assert_eq!(
        Caller::trusting(&both.ca).call(server.address).await,
        Ok(())
    );
    // nothing left to do
    assert_eq!(
        issued(dir.path()).await,
        FolderStore::new(dir.path()).read().await.unwrap().unwrap()
    );
    // at the old one's end the new one signs
    let end = keeper(dir.path())
        .turn(then + year.mul_f64(4.999))
        .await
        .unwrap();
    assert_ne!(end.certificate, both.certificate);
    server.tls.offer(&end).await;
    assert_eq!(certificates(&end.ca).unwrap().len(), 2);
}

#[tokio::test]
async fn many_keepers_of_one_folder_agree() {
    let dir = tempfile::tempdir().unwrap();
    let turns: Vec<_> = (0..6)
        .map(|_| {
            let keeper = keeper(dir.path());
            tokio::spawn(async move {
                keeper
                    .turn(OffsetDateTime::now_utc())
                    .await
                    .unwrap()
                    .certificate
            })
        })
        .collect();
    let mut found = Vec::new();
    for turn in turns {
        found.push(turn.await.unwrap());
    }
    found.dedup();
    assert_eq!(found, [issued(dir.path()).await.certificate]);
}

/// Two servers on one port, one of which ends: no caller sees it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_fails_while_one_of_two_ends() {
    let dir = tempfile::tempdir().unwrap();
    let one = plain_start(dir.path()).await;
    let address = one.address.to_string();
    let two = start(
        dir.path(),
        &address,
        Limits::default(),
        Clients::default(),
        routes(),
    )
    .await;
    let load = Load::start(one.address, &one.tls.ca_bundle());
    load.wait(200).await;
    one.shutdown.begin();
    one.ended.await.unwrap();
    load.wait(200).await;
    assert_eq!(load.end().await, none());
    assert_eq!(one.metrics.connections.get(), 0);
    two.shutdown.begin();
    two.ended.await.unwrap();
}

#[tokio::test]
async fn calls_in_flight_are_answered_and_idle_ones_closed() {
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
    let routes = routes().route("/slow", slow);
    let server = start(
        dir.path(),
        "127.0.0.1:0",
        Limits::default(),
        Clients::default(),
        routes,
    )
    .await;
    let caller = Caller::trusting(&server.tls.ca_bundle());
    let mut idle = caller.connect(server.address).await.unwrap();
    assert_eq!(call(&mut idle).await, Ok(false));
    let mut busy = caller.connect(server.address).await.unwrap();
    let mut request = request();
    *request.uri_mut() = "/slow".parse().unwrap();
    let answer = tokio::spawn(async move { busy.send_request(request).await });
    entered.notified().await;
    server.shutdown.begin();
    // new callers are still answered, and asked to leave
    let mut new = caller.connect(server.address).await.unwrap();
    assert_eq!(call(&mut new).await, Ok(true));
    // the idle one is closed, and closed gently
    while idle.ready().await.is_ok() {
        tokio::task::yield_now().await;
    }
    go.notify_one();
    let answer = answer.await.unwrap().unwrap();
    assert_eq!(answer.headers()["connection"], "close");
    assert_eq!(
        answer.into_body().collect().await.unwrap().to_bytes(),
        "hello"
    );
    server.ended.await.unwrap();
    assert!(
        caller
            .call(server.address)
            .await
            .is_err_and(|it| it.starts_with("connect:"))
    );
}

#[tokio::test]
async fn a_slow_head_is_cut_and_a_patient_connection_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let limits = Limits {
        head: Duration::from_millis(200),
        ..Limits::default()
    };
    let server = start(
        dir.path(),
        "127.0.0.1:0",
        limits,
        Clients::default(),
        routes(),
    )
    .await;
    let caller = Caller::trusting(&server.tls.ca_bundle());
    let mut patient = caller.connect(server.address).await.unwrap();
    call(&mut patient).await.unwrap();
    // never a byte; half a first head; half a second one
    for (whole, half) in [
        ("", ""),
        ("", "POST / HTT"),
        ("GET / HTTP/1.1\r\nhost: a\r\n\r\n", "GE"),
    ] {
        let mut stream = caller.tls(server.address).await.unwrap();
        stream.write_all(whole.as_bytes()).await.unwrap();
        let mut head = [0; 512];
        if !whole.is_empty() {
            assert!(stream.read(&mut head).await.unwrap() > 0);
        }
        stream.write_all(half.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        // ends, or breaks: but never waits for us
        let _ = stream.read_to_end(&mut Vec::new()).await;
    }
    assert_eq!(call(&mut patient).await, Ok(false));
}

#[tokio::test]
async fn a_silent_handshake_is_cut() {
    let dir = tempfile::tempdir().unwrap();
    let limits = Limits {
        handshake: Duration::from_millis(50),
        ..Limits::default()
    };
    let server = start(
        dir.path(),
        "127.0.0.1:0",
        limits,
        Clients::default(),
        routes(),
    )
    .await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let _ = stream.read_to_end(&mut Vec::new()).await;
    assert_eq!(server.metrics.handshake_failures.get(), 1);
}

#[tokio::test]
async fn a_client_certificate_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let authority = |name: &str| {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        (
            params.self_signed(&key).unwrap().pem(),
            Issuer::new(params, key),
        )
    };
    let ((trusted, issuer), (_, stranger)) = (authority("trusted"), authority("stranger"));
    let identity = |issuer: &Issuer<'_, KeyPair>, name: &str| {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
        params.distinguished_name.push(DnType::CommonName, name);
        (
            params.signed_by(&key, issuer).unwrap().pem(),
            key.serialize_pem(),
        )
    };
    let file = dir.path().join("client-ca.crt");
    fs::write(&file, trusted).unwrap();
    let certificates = dir.path().join("tls");
    let check = async |names: &[&str], shown: Option<(String, String)>, expected: bool| {
        let clients = Clients {
            ca: Some(file.clone()),
            names: names.iter().map(|it| (*it).to_owned()).collect(),
        };
        let server = start(
            &certificates,
            "127.0.0.1:0",
            Limits::default(),
            clients,
            routes(),
        )
        .await;
        let shown = shown
            .as_ref()
            .map(|(certificate, key)| (certificate.as_str(), key.as_str()));
        let called = Caller::new(&server.tls.ca_bundle(), shown, b"http/1.1")
            .call(server.address)
            .await;
        assert_eq!(called.is_ok(), expected, "{names:?} {called:?}");
        while server.metrics.handshake_failures.get() != u64::from(!expected) {
            tokio::task::yield_now().await;
        }
    };
    check(&[], Some(identity(&issuer, "apiserver")), true).await;
    check(
        &["other", "apiserver"],
        Some(identity(&issuer, "apiserver")),
        true,
    )
    .await;
    check(&["other"], Some(identity(&issuer, "apiserver")), false).await;
    check(&[], Some(identity(&stranger, "apiserver")), false).await;
    check(
        &["apiserver"],
        Some(identity(&stranger, "apiserver")),
        false,
    )
    .await;
    check(&[], None, false).await;
}

#[tokio::test]
async fn http2_is_answered_and_ended_gently() {
    let dir = tempfile::tempdir().unwrap();
    let server = plain_start(dir.path()).await;
    let stream = Caller::new(&server.tls.ca_bundle(), None, b"h2")
        .tls(server.address)
        .await
        .unwrap();
    let (mut sender, connection) =
        conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    let connection = tokio::spawn(connection);
    for turn in 0..2 {
        if turn == 1 {
            server.shutdown.begin();
        }
        let mut request = request();
        *request.uri_mut() = "https://localhost/".parse().unwrap();
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

#[tokio::test]
async fn health_and_metrics_are_plain() {
    let mut registry = Registry::default();
    let metrics = Metrics::register(&mut registry);
    let shutdown = Shutdown::new(QUICK);
    let health = Health::new(&["library"], shutdown.clone());
    let listener =
        Listener::bind("127.0.0.1:0".parse().unwrap(), Limits::default(), metrics).unwrap();
    let address = listener.address().unwrap();
    let ended = tokio::spawn(listen_plain(
        listener,
        health.routes(Some(Arc::new(registry))),
        shutdown.clone(),
    ));
    let check = async |path: &str, status: u16, words: &str| {
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
        assert!(body.contains(words), "{path}: {body}");
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
