//! What is watched in the cluster, and the gauges over it.

use kubevet_cluster::{Cluster, ControlBindings, Namespaces, StoredBinding};
use kubevet_k8s::matching::Labels;
use kubevet_webhook::{LabelsFuture, NamespaceLookup};
use prometheus_client::{metrics::gauge::Gauge, registry::Registry};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::watch;

/// The watches of a cluster.
pub(super) struct ClusterWatches {
    pub(super) namespaces: Namespaces,
    /// `None` if the bindings come from a folder.
    bindings: Option<ControlBindings>,
}

impl ClusterWatches {
    /// Starts the watches.
    pub(super) fn start(cluster: &Cluster, with_bindings: bool) -> Self {
        Self {
            namespaces: cluster.watch_namespaces(),
            bindings: with_bindings.then(|| cluster.watch_control_bindings()),
        }
    }

    /// Returns the receiver of the bindings; `None` if they come from a folder.
    pub(super) fn receiver(&self) -> Option<watch::Receiver<Option<Arc<[StoredBinding]>>>> {
        self.bindings.as_ref().map(ControlBindings::receiver)
    }
}

/// Looks up the labels of a namespace: in the watched cache, and at the API server if they are not
/// in it.
pub(super) struct CachedLookup(pub(super) Namespaces);

impl NamespaceLookup for CachedLookup {
    fn cached(&self, name: &str) -> Option<Arc<Labels>> {
        self.0.cached(name)
    }

    fn fetch<'l>(&'l self, name: &'l str, until: Instant) -> LabelsFuture<'l> {
        let timeout = until.saturating_duration_since(Instant::now());
        Box::pin(self.0.get(name, timeout))
    }
}

/// The gauges that are set from the watches and the Event writer.
pub(super) struct ClusterGauges {
    namespace_age_s: Gauge,
    events_dropped: Gauge,
}

impl ClusterGauges {
    /// Registers the gauges.
    pub(super) fn register(registry: &mut Registry) -> Self {
        let gauges = Self {
            namespace_age_s: Gauge::default(),
            events_dropped: Gauge::default(),
        };
        registry.register(
            "kubevet_namespace_cache_age_seconds",
            "Time since the API server was last heard about namespaces; -1 where it was never",
            gauges.namespace_age_s.clone(),
        );
        registry.register(
            "kubevet_events_dropped",
            "Events that were not written",
            gauges.events_dropped.clone(),
        );
        gauges
    }

    /// Sets the time since the last contact of the namespace watch; `None` if there was none.
    pub(super) fn set_namespace_age(&self, age: Option<Duration>) {
        let seconds = age.and_then(|age| i64::try_from(age.as_secs()).ok());
        self.namespace_age_s.set(seconds.unwrap_or(-1));
    }

    pub(super) fn set_dropped_events(&self, count: u64) {
        self.events_dropped
            .set(i64::try_from(count).unwrap_or(i64::MAX));
    }
}
