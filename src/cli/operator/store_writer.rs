//! What the operator does with the store, one blocking call after the other.
//!
//! The fence is asked before each of them. Beside it, the store itself refuses a writer that another
//! one has replaced: the leader claims the store when it begins to lead, and a transaction of the
//! leader before fails.

use super::sink_metrics::SinkMetrics;
use kubevet_cluster::Fence;
use kubevet_operator::{FinishedSweep, ResultBatch, SinkError};
use kubevet_store::{
    ObjectWrite, ResultStoreError, Retention, Store, StoreOptions, SweepOutcome, Timestamp,
};
use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tracing::{info, warn};

/// The time between two deletions of old history.
const RETENTION_INTERVAL: Duration = Duration::from_secs(24 * 60 * 60);

/// Writes results to a store.
pub(super) struct StoreWriter {
    options: StoreOptions,
    retention: Retention,
    /// `None` while it cannot be opened.
    store: Option<Store>,
    /// The number of times that the store was begun anew, when that was last looked at.
    begun: u64,
    is_claimed: bool,
    /// The sweep that the store was told of last.
    sweep: Option<u64>,
    /// The complete sweep that has ended last.
    finished: Option<u64>,
    /// When old history was deleted last; `None` if that is due.
    cleaned_at: Option<Instant>,
    metrics: Arc<SinkMetrics>,
}

impl StoreWriter {
    /// Opens the store. One that does not answer at present is opened later.
    ///
    /// # Errors
    /// The store can never be used: it is of a newer version, of another cluster, or no store.
    pub(super) fn open(
        options: StoreOptions,
        retention: Retention,
        metrics: Arc<SinkMetrics>,
    ) -> Result<Self, ResultStoreError> {
        let store = match Store::open(options.clone()) {
            Ok(store) => {
                info!(store = %options.location, "results are kept in the store");
                Some(store)
            }
            Err(error) if error.is_transient() => {
                warn!("the store is opened later: {error}");
                None
            }
            Err(error) => return Err(error),
        };
        Ok(Self {
            begun: store.as_ref().map_or(0, Store::begun),
            options,
            retention,
            store,
            is_claimed: false,
            sweep: None,
            finished: None,
            cleaned_at: None,
            metrics,
        })
    }

    /// This replica leads from now on: the next call claims the store.
    pub(super) fn lead(&mut self) {
        self.is_claimed = false;
    }

    pub(super) fn write(&mut self, batch: &ResultBatch, fence: &Fence) -> Result<(), SinkError> {
        let objects = batch.results.iter();
        let objects: Vec<ObjectWrite<'_>> = objects.map(ObjectWrite::new).collect();
        let counts = self.call(fence, Some(batch.sweep), |store| {
            store.write(&objects, now())
        })?;
        self.metrics.count_stored(&counts);
        if counts.new_findings + counts.fixed_findings > 0 {
            self.show_oldest(fence);
        }
        Ok(())
    }

    pub(super) fn remove(&mut self, uids: &[Arc<str>], fence: &Fence) -> Result<(), SinkError> {
        let uids: Vec<&str> = uids.iter().map(|uid| &**uid).collect();
        let fixed = self.call(fence, None, |store| store.remove(&uids, now()))?;
        self.metrics.count_fixed(fixed);
        if fixed > 0 {
            self.show_oldest(fence);
        }
        Ok(())
    }

    /// Ends a sweep, also one without any result. Only a complete one tells what is gone.
    pub(super) fn finish_sweep(
        &mut self,
        sweep: &FinishedSweep,
        fence: &Fence,
    ) -> Result<(), SinkError> {
        // A call that was cut off may have been carried out.
        if sweep.is_complete && self.finished != Some(sweep.sweep) {
            let outcome = SweepOutcome {
                at: timestamp(sweep.ended_at),
                controls: &sweep.score.controls,
                frameworks: &sweep.score.frameworks,
                unread: &sweep.unread,
            };
            let finish = |store: &mut Store| store.finish_sweep(&outcome);
            let counts = self.call(fence, Some(sweep.sweep), finish)?;
            self.metrics.count_fixed(counts.fixed_findings);
            self.finished = Some(sweep.sweep);
        }
        self.show_oldest(fence);
        self.clean(fence);
        Ok(())
    }

    /// Sets the metrics of the oldest findings; if they cannot be read, they are absent.
    fn show_oldest(&mut self, fence: &Fence) {
        let oldest = self.call(fence, None, Store::oldest_open_findings);
        self.metrics.set_oldest(&oldest.unwrap_or_default());
    }

    /// Deletes old history, about once a day, and at the next sweep if the store is full.
    fn clean(&mut self, fence: &Fence) {
        let is_recent = |at: Instant| at.elapsed() < RETENTION_INTERVAL;
        if self.cleaned_at.is_some_and(is_recent) {
            return;
        }
        let retention = self.retention;
        let clean = |store: &mut Store| store.apply_retention(retention, now());
        match self.call(fence, None, clean) {
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

    /// Makes a call of the store, as its only writer and in a sweep, if the call belongs to one.
    fn call<T>(
        &mut self,
        fence: &Fence,
        sweep: Option<u64>,
        call: impl FnOnce(&mut Store) -> Result<T, ResultStoreError>,
    ) -> Result<T, SinkError> {
        match self.try_call(fence, sweep, call) {
            Ok(Some(_)) if self.was_begun_anew() => Err(SinkError::Permanent(format!(
                "{}: the store was begun anew: it is filled by the next sweep",
                self.options.location
            ))),
            Ok(Some(done)) => Ok(done),
            Ok(None) => Err(SinkError::Fenced),
            Err(error) => Err(self.failed(&error)),
        }
    }

    /// Makes a call; `None` if the fence is closed.
    fn try_call<T>(
        &mut self,
        fence: &Fence,
        sweep: Option<u64>,
        call: impl FnOnce(&mut Store) -> Result<T, ResultStoreError>,
    ) -> Result<Option<T>, ResultStoreError> {
        let store = match &mut self.store {
            Some(store) => store,
            None => {
                let store = self.store.insert(Store::open(self.options.clone())?);
                self.begun = store.begun();
                store
            }
        };
        if !self.is_claimed {
            if !fence.is_open() {
                return Ok(None);
            }
            store.claim()?;
            self.is_claimed = true;
        }
        // The call before may have waited for the store.
        if !fence.is_open() {
            return Ok(None);
        }
        if sweep.is_some() && self.sweep != sweep {
            store.begin_sweep();
            self.sweep = sweep;
        }
        call(store).map(Some)
    }

    /// True if what was written before is not in the store any more, such as after a file was damaged.
    fn was_begun_anew(&mut self) -> bool {
        let begun = self.store.as_ref().map_or(self.begun, Store::begun);
        let is_new = begun != self.begun;
        self.begun = begun;
        self.is_claimed &= !is_new;
        is_new
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
}

fn now() -> Timestamp {
    timestamp(SystemTime::now())
}

fn timestamp(time: SystemTime) -> Timestamp {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_unix_seconds(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
