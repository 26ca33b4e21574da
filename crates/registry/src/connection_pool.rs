//! Connections that are kept for the next request, and one HTTP/1.1 exchange over them.
//!
//! It follows no redirect, tries nothing a second time but on a kept connection that the server had
//! closed, and refuses plain HTTP where the settings do not allow it. HTTP/2 is not offered: a registry
//! gains nothing by it, and a hostile one has fewer means.

use super::{
    connection::{self, Stream},
    error::RegistryError,
    limits::RegistryLimits,
    proxy::ProxySettings,
    tls::TlsConfigs,
    url::{Origin, Url},
};
use http_body_util::Full;
use hyper::{
    HeaderMap, Method, Request, Response,
    body::{Bytes, Incoming},
    client::conn::http1::{self, SendRequest},
    header::{HOST, HeaderValue},
};
use hyper_util::rt::TokioIo;
use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::time::timeout;

/// Kept connections of one origin.
const MAX_KEPT: usize = 8;
/// Origins whose connections are kept.
const MAX_ORIGINS: usize = 256;
/// How long a connection is kept; servers close them after a minute or so.
const MAX_IDLE: Duration = Duration::from_secs(45);
/// The buffer of a connection, which also bounds the head of an answer.
const MAX_BUFFER: usize = 256 << 10;

/// A request without its origin.
pub(crate) struct Exchange<'a> {
    pub(crate) method: Method,
    pub(crate) url: &'a Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// What is read, for messages.
    pub(crate) what: &'a str,
}

/// The connections of a client.
pub(crate) struct ConnectionPool {
    tls: TlsConfigs,
    proxies: ProxySettings,
    insecure: HashSet<(String, u16)>,
    limits: RegistryLimits,
    kept: Mutex<HashMap<Origin, Vec<KeptConnection>>>,
}

struct KeptConnection {
    sender: SendRequest<Full<Bytes>>,
    since: Instant,
}

impl ConnectionPool {
    /// `insecure` has the hosts and ports that may be reached by plain HTTP.
    pub(crate) fn new(
        tls: TlsConfigs,
        proxies: ProxySettings,
        insecure: HashSet<(String, u16)>,
        limits: RegistryLimits,
    ) -> Self {
        Self {
            tls,
            proxies,
            insecure,
            limits,
            kept: Mutex::default(),
        }
    }

    /// True if the origin is encrypted, loopback, or named as insecure.
    pub(crate) fn is_allowed(&self, origin: &Origin) -> bool {
        origin.https
            || origin.is_loopback()
            || self.insecure.contains(&(origin.host.clone(), origin.port))
    }

    /// Sends a request and waits for the head of the answer.
    pub(crate) async fn exchange(
        &self,
        exchange: &Exchange<'_>,
    ) -> Result<Response<Incoming>, RegistryError> {
        let origin = &exchange.url.origin;
        if !self.is_allowed(origin) {
            return Err(RegistryError::PlainHttp {
                host: origin.to_string(),
            });
        }
        if let Some(sender) = self.take(origin)
            && let Ok(answer) = self.send(sender, exchange).await
        {
            return Ok(answer);
        }
        let sender = self.connect(origin, exchange.what).await?;
        self.send(sender, exchange).await
    }

    async fn connect(
        &self,
        origin: &Origin,
        what: &str,
    ) -> Result<SendRequest<Full<Bytes>>, RegistryError> {
        let limit = self.limits.connect_time;
        let connecting = async {
            let proxy = self.proxies.proxy_for(origin);
            let stream = connection::connect(origin, proxy, &self.tls).await?;
            start_http(stream, what).await
        };
        timeout(limit, connecting)
            .await
            .unwrap_or_else(|_| Err(timed_out(what, "connection", limit)))
    }

