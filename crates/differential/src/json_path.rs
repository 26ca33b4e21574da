//! Places in a JSON tree: where they are, what stands there, how to change it. Trees here come from documents, whose
//! depth is bounded, and only grow by parts of other such trees.

use serde_json::Value;

/// A step from a value to one inside it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    Key(String),
    Index(usize),
}

/// The steps from the root.
pub(super) type Place = Vec<Step>;

/// Every place but the root, parents before what is in them.
pub(super) fn places(root: &Value) -> Vec<Place> {
    let mut found = Vec::new();
    let mut todo: Vec<(Place, &Value)> = vec![(Vec::new(), root)];
    while let Some((place, value)) = todo.pop() {
        let with = |step: Step| place.iter().cloned().chain([step]).collect::<Place>();
        match value {
            Value::Object(fields) => todo.extend(
                fields
                    .iter()
                    .rev()
                    .map(|(key, it)| (with(Step::Key(key.clone())), it)),
            ),
            Value::Array(items) => {
                todo.extend(
                    items
                        .iter()
                        .enumerate()
                        .rev()
                        .map(|(index, it)| (with(Step::Index(index)), it)),
                );
            }
            _ => {}
        }
        if !place.is_empty() {
            found.push(place);
        }
    }
    found
}

pub(super) fn at<'a>(root: &'a Value, place: &[Step]) -> Option<&'a Value> {
    place.iter().try_fold(root, |value, step| match step {
        Step::Key(key) => value.get(key),
        Step::Index(index) => value.get(index),
    })
}

pub(super) fn at_mut<'a>(root: &'a mut Value, place: &[Step]) -> Option<&'a mut Value> {
    place.iter().try_fold(root, |value, step| match step {
        Step::Key(key) => value.get_mut(key),
        Step::Index(index) => value.get_mut(index),
    })
}

/// Takes out what stands at a place.
pub(super) fn remove(root: &mut Value, place: &[Step]) -> Option<Value> {
    let (last, parent) = place.split_last()?;
    match (at_mut(root, parent)?, last) {
        (Value::Object(fields), Step::Key(key)) => fields.shift_remove(key),
        (Value::Array(items), Step::Index(index)) if *index < items.len() => {
            Some(items.remove(*index))
        }
        _ => None,
    }
}

/// How many values a tree has, itself included.
pub(super) fn size(root: &Value) -> usize {
    let mut count = 0;
    let mut todo = vec![root];
    while let Some(value) = todo.pop() {
        count += 1;
        match value {
            Value::Object(fields) => todo.extend(fields.values()),
            Value::Array(items) => todo.extend(items),
            _ => {}
        }
    }
    count
}

/// How many lists and maps are inside one another.
pub(super) fn depth(root: &Value) -> usize {
    places(root).iter().map(Vec::len).max().unwrap_or_default()
}

/// The key that a place stands under: its own, or the list's for an element. Container lists are one kind of parent.
pub(super) fn key_of(place: &[Step]) -> &str {
    let key = place.iter().rev().find_map(|it| match it {
        Step::Key(key) => Some(key.as_str()),
        Step::Index(_) => None,
    });
    match key.unwrap_or_default() {
        "initContainers" | "ephemeralContainers" => "containers",
        key => key,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::{at, key_of, places, remove, size};
    use serde_json::json;

    #[test]
    fn places_are_found_and_taken_out() {
        let mut tree = json!({"a": [{"b": 1}, 2], "initContainers": [{"c": null}]});
        let all = places(&tree);
        assert_eq!(all.len() + 1, size(&tree));
        assert_eq!(at(&tree, &all[2]), Some(&json!(1)));
        assert_eq!((key_of(&all[1]), key_of(&all[5])), ("a", "containers"));
        assert_eq!(remove(&mut tree, &all[1]), Some(json!({"b": 1})));
        assert_eq!(tree, json!({"a": [2], "initContainers": [{"c": null}]}));
    }
}
