//! A client that calls a webhook as the API server does: HTTPS that trusts one CA, on a new
//! connection per call or on a kept one. [`LoadPlan`] runs many clients at once and counts every
//! failure by its kind.

use crate::polling::HANG_TIMEOUT;
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

/// The address of a webhook, and the authority that its certificate must come from.
#[derive(Clone)]
pub struct WebhookClient {
    address: SocketAddr,
    tls: TlsConnector,
}

/// One HTTP/1.1 connection, for one call at a time.
pub struct WebhookConnection {
    sender: SendRequest<Full<Bytes>>,
    used: bool,
}

/// An HTTP response.
#[derive(Debug, PartialEq)]
pub struct WebhookResponse {
    /// The status code.
    pub status: u16,
    /// The whole body.
    pub body: Bytes,
    /// True if the server sent `Connection: close`.
    pub closes: bool,
}

/// The reason why a call got no response, or an unacceptable one.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum CallFailure {
    /// No TCP connection.
    Connect,
    /// The TLS handshake failed: the certificate is not trusted, or the connection broke.
    Handshake,
    /// A kept connection that the server closed without a byte of response. Go's client, which the
    /// API server uses, retries such a call on a new connection.
    StaleConnection,
    /// The connection broke before the head of the response.
    NoResponse,
    /// The connection broke within the body.
    TruncatedBody,
    /// No response within [`HANG_TIMEOUT`].
    Timeout,
    /// A status other than 200.
    Status(u16),
    /// A response that the test does not accept.
    NotAccepted,
}

impl WebhookClient {
    /// A client of 127.0.0.1:`port` that trusts the certificates of `ca` (PEM).
    pub fn new(port: u16, ca: &str) -> Self {
        Self::build(port, ca, None)
    }

    /// As [`Self::new`], with a client certificate (both PEM).
    pub fn with_certificate(port: u16, ca: &str, certificate: &str, key: &str) -> Self {
        let certificate =
            CertificateDer::from_pem_slice(certificate.as_bytes()).expect("the certificate is PEM");
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("the key is PEM");
        Self::build(port, ca, Some((certificate, key)))
    }

    fn build(
        port: u16,
        ca: &str,
        identity: Option<(CertificateDer<'static>, PrivateKeyDer<'static>)>,
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
        let config = match identity {
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

    /// Opens a connection.
    ///
    /// # Errors
    /// The first failure, or a timeout.
    pub async fn connect(&self) -> Result<WebhookConnection, CallFailure> {
        timeout(HANG_TIMEOUT, async {
            let stream = TcpStream::connect(self.address)
                .await
                .map_err(|_| CallFailure::Connect)?;
            stream.set_nodelay(true).map_err(|_| CallFailure::Connect)?;
            let name = ServerName::IpAddress(IpAddr::from(self.address.ip()));
            let stream = self
                .tls
                .connect(name, stream)
                .await
                .map_err(|_| CallFailure::Handshake)?;
            let (sender, driver) = handshake(TokioIo::new(stream))
                .await
                .map_err(|_| CallFailure::Handshake)?;
            tokio::spawn(driver); // ends with the sender, or with the server
            Ok(WebhookConnection {
                sender,
                used: false,
            })
        })
        .await
        .unwrap_or(Err(CallFailure::Timeout))
    }

    /// Makes one call on a new connection.
    ///
    /// # Errors
    /// The first failure, or a timeout.
    pub async fn post(&self, path: &str, body: &Bytes) -> Result<WebhookResponse, CallFailure> {
        self.connect().await?.post(path, body).await
    }
}

impl WebhookConnection {
    /// True until the server has closed the connection.
    pub fn is_open(&self) -> bool {
        !self.sender.is_closed()
    }

    /// Makes one call.
    ///
    /// # Errors
    /// The first failure, or a timeout.
    pub async fn post(&mut self, path: &str, body: &Bytes) -> Result<WebhookResponse, CallFailure> {
        let unanswered = if self.used {
            CallFailure::StaleConnection
        } else {
            CallFailure::NoResponse
        };
        self.used = true;
        let request = Request::post(path)
            .header(HOST, "127.0.0.1")
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(body.clone()))
            .expect("the request is in order");
        timeout(HANG_TIMEOUT, async {
            self.sender.ready().await.map_err(|_| unanswered)?;
            let response = self
                .sender
                .send_request(request)
                .await
                .map_err(|_| unanswered)?;
            let status = response.status().as_u16();
            let closes = response
                .headers()
                .get(CONNECTION)
                .is_some_and(|value| value.as_bytes() == b"close");
            let body = response
                .into_body()
                .collect()
                .await
                .map_err(|_| CallFailure::TruncatedBody)?
                .to_bytes();
            Ok(WebhookResponse {
                status,
                body,
                closes,
            })
        })
        .await
        .unwrap_or(Err(CallFailure::Timeout))
    }
}

/// Many clients that call at the same time.
pub struct LoadPlan {
    /// The number of clients.
    pub clients: usize,
    /// The number of calls that all clients make together.
    pub calls: u64,
    /// The number of calls on a connection before the client closes it; `u64::MAX` keeps it open.
    pub calls_per_connection: u64,
    /// The path with its query.
    pub path: String,
    /// The body of every call.
    pub body: Bytes,
    /// Returns true for the body of a correct response.
    pub accept: fn(&[u8]) -> bool,
}

/// The results of many calls.
#[derive(Debug, Default)]
pub struct LoadStats {
    /// The number of calls with a correct response.
    pub answered: u64,
    /// The number of failed calls by reason.
    pub failures: BTreeMap<CallFailure, u64>,
    /// The number of retries after [`CallFailure::StaleConnection`]; these are not failures.
    pub retries: u64,
    /// The number of connections that were opened.
    pub connections: u64,
    /// The time from each call to the end of its response; opening a connection is part of its
    /// first call.
    latencies_us: Vec<u32>,
}

impl LoadPlan {
    /// Makes all calls, or those that begin before `stop` is set.
    pub async fn run(self, client: &WebhookClient, stop: Arc<AtomicBool>) -> LoadStats {
        let plan = Arc::new(self);
        let remaining = Arc::new(AtomicU64::new(plan.calls));
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..plan.clients {
            let (plan, client, remaining, stop) = (
                Arc::clone(&plan),
                client.clone(),
                Arc::clone(&remaining),
                Arc::clone(&stop),
            );
            tasks.spawn(async move {
                let mut stats = LoadStats::default();
                let mut kept = None;
                while !stop.load(Ordering::Relaxed) && take_one(&remaining) {
                    let start = Instant::now();
                    let result = plan.call(&client, &mut kept, &mut stats).await;
                    stats.record(result, start.elapsed());
                }
                stats
            });
        }
        let mut total = LoadStats::default();
        while let Some(stats) = tasks.join_next().await {
            total.merge(stats.expect("a client ends"));
        }
        total
    }

