//! A caller of a webhook, as the API server is one: HTTPS that trusts one CA, on a new connection per call or on one that
//! is kept; and many of them at once, with every failure counted by its kind.

use crate::waiting::PATIENCE;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Request, StatusCode,
    body::Bytes,
    client::conn::http1::{SendRequest, handshake},
    header::{CONNECTION, CONTENT_TYPE, HOST},
};
use hyper_util::rt::TokioIo;
use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, IpAddr, PrivateKeyDer, ServerName, pem::PemObject as _},
    },
};

/// Who is called, and whom the caller trusts.
#[derive(Clone)]
pub(crate) struct Client {
    address: SocketAddr,
    tls: TlsConnector,
}

/// One connection, for one call after the other.
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    used: bool,
}

/// What came back.
#[derive(Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
    /// Whether the server said `Connection: close`.
    pub(crate) last: bool,
}

/// Why a call got no answer, or not the right one.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Failure {
    /// No TCP connection.
    Connect,
    /// No TLS: the certificate is not trusted, or the connection broke.
    Handshake,
    /// A kept connection that the server closed without a byte of answer. Go's client, which the API server uses, makes
    /// such a call again on a new connection.
    Stale,
    /// The connection broke before the head of an answer.
    NoAnswer,
    /// The connection broke within the body.
    HalfAnswer,
    /// Nothing for [`PATIENCE`].
    Silence,
    /// Another status than 200.
    Status(u16),
    /// An answer that the test does not accept.
    Wrong,
}

impl Client {
    /// Calls 127.0.0.1:`port` and trusts the certificates of `ca` (PEM).
    pub(crate) fn new(port: u16, ca: &str) -> Self {
        Self::build(port, ca, None)
    }

    /// As [`Self::new`], and shows a certificate of its own (both PEM).
    pub(crate) fn with_certificate(port: u16, ca: &str, certificate: &str, key: &str) -> Self {
        let certificate =
            CertificateDer::from_pem_slice(certificate.as_bytes()).expect("the certificate is PEM");
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("the key is PEM");
        Self::build(port, ca, Some((certificate, key)))
    }

    fn build(
        port: u16,
        ca: &str,
        own: Option<(CertificateDer<'static>, PrivateKeyDer<'static>)>,
    ) -> Self {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(ca.as_bytes()) {
            roots
                .add(certificate.expect("the CA is PEM"))
                .expect("the CA can be trusted");
        }
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("TLS has versions")
            .with_root_certificates(roots);
        let config = match own {
            Some((certificate, key)) => config
                .with_client_auth_cert(vec![certificate], key)
                .expect("the key is the certificate's"),
            None => config.with_no_client_auth(),
        };
        Self {
            address: (Ipv4Addr::LOCALHOST, port).into(),
            tls: TlsConnector::from(Arc::new(config)),
        }
    }

    pub(crate) async fn connect(&self) -> Result<Connection, Failure> {
        timeout(PATIENCE, async {
            let stream = TcpStream::connect(self.address)
                .await
                .map_err(|_| Failure::Connect)?;
            stream.set_nodelay(true).map_err(|_| Failure::Connect)?;
            let name = ServerName::IpAddress(IpAddr::from(self.address.ip()));
            let stream = self
                .tls
                .connect(name, stream)
                .await
                .map_err(|_| Failure::Handshake)?;
            let (sender, driver) = handshake(TokioIo::new(stream))
                .await
                .map_err(|_| Failure::Handshake)?;
            tokio::spawn(driver); // ends with the sender, or with the server
            Ok(Connection {
                sender,
                used: false,
            })
        })
        .await
        .unwrap_or(Err(Failure::Silence))
    }

    /// One call on a connection of its own.
    pub(crate) async fn post(&self, path: &str, body: &Bytes) -> Result<Answer, Failure> {
        self.connect().await?.post(path, body).await
    }
}

impl Connection {
    /// Whether another call may be made; no longer, once the server has closed it or said that it will.
    pub(crate) fn is_open(&self) -> bool {
        !self.sender.is_closed()
    }

    pub(crate) async fn post(&mut self, path: &str, body: &Bytes) -> Result<Answer, Failure> {
        let unanswered = if self.used {
            Failure::Stale
        } else {
            Failure::NoAnswer
        };
        self.used = true;
        let request = Request::post(path)
            .header(HOST, "127.0.0.1")
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(body.clone()))
            .expect("the request is in order");
        timeout(PATIENCE, async {
            self.sender.ready().await.map_err(|_| unanswered)?;
            let response = self
                .sender
                .send_request(request)
                .await
                .map_err(|_| unanswered)?;
            let status = response.status().as_u16();
            let last = response
                .headers()
                .get(CONNECTION)
                .is_some_and(|value| value.as_bytes() == b"close");
            let body = response
                .into_body()
                .collect()
                .await
                .map_err(|_| Failure::HalfAnswer)?
                .to_bytes();
            Ok(Answer { status, body, last })
        })
        .await
        .unwrap_or(Err(Failure::Silence))
    }
}

