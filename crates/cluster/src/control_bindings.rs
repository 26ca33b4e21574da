//! ControlBindings, watched. What they mean is not known here: each is handed on as JSON.

use super::{
    Cluster,
    list_watch::{Change, Followed, Task, follow},
    watch_health::Pulse,
};
use kube::{
    Api,
    core::{ApiResource, DynamicObject},
};
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::sync::watch;

pub(super) const GROUP: &str = "kubevet.io";
pub(super) const RESOURCE: &str = "controlbindings";
/// Where a status keeps the last good form of a binding.
pub(super) const LAST_GOOD: &str = "/status/lastGood/spec";
/// The longest form that a status keeps, in bytes.
pub(super) const LAST_GOOD_BYTES: usize = 64 << 10;
/// The reason of a binding that was in force, is broken, and has no last good form.
pub const LOST: &str = "Lost";
const ABSENT: &str = "list controlbindings: the API server does not know ControlBindings (kubevet.io/v1alpha1): apply the \
                      CustomResourceDefinition that `kubevet manifests` prints; until then there are none";

/// One ControlBinding as it stands in the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredBinding {
    /// Its name.
    pub name: String,
    /// Which object of that name: a binding that is deleted and made again is another.
    pub uid: String,
    /// Counts the changes of its `spec`.
    pub generation: i64,
    /// The object as JSON, without its status and its managed fields.
    pub json: Arc<[u8]>,
    /// What its status said of it when it was read.
    pub before: Before,
}

/// What the status of a binding says of earlier forms of it. A hint for a start: who may write the status may write this.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Before {
    /// The last good `spec`, as JSON: see [`Cluster::set_binding_status`].
    pub last_good: Option<Arc<str>>,
    /// Whether some form of it was in force.
    pub was_in_force: bool,
}

/// All bindings, as long as this is held. Clones are the same.
#[derive(Debug, Clone)]
pub struct Bindings {
    receiver: watch::Receiver<Option<Arc<[StoredBinding]>>>,
    pulse: Pulse,
    _task: Arc<Task>,
}

impl Cluster {
    /// Starts watching ControlBindings (needs `list` and `watch` on them). Must be called within a runtime.
    ///
    /// Without the CustomResourceDefinition there are none; it is looked for again and again.
    #[must_use]
    pub fn bindings(&self) -> Bindings {
        let (sender, receiver) = watch::channel(None);
        let pulse = Pulse::new();
        let followed = Followed {
            group: GROUP,
            resource: RESOURCE,
            absent: Some(ABSENT),
        };
        let mut all = BTreeMap::new();
        let tell = move |change| {
            if apply(&mut all, change) || sender.borrow().is_none() {
                sender.send_replace(Some(all.values().cloned().collect()));
            }
        };
        let task = follow(
            api(self),
            followed,
            self.limits.clone(),
            pulse.clone(),
            slim,
            tell,
        );
        Bindings {
            receiver,
            pulse,
            _task: Arc::new(task),
        }
    }
}

impl Bindings {
    /// All bindings by name; `None` before they were listed for the first time. Changes when a `spec` changes, a binding
    /// comes or goes; not when a status is written.
    #[must_use]
    pub fn receiver(&self) -> watch::Receiver<Option<Arc<[StoredBinding]>>> {
        self.receiver.clone()
    }

    /// Time since the API server was last heard; `None` before the first time.
    #[must_use]
    pub fn age(&self) -> Option<Duration> {
        self.pulse.age()
    }

    /// What is wrong with the watch now; `None` for nothing.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.pulse.current_trouble()
    }
}

pub(super) fn api(cluster: &Cluster) -> Api<DynamicObject> {
    let resource = ApiResource {
        group: GROUP.to_owned(),
        version: "v1alpha1".to_owned(),
        api_version: format!("{GROUP}/v1alpha1"),
        kind: "ControlBinding".to_owned(),
        plural: RESOURCE.to_owned(),
    };
    Api::all_with(cluster.client.clone(), &resource)
}

fn slim(mut object: DynamicObject) -> StoredBinding {
    object.metadata.managed_fields = None;
    let before = before(&object.data);
    if let Some(fields) = object.data.as_object_mut() {
        fields.shift_remove("status");
    }
    // An item of a list does not say its kind.
    object.types = Some(kube::core::TypeMeta {
        api_version: format!("{GROUP}/v1alpha1"),
        kind: "ControlBinding".to_owned(),
    });
    StoredBinding {
        name: object.metadata.name.clone().unwrap_or_default(),
        uid: object.metadata.uid.clone().unwrap_or_default(),
        generation: object.metadata.generation.unwrap_or_default(),
        // A map with text keys is always JSON; empty bytes would be told as a broken binding.
        json: serde_json::to_vec(&object).unwrap_or_default().into(),
        before,
    }
}

fn before(object: &Value) -> Before {
    let last_good = object
        .pointer(LAST_GOOD)
        .and_then(Value::as_str)
        .filter(|it| it.len() <= LAST_GOOD_BYTES);
    let conditions = object
        .pointer("/status/conditions")
        .and_then(Value::as_array);
    let accepted = conditions
        .into_iter()
        .flatten()
        .find(|it| it.get("type").is_some_and(|it| it == "Accepted"));
    let says = |key: &str, value: &str| {
        accepted.is_some_and(|it| it.get(key).is_some_and(|it| it == value))
    };
    Before {
        last_good: last_good.map(Arc::from),
        was_in_force: last_good.is_some() || says("status", "True") || says("reason", LOST),
    }
}

/// True where that changes anything that a binding can mean.
fn apply(all: &mut BTreeMap<String, StoredBinding>, change: Change<StoredBinding>) -> bool {
    let same =
        |a: &StoredBinding, b: &StoredBinding| (&a.uid, a.generation) == (&b.uid, b.generation);
    match change {
        Change::All(listed) => {
            let listed: BTreeMap<_, _> =
                listed.into_iter().map(|it| (it.name.clone(), it)).collect();
            let news = listed.len() != all.len()
                || listed
                    .values()
                    .any(|it| all.get(&it.name).is_none_or(|known| !same(known, it)));
            *all = listed;
            news
        }
        Change::Put(binding) => {
            let news = all
                .get(&binding.name)
                .is_none_or(|known| !same(known, &binding));
            all.insert(binding.name.clone(), binding);
            news
        }
        Change::Gone(binding) => all.remove(&binding.name).is_some(),
    }
}
