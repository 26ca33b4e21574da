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

#[cfg(test)]
mod tests {
    use super::*;
    use kubevet_model::{
        Evidence, Finding, Fingerprint, LocatedFinding, ObjectId, ObjectResult, Origin, Severity,
    };
    use kubevet_scan::ClusterScore;
    use kubevet_store::{ClusterIdentity, FindingFilter, FindingState, StoreLocation, StoreReader};
    use std::path::Path;

    fn options(dir: &Path) -> StoreOptions {
        let location = StoreLocation::File(dir.join("store.db"));
        let cluster = ClusterIdentity {
            id: "c".to_owned(),
            name: String::new(),
        };
        StoreOptions::new(location, cluster)
    }

    fn writer(dir: &Path) -> StoreWriter {
        let metrics = Arc::new(SinkMetrics::default());
        StoreWriter::open(options(dir), Retention::default(), metrics).unwrap()
    }

    /// An object with one finding.
    fn result(uid: &str) -> ObjectResult {
        let object = Arc::new(ObjectId {
            api_version: "v1".to_owned(),
            kind: "ConfigMap".to_owned(),
            namespace: "shop".to_owned(),
            name: uid.to_owned(),
        });
        let origin = Origin::Cluster {
            uid: uid.into(),
            resource_version: "1".into(),
        };
        let fingerprint = Fingerprint::of([uid]);
        let finding = Finding {
            subject: Arc::clone(&object),
            rule: "C-0012".into(),
            severity: Severity::High,
            message: "it has a password".to_owned(),
            evidence: Evidence::Paths {
                paths: Vec::new(),
                fixes: Vec::new(),
            },
            origin: origin.clone(),
            fingerprint,
            defect: fingerprint,
        };
        ObjectResult {
            object,
            origin,
            judged: vec!["C-0012".into()],
            findings: vec![LocatedFinding {
                finding,
                source: None,
                container: None,
                excerpt: Vec::new(),
            }],
            errors: Vec::new(),
        }
    }

    fn batch(sweep: u64, uids: &[&str]) -> ResultBatch {
        ResultBatch {
            sweep,
            results: uids.iter().map(|uid| result(uid)).collect(),
            ..ResultBatch::default()
        }
    }

    fn finished(sweep: u64, is_complete: bool) -> FinishedSweep {
        FinishedSweep {
            sweep,
            reason: "start",
            began_at: SystemTime::now(),
            ended_at: SystemTime::now(),
            objects: 0,
            is_complete,
            unread: Vec::new(),
            score: ClusterScore::default(),
        }
    }

    /// The numbers of open and fixed findings.
    fn findings(dir: &Path) -> (usize, usize) {
        let mut reader = StoreReader::open(options(dir)).unwrap();
        let mut number = |state| {
            let filter = FindingFilter {
                state,
                ..FindingFilter::default()
            };
            reader.findings(&filter, None, 100).unwrap().findings.len()
        };
        (number(FindingState::Open), number(FindingState::Fixed))
    }

    /// Writes `a` and `b` in sweep 1, then makes sweeps, each with the objects that it finds; it is
    /// complete or not.
    #[track_caller]
    fn check(sweeps: &[(u64, &[&str], bool)], expected: (usize, usize)) {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = writer(dir.path());
        let fence = Fence::always_open();
        writer.write(&batch(1, &["a", "b"]), &fence).unwrap();
        writer.finish_sweep(&finished(1, true), &fence).unwrap();
        for (sweep, uids, is_complete) in sweeps {
            if !uids.is_empty() {
                writer.write(&batch(*sweep, uids), &fence).unwrap();
            }
            let finished = finished(*sweep, *is_complete);
            writer.finish_sweep(&finished, &fence).unwrap();
        }
        assert_eq!(findings(dir.path()), expected, "{sweeps:?}");
    }

    #[test]
    fn complete_sweep_ends_what_it_has_not_found() {
        check(&[], (2, 0));
        check(&[(2, &["a"], true)], (1, 1));
        check(&[(2, &["a"], false)], (2, 0));
        // Without any object, there is no batch.
        check(&[(2, &[], true)], (0, 2));
        check(&[(2, &[], false)], (2, 0));
        // A call that was cut off is made again.
        check(&[(2, &["a", "b"], true), (2, &[], true)], (2, 0));
    }

    #[test]
    fn nothing_is_written_while_the_fence_is_closed_or_another_leads() {
        let dir = tempfile::tempdir().unwrap();
        let mut first = writer(dir.path());
        let (open, closed) = (Fence::always_open(), Fence::closed());
        let fenced = Err(SinkError::Fenced);
        assert_eq!(first.write(&batch(1, &["a"]), &closed), fenced);
        assert_eq!(first.finish_sweep(&finished(1, true), &closed), fenced);
        assert_eq!(findings(dir.path()), (0, 0));
        first.write(&batch(1, &["a"]), &open).unwrap();
        let mut second = writer(dir.path());
        second.write(&batch(2, &["b"]), &open).unwrap();
        // The first one does not know yet that it was replaced.
        assert_eq!(first.write(&batch(1, &["c"]), &open), fenced);
        assert_eq!(findings(dir.path()), (2, 0));
        // It leads again.
        first.lead();
        first.write(&batch(3, &["c"]), &open).unwrap();
        assert_eq!(second.remove(&["a".into()], &open), fenced);
        assert_eq!(findings(dir.path()), (3, 0));
    }
}
