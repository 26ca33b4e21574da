//! One connection from its first byte to its last: handshake, requests, and an end that its caller does not notice.

use std::{convert::Infallible, future::Future, pin::Pin, sync::Arc, time::Duration};

use axum::Router;
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
    client_auth::subject,
    connection_clock::{Pace, Paced},
    listener::Limits,
    metrics::Metrics,
    peer::{Peer, Place, Room},
    shutdown::Shutdown,
    tls_source::TlsSource,
    tracked_body::Taking,
};

/// Longest head of an HTTP/2 request.
const MAX_HEAD: u32 = 16 << 10;
/// HTTP/2: a caller that sends nothing is asked for a sign of life.
const PING_EVERY: Duration = Duration::from_secs(30);
const PING_ANSWER: Duration = Duration::from_secs(20);
/// HTTP/1.1: the most bytes of a buffer, and so of a request's head. A body of any size passes through it.
const BUFFER_BYTES: usize = 8 << 10;
/// HTTP/2: bytes that a caller may send before they are read, on one stream and on all of a connection. A body of ordinary
/// size comes without waiting for the window: on a busy machine that wait alone took longer than API servers wait. What
/// comes is read at once and charged, so the windows fill only where the runtime is behind.
const STREAM_WINDOW: u32 = 256 << 10;
const CONNECTION_WINDOW: u32 = 2 << 20;
/// HTTP/2: bytes of one stream's answer that wait to be sent.
const SEND_BUFFER_BYTES: usize = 16 << 10;
/// TLS: bytes that wait to be sent.
const TLS_BUFFER_BYTES: usize = 32 << 10;

/// What all connections of one listener share.
#[derive(Clone)]
pub(super) struct Context {
    pub(super) tls: Option<TlsSource>,
    pub(super) routes: TowerToHyperService<Router>,
    pub(super) limits: Limits,
    pub(super) room: Room,
    pub(super) metrics: Metrics,
    pub(super) shutdown: Shutdown,
    /// Turns true when idle connections are to be closed.
    pub(super) closing: watch::Receiver<bool>,
}

impl Context {
    /// Serves a connection to its end, or until its place is given to another.
    pub(super) async fn serve(self, stream: TcpStream, place: Place) {
        let place = Arc::new(place);
        let Some(tls) = &self.tls else {
            return self.http1(stream, place.peer(None)).await;
        };
        let limit = match self.room.is_crowded() {
            true => self.limits.handshake_crowded,
            false => self.limits.handshake,
        };
        let handshake = TlsAcceptor::from(tls.config()).accept_with(stream, |tls| {
            tls.set_buffer_limit(Some(TLS_BUFFER_BYTES));
        });
        let shaken = tokio::select! {
            shaken = timeout(limit, handshake) => shaken,
            () = place.cut.wait() => return self.failed("its place was needed"),
        };
        match shaken {
            Ok(Ok(stream)) => {
                let session = stream.get_ref().1;
                let certificate = session.peer_certificates().and_then(<[_]>::first);
                let peer = place.peer(certificate.and_then(|it| subject(it)));
                match session.alpn_protocol() {
                    Some(b"h2") => self.http2(stream, peer).await,
                    _ => self.http1(stream, peer).await,
                }
            }
            Ok(Err(error)) => self.failed(&error.to_string()),
            Err(_) => self.failed("it took too long"),
        }
    }

    fn failed(&self, why: &str) {
        self.metrics.handshake_failures.inc();
        tracing::debug!("a TLS handshake failed: {why}");
    }

    async fn http1(self, stream: impl AsyncRead + AsyncWrite + Unpin, peer: Peer) {
        let pace = Pace::new(true, self.limits.taken);
        let io = TokioIo::new(Paced {
            stream,
            pace: Arc::clone(&pace),
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.idle)
            .max_buf_size(BUFFER_BYTES)
            .writev(false)
            .serve_connection(io, service_fn(|request| self.answer(&pace, &peer, request)));
        self.drive(
            &pace,
            &peer,
            connection,
            http1::Connection::graceful_shutdown,
        )
        .await;
    }

    async fn http2(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, peer: Peer) {
        let pace = Pace::new(false, self.limits.taken);
        let io = TokioIo::new(Paced {
            stream,
            pace: Arc::clone(&pace),
        });
        let (own, shared) = (self.clone(), (Arc::clone(&pace), peer.clone()));
        // HTTP/2 runs each stream as a task of its own.
        let service = service_fn(move |request| {
            let (own, (pace, peer)) = (own.clone(), shared.clone());
            async move { own.answer(&pace, &peer, request).await }
        });
        let connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_concurrent_streams(self.limits.streams)
            .max_header_list_size(MAX_HEAD)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_send_buf_size(SEND_BUFFER_BYTES)
            .keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PING_ANSWER)
            .serve_connection(io, service);
        self.drive(
            &pace,
            &peer,
            connection,
            http2::Connection::graceful_shutdown,
        )
        .await;
    }

    async fn answer(
        &self,
        pace: &Arc<Pace>,
        peer: &Peer,
        mut request: Request<Incoming>,
    ) -> Result<Response<Taking>, Infallible> {
        let called = Called::new(pace);
        request.extensions_mut().insert(peer.clone());
        let http1 = request.version() < Version::HTTP_2;
        let mut response = self.routes.call(request).await?;
        if http1 && self.shutdown.has_begun() {
            response
                .headers_mut()
                .insert(CONNECTION, HeaderValue::from_static("close"));
        }
        drop(called);
        let untaken = (!http1).then(|| pace.answer());
        Ok(response.map(|body| Taking::new(body, untaken)))
    }

    /// Runs a connection to its end. When all are to close, one that was never called still waits for its call (its
    /// answer asks the caller to leave); an idle one is closed after what has already arrived was read.
    async fn drive<C, E>(
        &self,
        pace: &Pace,
        peer: &Peer,
        connection: C,
        close: impl Fn(Pin<&mut C>),
    ) where
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
        let mut ended_idle = false;
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
                () = peer.wait_cut() => {
                    tracing::debug!("a connection was closed to make room");
                    return;
                }
                _ = tick.tick() => {
                    if pace.is_slow(self.limits.head) {
                        tracing::debug!("a caller sent its request too slowly");
                        return;
                    }
                    if pace.is_untaken() {
                        tracing::debug!("a caller does not take its answers");
                        return;
                    }
                    // A caller of HTTP/2 that answers every PING would else stay for ever.
                    if !ended_idle && pace.is_idle(self.limits.idle) {
                        ended_idle = true;
                        close(connection.as_mut());
                    }
                }
            }
        }
    }
}

/// A request that is being answered, whatever ends it.
struct Called<'p>(&'p Pace);

impl<'p> Called<'p> {
    fn new(pace: &'p Pace) -> Self {
        pace.called();
        Self(pace)
    }
}

impl Drop for Called<'_> {
    fn drop(&mut self) {
        self.0.answered();
    }
}
