//! The bindings of the cluster, as the operator counts what they would deny, and the status that tells
//! it. Every replica counts; the one that leads writes.
//!
//! A status is written when the counts change, and every five minutes, so that who reads it sees that
//! the counts still hold; one binding at most every ten seconds.

use super::operator_flags::OperatorSettings;
use crate::cli::{cluster_binding::read_cluster_binding, session::Session};
use anyhow::bail;
use kubevet_cluster::{Cluster, ControlBindings, Fence, Namespaces, StoredBinding};
use kubevet_engine::Engine;
use kubevet_operator::{
    BindingPolicy, BindingVersion, BindingsHandle, DenialCounts, would_deny_status,
};
use kubevet_policy::{Binding, Library};
use kubevet_vap::EXEMPT_NAMESPACES;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    sync::{Notify, watch},
    task::{JoinHandle, spawn_blocking},
    time::{MissedTickBehavior, interval},
};
use tracing::{error, warn};

/// The time between two looks at what is to be written.
const TICK: Duration = Duration::from_secs(2);
/// The least time between two writes of one status.
const MIN_PAUSE: Duration = Duration::from_secs(10);
/// After so long, a status is written although the counts are the same.
const MAX_PAUSE: Duration = Duration::from_secs(300);
/// The fields of a status that say when it was counted, and not what.
const TIMES: [&str; 3] = ["time", "sweep", "sweepTime"];
/// The most bindings that are counted.
const MAX_BINDINGS: usize = 500;

/// Counts until it is dropped.
pub(super) struct CountedBindings {
    library_changed: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Drop for CountedBindings {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl CountedBindings {
    /// Starts to count what the bindings of the cluster would deny. `own_namespace` is that of this Pod,
    /// which is the gate's own, too: it denies nothing there.
    pub(super) fn start(
        cluster: &Cluster,
        fence: Fence,
        settings: Arc<OperatorSettings>,
        own_namespace: Option<String>,
        operator: BindingsHandle,
    ) -> Self {
        let library_changed = Arc::new(Notify::new());
        let bindings = cluster.watch_control_bindings();
        let exempt = EXEMPT_NAMESPACES.iter().map(|name| (*name).to_owned());
        let counting = Counting {
            cluster: cluster.clone(),
            fence,
            settings,
            exempt_namespaces: exempt.chain(own_namespace).collect(),
            known: bindings.receiver(),
            _bindings: bindings,
            namespaces: None,
            library: None,
            last_good: BTreeMap::new(),
            library_changed: Arc::clone(&library_changed),
            counts: operator.counts(),
            operator,
            written: BTreeMap::new(),
        };
        Self {
            library_changed,
            task: tokio::spawn(counting.run()),
        }
    }

    /// Reads the library again: its files have changed.
    pub(super) fn reload(&self) {
        self.library_changed.notify_one();
    }
}

/// The whole library, which bindings may name any control of.
#[derive(Clone)]
struct EnforcedLibrary {
    library: Arc<Library>,
    engine: Arc<Engine>,
}

/// A status that was written.
struct Written {
    uid: String,
    /// Without the times.
    content: Value,
    at: Instant,
}

struct Counting {
    cluster: Cluster,
    fence: Fence,
    settings: Arc<OperatorSettings>,
    exempt_namespaces: BTreeSet<String>,
    known: watch::Receiver<Option<Arc<[StoredBinding]>>>,
    _bindings: ControlBindings,
    /// Watched once there is a binding.
    namespaces: Option<Namespaces>,
    /// Compiled once there is a binding.
    library: Option<EnforcedLibrary>,
    /// The last good form of each binding, by name and uid.
    last_good: BTreeMap<(String, String), Binding>,
    library_changed: Arc<Notify>,
    operator: BindingsHandle,
    counts: watch::Receiver<Option<Arc<DenialCounts>>>,
    /// By the name of the binding.
    written: BTreeMap<String, Written>,
}

impl Counting {
    async fn run(mut self) {
        let mut clock = interval(TICK);
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                changed = self.known.changed() => {
                    if changed.is_err() || !self.replace().await {
                        return;
                    }
                }
                () = self.library_changed.notified() => {
                    self.library = None;
                    if !self.replace().await {
                        return;
                    }
                }
                _ = clock.tick() => self.write().await,
            }
        }
    }

