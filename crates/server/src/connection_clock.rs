//! How fast a caller sends the head of a request, how long its connection has been idle, and whether it takes its
//! answers. hyper has one clock for heads and for the wait between two requests; here a connection may wait long, and a
//! head that was begun may not.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
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
/// Answers are counted by the period in which they were given; those of this many periods are told apart.
const PERIODS: u64 = 5;

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
    /// Requests that are not answered yet.
    active: AtomicU32,
    /// When the last request was answered: milliseconds since `began`.
    answered: AtomicU64,
    /// Answers that the caller has not taken, by the period in which they were given.
    untaken: [AtomicU32; PERIODS as usize],
    period: Duration,
}

impl Pace {
    /// A new connection: its first head is awaited. `taken_within`: how long an answer may wait to be taken.
    pub(super) fn new(serial: bool, taken_within: Duration) -> Arc<Self> {
        Arc::new(Self {
            began: Instant::now(),
            state: AtomicU64::new(1),
            called: Notify::new(),
            serial,
            active: AtomicU32::new(0),
            answered: AtomicU64::new(0),
            untaken: Default::default(),
            period: (taken_within / 3).max(Duration::from_millis(1)),
        })
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(BUSY - 2)
    }

    fn period_now(&self) -> u64 {
        self.now_ms() / u64::try_from(self.period.as_millis()).unwrap_or(1).max(1)
    }

    fn untaken_of(&self, period: u64) -> Option<&AtomicU32> {
        self.untaken
            .get(usize::try_from(period % PERIODS).unwrap_or_default())
    }

    /// An answer waits to be taken until the guard is dropped.
    pub(super) fn answer(self: &Arc<Self>) -> Arc<Untaken> {
        let period = self.period_now();
        if let Some(count) = self.untaken_of(period) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        Arc::new(Untaken {
            pace: Arc::clone(self),
            period,
        })
    }

    /// An answer waits longer than it may: those of the oldest period that is told apart.
    pub(super) fn is_untaken(&self) -> bool {
        self.untaken_of(self.period_now() + 1)
            .is_some_and(|it| it.load(Ordering::Relaxed) > 0)
    }

    /// No request is under way, and the last one was answered longer than `limit` ago.
    pub(super) fn is_idle(&self, limit: Duration) -> bool {
        let since = Duration::from_millis(
            self.now_ms()
                .saturating_sub(self.answered.load(Ordering::Relaxed)),
        );
        self.active.load(Ordering::Relaxed) == 0 && since > limit
    }

    fn arrived(&self) {
        if self.serial {
            let now = self.now_ms() + 1;
            let _ = self
                .state
                .compare_exchange(IDLE, now, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    /// A request has come.
    pub(super) fn called(&self) {
        self.state.store(BUSY, Ordering::Relaxed);
        self.active.fetch_add(1, Ordering::Relaxed);
        self.called.notify_one();
    }

    /// Its response goes out, or its caller has gone.
    pub(super) fn answered(&self) {
        self.state.store(IDLE, Ordering::Relaxed);
        self.answered.store(self.now_ms(), Ordering::Relaxed);
        self.active.fetch_sub(1, Ordering::Relaxed);
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

/// An answer that the caller has not taken.
#[derive(Debug)]
pub(super) struct Untaken {
    pace: Arc<Pace>,
    period: u64,
}

impl Drop for Untaken {
    fn drop(&mut self) {
        if let Some(count) = self.pace.untaken_of(self.period) {
            count.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// A stream that tells when bytes arrive.
pub(super) struct Paced<S> {
    pub(super) stream: S,
    pub(super) pace: Arc<Pace>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
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
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
