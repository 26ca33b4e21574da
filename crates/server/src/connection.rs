//! One connection from its first byte to its last: TLS handshake, requests, and a close that its
//! caller does not notice.

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
    client_auth::certificate_subject,
    connection_clock::{ConnectionClock, TimedStream},
    connection_slot::{ConnectionSlot, ConnectionSlots},
    listener::ConnectionLimits,
    metrics::ServerMetrics,
    peer::Peer,
    shutdown::Shutdown,
    tls_source::TlsSource,
    tracked_body::TrackedBody,
};

/// HTTP/2: the most bytes of a request's head.
const MAX_HEADER_LIST_BYTES: u32 = 16 << 10;
/// HTTP/2: the idle time after which a caller gets a PING, and the time that it has to answer.
const PING_INTERVAL: Duration = Duration::from_secs(30);
const PING_TIMEOUT: Duration = Duration::from_secs(20);
/// HTTP/1.1: the most bytes of a buffer, and so of a request's head. A body of any size passes
/// through it.
const BUFFER_BYTES: usize = 8 << 10;
/// HTTP/2: the bytes that a caller may send before they are read, on one stream and on a whole
/// connection. A body of ordinary size arrives without waiting for the window: on a busy machine
/// that wait alone took longer than API servers wait. An API server sends all reviews over one
/// connection, so its window has room for the bodies of sixty wide objects: with room for twelve,
/// an ordinary body waited seconds behind them. Bytes are read and charged as they arrive, so the
/// windows fill only where the runtime is behind.
const STREAM_WINDOW_BYTES: u32 = 256 << 10;
const CONNECTION_WINDOW_BYTES: u32 = 16 << 20;
/// HTTP/2: the bytes of one response that are buffered for sending.
const SEND_BUFFER_BYTES: usize = 16 << 10;
/// TLS: the bytes that are buffered for sending.
const TLS_BUFFER_BYTES: usize = 32 << 10;

/// The state that all connections of one listener share.
#[derive(Clone)]
pub(super) struct ConnectionContext {
    pub(super) tls: Option<TlsSource>,
    pub(super) routes: TowerToHyperService<Router>,
    pub(super) limits: ConnectionLimits,
    pub(super) slots: ConnectionSlots,
    pub(super) metrics: ServerMetrics,
    pub(super) shutdown: Shutdown,
    /// Becomes true when idle connections are to close.
    pub(super) closing: watch::Receiver<bool>,
}

impl ConnectionContext {
    /// Serves a connection until it ends, or until its slot is given to another.
    pub(super) async fn serve(self, stream: TcpStream, slot: ConnectionSlot) {
        let slot = Arc::new(slot);
        let Some(tls) = &self.tls else {
            return self.serve_http1(stream, Peer::connected(&slot, None)).await;
        };
        let limit = match self.slots.is_crowded() {
            true => self.limits.crowded_handshake_timeout,
            false => self.limits.handshake_timeout,
        };
        let handshake = TlsAcceptor::from(tls.config()).accept_with(stream, |session| {
            session.set_buffer_limit(Some(TLS_BUFFER_BYTES));
        });
        let handshake = tokio::select! {
            handshake = timeout(limit, handshake) => handshake,
            () = slot.close.wait() => return self.record_handshake_failure("its place was needed"),
        };
        match handshake {
            Ok(Ok(stream)) => {
                let session = stream.get_ref().1;
                let leaf = session.peer_certificates().and_then(<[_]>::first);
                let subject = leaf.and_then(|certificate| certificate_subject(certificate));
                let peer = Peer::connected(&slot, subject);
                match session.alpn_protocol() {
                    Some(b"h2") => self.serve_http2(stream, peer).await,
                    _ => self.serve_http1(stream, peer).await,
                }
            }
            Ok(Err(error)) => self.record_handshake_failure(&error.to_string()),
            Err(_) => self.record_handshake_failure("it took too long"),
        }
    }

    fn record_handshake_failure(&self, reason: &str) {
        self.metrics.handshake_failures.inc();
        tracing::debug!("a TLS handshake failed: {reason}");
    }

