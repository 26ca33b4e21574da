//! Results of the operator → the store, on a thread of its own: the calls of the store block.
//!
//! One call waits for the thread at most. A call that was cut off is still carried out if it has
//! begun; the same call again changes nothing.

use super::{sink_metrics::SinkMetrics, store_writer::StoreWriter};
use anyhow::Context as _;
use kubevet_cluster::Fence;
use kubevet_operator::{FinishedSweep, ResultBatch, ResultSink, SinkError, SinkFuture};
use kubevet_store::{Retention, StoreOptions};
use std::{sync::Arc, thread, time::Duration};
use tokio::sync::{mpsc, oneshot};

/// The time for one call: longer than a call of the store takes at most.
const CALL_TIMEOUT: Duration = Duration::from_secs(120);

/// Work for the thread.
type Work = Box<dyn FnOnce(&mut StoreWriter) + Send>;

/// Keeps results in a store.
pub(super) struct StoreSink {
    work: mpsc::Sender<Work>,
}

impl StoreSink {
    /// Starts the thread and opens the store. One that does not answer at present is opened later.
    ///
    /// # Errors
    /// The store can never be used: it is of a newer version, of another cluster, or no store.
    pub(super) async fn open(
        options: StoreOptions,
        retention: Retention,
        metrics: Arc<SinkMetrics>,
    ) -> anyhow::Result<Self> {
        let (work, mut waiting) = mpsc::channel::<Work>(1);
        let (sender, opened) = oneshot::channel();
        let run = move || {
            let mut writer = match StoreWriter::open(options, retention, metrics) {
                Ok(writer) => writer,
                Err(error) => return drop(sender.send(Err(error))),
            };
            let _ = sender.send(Ok(()));
            while let Some(work) = waiting.blocking_recv() {
                work(&mut writer);
            }
        };
        let thread = thread::Builder::new().name("store".to_owned()).spawn(run);
        thread.context("the thread of the store cannot be started")?;
        opened
            .await
            .context("the thread of the store broke down")??;
        Ok(Self { work })
    }

    /// Makes the thread do something, and waits for it.
    async fn call(
        &self,
        call: impl FnOnce(&mut StoreWriter) -> Result<(), SinkError> + Send + 'static,
    ) -> Result<(), SinkError> {
        let (sender, answer) = oneshot::channel();
        let work: Work = Box::new(move |writer| {
            // One that was cut off while it waited comes again.
            if !sender.is_closed() {
                let _ = sender.send(call(writer));
            }
        });
        let broken = || SinkError::Permanent("the thread of the store broke down".to_owned());
        self.work.send(work).await.map_err(|_| broken())?;
        answer.await.unwrap_or_else(|_| Err(broken()))
    }
}

impl ResultSink for StoreSink {
    fn name(&self) -> &'static str {
        "store"
    }

    fn call_timeout(&self) -> Duration {
        CALL_TIMEOUT
    }

    fn lead(&mut self) -> SinkFuture<'_> {
        Box::pin(self.call(|writer| {
            writer.lead();
            Ok(())
        }))
    }

    fn write<'a>(&'a mut self, batch: &'a Arc<ResultBatch>, fence: &'a Fence) -> SinkFuture<'a> {
        let (batch, fence) = (Arc::clone(batch), fence.clone());
        Box::pin(self.call(move |writer| writer.write(&batch, &fence)))
    }

    fn remove<'a>(&'a mut self, uids: &'a [Arc<str>], fence: &'a Fence) -> SinkFuture<'a> {
        let (uids, fence) = (uids.to_vec(), fence.clone());
        Box::pin(self.call(move |writer| writer.remove(&uids, &fence)))
    }

    fn sweep_finished<'a>(
        &'a mut self,
        sweep: &'a Arc<FinishedSweep>,
        fence: &'a Fence,
    ) -> SinkFuture<'a> {
        let (sweep, fence) = (Arc::clone(sweep), fence.clone());
        Box::pin(self.call(move |writer| writer.finish_sweep(&sweep, &fence)))
    }
}
