//! How fast a caller sends the head of a request. hyper has one clock for that and for the wait between two requests;
//! here a connection may wait long, and a head that was begun may not.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::Notify,
    time::Instant,
};

const IDLE: u64 = 0;
const BUSY: u64 = u64::MAX;

/// What a connection is at; shared by its stream and its service.
#[derive(Debug)]
pub(super) struct Pace {
    began: Instant,
    /// `IDLE`, `BUSY`, or when the head began: milliseconds since `began`, plus one.
    state: AtomicU64,
    /// Holds a permit once a request has come.
    called: Notify,
    /// One request after the other (HTTP/1.1): bytes between two are the next one's head.
    serial: bool,
}

impl Pace {
    /// A new connection: its first head is awaited.
    pub(super) fn new(serial: bool) -> Arc<Self> {
        let (state, called) = (AtomicU64::new(1), Notify::new());
        Arc::new(Self { began: Instant::now(), state, called, serial })
    }

    fn arrived(&self) {
        if self.serial {
            let now = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(BUSY - 2) + 1;
            let _ = self.state.compare_exchange(IDLE, now, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    /// A request has come.
    pub(super) fn called(&self) {
        self.state.store(BUSY, Ordering::Relaxed);
        self.called.notify_one();
    }

    /// Its response goes out.
    pub(super) fn answered(&self) {
        self.state.store(IDLE, Ordering::Relaxed);
    }

    /// Resolves when a request has come.
    pub(super) async fn first_call(&self) {
        self.called.notified().await;
    }

    /// A head was begun longer than `limit` ago.
    pub(super) fn is_slow(&self, limit: Duration) -> bool {
        match self.state.load(Ordering::Relaxed) {
            IDLE | BUSY => false,
            at => self.began.elapsed() > Duration::from_millis(at - 1) + limit,
        }
    }
}

/// A stream that tells when bytes arrive.
pub(super) struct Paced<S> {
    pub(super) stream: S,
    pub(super) pace: Arc<Pace>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.pace.arrived();
        }
        polled
    }
}

/// Never vectored: head and body leave in one write, as one TLS record.
impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