    async fn serve_http1(self, stream: impl AsyncRead + AsyncWrite + Unpin, peer: Peer) {
        let clock = ConnectionClock::new(true, self.limits.send_timeout);
        let io = TokioIo::new(TimedStream {
            stream,
            clock: Arc::clone(&clock),
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.idle_timeout)
            .max_buf_size(BUFFER_BYTES)
            .writev(false)
            .serve_connection(
                io,
                service_fn(|request| self.respond(&clock, &peer, request)),
            );
        self.drive(
            &clock,
            &peer,
            connection,
            http1::Connection::graceful_shutdown,
        )
        .await;
    }

    async fn serve_http2(
        self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        peer: Peer,
    ) {
        let clock = ConnectionClock::new(false, self.limits.send_timeout);
        let io = TokioIo::new(TimedStream {
            stream,
            clock: Arc::clone(&clock),
        });
        let (context, service_clock, service_peer) =
            (self.clone(), Arc::clone(&clock), peer.clone());
        // hyper runs each stream as a task of its own, so each gets clones.
        let service = service_fn(move |request| {
            let (context, clock, peer) = (
                context.clone(),
                Arc::clone(&service_clock),
                service_peer.clone(),
            );
            async move { context.respond(&clock, &peer, request).await }
        });
        let connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_concurrent_streams(self.limits.max_streams)
            .max_header_list_size(MAX_HEADER_LIST_BYTES)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .max_send_buf_size(SEND_BUFFER_BYTES)
            .keep_alive_interval(PING_INTERVAL)
            .keep_alive_timeout(PING_TIMEOUT)
            .serve_connection(io, service);
        self.drive(
            &clock,
            &peer,
            connection,
            http2::Connection::graceful_shutdown,
        )
        .await;
    }

    async fn respond(
        &self,
        clock: &Arc<ConnectionClock>,
        peer: &Peer,
        mut request: Request<Incoming>,
    ) -> Result<Response<TrackedBody>, Infallible> {
        let active = ActiveRequest::new(clock);
        request.extensions_mut().insert(peer.clone());
        let is_http1 = request.version() < Version::HTTP_2;
        let mut response = self.routes.call(request).await?;
        if is_http1 && self.shutdown.has_begun() {
            response
                .headers_mut()
                .insert(CONNECTION, HeaderValue::from_static("close"));
        }
        drop(active);
        let unsent = (!is_http1).then(|| clock.track_response());
        Ok(response.map(|body| TrackedBody::new(body, unsent)))
    }

    /// Polls a connection until it ends, and closes it when it must end.
    ///
    /// When all connections are to close, one without any request still waits for its first: the
    /// response asks the caller to leave. An idle one closes after the bytes that have already
    /// arrived were read.
    async fn drive<C, E>(
        &self,
        clock: &ConnectionClock,
        peer: &Peer,
        connection: C,
        close_gracefully: impl Fn(Pin<&mut C>),
    ) where
        C: Future<Output = Result<(), E>>,
        E: std::fmt::Display,
    {
        tokio::pin!(connection);
        let mut closing = self.closing.clone();
        let may_close = async {
            // A dropped sender means the same as `true`.
            drop(closing.wait_for(|is_closing| *is_closing).await);
            clock.first_request().await;
        };
        tokio::pin!(may_close);
        let check_interval = (self.limits.header_timeout / 2).max(Duration::from_millis(1));
        let mut tick = interval(check_interval);
        let mut is_draining = false;
        let mut has_idled_out = false;
        loop {
            tokio::select! {
                biased;
                ended = &mut connection => {
                    if let Err(error) = ended {
                        tracing::debug!("a connection broke: {error}");
                    }
                    return;
                }
                () = &mut may_close, if !is_draining => {
                    is_draining = true;
                    if poll_received(connection.as_mut()).await {
                        return;
                    }
                    close_gracefully(connection.as_mut());
                }
                () = peer.closed() => {
                    tracing::debug!("a connection was closed to make room");
                    return;
                }
                _ = tick.tick() => {
                    if let Some(message) = self.overdue(clock) {
                        tracing::debug!("{message}");
                        return;
                    }
                    // Without this, an HTTP/2 caller that answers every PING would stay for ever.
                    if !has_idled_out && clock.is_idle(self.limits.idle_timeout) {
                        has_idled_out = true;
                        close_gracefully(connection.as_mut());
                    }
                }
            }
        }
    }

    /// Returns the log message for a timeout that the caller has exceeded.
    fn overdue(&self, clock: &ConnectionClock) -> Option<&'static str> {
        if clock.is_head_overdue(self.limits.header_timeout) {
            Some("a caller sent its request too slowly")
        } else if clock.has_stalled_response() {
            Some("a caller does not take its answers")
        } else {
            None
        }
    }
}

/// Polls a connection twice, so that it reads a request whose bytes have already arrived. True if it
/// ended.
async fn poll_received(mut connection: Pin<&mut impl Future>) -> bool {
    for _ in 0..2 {
        tokio::select! {
            biased;
            _ = connection.as_mut() => return true,
            () = tokio::task::yield_now() => {}
        }
    }
    false
}

/// Counts one request as active until it is dropped.
struct ActiveRequest<'c>(&'c ConnectionClock);

impl<'c> ActiveRequest<'c> {
    fn new(clock: &'c ConnectionClock) -> Self {
        clock.record_request();
        Self(clock)
    }
}

impl Drop for ActiveRequest<'_> {
    fn drop(&mut self) {
        self.0.record_response();
    }
}
