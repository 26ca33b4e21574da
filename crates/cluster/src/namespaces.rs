//! Labels of namespaces: watched, and asked for one by one where the watch has not brought them yet.
//!
//! Only names and labels are kept. An answer that there is no such namespace is never kept, and "not known" is never
//! "no labels": a selector that cannot be answered must not count as one that does not match.

use super::{
    Cluster, ClusterError,
    api_call::{Call, is_name},
    list_watch::{Change, Followed, Task, follow},
    watch_health::Pulse,
};
use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, core::PartialObjectMeta};
use kubevet_k8s::matching::Labels;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};
use tokio::sync::watch;

/// Longest time a miss may take.
const MISS: Duration = Duration::from_secs(2);
/// Misses that are asked for at one time.
const FLIGHTS: usize = 256;

type Meta = PartialObjectMeta<Namespace>;
type Cache = RwLock<HashMap<String, Arc<Labels>>>;

/// Labels of all namespaces. Clones are the same; the watch ends with the last of them.
#[derive(Debug, Clone)]
pub struct Namespaces(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    api: Api<Meta>,
    cache: Arc<Cache>,
    pulse: Pulse,
    flights: Arc<Mutex<HashMap<String, Flight>>>,
    _task: Task,
}

/// One GET that any number of callers wait for.
type Flight = watch::Receiver<Option<Answer>>;

#[derive(Debug, Clone)]
enum Answer {
    Found(Arc<Labels>),
    /// There is no such namespace, or was none when this was asked.
    Absent,
    Failed,
}

impl Cluster {
    /// Starts watching namespaces (needs `list`, `watch` and `get` on them). Must be called within a runtime.
    #[must_use]
    pub fn namespaces(&self) -> Namespaces {
        let api: Api<Meta> = Api::all(self.client.clone());
        let cache = Arc::new(Cache::default());
        let pulse = Pulse::new();
        let followed = Followed {
            group: "",
            resource: "namespaces",
            absent: None,
        };
        let held = Arc::clone(&cache);
        let tell = move |change| apply(&held, change);
        let task = follow(
            api.clone(),
            followed,
            self.limits.clone(),
            pulse.clone(),
            slim,
            tell,
        );
        Namespaces(Arc::new(Inner {
            api,
            cache,
            pulse,
            flights: Arc::default(),
            _task: task,
        }))
    }
}

impl Namespaces {
    /// The labels as the watch last brought them. Never waits.
    #[must_use]
    pub fn cached(&self, name: &str) -> Option<Arc<Labels>> {
        self.0
            .cache
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(name)
            .cloned()
    }

    /// The labels, from the watch or else from one GET that all who miss the same namespace share, within the time given
    /// and never longer than 2 s. `None` where nobody knows.
    pub async fn get(&self, name: &str, within: Duration) -> Option<Arc<Labels>> {
        if let Some(labels) = self.cached(name) {
            return Some(labels);
        }
        if !is_name(name) {
            return None;
        }
        tokio::time::timeout(within.min(MISS), self.ask(name))
            .await
            .ok()
            .flatten()
    }

    /// Whether all namespaces have been listed at least once.
    #[must_use]
    pub fn is_synced(&self) -> bool {
        self.0.pulse.is_synced()
    }

    /// Waits until all namespaces have been listed.
    pub async fn synced(&self) {
        self.0.pulse.until_synced().await;
    }

    /// Time since the API server was last heard; `None` before the first time. A healthy watch is silent for at most
    /// about a minute.
    #[must_use]
    pub fn age(&self) -> Option<Duration> {
        self.0.pulse.age()
    }

    /// What is wrong with the watch now; `None` for nothing.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.0.pulse.current_trouble()
    }

    async fn ask(&self, name: &str) -> Option<Arc<Labels>> {
        loop {
            let (mut flight, joined) = self.flight(name)?;
            let answer = flight
                .wait_for(Option::is_some)
                .await
                .ok()
                .and_then(|it| it.clone())?;
            match answer {
                Answer::Found(labels) => return Some(labels),
                // That GET began before this caller came: the namespace may have been made since.
                Answer::Absent if joined => {}
                Answer::Absent | Answer::Failed => return None,
            }
        }
    }

    /// The GET that is under way for this name, or a new one; whether it was under way.
    fn flight(&self, name: &str) -> Option<(Flight, bool)> {
        let mut flights = self
            .0
            .flights
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = flights.get(name).filter(|it| it.has_changed().is_ok()) {
            return Some((flight.clone(), true));
        }
        if flights.len() >= FLIGHTS {
            tracing::warn!(
                namespace = name,
                "too many namespaces are being asked for: its labels count as not known"
            );
            return None;
        }
        let (answer, flight) = watch::channel(None);
        flights.insert(name.to_owned(), flight.clone());
        drop(flights);
        let (api, flights, name) = (
            self.0.api.clone(),
            Arc::clone(&self.0.flights),
            name.to_owned(),
        );
        // A task of its own: the caller that began it may give up before the others do.
        tokio::spawn(async move {
            let found = fetch(&api, &name).await;
            flights
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .remove(&name);
            let _ = answer.send(Some(found));
        });
        Some((flight, false))
    }

    #[cfg(test)]
    pub(super) fn pulse(&self) -> &Pulse {
        &self.0.pulse
    }
}

async fn fetch(api: &Api<Meta>, name: &str) -> Answer {
    let call = Call {
        verb: "get",
        group: "",
        resource: "namespaces",
        namespace: None,
        name: Some(name),
    };
    match call.ask(MISS, api.get(name)).await {
        Ok(namespace) => Answer::Found(slim(namespace).1),
        Err(ClusterError::Missing { .. }) => Answer::Absent,
        Err(error) => {
            tracing::warn!(namespace = name, "its labels are not known: {error}");
            Answer::Failed
        }
    }
}

fn slim(namespace: Meta) -> (String, Arc<Labels>) {
    let meta = namespace.metadata;
    (
        meta.name.unwrap_or_default(),
        Arc::new(meta.labels.unwrap_or_default()),
    )
}

fn apply(cache: &Cache, change: Change<(String, Arc<Labels>)>) {
    let mut cache = cache.write().unwrap_or_else(PoisonError::into_inner);
    match change {
        Change::All(all) => *cache = all.into_iter().collect(),
        Change::Put((name, labels)) => {
            cache.insert(name, labels);
        }
        Change::Gone((name, _)) => {
            cache.remove(&name);
        }
    }
}
