//! One reading of objects: all of them (a sweep), or those of some kinds that could not be read
//! before.

use super::{object_uid::ObjectUid, reading::Reading, sink::FinishedSweep, watches::WatchKey};
use kubevet_cluster::{Cluster, ReadEvent};
use kubevet_model::Kind;
use kubevet_scan::UnreadLog;
use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
    time::SystemTime,
};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

/// The number of pages that wait to be evaluated.
const MAX_PAGES: usize = 2;

/// Those who wait for the end of a sweep.
pub(super) type Waiters = Vec<oneshot::Sender<Arc<FinishedSweep>>>;

/// A reading that is under way.
pub(super) struct Pass {
    /// Why everything is read; `None` if only some kinds are.
    pub(super) sweep: Option<&'static str>,
    pub(super) reading: Arc<Reading>,
    pub(super) events: mpsc::Receiver<ReadEvent>,
    pub(super) unread: UnreadLog,
    /// The lists that were read to their end.
    pub(super) listed: BTreeSet<WatchKey>,
    /// The objects that were deleted meanwhile: a page may still have them.
    pub(super) deleted: HashSet<ObjectUid>,
    pub(super) began_at: SystemTime,
    pub(super) objects: usize,
    /// False if some object has no result of this sweep.
    pub(super) is_complete: bool,
    pub(super) waiters: Waiters,
    reader: JoinHandle<()>,
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl Pass {
    /// Begins to read.
    pub(super) fn begin(
        cluster: &Cluster,
        reading: Reading,
        sweep: Option<&'static str>,
        waiters: Waiters,
    ) -> Self {
        let (sender, events) = mpsc::channel(MAX_PAGES);
        let (cluster, request) = (cluster.clone(), reading.request.clone());
        let reader = tokio::spawn(async move { cluster.read_objects(request, sender).await });
        Self {
            sweep,
            unread: reading.unread.clone(),
            reading: Arc::new(reading),
            events,
            listed: BTreeSet::new(),
            deleted: HashSet::new(),
            began_at: SystemTime::now(),
            objects: 0,
            is_complete: true,
            waiters,
            reader,
        }
    }
}

/// What is to be read next.
#[derive(Default)]
pub(super) struct NextPass {
    /// Why everything is to be read.
    pub(super) sweep: Option<&'static str>,
    /// The kinds to read, if not everything is.
    pub(super) kinds: BTreeSet<Kind>,
    pub(super) waiters: Waiters,
}

impl NextPass {
    /// True if nothing is to be read.
    pub(super) fn is_empty(&self) -> bool {
        self.sweep.is_none() && self.kinds.is_empty()
    }

    /// Asks for a sweep. The first reason counts.
    pub(super) fn add_sweep(&mut self, reason: &'static str) {
        self.sweep.get_or_insert(reason);
    }
}
