//! Mutations of pod specs: containers that move between lists, and pod specs that move between kinds of
//! workloads.

use super::{corpus, rng::Rng};
use kubevet_k8s::workload::{self, WORKLOADS};
use serde_json::{Map, Value, json};

/// The fields of a pod spec that are lists of containers.
pub(super) const CONTAINER_LISTS: [&str; 3] =
    ["containers", "initContainers", "ephemeralContainers"];

/// Moves a container from one list of a pod spec to another.
pub(super) fn move_container(object: &mut Value, rng: &mut Rng) {
    let Some(Value::Object(spec)) = pod_spec_mut(object) else {
        return;
    };
    let (from, to) = (rng.pick(&CONTAINER_LISTS), rng.pick(&CONTAINER_LISTS));
    let (Some(from), Some(to)) = (from, to) else {
        return;
    };
    let Some(Value::Array(items)) = spec.get_mut(*from) else {
        return;
    };
    if items.is_empty() {
        return;
    }
    let container = items.remove(rng.below(items.len()));
    match spec.get_mut(*to) {
        Some(Value::Array(items)) => items.push(container),
        _ => drop(spec.insert((*to).to_owned(), json!([container]))),
    }
}

/// Returns the pod spec of an object; `None` if its kind has none.
fn pod_spec_mut(object: &mut Value) -> Option<&mut Value> {
    let path = workload::pod_spec_path(&corpus::kind_of(object))?;
    path.iter()
        .try_fold(object, |value, key| value.get_mut(*key))
}

/// Moves the pod spec into a workload of another kind.
pub(super) fn change_kind(object: &mut Value, rng: &mut Rng) {
    let Some(target) = rng.pick(WORKLOADS) else {
        return;
    };
    let Some(pod_spec) = pod_spec_mut(object).map(Value::take) else {
        return;
    };
    if let Some(moved) = with_pod_spec(object, pod_spec, target) {
        *object = moved;
    }
}

/// Returns a workload of the target kind with this pod spec and the metadata of `object`.
pub(super) fn with_pod_spec(
    object: &Value,
    pod_spec: Value,
    target: &workload::WorkloadKind,
) -> Option<Value> {
    let (last, parents) = target.pod_spec.split_last()?;
    let metadata = object.get("metadata").cloned().unwrap_or_else(|| json!({}));
    let mut inner = Map::from_iter([((*last).to_owned(), pod_spec)]);
    if !parents.is_empty() {
        inner.insert("metadata".to_owned(), json!({"labels": {"app": "shop"}}));
    }
    let mut value = Value::Object(inner);
    for key in parents.iter().rev() {
        value = Value::Object(Map::from_iter([((*key).to_owned(), value)]));
    }
    let version = if target.group.is_empty() {
        "v1".to_owned()
    } else {
        format!("{}/v1", target.group)
    };
    let mut moved = json!({"apiVersion": version, "kind": target.name, "metadata": metadata});
    let (moved_fields, Value::Object(fields)) = (moved.as_object_mut()?, value) else {
        return None;
    };
    moved_fields.extend(fields);
    Some(moved)
}
