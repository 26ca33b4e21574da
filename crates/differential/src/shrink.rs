//! Shrinking: a large object that shows something is reduced to a small one that still does.
//!
//! The algorithm is greedy and deterministic: of the smaller candidates, in a fixed order, the first
//! that still shows it becomes the next object, until none does.

use super::{
    corpus,
    json_path::{self, JsonPath},
    pod_mutations,
};
use kubevet_document::{YamlStyle, to_yaml};
use kubevet_k8s::workload::{self, WORKLOADS};
use serde_json::{Value, json};

/// The number of candidates that are evaluated at once.
const BATCH_SIZE: usize = 64;
/// The number of batches in all.
const MAX_BATCHES: usize = 1_500;

/// Shrinks an object. `shows` returns for each candidate whether it still shows what the object did;
/// an error ends the search.
pub(super) fn shrink<E>(
    object: Value,
    mut shows: impl FnMut(&[Value]) -> Result<Vec<bool>, E>,
) -> Result<Value, E> {
    let mut smallest = object;
    let mut batches = 0;
    'next_candidate: loop {
        let size = measure(&smallest);
        let mut candidates = candidates(&smallest);
        candidates.retain(|candidate| measure(candidate) < size);
        for batch in candidates.chunks(BATCH_SIZE) {
            batches += 1;
            if batches > MAX_BATCHES {
                return Ok(smallest);
            }
            let shown = shows(batch)?;
            if let Some((candidate, _)) = batch.iter().zip(shown).find(|(_, shown)| *shown) {
                smallest = candidate.clone();
                continue 'next_candidate;
            }
        }
        return Ok(smallest);
    }
}

/// Returns the size of an object: the lines of its YAML, then its bytes.
fn measure(object: &Value) -> (usize, usize) {
    let yaml = to_yaml(object, &YamlStyle::BLOCK);
    (yaml.lines().count(), yaml.len())
}

/// Returns simplified objects, those that lose most first.
fn candidates(object: &Value) -> Vec<Value> {
    let mut candidates = Vec::new();
    candidates.extend(as_pod(object));
    let mut paths: Vec<(usize, JsonPath)> = json_path::all_paths(object)
        .into_iter()
        .map(|path| {
            let nodes = json_path::get(object, &path).map_or(0, json_path::node_count);
            (nodes, path)
        })
        .collect();
    paths.sort_by_key(|(nodes, _)| std::cmp::Reverse(*nodes));
    for (_, path) in &paths {
        let mut candidate = object.clone();
        json_path::remove(&mut candidate, path);
        candidates.push(candidate);
    }
    for (_, path) in &paths {
        let Some(value) = json_path::get(object, path) else {
            continue;
        };
        for simpler in simpler_values(value) {
            let mut candidate = object.clone();
            if let Some(old) = json_path::get_mut(&mut candidate, path) {
                *old = simpler;
            }
            candidates.push(candidate);
        }
    }
    candidates
}

fn simpler_values(value: &Value) -> Vec<Value> {
    match value {
        Value::Object(fields) => fields
            .values()
            .filter(|value| value.is_object())
            .cloned()
            .chain([json!({}), Value::Null])
            .collect(),
        Value::Array(_) => vec![json!([]), Value::Null],
        Value::String(string) => simpler_strings(string)
            .into_iter()
            .map(Value::from)
            .collect(),
        Value::Number(_) => vec![json!(0), json!(1)],
        Value::Bool(_) | Value::Null => Vec::new(),
    }
}

/// Returns a string's halves, and the string without its first or last character.
fn simpler_strings(string: &str) -> Vec<String> {
    let chars: Vec<char> = string.chars().collect();
    let (left, right) = chars.split_at(chars.len() / 2);
    let without_first = chars.get(1..).unwrap_or_default();
    let without_last = chars
        .get(..chars.len().saturating_sub(1))
        .unwrap_or_default();
    let mut strings: Vec<String> = vec!["a".to_owned(), String::new()];
    strings.extend(
        [left, right, without_first, without_last]
            .iter()
            .map(|chars| chars.iter().collect()),
    );
    strings
}

/// Returns a workload as a Pod, the shortest kind with a pod spec.
fn as_pod(object: &Value) -> Option<Value> {
    let path = workload::pod_spec_path(&corpus::kind_of(object))?;
    let pod_spec = path.iter().try_fold(object, |value, key| value.get(*key))?;
    let target = WORKLOADS.iter().find(|workload| workload.name == "Pod")?;
    pod_mutations::with_pod_spec(object, pod_spec.clone(), target)
}

#[cfg(test)]
mod tests {
    use super::shrink;
    use serde_json::{Value, json};

    #[test]
    fn shrunk_object_still_shows_and_is_small() {
        let object = json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "shop", "labels": {"a": "b"}},
            "spec": {"replicas": 3, "template": {"spec": {"containers": [
                {"name": "one", "image": "a:latest"},
                {"name": "two", "image": "b", "env": [{"name": "A", "value": "secret"}], "ports": [{"containerPort": 80}]},
            ]}}},
        });
        let shows = |candidate: &Value| {
            let json = candidate.to_string();
            json.contains("secret") && json.contains("containers") && candidate["kind"].is_string()
        };
        let small = shrink(object, |candidates: &[Value]| {
            Ok::<_, ()>(candidates.iter().map(shows).collect())
        });
        assert!(small.is_ok_and(|small| super::measure(&small).0 <= 8));
    }
}
