//! Mutations of an object that an API server may still accept: what a person might write, a template
//! produce, or an attacker try. Most are aimed at the fields and literals of the rule's dictionary.

use super::{
    corpus::Corpus,
    dictionary::{Dictionary, to_map_key},
    from_schema::SchemaGenerator,
    json_path::{self, JsonPath, PathStep},
    pod_mutations::{change_kind, move_container},
    rng::Rng,
};
use serde_json::Value;

/// An object with more nodes than this only loses some.
const MAX_NODES: usize = 250;
/// The number of tries to find a map with a known key to insert.
const MAX_INSERT_TRIES: usize = 6;

/// A mutator of objects for one control.
pub(super) struct Mutator<'a> {
    pub(super) corpus: &'a Corpus,
    pub(super) dictionary: &'a Dictionary,
}

impl Mutator<'_> {
    /// Mutates an object once. Some mutations find nothing to change.
    pub(super) fn mutate(&self, object: &mut Value, rng: &mut Rng) {
        if json_path::node_count(object) > MAX_NODES {
            self.delete(object, rng);
            return;
        }
        match rng.below(100) {
            0..14 => self.delete(object, rng),
            14..28 => self.insert_known_key(object, rng),
            28..42 => SchemaGenerator {
                corpus: self.corpus,
                dictionary: self.dictionary,
            }
            .set_random_field(object, rng),
            42..53 => self.replace_by_known_value(object, rng),
            53..64 => self.insert_literal(object, rng),
            64..76 => self.set_boundary_value(object, rng),
            76..86 => self.change_list(object, rng),
            86..91 => self.flip_boolean(object, rng),
            91..95 => move_container(object, rng),
            95..98 => change_kind(object, rng),
            _ => remove_name(object, rng),
        }
    }

    /// Picks a path to change: mostly one below a key that the rule reads.
    fn pick_path(&self, object: &Value, rng: &mut Rng) -> Option<JsonPath> {
        let paths: Vec<JsonPath> = json_path::all_paths(object)
            .into_iter()
            .filter(is_mutable)
            .collect();
        if rng.chance(70) {
            let is_read = |path: &&JsonPath| {
                path.iter()
                    .any(|step| matches!(step, PathStep::Key(key) if self.reads(key)))
            };
            let read: Vec<&JsonPath> = paths.iter().filter(is_read).collect();
            if let Some(path) = rng.pick(&read) {
                return Some((*path).clone());
            }
        }
        rng.pick(&paths).cloned()
    }

    fn reads(&self, key: &str) -> bool {
        // All controls read these keys, and what matters is below them.
        !matches!(key, "spec" | "template" | "metadata" | "containers")
            && self.dictionary.fields.contains(key)
    }

    fn delete(&self, object: &mut Value, rng: &mut Rng) {
        if let Some(path) = self.pick_path(object, rng) {
            json_path::remove(object, &path);
        }
    }

    /// Sets a key that occurs in such maps of other objects.
    fn insert_known_key(&self, object: &mut Value, rng: &mut Rng) {
        let mut maps: Vec<JsonPath> = vec![Vec::new()];
        maps.extend(
            json_path::all_paths(object)
                .into_iter()
                .filter(|path| json_path::get(object, path).is_some_and(Value::is_object)),
        );
        for _ in 0..MAX_INSERT_TRIES {
            let Some(path) = rng.pick(&maps) else {
                return;
            };
            let Some(children) = self.corpus.children(json_path::nearest_key(path)) else {
                continue;
            };
            let read: Vec<(&String, &Vec<Value>)> =
                children.iter().filter(|(key, _)| self.reads(key)).collect();
            let chosen = if rng.chance(75) && !read.is_empty() {
                rng.pick(&read).copied()
            } else {
                rng.pick(&children.iter().collect::<Vec<_>>()).copied()
            };
            let Some((key, values)) = chosen.filter(|(key, _)| may_set(path, key)) else {
                continue;
            };
            let value = rng.pick(values).cloned().unwrap_or_default();
            if let Some(Value::Object(fields)) = json_path::get_mut(object, path) {
                fields.insert(key.clone(), value);
                return;
            }
        }
    }

    /// Replaces a value by one that occurs at such a path in other objects.
    fn replace_by_known_value(&self, object: &mut Value, rng: &mut Rng) {
        let Some(path) = self.pick_path(object, rng) else {
            return;
        };
        let value = rng.pick(self.corpus.values(&path)).cloned();
        if let (Some(value), Some(old)) = (value, json_path::get_mut(object, &path)) {
            *old = value;
        }
    }

    /// Inserts a literal of the rule: in place of a scalar, into a list of strings, or as a key of a
    /// map of strings.
    fn insert_literal(&self, object: &mut Value, rng: &mut Rng) {
        let Some(path) = self.pick_path(object, rng) else {
            return;
        };
        let string = rng
            .pick(&self.dictionary.strings)
            .cloned()
            .unwrap_or_default();
        let number = rng
            .pick(&self.dictionary.numbers)
            .copied()
            .unwrap_or_default();
        match json_path::get_mut(object, &path) {
            Some(Value::String(old)) => {
                *old = match rng.below(6) {
                    0 => format!("{old}{string}"),
                    1 => format!("{string}{old}"),
                    2 => format!("{string}/{old}"),
                    3 => format!("{string}x"),
                    _ => string,
                };
            }
            Some(Value::Number(old)) => {
                // The literal, or its neighbour on either side.
                *old = number
                    .saturating_add_unsigned(rng.below(3) as u64)
                    .saturating_sub(1)
                    .into();
            }
            Some(Value::Array(items)) if items.iter().all(Value::is_string) => {
                items.push(string.into());
            }
            Some(Value::Object(fields)) if fields.values().all(Value::is_string) => {
                let value = rng
                    .pick(&self.dictionary.strings)
                    .cloned()
                    .unwrap_or_default();
                fields.insert(to_map_key(&string), value.into());
            }
            _ => {}
        }
    }

    /// Sets a boundary value of a value's type: empty, null, one more or less, another case.
    fn set_boundary_value(&self, object: &mut Value, rng: &mut Rng) {
        let Some(path) = self.pick_path(object, rng) else {
            return;
        };
        let Some(value) = json_path::get_mut(object, &path) else {
            return;
        };
        if rng.chance(12) {
            *value = Value::Null;
            return;
        }
        match value {
            Value::Bool(boolean) => *boolean = !*boolean,
            Value::Number(number) => {
                let old = number.as_i64().unwrap_or_default();
                let boundaries = [
                    old.saturating_add(1),
                    old.saturating_sub(1),
                    0,
                    -1,
                    1,
                    65_535,
                    i64::from(i32::MAX),
                ];
                *number = rng.pick(&boundaries).copied().unwrap_or_default().into();
            }
            Value::String(string) => *string = boundary_string(string, rng),
            Value::Array(items) => items.clear(),
            Value::Object(fields) => fields.clear(),
            Value::Null => {}
        }
    }

    fn flip_boolean(&self, object: &mut Value, rng: &mut Rng) {
        let path = pick_path_where(object, Value::is_boolean, rng);
        if let Some(Value::Bool(boolean)) = path.and_then(|path| json_path::get_mut(object, &path))
        {
            *boolean = !*boolean;
        }
    }

    /// Duplicates, removes, swaps or adds an element of a list.
    fn change_list(&self, object: &mut Value, rng: &mut Rng) {
        let Some(path) = pick_path_where(object, Value::is_array, rng) else {
            return;
        };
        let known = rng
            .pick(self.corpus.elements(json_path::nearest_key(&path)))
            .cloned();
        let Some(Value::Array(items)) = json_path::get_mut(object, &path) else {
            return;
        };
        let (from, to) = (rng.below(items.len()), rng.below(items.len()));
        match rng.below(4) {
            0 => {
                if let Some(item) = items.get(from).cloned() {
                    items.push(item);
                }
            }
            1 if !items.is_empty() => drop(items.remove(from)),
            2 if !items.is_empty() => items.swap(from, to),
            _ => items.extend(known),
        }
    }
}

