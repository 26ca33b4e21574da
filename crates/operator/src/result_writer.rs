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

/// What is to be written.
pub(super) enum Write {
    /// This replica leads from now on.
    Lead,
    Results {
        batch: Arc<ResultBatch>,
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
        let sinks = sinks.into_iter();
        let task = WriterTask {
            sinks: sinks
                .map(|sink| CalledSink {
                    sink,
                    lost_sweep: None,
                })
                .collect(),
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
    sinks: Vec<CalledSink>,
    fence: Fence,
    metrics: Arc<OperatorMetrics>,
    has_lost: Arc<AtomicBool>,
}

/// A sink, and what it has not got.
struct CalledSink {
    sink: Box<dyn ResultSink>,
    /// The sweep of the last results that it did not keep: it must not end as a complete one.
    lost_sweep: Option<u64>,
}

/// One call of a sink.
enum Call<'a> {
    Lead,
    Write(&'a Arc<ResultBatch>),
    Remove(&'a [Arc<str>]),
    SweepFinished(&'a Arc<FinishedSweep>),
    Flush,
}

impl WriterTask {
    async fn run(mut self, mut writes: mpsc::Receiver<Write>) {
        while let Some(write) = writes.recv().await {
            match write {
                Write::Lead => self.call(&Call::Lead).await,
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
        for CalledSink { sink, lost_sweep } in &mut self.sinks {
            let name = sink.name();
            let incomplete = match call {
                Call::SweepFinished(sweep) if *lost_sweep == Some(sweep.sweep) => {
                    Some(Arc::new(FinishedSweep {
                        is_complete: false,
                        ..FinishedSweep::clone(sweep)
                    }))
                }
                _ => None,
            };
            let of_incomplete = incomplete.as_ref().map(Call::SweepFinished);
            let made = of_incomplete.as_ref().unwrap_or(call);
            let called = call_sink(sink.as_mut(), made, &self.fence).await;
            let has_all = matches!(called, Ok(()) | Err(SinkError::Partial(_)));
            if let (Call::Write(batch), false) = (call, has_all) {
                *lost_sweep = Some(batch.sweep);
            }
            match called {
                Ok(()) => self.metrics.count_write(name, "written"),
                Err(SinkError::Fenced) => {
                    self.metrics.count_write(name, "fenced");
                    // It may lead again before it notices that it did not.
                    self.has_lost.store(true, Ordering::Relaxed);
                    tracing::info!(sink = name, "not written: this replica does not lead");
                }
                // The sink has said why.
                Err(SinkError::Partial(_)) => {
                    self.metrics.count_write(name, "partial");
                    self.has_lost.store(true, Ordering::Relaxed);
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
    let timeout = sink.call_timeout();
    let mut pause = FIRST_PAUSE;
    let mut attempts = 0;
    loop {
        if !fence.is_open() && !matches!(call, Call::Lead) {
            return Err(SinkError::Fenced);
        }
        let called = match call {
            Call::Lead => sink.lead(),
            Call::Write(batch) => sink.write(batch, fence),
            Call::Remove(uids) => sink.remove(uids, fence),
            Call::SweepFinished(sweep) => sink.sweep_finished(sweep, fence),
            Call::Flush => sink.flush(fence),
        };
        // A call may go on for longer than the fence is open now: it is renewed meanwhile, and the
        // sink asks it before each of its writes.
        let called = tokio::time::timeout(timeout, called).await;
        let error = match called {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(SinkError::Transient(reason))) => SinkError::Transient(reason),
            Ok(Err(error)) => return Err(error),
            Err(_) => SinkError::Transient(format!("no answer within {} s", timeout.as_secs())),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::SinkFuture;
    use kubevet_model::{ObjectId, ObjectResult, Origin};
    use prometheus_client::registry::Registry;
    use std::{
        collections::VecDeque,
        sync::{Mutex, PoisonError},
    };

    /// Answers each call as it was told, and with success after that.
    struct ScriptedSink {
        answers: VecDeque<Result<(), SinkError>>,
        calls: Arc<Mutex<Vec<String>>>,
    }

    impl ScriptedSink {
        fn answer(&mut self, call: String) -> SinkFuture<'_> {
            let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
            calls.push(call);
            let answer = self.answers.pop_front().unwrap_or(Ok(()));
            Box::pin(async { answer })
        }
    }

    impl ResultSink for ScriptedSink {
        fn name(&self) -> &'static str {
            "scripted"
        }

        fn lead(&mut self) -> SinkFuture<'_> {
            self.answer("lead".to_owned())
        }

        fn write<'a>(&'a mut self, batch: &'a Arc<ResultBatch>, _: &'a Fence) -> SinkFuture<'a> {
            self.answer(format!("write {}", batch.results.len()))
        }

        fn remove<'a>(&'a mut self, uids: &'a [Arc<str>], _: &'a Fence) -> SinkFuture<'a> {
            self.answer(format!("remove {}", uids.len()))
        }

        fn sweep_finished<'a>(
            &'a mut self,
            sweep: &'a Arc<FinishedSweep>,
            _: &'a Fence,
        ) -> SinkFuture<'a> {
            self.answer(format!("sweep {} {}", sweep.sweep, sweep.is_complete))
        }
    }

    /// Writes one result and some removals to a sink that gives these answers.
    async fn check(
        answers: &[Result<(), SinkError>],
        fence: Fence,
        removed: usize,
        expected: &[&str],
        is_lost: bool,
    ) {
        let calls = Arc::default();
        let sink = ScriptedSink {
            answers: answers.iter().cloned().collect(),
            calls: Arc::clone(&calls),
        };
        let metrics = Arc::new(OperatorMetrics::register(&mut Registry::default()));
        let writer = ResultWriter::start(vec![Box::new(sink)], fence, metrics);
        let result = ObjectResult {
            object: Arc::new(ObjectId::default()),
            origin: Origin::Cluster {
                uid: "a".into(),
                resource_version: "1".into(),
            },
            judged: Vec::new(),
            findings: Vec::new(),
            errors: Vec::new(),
        };
        let batch = Arc::new(ResultBatch {
            sweep: 1,
            results: vec![result],
            ..ResultBatch::default()
        });
        let removed = vec![Arc::from("b"); removed];
        let received = Vec::new();
        let write = Write::Results {
            batch,
            removed,
            received,
        };
        writer.send(write).await;
        writer.flush(Duration::from_secs(60)).await;
        let calls = calls.lock().unwrap_or_else(PoisonError::into_inner);
        assert_eq!(*calls, expected);
        assert_eq!(writer.take_lost(), is_lost);
        assert!(!writer.take_lost());
    }

    fn transient() -> Result<(), SinkError> {
        Err(SinkError::Transient("busy".to_owned()))
    }

    #[tokio::test(start_paused = true)]
    async fn failed_call_is_repeated_in_order_and_given_up_in_the_end() {
        let open = Fence::always_open;
        let all = ["write 1", "remove 2"];
        check(&[], open(), 2, &all, false).await;
        let repeated = ["write 1", "write 1", "write 1", "remove 2"];
        check(&[transient(), transient()], open(), 2, &repeated, false).await;
        let answers: Vec<Result<(), SinkError>> = (0..5).map(|_| transient()).collect();
        let given_up = [
            "write 1", "write 1", "write 1", "write 1", "write 1", "remove 2",
        ];
        check(&answers, open(), 2, &given_up, true).await;
        let permanent = Err(SinkError::Permanent("too large".to_owned()));
        check(&[permanent], open(), 2, &all, true).await;
    }

    /// Writes a batch of the first sweep with this answer, and ends two sweeps.
    async fn check_sweeps(answer: Result<(), SinkError>, expected: &[&str]) {
        let calls = Arc::default();
        let sink = ScriptedSink {
            answers: VecDeque::from([answer]),
            calls: Arc::clone(&calls),
        };
        let metrics = Arc::new(OperatorMetrics::register(&mut Registry::default()));
        let writer = ResultWriter::start(vec![Box::new(sink)], Fence::always_open(), metrics);
        let batch = Arc::new(ResultBatch {
            sweep: 1,
            results: vec![ObjectResult {
                object: Arc::new(ObjectId::default()),
                origin: Origin::Cluster {
                    uid: "a".into(),
                    resource_version: "1".into(),
                },
                judged: Vec::new(),
                findings: Vec::new(),
                errors: Vec::new(),
            }],
            ..ResultBatch::default()
        });
        let write = Write::Results {
            batch,
            removed: Vec::new(),
            received: Vec::new(),
        };
        writer.send(write).await;
        for sweep in [1, 2] {
            let finished = FinishedSweep {
                sweep,
                reason: "start",
                began_at: std::time::SystemTime::UNIX_EPOCH,
                ended_at: std::time::SystemTime::UNIX_EPOCH,
                objects: 1,
                is_complete: true,
                unread: Vec::new(),
                score: kubevet_scan::ClusterScore {
                    controls: Vec::new(),
                    frameworks: Vec::new(),
                },
            };
            let write = Write::SweepFinished(Arc::new(finished), Vec::new());
            writer.send(write).await;
        }
        writer.flush(Duration::from_secs(60)).await;
        let calls = calls.lock().unwrap_or_else(PoisonError::into_inner);
        assert_eq!(*calls, expected);
    }

    #[tokio::test(start_paused = true)]
    async fn sweep_whose_results_were_lost_is_not_complete() {
        check_sweeps(Ok(()), &["write 1", "sweep 1 true", "sweep 2 true"]).await;
        let permanent = Err(SinkError::Permanent("full".to_owned()));
        check_sweeps(permanent, &["write 1", "sweep 1 false", "sweep 2 true"]).await;
        let partial = Err(SinkError::Partial("1 of 2 was refused".to_owned()));
        check_sweeps(partial, &["write 1", "sweep 1 true", "sweep 2 true"]).await;
    }

    #[tokio::test(start_paused = true)]
    async fn removals_are_bounded_in_each_call() {
        let calls = ["write 1", "remove 500", "remove 500", "remove 1"];
        check(&[], Fence::always_open(), 1_001, &calls, false).await;
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_called_while_the_fence_is_closed() {
        check(&[], Fence::closed(), 2, &[], true).await;
    }

    /// The fence may have closed again until then; the sink must know all the same.
    #[tokio::test]
    async fn sink_learns_that_this_replica_leads_whatever_the_fence_says() {
        let calls = Arc::default();
        let sink = ScriptedSink {
            answers: VecDeque::new(),
            calls: Arc::clone(&calls),
        };
        let metrics = Arc::new(OperatorMetrics::register(&mut Registry::default()));
        let writer = ResultWriter::start(vec![Box::new(sink)], Fence::closed(), metrics);
        writer.send(Write::Lead).await;
        writer.flush(Duration::from_secs(60)).await;
        assert_eq!(
            *calls.lock().unwrap_or_else(PoisonError::into_inner),
            ["lead"]
        );
    }
}
