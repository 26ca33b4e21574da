//! Labels of namespaces: watched, and fetched one by one on a cache miss.
//!
//! Only names and labels are cached. A response that there is no such namespace is never cached,
//! and "unknown" is never "no labels": a selector that cannot be evaluated must not count as one
//! that does not match.

use super::{
    Cluster, ClusterError,
    api_call::ApiCall,
    list_watch::{AbortOnDrop, WatchEvent, WatchTarget, spawn_list_watch},
    watch_health::WatchHealth,
};
use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, core::PartialObjectMeta};
use kubevet_k8s::matching::Labels;
use kubevet_model::names::is_dns_subdomain;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};
use tokio::sync::watch;

/// The time for the fetch after a cache miss.
const MISS_TIMEOUT: Duration = Duration::from_secs(2);
/// The number of fetches in flight.
const MAX_INFLIGHT: usize = 256;

type Meta = PartialObjectMeta<Namespace>;
type Cache = RwLock<HashMap<String, Arc<Labels>>>;

/// The labels of all namespaces. Clones share the watch, which ends with the last of them.
#[derive(Debug, Clone)]
pub struct Namespaces(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    api: Api<Meta>,
    cache: Arc<Cache>,
    health: WatchHealth,
    inflight: Arc<Mutex<HashMap<String, InflightGet>>>,
    _task: AbortOnDrop,
}

/// One GET in flight, for which any number of callers wait.
type InflightGet = watch::Receiver<Option<Fetched>>;

/// The result of a GET.
#[derive(Debug, Clone)]
enum Fetched {
    Found(Arc<Labels>),
    /// There was no such namespace when the GET was answered.
    NotFound,
    Failed,
}

impl Cluster {
    /// Starts to watch namespaces, which needs `list`, `watch` and `get` on them. Must be called
    /// within a Tokio runtime.
    #[must_use]
    pub fn watch_namespaces(&self) -> Namespaces {
        let api: Api<Meta> = Api::all(self.client.clone());
        let cache = Arc::new(Cache::default());
        let health = WatchHealth::new();
        let target = WatchTarget {
            group: "",
            resource: "namespaces",
            not_installed: None,
        };
        let written = Arc::clone(&cache);
        let task = spawn_list_watch(
            api.clone(),
            target,
            self.timeouts.clone(),
            health.clone(),
            name_and_labels,
            move |event| apply_event(&written, event),
        );
        Namespaces(Arc::new(Inner {
            api,
            cache,
            health,
            inflight: Arc::default(),
            _task: task,
        }))
    }
}

impl Namespaces {
    /// Returns the labels as last received by the watch. Never waits.
    #[must_use]
    pub fn cached(&self, name: &str) -> Option<Arc<Labels>> {
        self.0
            .cache
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(name)
            .cloned()
    }

    /// Returns the labels from the cache, or else from a GET that all callers with the same miss
    /// share, within `timeout` and at most 2 s. `None` if they are unknown.
    pub async fn get(&self, name: &str, timeout: Duration) -> Option<Arc<Labels>> {
        if let Some(labels) = self.cached(name) {
            return Some(labels);
        }
        // Names come from requests, and the client does not escape them in the path of a URL.
        if !is_dns_subdomain(name) {
            return None;
        }
        tokio::time::timeout(timeout.min(MISS_TIMEOUT), self.fetch_shared(name))
            .await
            .ok()
            .flatten()
    }

    /// True if all namespaces have been listed at least once.
    #[must_use]
    pub fn is_synced(&self) -> bool {
        self.0.health.is_synced()
    }

    /// Resolves when all namespaces have been listed.
    pub async fn synced(&self) {
        self.0.health.synced().await;
    }

    /// Returns the time since the API server last answered; `None` before the first time. A healthy
    /// watch is silent for at most about a minute.
    #[must_use]
    pub fn age(&self) -> Option<Duration> {
        self.0.health.age()
    }

    /// Returns the present error of the watch.
    #[must_use]
    pub fn error(&self) -> Option<String> {
        self.0.health.error()
    }

    async fn fetch_shared(&self, name: &str) -> Option<Arc<Labels>> {
        loop {
            let (mut inflight, has_joined) = self.inflight_get(name)?;
            let fetched = inflight
                .wait_for(Option::is_some)
                .await
                .ok()
                .and_then(|fetched| fetched.clone())?;
            match fetched {
                Fetched::Found(labels) => return Some(labels),
                // That GET began before this caller came, and the namespace may have been created
                // since: fetch again.
                Fetched::NotFound if has_joined => {}
                Fetched::NotFound | Fetched::Failed => return None,
            }
        }
    }

    /// Returns the GET in flight for this name, or starts one; true if it was in flight already.
    fn inflight_get(&self, name: &str) -> Option<(InflightGet, bool)> {
        let mut inflight = self
            .0
            .inflight
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // A closed channel is that of a task which panicked.
        if let Some(get) = inflight.get(name).filter(|get| get.has_changed().is_ok()) {
            return Some((get.clone(), true));
        }
        if inflight.len() >= MAX_INFLIGHT {
            tracing::warn!(
                namespace = name,
                "too many namespaces are being looked up: its labels count as unknown"
            );
            return None;
        }
        let (sender, get) = watch::channel(None);
        inflight.insert(name.to_owned(), get.clone());
        drop(inflight);
        let (api, inflight, name) = (
            self.0.api.clone(),
            Arc::clone(&self.0.inflight),
            name.to_owned(),
        );
        // A task of its own: the caller that started it may give up before the others do.
        tokio::spawn(async move {
            let fetched = fetch(&api, &name).await;
            inflight
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .remove(&name);
            let _ = sender.send(Some(fetched));
        });
        Some((get, false))
    }

    #[cfg(test)]
    pub(super) fn health(&self) -> &WatchHealth {
        &self.0.health
    }
}

async fn fetch(api: &Api<Meta>, name: &str) -> Fetched {
    let call = ApiCall {
        verb: "get",
        group: "",
        resource: "namespaces",
        namespace: None,
        name: Some(name),
    };
    match call.send(MISS_TIMEOUT, api.get(name)).await {
        Ok(namespace) => Fetched::Found(name_and_labels(namespace).1),
        Err(ClusterError::NotFound { .. }) => Fetched::NotFound,
        Err(error) => {
            tracing::warn!(namespace = name, "its labels are not known: {error}");
            Fetched::Failed
        }
    }
}

fn name_and_labels(namespace: Meta) -> (String, Arc<Labels>) {
    let metadata = namespace.metadata;
    (
        metadata.name.unwrap_or_default(),
        Arc::new(metadata.labels.unwrap_or_default()),
    )
}

fn apply_event(cache: &Cache, event: WatchEvent<(String, Arc<Labels>)>) {
    let mut cache = cache.write().unwrap_or_else(PoisonError::into_inner);
    match event {
        WatchEvent::Replaced(all) => *cache = all.into_iter().collect(),
        WatchEvent::Applied((name, labels)) => {
            cache.insert(name, labels);
        }
        WatchEvent::Deleted((name, _)) => {
            cache.remove(&name);
        }
    }
}