    /// Makes one call, on the kept connection if that is still usable.
    async fn call(
        &self,
        client: &WebhookClient,
        kept: &mut Option<(WebhookConnection, u64)>,
        stats: &mut LoadStats,
    ) -> Result<(), CallFailure> {
        loop {
            let (mut connection, calls) =
                match kept.take().filter(|(connection, _)| connection.is_open()) {
                    Some(kept) => kept,
                    None => {
                        stats.connections += 1;
                        (client.connect().await?, 0)
                    }
                };
            match connection.post(&self.path, &self.body).await {
                Err(CallFailure::StaleConnection) => stats.retries += 1,
                Err(failure) => return Err(failure),
                Ok(response) => {
                    if !response.closes && calls + 1 < self.calls_per_connection {
                        *kept = Some((connection, calls + 1));
                    }
                    return match response.status {
                        status if status != StatusCode::OK.as_u16() => {
                            Err(CallFailure::Status(status))
                        }
                        _ if !(self.accept)(&response.body) => Err(CallFailure::NotAccepted),
                        _ => Ok(()),
                    };
                }
            }
        }
    }
}

/// Claims one of the remaining calls; false if there is none.
fn take_one(remaining: &AtomicU64) -> bool {
    remaining
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| {
            count.checked_sub(1)
        })
        .is_ok()
}

impl LoadStats {
    /// The number of failed calls.
    pub fn failed(&self) -> u64 {
        self.failures.values().sum()
    }

    /// The latency that this share (0 to 1) of the answered calls did not exceed.
    pub fn percentile(&mut self, share: f64) -> Duration {
        self.latencies_us.sort_unstable();
        let last = self.latencies_us.len().saturating_sub(1);
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss
        )]
        let index = (last as f64 * share).round() as usize;
        Duration::from_micros(
            self.latencies_us
                .get(index)
                .copied()
                .unwrap_or_default()
                .into(),
        )
    }

    fn record(&mut self, result: Result<(), CallFailure>, latency: Duration) {
        match result {
            Ok(()) => {
                self.answered += 1;
                self.latencies_us
                    .push(u32::try_from(latency.as_micros()).unwrap_or(u32::MAX));
            }
            Err(failure) => *self.failures.entry(failure).or_default() += 1,
        }
    }

    fn merge(&mut self, other: Self) {
        self.answered += other.answered;
        self.retries += other.retries;
        self.connections += other.connections;
        self.latencies_us.extend(other.latencies_us);
        for (failure, count) in other.failures {
            *self.failures.entry(failure).or_default() += count;
        }
    }
}