/// Picks a path whose value fulfils a condition.
fn pick_path_where(
    object: &Value,
    condition: fn(&Value) -> bool,
    rng: &mut Rng,
) -> Option<JsonPath> {
    let paths = json_path::all_paths(object);
    let matching: Vec<&JsonPath> = paths
        .iter()
        .filter(|path| json_path::get(object, path).is_some_and(condition))
        .collect();
    rng.pick(&matching).map(|path| (*path).clone())
}

/// True if the path may be changed. The kind of an object changes only by mutations made for that.
fn is_mutable(path: &JsonPath) -> bool {
    !matches!(
        path.as_slice(),
        [PathStep::Key(key)] if key == "apiVersion" || key == "kind" || key == "metadata"
    )
}

fn may_set(path: &JsonPath, key: &str) -> bool {
    !path.is_empty() || !matches!(key, "apiVersion" | "kind")
}

fn boundary_string(string: &str, rng: &mut Rng) -> String {
    match rng.below(8) {
        0 => String::new(),
        1 => string.to_ascii_uppercase(),
        2 => string.to_ascii_lowercase(),
        3 => format!("{string}/"),
        4 => format!(" {string}"),
        5 => string.chars().skip(1).collect(),
        6 => string
            .chars()
            .take(string.chars().count().saturating_sub(1))
            .collect(),
        _ => format!("{string}é"),
    }
}

/// Removes the name of an object, and mostly sets `generateName` instead.
fn remove_name(object: &mut Value, rng: &mut Rng) {
    let Some(Value::Object(metadata)) = object.get_mut("metadata") else {
        return;
    };
    metadata.shift_remove("name");
    if rng.chance(70) {
        metadata.insert("generateName".to_owned(), "shop-".into());
    }
}
