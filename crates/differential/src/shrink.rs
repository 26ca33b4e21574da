//! A large object that shows something → a small one that still does. Deterministic: the first of the smaller objects, in
//! a fixed order, that still shows it is taken, until none does.

use super::{
    corpus,
    json_path::{self, Place},
    mutate, yaml,
};
use kubevet_k8s::workload::{self, WORKLOADS};
use serde_json::{Value, json};

/// How many objects are tried at once.
const BATCH: usize = 64;
/// How many batches are tried in all.
const BATCHES: usize = 1_500;

/// Makes an object smaller. `shows` tells of each object whether it still shows what the first did; an error ends it.
pub(super) fn shrink<E>(
    object: Value,
    mut shows: impl FnMut(&[Value]) -> Result<Vec<bool>, E>,
) -> Result<Value, E> {
    let mut best = object;
    let mut batches = 0;
    'smaller: loop {
        let measure = measure(&best);
        let mut all = candidates(&best);
        all.retain(|it| self::measure(it) < measure);
        for batch in all.chunks(BATCH) {
            batches += 1;
            if batches > BATCHES {
                return Ok(best);
            }
            let shown = shows(batch)?;
            if let Some((it, _)) = batch.iter().zip(shown).find(|(_, shown)| *shown) {
                best = it.clone();
                continue 'smaller;
            }
        }
        return Ok(best);
    }
}

/// Lines count most, then letters.
fn measure(object: &Value) -> (usize, usize) {
    let text = yaml::write(object);
    (text.lines().count(), text.len())
}

fn candidates(object: &Value) -> Vec<Value> {
    let mut found = Vec::new();
    found.extend(as_pod(object));
    let mut places: Vec<(usize, Place)> = json_path::places(object)
        .into_iter()
        .map(|it| (json_path::at(object, &it).map_or(0, json_path::size), it))
        .collect();
    places.sort_by_key(|(size, _)| std::cmp::Reverse(*size));
    let with = |change: &mut dyn FnMut(&mut Value)| {
        let mut smaller = object.clone();
        change(&mut smaller);
        smaller
    };
    for (_, place) in &places {
        found.push(with(&mut |it| drop(json_path::remove(it, place))));
    }
    for (_, place) in &places {
        let Some(value) = json_path::at(object, place) else {
            continue;
        };
        for simple in simpler(value) {
            found.push(with(&mut |it| {
                if let Some(old) = json_path::at_mut(it, place) {
                    *old = simple.clone();
                }
            }));
        }
    }
    found
}

fn simpler(value: &Value) -> Vec<Value> {
    match value {
        Value::Object(fields) => fields
            .values()
            .filter(|it| it.is_object())
            .cloned()
            .chain([json!({}), Value::Null])
            .collect(),
        Value::Array(_) => vec![json!([]), Value::Null],
        Value::String(text) => {
            let letters: Vec<char> = text.chars().collect();
            let (left, right) = letters.split_at(letters.len() / 2);
            let without_first = letters.get(1..).unwrap_or_default();
            let without_last = letters
                .get(..letters.len().saturating_sub(1))
                .unwrap_or_default();
            let mut texts: Vec<String> = vec!["a".to_owned(), String::new()];
            texts.extend(
                [left, right, without_first, without_last]
                    .iter()
                    .map(|it| it.iter().collect()),
            );
            texts.into_iter().map(Value::from).collect()
        }
        Value::Number(_) => vec![json!(0), json!(1)],
        Value::Bool(_) | Value::Null => Vec::new(),
    }
}

/// A Pod is the shortest workload.
fn as_pod(object: &Value) -> Option<Value> {
    let path = workload::pod_spec_path(&corpus::kind_of(object))?;
    let pod = path.iter().try_fold(object, |value, key| value.get(*key))?;
    let target = WORKLOADS.iter().find(|it| it.name == "Pod")?;
    mutate::move_pod(object, pod.clone(), target)
}

#[cfg(test)]
mod tests {
    use super::shrink;
    use serde_json::{Value, json};

    #[test]
    fn what_matters_stays() {
        let object = json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "shop", "labels": {"a": "b"}},
            "spec": {"replicas": 3, "template": {"spec": {"containers": [
                {"name": "one", "image": "a:latest"},
                {"name": "two", "image": "b", "env": [{"name": "A", "value": "secret"}], "ports": [{"containerPort": 80}]},
            ]}}},
        });
        let shows = |it: &Value| {
            let text = it.to_string();
            text.contains("secret") && text.contains("containers") && it["kind"].is_string()
        };
        let small = shrink(object, |all: &[Value]| {
            Ok::<_, ()>(all.iter().map(shows).collect())
        });
        assert!(small.is_ok_and(|it| super::measure(&it).0 <= 8));
    }
}