    async fn send(
        &self,
        mut sender: SendRequest<Full<Bytes>>,
        exchange: &Exchange<'_>,
    ) -> Result<Response<Incoming>, RegistryError> {
        let request = self.request(exchange)?;
        let limit = self.limits.answer_time;
        let answer = timeout(limit, sender.send_request(request))
            .await
            .map_err(|_| timed_out(exchange.what, "answer", limit))?
            .map_err(|error| broken(exchange.what, &error))?;
        self.keep(&exchange.url.origin, sender);
        Ok(answer)
    }

    fn request(&self, exchange: &Exchange<'_>) -> Result<Request<Full<Bytes>>, RegistryError> {
        let origin = &exchange.url.origin;
        let path = exchange.url.path_and_query();
        let proxy = self.proxies.proxy_for(origin).filter(|_| !origin.https);
        let target = match proxy {
            Some(_) => format!("http://{}{path}", origin.with_port()),
            None => path.to_owned(),
        };
        let mut request = Request::builder().method(&exchange.method).uri(target);
        if let Some(headers) = request.headers_mut() {
            headers.clone_from(&exchange.headers);
            if let Ok(host) = HeaderValue::try_from(origin.to_string()) {
                headers.insert(HOST, host);
            }
            let authorization = proxy.and_then(|proxy| proxy.authorization.as_ref());
            if let Some(value) = authorization.and_then(|value| secret_header(value.expose())) {
                headers.insert(hyper::header::PROXY_AUTHORIZATION, value);
            }
        }
        request
            .body(Full::new(exchange.body.clone()))
            .map_err(|error| RegistryError::Answer {
                what: exchange.what.to_owned(),
                reason: format!("no request can be made of it: {error}"),
            })
    }

    /// Takes a kept connection that no body is being read from.
    fn take(&self, origin: &Origin) -> Option<SendRequest<Full<Bytes>>> {
        let mut kept = self.kept();
        let connections = kept.get_mut(origin)?;
        connections.retain(|kept| !kept.sender.is_closed() && kept.since.elapsed() < MAX_IDLE);
        let free = connections.iter().position(|kept| kept.sender.is_ready())?;
        Some(connections.swap_remove(free).sender)
    }

    fn keep(&self, origin: &Origin, sender: SendRequest<Full<Bytes>>) {
        let mut kept = self.kept();
        if kept.len() >= MAX_ORIGINS && !kept.contains_key(origin) {
            kept.clear();
        }
        let connections = kept.entry(origin.clone()).or_default();
        connections.retain(|kept| !kept.sender.is_closed());
        if connections.len() >= MAX_KEPT {
            connections.remove(0);
        }
        connections.push(KeptConnection {
            sender,
            since: Instant::now(),
        });
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<Origin, Vec<KeptConnection>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn start_http(
    stream: Box<dyn Stream>,
    what: &str,
) -> Result<SendRequest<Full<Bytes>>, RegistryError> {
    let started = http1::Builder::new()
        .max_buf_size(MAX_BUFFER)
        .handshake(TokioIo::new(stream))
        .await;
    let (sender, connection) = started.map_err(|error| broken(what, &error))?;
    // It ends when the sender and the body of the last answer are dropped. What breaks it is reported
    // by them.
    tokio::spawn(async move {
        let _ = connection.await;
    });
    Ok(sender)
}

/// A header that HTTP libraries do not print.
pub(crate) fn secret_header(value: &str) -> Option<HeaderValue> {
    let mut header = HeaderValue::try_from(value).ok()?;
    header.set_sensitive(true);
    Some(header)
}

pub(crate) fn timed_out(what: &str, event: &'static str, limit: Duration) -> RegistryError {
    RegistryError::TimedOut {
        what: what.to_owned(),
        event,
        limit,
    }
}

/// The message of hyper and of its cause; neither quotes what was sent or received.
pub(crate) fn broken(what: &str, error: &hyper::Error) -> RegistryError {
    use std::error::Error as _;
    let reason = match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    };
    RegistryError::Broken {
        what: what.to_owned(),
        reason,
    }
}
