//! Objects of custom kinds, made of workloads: the pod of a workload is put where the kind keeps its
//! pods. Kubernetes knows nothing of the types in such an object, so some have wrong ones.

use super::{corpus, invalid, rng::Rng};
use kubevet_k8s::workload::{
    self,
    custom::{
        COMPOSED_POD_FIELDS, ComposedPod, CustomWorkload, CustomWorkloads, PathStep, PodLayout,
    },
};
use serde_json::{Map, Value, json};

/// The percentage of objects with a wrong type.
const WRONG_TYPE_PERCENT: usize = 25;
/// The percentage of places with a pod.
const POD_PERCENT: usize = 70;
/// The percentage of a composed pod's fields that are outside of its element.
const OUTER_PERCENT: usize = 40;

/// Returns the pod of a workload as an object of a custom kind that policies can be exported for.
pub(super) fn custom_object(
    workload: &Value,
    table: &CustomWorkloads,
    rng: &mut Rng,
) -> Option<Value> {
    let rows = table.rows().iter();
    let rows: Vec<&CustomWorkload> = rows.filter(|row| row.has_whole_containers()).collect();
    let row = *rng.pick(&rows)?;
    let spec_path = workload::pod_spec_path(&corpus::kind_of(workload))?;
    let (_, template_path) = spec_path.split_last()?;
    let at = |path: &[&str]| path.iter().try_fold(workload, |value, key| value.get(key));
    let pod = Pod {
        metadata: at(template_path).and_then(|template| template.get("metadata")),
        spec: at(spec_path).filter(|spec| spec.is_object())?,
    };
    let mut object = json!({
        "apiVersion": format!("{}/v1", row.kind.group),
        "kind": row.kind.name,
        "metadata": admitted_metadata(workload.get("metadata")?.as_object()?),
    });
    for layout in &row.pods {
        if rng.chance(POD_PERCENT) {
            put(&mut object, &layout.path().0, layout, &pod, rng);
        }
    }
    if let (true, Some(spec)) = (rng.chance(WRONG_TYPE_PERCENT), object.get_mut("spec")) {
        invalid::corrupt(spec, rng);
    }
    Some(object)
}

/// Metadata without labels and annotations of wrong types: the API server refuses those in an object
/// of any kind.
fn admitted_metadata(metadata: &Map<String, Value>) -> Map<String, Value> {
    let is_valid = |(name, value): &(&String, &Value)| match name.as_str() {
        "labels" | "annotations" => value
            .as_object()
            .is_some_and(|entries| entries.values().all(Value::is_string)),
        _ => true,
    };
    let valid = metadata.iter().filter(is_valid);
    valid
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// The pod of a workload.
struct Pod<'w> {
    metadata: Option<&'w Value>,
    spec: &'w Value,
}

/// Puts the pod to where the steps lead from a value.
fn put(value: &mut Value, steps: &[PathStep], layout: &PodLayout, pod: &Pod<'_>, rng: &mut Rng) {
    let Some((step, rest)) = steps.split_first() else {
        return place(value, layout, pod, rng);
    };
    match step {
        PathStep::Field(name) => {
            if let Some(fields) = fields_of(value) {
                let inner = fields.entry(name.clone()).or_insert(Value::Null);
                put(inner, rest, layout, pod, rng);
                if let PodLayout::Composed(composed) = layout {
                    move_outwards(value, composed, name, rng);
                }
            }
        }
        PathStep::EachItem => {
            let mut items = value.as_array().cloned().unwrap_or_default();
            for index in 0..=rng.below(2) {
                if items.len() <= index {
                    items.push(json!({"name": format!("item-{index}")}));
                }
                if let Some(item) = items.get_mut(index) {
                    put(item, rest, layout, pod, rng);
                }
            }
            *value = Value::Array(items);
        }
        PathStep::EachValue => {
            for key in ["Worker", "Master"].into_iter().take(1 + rng.below(2)) {
                if let Some(fields) = fields_of(value) {
                    let inner = fields.entry(key).or_insert(Value::Null);
                    put(inner, rest, layout, pod, rng);
                }
            }
        }
    }
}

/// The fields of a map; of a null, which becomes one.
fn fields_of(value: &mut Value) -> Option<&mut Map<String, Value>> {
    if value.is_null() {
        *value = json!({});
    }
    value.as_object_mut()
}

fn place(value: &mut Value, layout: &PodLayout, pod: &Pod<'_>, rng: &mut Rng) {
    match layout {
        PodLayout::Template { .. } => {
            *value = json!({"spec": pod.spec});
            if let (Some(metadata), Some(fields)) = (pod.metadata, value.as_object_mut()) {
                fields.insert("metadata".to_owned(), metadata.clone());
            }
        }
        PodLayout::Spec(_) => *value = pod.spec.clone(),
        PodLayout::Composed(composed) => {
            if let Some(fields) = fields_of(value) {
                compose(fields, composed, pod, rng);
            }
        }
    }
}

/// Distributes the containers of a pod among the fields from which the controller takes them.
fn compose(fields: &mut Map<String, Value>, composed: &ComposedPod, pod: &Pod<'_>, rng: &mut Rng) {
    for list in ["containers", "initContainers"] {
        let containers = pod.spec.get(list).and_then(Value::as_array);
        for container in containers.into_iter().flatten() {
            let sources = composed.containers.iter();
            let sources: Vec<_> = sources.filter(|source| source.list == list).collect();
            let Some(source) = rng.pick(&sources) else {
                continue;
            };
            let Some((last, path)) = source.path.split_last() else {
                continue;
            };
            let mut parent = Some(&mut *fields);
            for field in path {
                parent = parent
                    .and_then(|fields| fields_of(fields.entry(*field).or_insert(Value::Null)));
            }
            let Some(parent) = parent else {
                continue;
            };
            if source.is_list {
                let items = parent.entry(*last).or_insert_with(|| json!([]));
                if let Some(items) = items.as_array_mut() {
                    items.push(container.clone());
                }
            } else {
                parent.insert((*last).to_owned(), container.clone());
            }
        }
    }
    for field in COMPOSED_POD_FIELDS.iter().chain(&["volumes"]) {
        if let Some(value) = pod.spec.get(field) {
            fields.insert((*field).to_owned(), value.clone());
        }
    }
}

/// Moves some fields of an element's first item to the map with the list, where they apply to all.
fn move_outwards(value: &mut Value, composed: &ComposedPod, name: &str, rng: &mut Rng) {
    let is_outer = composed.outer.iter().any(|fields| fields.len() == 1);
    if !is_outer || name != "templates" || !rng.chance(OUTER_PERCENT) {
        return;
    }
    let field = rng.pick(COMPOSED_POD_FIELDS).copied().unwrap_or("volumes");
    let moved = value
        .get_mut(name)
        .and_then(|list| list.get_mut(0))
        .and_then(|item| item.as_object_mut()?.shift_remove(field));
    if let (Some(moved), Some(fields)) = (moved, value.as_object_mut()) {
        fields.insert(field.to_owned(), moved);
    }
}