    /// Has the present bindings counted. False if the operator has ended.
    async fn replace(&mut self) -> bool {
        let known = self.known.borrow_and_update().clone();
        let Some(stored) = known else { return true };
        if stored.is_empty() {
            self.last_good.clear();
            return self.operator.replace(None).await.is_ok();
        }
        let Some(library) = self.library().await else {
            return true;
        };
        let mut last_good = BTreeMap::new();
        let mut bindings = Vec::new();
        for stored in stored.iter().take(MAX_BINDINGS) {
            let key = (stored.name.clone(), stored.uid.clone());
            let before = self.last_good.get(&key);
            let binding = read_cluster_binding(stored, before, &library.library);
            if let Some(binding) = binding {
                let version = BindingVersion {
                    name: stored.name.clone(),
                    uid: stored.uid.clone(),
                    generation: stored.generation,
                };
                bindings.push((version, binding.clone()));
                last_good.insert(key, binding);
            }
        }
        self.last_good = last_good;
        if stored.len() > MAX_BINDINGS {
            warn!("what bindings would deny is counted for the first {MAX_BINDINGS} alone");
        }
        let cluster = &self.cluster;
        let namespaces = self
            .namespaces
            .get_or_insert_with(|| cluster.watch_namespaces());
        let namespaces = namespaces.clone();
        let controls = library.library.controls.iter();
        let controls: Vec<_> = controls.map(|source| Arc::clone(&source.control)).collect();
        let policy = BindingPolicy::new(
            library.engine,
            controls,
            bindings,
            self.exempt_namespaces.clone(),
            Arc::new(move |name| namespaces.cached(name)),
        );
        self.operator.replace(Some(policy)).await.is_ok()
    }

    /// Returns the library; `None` if it is broken.
    async fn library(&mut self) -> Option<EnforcedLibrary> {
        if let Some(library) = &self.library {
            return Some(library.clone());
        }
        let settings = Arc::clone(&self.settings);
        let loaded = spawn_blocking(move || load(&settings)).await;
        match loaded {
            Ok(Ok(library)) => {
                self.library = Some(library);
                self.library.clone()
            }
            Ok(Err(error)) => {
                error!("{error:#}: what bindings would deny is not counted by it");
                None
            }
            Err(_) => {
                error!("reading the library failed unexpectedly");
                None
            }
        }
    }

    /// Writes the statuses that are due, if this replica leads.
    async fn write(&mut self) {
        if !self.fence.is_open() {
            // Another replica may write meanwhile.
            self.written.clear();
            return;
        }
        let Some(counts) = self.counts.borrow_and_update().clone() else {
            return;
        };
        let names: BTreeSet<&String> = counts
            .bindings
            .iter()
            .map(|binding| &binding.version.name)
            .collect();
        self.written.retain(|name, _| names.contains(name));
        let now = Instant::now();
        for binding in &counts.bindings {
            let version = &binding.version;
            let status = would_deny_status(&counts, binding);
            let content = without_times(&status);
            let written = self.written.get(&version.name);
            if !is_due(written, &version.uid, &content, now) {
                continue;
            }
            let applied = self
                .cluster
                .apply_would_deny(&version.name, &version.uid, &status);
            match self.fence.while_open(applied).await {
                Some(Ok(_)) => {
                    let written = Written {
                        uid: version.uid.clone(),
                        content,
                        at: now,
                    };
                    self.written.insert(version.name.clone(), written);
                }
                Some(Err(error)) => {
                    warn!(
                        binding = version.name,
                        "what it would deny is not written: {error}; trying again"
                    );
                    return;
                }
                None => return,
            }
        }
    }
}

/// True if a status is written now.
fn is_due(written: Option<&Written>, uid: &str, content: &Value, now: Instant) -> bool {
    let Some(written) = written.filter(|written| written.uid == uid) else {
        return true;
    };
    let pause = now.saturating_duration_since(written.at);
    pause >= MAX_PAUSE || (pause >= MIN_PAUSE && written.content != *content)
}

fn without_times(status: &Value) -> Value {
    let mut content = status.clone();
    if let Some(fields) = content.as_object_mut() {
        fields.retain(|key, _| !TIMES.contains(&key.as_str()));
    }
    content
}

/// Loads and compiles the whole library.
fn load(settings: &OperatorSettings) -> anyhow::Result<EnforcedLibrary> {
    let (library, problems) = settings.library.load();
    let Session {
        library,
        engine,
        problems,
    } = Session::compile(library, problems);
    if let Some(problem) = problems.first() {
        bail!("the library has a problem: {problem}");
    }
    engine.compile_patterns();
    Ok(EnforcedLibrary {
        library: Arc::new(library),
        engine: Arc::new(engine),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn status_is_written_when_the_counts_change_and_from_time_to_time() {
        let begun = Instant::now();
        let status =
            |denied: u64, time: u64| json!({"denied": denied, "time": time, "sweep": time});
        let written = Written {
            uid: "u".to_owned(),
            content: without_times(&status(1, 1)),
            at: begun,
        };
        let check = |uid: &str, denied, seconds, expected| {
            let now = begun + Duration::from_secs(seconds);
            let content = without_times(&status(denied, seconds));
            let due = is_due(Some(&written), uid, &content, now);
            assert_eq!(due, expected, "{uid} {denied} {seconds}");
        };
        check("u", 1, 20, false);
        check("u", 2, 20, true);
        check("u", 2, 9, false);
        check("u", 1, 300, true);
        check("another", 1, 1, true);
        assert!(is_due(None, "u", &json!({}), begun));
    }
}
