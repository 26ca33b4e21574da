//! Paths in a JSON tree: all paths, the value at a path, and changes at it.
//!
//! Trees come from documents, whose depth is bounded, and grow only by parts of other such trees.

use serde_json::Value;

/// A step from a value to one inside it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum PathStep {
    Key(String),
    Index(usize),
}

/// The steps from the root to a value.
pub(super) type JsonPath = Vec<PathStep>;

/// Returns every path but that of the root, parents before what is in them.
pub(super) fn all_paths(root: &Value) -> Vec<JsonPath> {
    let mut paths = Vec::new();
    let mut pending: Vec<(JsonPath, &Value)> = vec![(Vec::new(), root)];
    while let Some((path, value)) = pending.pop() {
        match value {
            Value::Object(fields) => pending.extend(
                fields
                    .iter()
                    .rev()
                    .map(|(key, value)| (child(&path, PathStep::Key(key.clone())), value)),
            ),
            Value::Array(items) => pending.extend(
                items
                    .iter()
                    .enumerate()
                    .rev()
                    .map(|(index, item)| (child(&path, PathStep::Index(index)), item)),
            ),
            _ => {}
        }
        if !path.is_empty() {
            paths.push(path);
        }
    }
    paths
}

/// Returns a path extended by one step.
pub(super) fn child(path: &[PathStep], step: PathStep) -> JsonPath {
    path.iter().cloned().chain([step]).collect()
}

pub(super) fn get<'a>(root: &'a Value, path: &[PathStep]) -> Option<&'a Value> {
    path.iter().try_fold(root, |value, step| match step {
        PathStep::Key(key) => value.get(key),
        PathStep::Index(index) => value.get(index),
    })
}

pub(super) fn get_mut<'a>(root: &'a mut Value, path: &[PathStep]) -> Option<&'a mut Value> {
    path.iter().try_fold(root, |value, step| match step {
        PathStep::Key(key) => value.get_mut(key),
        PathStep::Index(index) => value.get_mut(index),
    })
}

/// Removes the value at a path, and returns it.
pub(super) fn remove(root: &mut Value, path: &[PathStep]) -> Option<Value> {
    let (last, parent) = path.split_last()?;
    match (get_mut(root, parent)?, last) {
        (Value::Object(fields), PathStep::Key(key)) => fields.shift_remove(key),
        (Value::Array(items), PathStep::Index(index)) if *index < items.len() => {
            Some(items.remove(*index))
        }
        _ => None,
    }
}

/// Returns the number of values in a tree, itself included.
pub(super) fn node_count(root: &Value) -> usize {
    let mut count = 0;
    let mut pending = vec![root];
    while let Some(value) = pending.pop() {
        count += 1;
        match value {
            Value::Object(fields) => pending.extend(fields.values()),
            Value::Array(items) => pending.extend(items),
            _ => {}
        }
    }
    count
}

/// Returns the depth of a tree: the length of its longest path.
pub(super) fn depth(root: &Value) -> usize {
    all_paths(root)
        .iter()
        .map(Vec::len)
        .max()
        .unwrap_or_default()
}

/// Returns the key of a path: its last one, which for an element is that of the list. All lists of
/// containers have the key `containers`.
pub(super) fn nearest_key(path: &[PathStep]) -> &str {
    let key = path.iter().rev().find_map(|step| match step {
        PathStep::Key(key) => Some(key.as_str()),
        PathStep::Index(_) => None,
    });
    match key.unwrap_or_default() {
        "initContainers" | "ephemeralContainers" => "containers",
        key => key,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::{all_paths, get, nearest_key, node_count, remove};
    use serde_json::json;

    #[test]
    fn paths_are_listed_and_values_removed() {
        let mut tree = json!({"a": [{"b": 1}, 2], "initContainers": [{"c": null}]});
        let paths = all_paths(&tree);
        assert_eq!(paths.len() + 1, node_count(&tree));
        assert_eq!(get(&tree, &paths[2]), Some(&json!(1)));
        assert_eq!(
            (nearest_key(&paths[1]), nearest_key(&paths[5])),
            ("a", "containers")
        );
        assert_eq!(remove(&mut tree, &paths[1]), Some(json!({"b": 1})));
        assert_eq!(tree, json!({"a": [2], "initContainers": [{"c": null}]}));
    }
}
