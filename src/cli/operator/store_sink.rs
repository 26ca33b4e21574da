//! Results of the operator → the store.
//!
//! The calls of the store block, so they leave the runtime while they run. The fence is asked before
//! each of them. Beside it, the store itself refuses a writer that another one has replaced: the
//! leader claims the store when it begins to lead, and a transaction of the leader before fails.

use super::sink_metrics::SinkMetrics;
use kubevet_cluster::{Fence, Leadership};
use kubevet_operator::{FinishedSweep, ResultBatch, ResultSink, SinkError, SinkFuture};
use kubevet_store::{
    ObjectWrite, ResultStoreError, Retention, Store, StoreOptions, SweepOutcome, Timestamp,
};
use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tokio::{sync::watch, task::block_in_place};
use tracing::{info, warn};

/// The time between two deletions of old history.
const RETENTION_INTERVAL: Duration = Duration::from_secs(24 * 60 * 60);
/// The time for one call: longer than a call of the store takes at most.
const CALL_TIMEOUT: Duration = Duration::from_secs(120);

/// Keeps results in a store.
pub(super) struct StoreSink {
    options: StoreOptions,
    retention: Retention,
    /// `None` while it cannot be opened.
    store: Option<Store>,
    /// Who leads; `None` without an election.
    leadership: Option<watch::Receiver<Leadership>>,
    is_claimed: bool,
    /// The sweep that the store was told of last.
    sweep: Option<u64>,
    /// When old history was deleted last; `None` if that is due.
    cleaned_at: Option<Instant>,
    metrics: Arc<SinkMetrics>,
}

impl StoreSink {
    /// Opens the store. One that does not answer at present is opened later.
    ///
    /// # Errors
    /// The store can never be used: it is of a newer version, of another cluster, or no store.
    pub(super) async fn open(
        options: StoreOptions,
        retention: Retention,
        leadership: Option<watch::Receiver<Leadership>>,
        metrics: Arc<SinkMetrics>,
    ) -> anyhow::Result<Self> {
        let copy = options.clone();
        let opened = tokio::task::spawn_blocking(move || Store::open(copy)).await?;
        let store = match opened {
            Ok(store) => Some(store),
            Err(error) if error.is_transient() => {
                warn!("the store is opened later: {error}");
                None
            }
            Err(error) => return Err(error.into()),
        };
        info!(store = %options.location, "results are kept in the store");
        Ok(Self {
            options,
            retention,
            store,
            leadership,
            is_claimed: false,
            sweep: None,
            cleaned_at: None,
            metrics,
        })
    }

    /// Makes a call of the store, as its only writer.
    fn call<T>(
        &mut self,
        fence: &Fence,
        call: impl FnOnce(&mut Store) -> Result<T, ResultStoreError>,
    ) -> Result<T, SinkError> {
        if let Some(leadership) = &mut self.leadership
            && leadership.has_changed().unwrap_or_default()
        {
            leadership.mark_unchanged();
            self.is_claimed = false;
        }
        let result = block_in_place(|| -> Result<Option<T>, ResultStoreError> {
            let store = match &mut self.store {
                Some(store) => store,
                None => self.store.insert(Store::open(self.options.clone())?),
            };
            if !self.is_claimed {
                if !fence.is_open() {
                    return Ok(None);
                }
                store.claim()?;
                self.is_claimed = true;
            }
            // It may have waited for the store.
            if !fence.is_open() {
                return Ok(None);
            }
            call(store).map(Some)
        });
        match result {
            Ok(Some(done)) => Ok(done),
            Ok(None) => Err(SinkError::Fenced),
            Err(error) => Err(self.failed(&error)),
        }
    }

    fn failed(&mut self, error: &ResultStoreError) -> SinkError {
        match error {
            ResultStoreError::Fenced { .. } => {
                // If this replica leads after all, it claims the store again and sweeps.
                self.is_claimed = false;
                SinkError::Fenced
            }
            ResultStoreError::Full { .. } => {
                self.cleaned_at = None;
                SinkError::Permanent(error.to_string())
            }
            error if error.is_transient() => SinkError::Transient(error.to_string()),
            error => SinkError::Permanent(error.to_string()),
        }
    }

    fn write_batch(&mut self, batch: &ResultBatch, fence: &Fence) -> Result<(), SinkError> {
        let is_new_sweep = self.sweep != Some(batch.sweep);
        let objects = batch.results.iter();
        let objects: Vec<ObjectWrite<'_>> = objects.map(ObjectWrite::new).collect();
        let counts = self.call(fence, |store| {
            if is_new_sweep {
                store.begin_sweep();
            }
            store.write(&objects, now())
        })?;
        self.sweep = Some(batch.sweep);
        self.metrics.count_stored(&counts);
        Ok(())
    }

    fn finish_sweep(&mut self, sweep: &FinishedSweep, fence: &Fence) -> Result<(), SinkError> {
        let is_new_sweep = self.sweep != Some(sweep.sweep);
        let finished = if sweep.is_complete {
            let outcome = SweepOutcome {
                at: timestamp(sweep.ended_at),
                controls: &sweep.score.controls,
                frameworks: &sweep.score.frameworks,
                unread: &sweep.unread,
            };
            let counts = self.call(fence, |store| {
                // A sweep without any result.
                if is_new_sweep {
                    store.begin_sweep();
                }
                store.finish_sweep(&outcome)
            });
            counts.map(|counts| self.metrics.count_fixed(counts.fixed_findings))
        } else {
            Ok(())
        };
        if finished.is_ok() {
            self.clean(fence);
        }
        finished
    }

    /// Deletes old history, about once a day, and at the next sweep if the store is full.
    fn clean(&mut self, fence: &Fence) {
        let is_recent = |at: Instant| at.elapsed() < RETENTION_INTERVAL;
        if self.cleaned_at.is_some_and(is_recent) {
            return;
        }
        let retention = self.retention;
        match self.call(fence, |store| store.apply_retention(retention, now())) {
            Ok(deleted) => {
                self.cleaned_at = (!deleted.is_unfinished).then(Instant::now);
                info!(
                    findings = deleted.findings,
                    objects = deleted.objects,
                    "old history was deleted from the store"
                );
            }
            Err(SinkError::Fenced) => {}
            Err(error) => warn!("old history stays in the store until the next sweep: {error}"),
        }
    }
}

impl ResultSink for StoreSink {
    fn name(&self) -> &'static str {
        "store"
    }

    fn call_timeout(&self) -> Duration {
        CALL_TIMEOUT
    }

    fn write<'a>(&'a mut self, batch: &'a ResultBatch, fence: &'a Fence) -> SinkFuture<'a> {
        Box::pin(async move { self.write_batch(batch, fence) })
    }

    fn remove<'a>(&'a mut self, uids: &'a [Arc<str>], fence: &'a Fence) -> SinkFuture<'a> {
        Box::pin(async move {
            let uids: Vec<&str> = uids.iter().map(|uid| &**uid).collect();
            let fixed = self.call(fence, |store| store.remove(&uids, now()))?;
            self.metrics.count_fixed(fixed);
            Ok(())
        })
    }

    fn sweep_finished<'a>(
        &'a mut self,
        sweep: &'a FinishedSweep,
        fence: &'a Fence,
    ) -> SinkFuture<'a> {
        Box::pin(async move { self.finish_sweep(sweep, fence) })
    }
}

fn now() -> Timestamp {
    timestamp(SystemTime::now())
}

fn timestamp(time: SystemTime) -> Timestamp {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_unix_seconds(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
