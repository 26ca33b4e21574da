//! The timeouts of one connection: how long a caller takes to send the head of a request, how long
//! the connection is idle, and how long responses wait to be read.
//!
//! hyper has one timeout for heads and for the wait between two requests. Here a connection may be
//! idle for long, but a head that has begun must arrive soon.

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

/// The states of `ConnectionClock::state` that are not a time: no head has begun, or a request is
/// being answered.
const IDLE: u64 = 0;
const BUSY: u64 = u64::MAX;
/// The number of counters for unsent responses. Responses are counted by the period in which they
/// were given, a third of the send timeout; the counters form a ring over the last periods.
const PERIODS: u64 = 5;

/// The clock of one connection, shared by its stream and its service.
#[derive(Debug)]
pub(super) struct ConnectionClock {
    started_at: Instant,
    /// `IDLE`, `BUSY`, or the time at which the head began: milliseconds since `started_at`, plus
    /// one.
    state: AtomicU64,
    /// Holds a permit once the first request has arrived.
    first_request: Notify,
    /// True for HTTP/1.1, where requests are serial: bytes after a response begin the next head.
    is_serial: bool,
    /// The number of requests that are not answered yet.
    active_requests: AtomicU32,
    /// The time of the last response: milliseconds since `started_at`.
    last_response_ms: AtomicU64,
    /// The numbers of unsent responses, by the period in which they were given, modulo `PERIODS`.
    unsent: [AtomicU32; PERIODS as usize],
    period: Duration,
}

impl ConnectionClock {
    /// Starts the clock of a new connection, whose first head is expected now. `send_timeout` is
    /// the time that a response may wait to be read.
    pub(super) fn new(is_serial: bool, send_timeout: Duration) -> Arc<Self> {
        Arc::new(Self {
            started_at: Instant::now(),
            state: AtomicU64::new(1),
            first_request: Notify::new(),
            is_serial,
            active_requests: AtomicU32::new(0),
            last_response_ms: AtomicU64::new(0),
            unsent: Default::default(),
            period: (send_timeout / 3).max(Duration::from_millis(1)),
        })
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.started_at.elapsed().as_millis()).unwrap_or(BUSY - 2)
    }

    fn current_period(&self) -> u64 {
        self.now_ms() / u64::try_from(self.period.as_millis()).unwrap_or(1).max(1)
    }

    fn unsent_in(&self, period: u64) -> Option<&AtomicU32> {
        self.unsent
            .get(usize::try_from(period % PERIODS).unwrap_or_default())
    }

    /// Counts a response as unsent until the guard is dropped.
    pub(super) fn track_response(self: &Arc<Self>) -> Arc<UnsentResponse> {
        let period = self.current_period();
        if let Some(count) = self.unsent_in(period) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        Arc::new(UnsentResponse {
            clock: Arc::clone(self),
            period,
        })
    }

    /// True if a response has waited longer than the send timeout.
    pub(super) fn has_stalled_response(&self) -> bool {
        // In a ring of five, the counter after the current one is that of four periods ago; a
        // response in it has waited for more than three whole periods, which is the timeout.
        self.unsent_in(self.current_period() + 1)
            .is_some_and(|count| count.load(Ordering::Relaxed) > 0)
    }

    /// True if no request is active and the last response is longer ago than `limit`.
    pub(super) fn is_idle(&self, limit: Duration) -> bool {
        let since = Duration::from_millis(
            self.now_ms()
                .saturating_sub(self.last_response_ms.load(Ordering::Relaxed)),
        );
        self.active_requests.load(Ordering::Relaxed) == 0 && since > limit
    }

    /// Records that bytes were read: they begin a head, if none has begun.
    fn record_read(&self) {
        if self.is_serial {
            let now = self.now_ms() + 1;
            let _ = self
                .state
                .compare_exchange(IDLE, now, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    /// Records that the head of a request is complete.
    pub(super) fn record_request(&self) {
        self.state.store(BUSY, Ordering::Relaxed);
        self.active_requests.fetch_add(1, Ordering::Relaxed);
        self.first_request.notify_one();
    }

    /// Records that a response is given, or that its caller is gone.
    pub(super) fn record_response(&self) {
        self.state.store(IDLE, Ordering::Relaxed);
        self.last_response_ms
            .store(self.now_ms(), Ordering::Relaxed);
        self.active_requests.fetch_sub(1, Ordering::Relaxed);
    }

    /// Resolves when the first request has arrived.
    pub(super) async fn first_request(&self) {
        self.first_request.notified().await;
    }

    /// True if a head began longer than `limit` ago and is not complete.
    pub(super) fn is_head_overdue(&self, limit: Duration) -> bool {
        match self.state.load(Ordering::Relaxed) {
            IDLE | BUSY => false,
            begun => self.started_at.elapsed() > Duration::from_millis(begun - 1) + limit,
        }
    }
}

/// A guard for one response that its caller has not read yet.
#[derive(Debug)]
pub(super) struct UnsentResponse {
    clock: Arc<ConnectionClock>,
    period: u64,
}

impl Drop for UnsentResponse {
    fn drop(&mut self) {
        if let Some(count) = self.clock.unsent_in(self.period) {
            count.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// A stream that reports to a clock when bytes arrive.
pub(super) struct TimedStream<S> {
    pub(super) stream: S,
    pub(super) clock: Arc<ConnectionClock>,
}

impl<S: AsyncRead + Unpin> AsyncRead for TimedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.clock.record_read();
        }
        polled
    }
}

/// Writes are never vectored: head and body leave in one write, as one TLS record.
impl<S: AsyncWrite + Unpin> AsyncWrite for TimedStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, buffer)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
