//! ControlBindings, watched. Their meaning is not known here: each is passed on as JSON.

use super::{
    Cluster,
    list_watch::{AbortOnDrop, WatchEvent, WatchTarget, spawn_list_watch},
    watch_health::WatchHealth,
};
use kube::{
    Api,
    core::{ApiResource, DynamicObject, TypeMeta},
};
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::sync::watch;

pub(super) const GROUP: &str = "kubevet.io";
const API_VERSION: &str = "kubevet.io/v1alpha1";
const KIND: &str = "ControlBinding";
pub(super) const RESOURCE: &str = "controlbindings";
/// The JSON pointer to the last good `spec` in a status.
pub(super) const LAST_GOOD_POINTER: &str = "/status/lastGood/spec";
/// The most bytes of a last good `spec` that a status keeps.
pub(super) const MAX_LAST_GOOD_BYTES: usize = 64 << 10;
/// The reason of the `Accepted` condition of a binding that was in force, is broken now, and has no
/// last good `spec`.
pub const LOST_REASON: &str = "Lost";
const NOT_INSTALLED: &str = "list controlbindings: the API server does not know ControlBindings (kubevet.io/v1alpha1): apply the \
                             CustomResourceDefinition that `kubevet manifests` prints; until then there are none";

/// One ControlBinding of the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredBinding {
    /// The name.
    pub name: String,
    /// The uid: a binding that was deleted and created again has another one.
    pub uid: String,
    /// The generation, which grows with each change of the `spec`.
    pub generation: i64,
    /// The object as JSON, without its status and its managed fields.
    pub json: Arc<[u8]>,
    /// The part of its status that concerns earlier generations.
    pub history: BindingHistory,
}

/// The part of a binding's status that concerns earlier generations. It is a hint for a process
/// that starts: anyone who may write the status may write this.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BindingHistory {
    /// The last good `spec`, as JSON: see [`Cluster::set_binding_status`].
    pub last_good: Option<Arc<str>>,
    /// True if some generation was in force.
    pub was_in_force: bool,
}

/// All ControlBindings, watched while this is alive. Clones share the watch.
#[derive(Debug, Clone)]
pub struct ControlBindings {
    receiver: watch::Receiver<Option<Arc<[StoredBinding]>>>,
    health: WatchHealth,
    _task: Arc<AbortOnDrop>,
}

impl Cluster {
    /// Starts to watch ControlBindings, which needs `list` and `watch` on them. Must be called
    /// within a Tokio runtime.
    ///
    /// While the CustomResourceDefinition is not installed there are none, and the list is retried.
    #[must_use]
    pub fn watch_control_bindings(&self) -> ControlBindings {
        let (sender, receiver) = watch::channel(None);
        let health = WatchHealth::new();
        let target = WatchTarget {
            group: GROUP,
            resource: RESOURCE,
            not_installed: Some(NOT_INSTALLED),
        };
        let mut by_name = BTreeMap::new();
        let on_event = move |event| {
            // An empty first list is sent too: receivers wait for it.
            if apply_event(&mut by_name, event) || sender.borrow().is_none() {
                sender.send_replace(Some(by_name.values().cloned().collect()));
            }
        };
        let task = spawn_list_watch(
            api(self),
            target,
            self.timeouts.clone(),
            health.clone(),
            stored_binding,
            on_event,
        );
        ControlBindings {
            receiver,
            health,
            _task: Arc::new(task),
        }
    }
}

impl ControlBindings {
    /// Returns a receiver of all bindings, sorted by name; `None` before the first list. The value
    /// changes when a `spec` changes or a binding comes or goes, not when a status is written.
    #[must_use]
    pub fn receiver(&self) -> watch::Receiver<Option<Arc<[StoredBinding]>>> {
        self.receiver.clone()
    }

    /// Returns the time since the API server last answered; `None` before the first time.
    #[must_use]
    pub fn age(&self) -> Option<Duration> {
        self.health.age()
    }

    /// Returns the present error of the watch.
    #[must_use]
    pub fn error(&self) -> Option<String> {
        self.health.error()
    }
}

pub(super) fn api(cluster: &Cluster) -> Api<DynamicObject> {
    Api::all_with(cluster.client.clone(), &resource())
}

pub(super) fn resource() -> ApiResource {
    ApiResource {
        group: GROUP.to_owned(),
        version: "v1alpha1".to_owned(),
        api_version: API_VERSION.to_owned(),
        kind: KIND.to_owned(),
        plural: RESOURCE.to_owned(),
    }
}

fn stored_binding(mut object: DynamicObject) -> StoredBinding {
    object.metadata.managed_fields = None;
    let history = history(&object.data);
    if let Some(fields) = object.data.as_object_mut() {
        fields.shift_remove("status");
    }
    // The items of a list have no kind.
    object.types = Some(TypeMeta {
        api_version: API_VERSION.to_owned(),
        kind: KIND.to_owned(),
    });
    StoredBinding {
        name: object.metadata.name.clone().unwrap_or_default(),
        uid: object.metadata.uid.clone().unwrap_or_default(),
        generation: object.metadata.generation.unwrap_or_default(),
        // A map with string keys always serializes. Empty bytes would be reported as a broken
        // binding.
        json: serde_json::to_vec(&object).unwrap_or_default().into(),
        history,
    }
}

fn history(object: &Value) -> BindingHistory {
    let last_good = object
        .pointer(LAST_GOOD_POINTER)
        .and_then(Value::as_str)
        .filter(|spec| spec.len() <= MAX_LAST_GOOD_BYTES);
    let conditions = object
        .pointer("/status/conditions")
        .and_then(Value::as_array);
    let accepted = conditions.into_iter().flatten().find(|condition| {
        condition
            .get("type")
            .is_some_and(|condition_type| condition_type == "Accepted")
    });
    let has = |key: &str, expected: &str| {
        accepted
            .and_then(|condition| condition.get(key))
            .is_some_and(|value| value == expected)
    };
    BindingHistory {
        last_good: last_good.map(Arc::from),
        was_in_force: last_good.is_some() || has("status", "True") || has("reason", LOST_REASON),
    }
}

/// Applies an event. True if it changed the meaning of any binding.
fn apply_event(
    by_name: &mut BTreeMap<String, StoredBinding>,
    event: WatchEvent<StoredBinding>,
) -> bool {
    match event {
        WatchEvent::Replaced(listed) => {
            let listed: BTreeMap<_, _> = listed
                .into_iter()
                .map(|binding| (binding.name.clone(), binding))
                .collect();
            let is_changed = listed.len() != by_name.len()
                || listed.values().any(|binding| is_news(by_name, binding));
            *by_name = listed;
            is_changed
        }
        WatchEvent::Applied(binding) => {
            let is_changed = is_news(by_name, &binding);
            by_name.insert(binding.name.clone(), binding);
            is_changed
        }
        WatchEvent::Deleted(binding) => by_name.remove(&binding.name).is_some(),
    }
}

/// True if the binding is new or of another generation than the known one.
fn is_news(by_name: &BTreeMap<String, StoredBinding>, binding: &StoredBinding) -> bool {
    by_name
        .get(&binding.name)
        .is_none_or(|known| (&known.uid, known.generation) != (&binding.uid, binding.generation))
}
