//! The watches of a cluster, one for each list that was read: their tasks, and their health.

use super::change_queue::{ChangeQueue, QueueLimits, Queued};
use kubevet_cluster::{Cluster, ClusterError, ReadRequest, WatchStart, WatchedChange};
use kubevet_document::{Document, Node};
use kubevet_model::Kind;
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};
use tokio::{sync::mpsc, task::JoinHandle};

/// The bounds of the changes that wait.
const LIMITS: QueueLimits = QueueLimits {
    entries: 1_024,
    bytes: 32 << 20,
};
/// The number of changes of one watch that wait for the queue.
const MAX_CHANGES: usize = 1;

/// What is watched: a kind, in a namespace or everywhere.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct WatchKey {
    pub(super) kind: Kind,
    pub(super) namespace: Option<String>,
}

/// A change, and the watch that brought it.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) watch: Arc<WatchKey>,
    pub(super) what: WhatChanged,
}

#[derive(Debug)]
pub(super) enum WhatChanged {
    Changed(Document),
    Deleted(Document),
    /// The objects were listed again, in this version: older ones with other uids are gone.
    Relisted(u64, HashSet<String>),
    /// An object of a namespace, or outside namespaces, cannot be read.
    Unreadable(Option<String>, ClusterError),
    Opened,
    Failed(ClusterError),
}

/// The key of a change in the queue.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum ChangeKey {
    Object(Arc<str>),
    /// Something else than the change of an object is never left out.
    Other(u64),
}

/// The queue of all watches.
#[derive(Debug)]
pub(super) struct WatchQueue {
    queue: ChangeQueue<ChangeKey, Change>,
    others: AtomicU64,
}

impl WatchQueue {
    fn new() -> Self {
        Self {
            queue: ChangeQueue::new(LIMITS),
            others: AtomicU64::new(0),
        }
    }

    async fn push(&self, watch: &Arc<WatchKey>, change: WatchedChange) {
        let other = || ChangeKey::Other(self.others.fetch_add(1, Ordering::Relaxed));
        let (what, key, bytes) = match change {
            WatchedChange::Changed { object, .. } => {
                let (key, bytes) = (uid_of(&object).map_or_else(other, key), object.text_bytes());
                (WhatChanged::Changed(object), key, bytes)
            }
            WatchedChange::Deleted { object, .. } => {
                let (key, bytes) = (uid_of(&object).map_or_else(other, key), object.text_bytes());
                (WhatChanged::Deleted(object), key, bytes)
            }
            WatchedChange::Unreadable {
                namespace, error, ..
            } => (WhatChanged::Unreadable(namespace, error), other(), 0),
            WatchedChange::Relisted { list, uids } => {
                let version = list.resource_version.parse().unwrap_or_default();
                (WhatChanged::Relisted(version, uids), other(), 0)
            }
            WatchedChange::Opened { .. } => (WhatChanged::Opened, other(), 0),
            WatchedChange::Failed { error, .. } => (WhatChanged::Failed(error), other(), 0),
        };
        let watch = Arc::clone(watch);
        self.queue.push(key, Change { watch, what }, bytes).await;
    }

    /// Waits until there is a change.
    pub(super) async fn ready(&self) {
        self.queue.ready().await;
    }

    /// Takes at most so many changes, without waiting.
    pub(super) fn take(&self, max: usize) -> Vec<Queued<Change>> {
        self.queue.take(max)
    }

    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }
}

fn key(uid: &str) -> ChangeKey {
    ChangeKey::Object(uid.into())
}

pub(super) fn uid_of(object: &Document) -> Option<&str> {
    let uid = object.root().get("metadata")?.get("uid");
    uid.and_then(Node::as_str).filter(|uid| !uid.is_empty())
}

/// The watches that run.
pub(super) struct Watches {
    cluster: Cluster,
    queue: Arc<WatchQueue>,
    running: BTreeMap<Arc<WatchKey>, Watch>,
}

struct Watch {
    task: JoinHandle<()>,
    /// The error since the watch was last open, and since when there is one.
    failure: Option<(Instant, ClusterError)>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Watches {
    pub(super) fn new(cluster: Cluster) -> Self {
        Self {
            cluster,
            queue: Arc::new(WatchQueue::new()),
            running: BTreeMap::new(),
        }
    }

    pub(super) fn queue(&self) -> Arc<WatchQueue> {
        Arc::clone(&self.queue)
    }

    /// Watches a list from where it was read, unless a watch of it runs already.
    pub(super) fn start(&mut self, kind: &Kind, request: &Arc<ReadRequest>, start: WatchStart) {
        let key = Arc::new(WatchKey {
            kind: kind.clone(),
            namespace: start.namespace.clone(),
        });
        let is_running = self.running.get(&key);
        if is_running.is_some_and(|watch| !watch.task.is_finished()) {
            return;
        }
        let (cluster, request) = (self.cluster.clone(), Arc::clone(request));
        let (queue, watch) = (Arc::clone(&self.queue), Arc::clone(&key));
        let task = tokio::spawn(async move {
            let (sender, mut changes) = mpsc::channel(MAX_CHANGES);
            let forward = async {
                while let Some(change) = changes.recv().await {
                    queue.push(&watch, change).await;
                }
            };
            tokio::join!(cluster.watch_list(&request, start, sender), forward);
        });
        let failure = None;
        self.running.insert(key, Watch { task, failure });
    }

    /// Ends the watches of a kind.
    pub(super) fn stop_kind(&mut self, kind: &Kind) {
        self.running.retain(|key, _| key.kind != *kind);
    }

    /// Ends the watches of kinds whose list was not read, such as those of a namespace that is gone.
    pub(super) fn retain_listed(&mut self, kinds: &BTreeSet<Kind>, listed: &BTreeSet<WatchKey>) {
        self.running
            .retain(|key, _| !kinds.contains(&key.kind) || listed.contains(&**key));
    }

    /// True if the watch runs.
    pub(super) fn is_running(&self, key: &WatchKey) -> bool {
        self.running.contains_key(key)
    }

    /// Records that a watch is open, or why it is not. True if that is news.
    pub(super) fn set_health(&mut self, key: &WatchKey, error: Option<ClusterError>) -> bool {
        let Some(watch) = self.running.get_mut(key) else {
            return false;
        };
        let old = watch.failure.take();
        let is_news = match (&old, &error) {
            (Some((_, old)), Some(new)) => old != new,
            (None, None) => false,
            _ => true,
        };
        let since = old.map_or_else(Instant::now, |(since, _)| since);
        watch.failure = error.map(|error| (since, error));
        is_news
    }

    /// Returns the watches with whether each is open.
    pub(super) fn health(
        &self,
    ) -> impl Iterator<Item = (&WatchKey, Option<(Instant, &ClusterError)>)> {
        self.running.iter().map(|(key, watch)| {
            let failure = watch.failure.as_ref();
            (&**key, failure.map(|(since, error)| (*since, error)))
        })
    }
}