/// Callers at work at the same time.
pub(crate) struct Load {
    /// How many call at the same time.
    pub(crate) callers: usize,
    /// How many calls they make together.
    pub(crate) calls: u64,
    /// How many calls a connection carries before it is closed: 1 churns, `u64::MAX` keeps it.
    pub(crate) calls_per_connection: u64,
    pub(crate) path: String,
    pub(crate) body: Bytes,
    /// Whether an answer of status 200 is the right one.
    pub(crate) accept: fn(&[u8]) -> bool,
}

/// How calls ended.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) answered: u64,
    pub(crate) failures: BTreeMap<Failure, u64>,
    /// Calls made again after [`Failure::Stale`]; not failures.
    pub(crate) again: u64,
    pub(crate) connections: u64,
    /// From the call to the end of its answer, in µs; a new connection is part of the first call on it.
    micros: Vec<u32>,
}

impl Load {
    /// Makes all the calls, or those that are begun before `stop` is set.
    pub(crate) async fn run(self, client: &Client, stop: Arc<AtomicBool>) -> Tally {
        let load = Arc::new(self);
        let left = Arc::new(AtomicU64::new(load.calls));
        let mut callers = tokio::task::JoinSet::new();
        for _ in 0..load.callers {
            let (load, client, left, stop) = (
                Arc::clone(&load),
                client.clone(),
                Arc::clone(&left),
                Arc::clone(&stop),
            );
            callers.spawn(async move {
                let mut tally = Tally::default();
                let mut kept = None;
                while !stop.load(Ordering::Relaxed) && take_one(&left) {
                    let start = Instant::now();
                    let result = load.call(&client, &mut kept, &mut tally).await;
                    tally.add(result, start.elapsed());
                }
                tally
            });
        }
        let mut all = Tally::default();
        while let Some(tally) = callers.join_next().await {
            all.join(tally.expect("a caller ends"));
        }
        all
    }

    /// One call, on the kept connection where it can carry one more.
    async fn call(
        &self,
        client: &Client,
        kept: &mut Option<(Connection, u64)>,
        tally: &mut Tally,
    ) -> Result<(), Failure> {
        loop {
            let (mut connection, carried) =
                match kept.take().filter(|(connection, _)| connection.is_open()) {
                    Some(kept) => kept,
                    None => {
                        tally.connections += 1;
                        (client.connect().await?, 0)
                    }
                };
            match connection.post(&self.path, &self.body).await {
                Err(Failure::Stale) => tally.again += 1,
                Err(failure) => return Err(failure),
                Ok(answer) => {
                    if !answer.last && carried + 1 < self.calls_per_connection {
                        *kept = Some((connection, carried + 1));
                    }
                    return match answer.status {
                        status if status != StatusCode::OK.as_u16() => Err(Failure::Status(status)),
                        _ if !(self.accept)(&answer.body) => Err(Failure::Wrong),
                        _ => Ok(()),
                    };
                }
            }
        }
    }
}

/// Takes one call from those left; false where none is.
fn take_one(left: &AtomicU64) -> bool {
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
        left.checked_sub(1)
    })
    .is_ok()
}

impl Tally {
    /// All calls that failed, of whatever kind.
    pub(crate) fn failed(&self) -> u64 {
        self.failures.values().sum()
    }

    /// The time that this share (0 to 1) of the answered calls stayed within.
    pub(crate) fn percentile(&mut self, share: f64) -> Duration {
        self.micros.sort_unstable();
        let last = self.micros.len().saturating_sub(1);
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss
        )]
        let index = (last as f64 * share).round() as usize;
        Duration::from_micros(self.micros.get(index).copied().unwrap_or_default().into())
    }

    fn add(&mut self, result: Result<(), Failure>, took: Duration) {
        match result {
            Ok(()) => {
                self.answered += 1;
                self.micros
                    .push(u32::try_from(took.as_micros()).unwrap_or(u32::MAX));
            }
            Err(failure) => *self.failures.entry(failure).or_default() += 1,
        }
    }

    fn join(&mut self, other: Self) {
        self.answered += other.answered;
        self.again += other.again;
        self.connections += other.connections;
        self.micros.extend(other.micros);
        for (failure, count) in other.failures {
            *self.failures.entry(failure).or_default() += count;
        }
    }
}
