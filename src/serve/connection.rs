//! One connection from its first byte to its last: handshake, requests, and an end that its caller does not notice.

use std::{convert::Infallible, future::Future, pin::Pin, sync::Arc, time::Duration};

use axum::{Router, body::Body};
use hyper::{
    Request, Response, Version,
    body::Incoming,
    header::{CONNECTION, HeaderValue},
    server::conn::{http1, http2},
    service::{Service, service_fn},
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::watch,
    time::{interval, timeout},
};
use tokio_rustls::TlsAcceptor;

use super::{
    listener::Limits,
    metrics::Metrics,
    pace::{Pace, Paced},
    shutdown::Shutdown,
    tls::TlsSource,
};

/// Longest head of an HTTP/2 request.
const MAX_HEAD: u32 = 16 << 10;
/// HTTP/2: a caller that sends nothing is asked for a sign of life.
const PING_EVERY: Duration = Duration::from_secs(30);
const PING_ANSWER: Duration = Duration::from_secs(20);

/// What all connections of one listener share.
#[derive(Clone)]
pub(super) struct Context {
    pub(super) tls: Option<TlsSource>,
    pub(super) routes: TowerToHyperService<Router>,
    pub(super) limits: Limits,
    pub(super) metrics: Metrics,
    pub(super) shutdown: Shutdown,
    /// Turns true when idle connections are to be closed.
    pub(super) closing: watch::Receiver<bool>,
}

impl Context {
    pub(super) async fn serve(self, stream: TcpStream) {
        let Some(tls) = &self.tls else { return self.http1(stream).await };
        let handshake = TlsAcceptor::from(tls.config()).accept(stream);
        match timeout(self.limits.handshake, handshake).await {
            Ok(Ok(stream)) if stream.get_ref().1.alpn_protocol() == Some(b"h2") => self.http2(stream).await,
            Ok(Ok(stream)) => self.http1(stream).await,
            Ok(Err(error)) => self.failed(&error.to_string()),
            Err(_) => self.failed("it took too long"),
        }
    }

    fn failed(&self, why: &str) {
        self.metrics.handshake_failures.inc();
        tracing::debug!("a TLS handshake failed: {why}");
    }

    async fn http1(self, stream: impl AsyncRead + AsyncWrite + Unpin) {
        let pace = Pace::new(true);
        let io = TokioIo::new(Paced { stream, pace: Arc::clone(&pace) });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.idle)
            .writev(false)
            .serve_connection(io, service_fn(|request| self.answer(&pace, request)));
        self.drive(&pace, connection, http1::Connection::graceful_shutdown).await;
    }

    async fn http2(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let pace = Pace::new(false);
        let io = TokioIo::new(Paced { stream, pace: Arc::clone(&pace) });
        let (own, shared) = (self.clone(), Arc::clone(&pace));
        // HTTP/2 runs each stream as a task of its own.
        let service = service_fn(move |request| {
            let (own, pace) = (own.clone(), Arc::clone(&shared));
            async move { own.answer(&pace, request).await }
        });
        let connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_concurrent_streams(self.limits.streams)
            .max_header_list_size(MAX_HEAD)
            .keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PING_ANSWER)
            .serve_connection(io, service);
        self.drive(&pace, connection, http2::Connection::graceful_shutdown).await;
    }

    async fn answer(&self, pace: &Pace, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
        pace.called();
        let http1 = request.version() < Version::HTTP_2;
        let mut response = self.routes.call(request).await?;
        if http1 && self.shutdown.has_begun() {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        pace.answered();
        Ok(response)
    }

    /// Runs a connection to its end. When all are to close, one that was never called still waits for its call (its
    /// answer asks the caller to leave); an idle one is closed after what has already arrived was read.
    async fn drive<C, E>(&self, pace: &Pace, connection: C, close: impl Fn(Pin<&mut C>))
    where
        C: Future<Output = Result<(), E>>,
        E: std::fmt::Display,
    {
        tokio::pin!(connection);
        let mut closing = self.closing.clone();
        let leave = async {
            // The sender gone means the same.
            drop(closing.wait_for(|it| *it).await);
            pace.first_call().await;
        };
        tokio::pin!(leave);
        let mut tick = interval((self.limits.head / 2).max(Duration::from_millis(1)));
        let mut left = false;
        loop {
            tokio::select! {
                biased;
                ended = &mut connection => {
                    if let Err(error) = ended {
                        tracing::debug!("a connection broke: {error}");
                    }
                    return;
                }
                () = &mut leave, if !left => {
                    left = true;
                    for _ in 0..2 {
                        tokio::select! {
                            biased;
                            _ = &mut connection => return,
                            () = tokio::task::yield_now() => {}
                        }
                    }
                    close(connection.as_mut());
                }
                _ = tick.tick() => {
                    if pace.is_slow(self.limits.head) {
                        tracing::debug!("a caller sent its request too slowly");
                        return;
                    }
                }
            }
        }
    }
}
