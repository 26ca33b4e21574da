//! The task that calls the sinks, one call after the other, in the order of what happened.
//!
//! It asks the fence before each call. A call that fails in a way that may pass is repeated for a
//! bounded time. What is given up is counted, and all objects are read again later.

use super::{
    metrics::OperatorMetrics,
    sink::{FinishedSweep, ResultBatch, ResultSink, SinkError},
};
use kubevet_cluster::Fence;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::{mpsc, oneshot};

/// The number of calls that wait for the sinks.
const MAX_WAITING: usize = 4;
/// The most uids of one call.
const MAX_UIDS: usize = 500;
/// The number of times that a call is made.
const MAX_ATTEMPTS: u32 = 5;
/// The pause after the first failed attempt; each one after it is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// The time for one call.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// What is to be written.
pub(super) enum Write {
    Results {
        batch: ResultBatch,
        removed: Vec<Arc<str>>,
        /// When the changes came whose results these are.
        received: Vec<Instant>,
    },
    SweepFinished(Arc<FinishedSweep>, Vec<oneshot::Sender<Arc<FinishedSweep>>>),
    Flush(oneshot::Sender<()>),
}

/// The way to the writer.
pub(super) struct ResultWriter {
    sender: mpsc::Sender<Write>,
    has_lost: Arc<AtomicBool>,
}

impl ResultWriter {
    pub(super) fn start(
        sinks: Vec<Box<dyn ResultSink>>,
        fence: Fence,
        metrics: Arc<OperatorMetrics>,
    ) -> Self {
        let (sender, writes) = mpsc::channel(MAX_WAITING);
        let has_lost = Arc::new(AtomicBool::new(false));
        let task = WriterTask {
            sinks,
            fence,
            metrics,
            has_lost: Arc::clone(&has_lost),
        };
        tokio::spawn(task.run(writes));
        Self { sender, has_lost }
    }

    /// Hands over what is to be written, once there is room.
    pub(super) async fn send(&self, write: Write) {
        // It fails only if the task has panicked.
        if self.sender.send(write).await.is_err() {
            self.has_lost.store(true, Ordering::Relaxed);
        }
    }

    /// True if something was given up since the last call.
    pub(super) fn take_lost(&self) -> bool {
        self.has_lost.swap(false, Ordering::Relaxed)
    }

    /// Waits until all is written, at most for a time.
    pub(super) async fn flush(&self, timeout: Duration) {
        let (sender, flushed) = oneshot::channel();
        let flush = async {
            self.send(Write::Flush(sender)).await;
            let _ = flushed.await;
        };
        if tokio::time::timeout(timeout, flush).await.is_err() {
            tracing::warn!("results were not written in time; the next sweep writes them");
        }
    }
}

struct WriterTask {
    sinks: Vec<Box<dyn ResultSink>>,
    fence: Fence,
    metrics: Arc<OperatorMetrics>,
    has_lost: Arc<AtomicBool>,
}

/// One call of a sink.
enum Call<'a> {
    Write(&'a ResultBatch),
    Remove(&'a [Arc<str>]),
    SweepFinished(&'a FinishedSweep),
    Flush,
}

impl WriterTask {
    async fn run(mut self, mut writes: mpsc::Receiver<Write>) {
        while let Some(write) = writes.recv().await {
            match write {
                Write::Results {
                    batch,
                    removed,
                    received,
                } => {
                    if !batch.results.is_empty() {
                        self.call(&Call::Write(&batch)).await;
                    }
                    for uids in removed.chunks(MAX_UIDS) {
                        self.call(&Call::Remove(uids)).await;
                    }
                    for received in received {
                        self.metrics.observe_lag(received.elapsed());
                    }
                }
                Write::SweepFinished(sweep, waiters) => {
                    self.call(&Call::SweepFinished(&sweep)).await;
                    for waiter in waiters {
                        let _ = waiter.send(Arc::clone(&sweep));
                    }
                }
                Write::Flush(sender) => {
                    self.call(&Call::Flush).await;
                    let _ = sender.send(());
                }
            }
        }
    }

    async fn call(&mut self, call: &Call<'_>) {
        for sink in &mut self.sinks {
            let name = sink.name();
            let called = call_sink(sink.as_mut(), call, &self.fence).await;
            match called {
                Ok(()) => self.metrics.count_write(name, "written"),
                Err(SinkError::Fenced) => {
                    self.metrics.count_write(name, "fenced");
                    tracing::info!(sink = name, "not written: this replica does not lead");
                }
                Err(error) => {
                    self.metrics.count_write(name, "lost");
                    self.has_lost.store(true, Ordering::Relaxed);
                    tracing::error!(sink = name, "results were not written: {error}");
                }
            }
        }
    }
}

async fn call_sink(
    sink: &mut dyn ResultSink,
    call: &Call<'_>,
    fence: &Fence,
) -> Result<(), SinkError> {
    let mut pause = FIRST_PAUSE;
    let mut attempts = 0;
    loop {
        let remaining = fence.remaining();
        if remaining.is_zero() {
            return Err(SinkError::Fenced);
        }
        let called = match call {
            Call::Write(batch) => sink.write(batch, fence),
            Call::Remove(uids) => sink.remove(uids, fence),
            Call::SweepFinished(sweep) => sink.sweep_finished(sweep, fence),
            Call::Flush => sink.flush(fence),
        };
        // A call may go on for longer than the fence is open now: it is renewed meanwhile, and the
        // sink asks it before each of its writes.
        let called = tokio::time::timeout(CALL_TIMEOUT, called).await;
        let error = match called {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(SinkError::Transient(reason))) => SinkError::Transient(reason),
            Ok(Err(error)) => return Err(error),
            Err(_) => {
                SinkError::Transient(format!("no answer within {} s", CALL_TIMEOUT.as_secs()))
            }
        };
        attempts += 1;
        if attempts >= MAX_ATTEMPTS {
            return Err(error);
        }
        tracing::warn!(sink = sink.name(), "{error}; trying again");
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
}
