//! Changes of an object, each such that the API server may well still take it: what a person might write, a template
//! produce, or an attacker try. Half of them are aimed at the fields and literals that the control's rule speaks of.

use super::{
    corpus::{self, Pool},
    dictionary::{Words, as_key},
    from_schema::Filler,
    json_path::{self, Place, Step},
    rng::Random,
};
use kubevet_k8s::workload::{self, WORKLOADS};
use serde_json::{Map, Value, json};

const CONTAINER_LISTS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];
/// No tree grows beyond this by changes.
const LARGEST: usize = 250;

/// What changes draw from.
pub(super) struct Sources<'a> {
    pub(super) pool: &'a Pool,
    pub(super) words: &'a Words,
}

impl Sources<'_> {
    /// Changes an object once. Some changes find nothing to do, and leave it as it is.
    pub(super) fn change(&self, object: &mut Value, random: &mut Random) {
        if json_path::size(object) > LARGEST {
            if let Some(place) = self.place(object, random) {
                json_path::remove(object, &place);
            }
            return;
        }
        match random.below(100) {
            0..14 => self.delete(object, random),
            14..28 => self.insert(object, random),
            28..42 => Filler {
                pool: self.pool,
                words: self.words,
            }
            .grow(object, random),
            42..53 => self.swap_value(object, random),
            53..64 => self.literal(object, random),
            64..76 => self.edge(object, random),
            76..86 => self.lists(object, random),
            86..91 => self.flip(object, random),
            91..95 => move_container(object, random),
            95..98 => change_kind(object, random),
            _ => rename(object, random),
        }
    }

    /// A place to change: for the most part one under a key that the rule reads.
    fn place(&self, object: &Value, random: &mut Random) -> Option<Place> {
        let all: Vec<Place> = json_path::places(object)
            .into_iter()
            .filter(may_change)
            .collect();
        if random.chance(70) {
            let read = |it: &&Place| {
                it.iter()
                    .any(|step| matches!(step, Step::Key(key) if self.reads(key)))
            };
            let aimed: Vec<&Place> = all.iter().filter(read).collect();
            if let Some(place) = random.pick(&aimed) {
                return Some((*place).clone());
            }
        }
        random.pick(&all).cloned()
    }

    fn reads(&self, key: &str) -> bool {
        // All controls read these, and their contents are what matters.
        !matches!(key, "spec" | "template" | "metadata" | "containers")
            && self.words.fields.contains(key)
    }

    fn delete(&self, object: &mut Value, random: &mut Random) {
        if let Some(place) = self.place(object, random) {
            json_path::remove(object, &place);
        }
    }

    /// Sets a key that stands beside such keys elsewhere.
    fn insert(&self, object: &mut Value, random: &mut Random) {
        let mut maps: Vec<Place> = vec![Vec::new()];
        maps.extend(
            json_path::places(object)
                .into_iter()
                .filter(|it| json_path::at(object, it).is_some_and(Value::is_object)),
        );
        for _ in 0..6 {
            let Some(place) = random.pick(&maps) else {
                return;
            };
            let Some(children) = self.pool.children(json_path::key_of(place)) else {
                continue;
            };
            let wanted: Vec<(&String, &Vec<Value>)> =
                children.iter().filter(|(key, _)| self.reads(key)).collect();
            let chosen = if random.chance(75) && !wanted.is_empty() {
                random.pick(&wanted).copied()
            } else {
                random.pick(&children.iter().collect::<Vec<_>>()).copied()
            };
            let Some((key, values)) = chosen.filter(|(key, _)| may_set(place, key)) else {
                continue;
            };
            let value = random.pick(values).cloned().unwrap_or_default();
            if let Some(Value::Object(fields)) = json_path::at_mut(object, place) {
                fields.insert(key.clone(), value);
                return;
            }
        }
    }

    /// A value that stands at such a place elsewhere.
    fn swap_value(&self, object: &mut Value, random: &mut Random) {
        let Some(place) = self.place(object, random) else {
            return;
        };
        let value = random.pick(self.pool.values(&place)).cloned();
        if let (Some(value), Some(old)) = (value, json_path::at_mut(object, &place)) {
            *old = value;
        }
    }

    /// A literal of the rule in place of a scalar, or as one more key of a map of texts.
    fn literal(&self, object: &mut Value, random: &mut Random) {
        let Some(place) = self.place(object, random) else {
            return;
        };
        let text = random.pick(&self.words.texts).cloned().unwrap_or_default();
        let number = random
            .pick(&self.words.numbers)
            .copied()
            .unwrap_or_default();
        match json_path::at_mut(object, &place) {
            Some(Value::String(old)) => {
                *old = match random.below(6) {
                    0 => format!("{old}{text}"),
                    1 => format!("{text}{old}"),
                    2 => format!("{text}/{old}"),
                    3 => format!("{text}x"),
                    _ => text,
                };
            }
            Some(Value::Number(old)) => {
                *old = number
                    .saturating_add_unsigned(random.below(3) as u64)
                    .saturating_sub(1)
                    .into()
            }
            Some(Value::Array(items)) if items.iter().all(Value::is_string) => {
                items.push(text.into())
            }
            Some(Value::Object(fields)) if fields.values().all(Value::is_string) => {
                let value = random.pick(&self.words.texts).cloned().unwrap_or_default();
                fields.insert(as_key(&text), value.into());
            }
            _ => {}
        }
    }

    /// The borders of a value's type: empty, null, one more or less, other case.
    fn edge(&self, object: &mut Value, random: &mut Random) {
        let Some(place) = self.place(object, random) else {
            return;
        };
        let Some(value) = json_path::at_mut(object, &place) else {
            return;
        };
        if random.chance(12) {
            *value = Value::Null;
            return;
        }
        match value {
            Value::Bool(it) => *it = !*it,
            Value::Number(it) => {
                let near = it.as_i64().unwrap_or_default();
                let all = [
                    near.saturating_add(1),
                    near.saturating_sub(1),
                    0,
                    -1,
                    1,
                    65_535,
                    i64::from(i32::MAX),
                ];
                *it = random.pick(&all).copied().unwrap_or_default().into();
            }
            Value::String(it) => *it = edge_of_text(it, random),
            Value::Array(items) => items.clear(),
            Value::Object(fields) => fields.clear(),
            Value::Null => {}
        }
    }

    fn flip(&self, object: &mut Value, random: &mut Random) {
        let all = json_path::places(object);
        let flags: Vec<&Place> = all
            .iter()
            .filter(|it| json_path::at(object, it).is_some_and(Value::is_boolean))
            .collect();
        let place = random.pick(&flags).map(|it| (*it).clone());
        if let Some(Value::Bool(it)) = place.and_then(|it| json_path::at_mut(object, &it)) {
            *it = !*it;
        }
    }

    /// An element more, less, or elsewhere.
    fn lists(&self, object: &mut Value, random: &mut Random) {
        let all = json_path::places(object);
        let lists: Vec<&Place> = all
            .iter()
            .filter(|it| json_path::at(object, it).is_some_and(Value::is_array))
            .collect();
        let Some(place) = random.pick(&lists).map(|it| (*it).clone()) else {
            return;
        };
        let more = random
            .pick(self.pool.elements(json_path::key_of(&place)))
            .cloned();
        let Some(Value::Array(items)) = json_path::at_mut(object, &place) else {
            return;
        };
        let (from, to) = (random.below(items.len()), random.below(items.len()));
        match random.below(4) {
            0 => {
                if let Some(item) = items.get(from).cloned() {
                    items.push(item);
                }
            }
            1 if !items.is_empty() => drop(items.remove(from)),
            2 if !items.is_empty() => items.swap(from, to),
            _ => items.extend(more),
        }
    }
}

/// What an object is stays, apart from changes made for that.
fn may_change(place: &Place) -> bool {
    !matches!(place.as_slice(), [Step::Key(key)] if key == "apiVersion" || key == "kind" || key == "metadata")
}

fn may_set(place: &Place, key: &str) -> bool {
    !place.is_empty() || !matches!(key, "apiVersion" | "kind")
}

fn edge_of_text(text: &str, random: &mut Random) -> String {
    match random.below(8) {
        0 => String::new(),
        1 => text.to_ascii_uppercase(),
        2 => text.to_ascii_lowercase(),
        3 => format!("{text}/"),
        4 => format!(" {text}"),
        5 => text.chars().skip(1).collect(),
        6 => text
            .chars()
            .take(text.chars().count().saturating_sub(1))
            .collect(),
        _ => format!("{text}é"),
    }
}

/// A container from one of a pod's lists to another.
fn move_container(object: &mut Value, random: &mut Random) {
    let Some(Value::Object(spec)) = pod_spec(object) else {
        return;
    };
    let (from, to) = (random.pick(&CONTAINER_LISTS), random.pick(&CONTAINER_LISTS));
    let (Some(from), Some(to)) = (from, to) else {
        return;
    };
    let Some(Value::Array(items)) = spec.get_mut(*from) else {
        return;
    };
    if items.is_empty() {
        return;
    }
    let container = items.remove(random.below(items.len()));
    match spec.get_mut(*to) {
        Some(Value::Array(items)) => items.push(container),
        _ => drop(spec.insert((*to).to_owned(), json!([container]))),
    }
}

/// The pod of an object, where its kind has one.
fn pod_spec(object: &mut Value) -> Option<&mut Value> {
    let path = workload::pod_spec_path(&corpus::kind_of(object))?;
    path.iter()
        .try_fold(object, |value, key| value.get_mut(*key))
}

/// The same pod in another kind of workload.
fn change_kind(object: &mut Value, random: &mut Random) {
    let Some(target) = random.pick(WORKLOADS) else {
        return;
    };
    let Some(pod) = pod_spec(object).map(Value::take) else {
        return;
    };
    if let Some(moved) = move_pod(object, pod, target) {
        *object = moved;
    }
}

/// A workload of another kind with this pod, under the same metadata.
pub(super) fn move_pod(
    object: &Value,
    pod: Value,
    target: &workload::WorkloadKind,
) -> Option<Value> {
    let (last, steps) = target.pod_spec.split_last()?;
    let metadata = object.get("metadata").cloned().unwrap_or_else(|| json!({}));
    let mut inner = Map::from_iter([((*last).to_owned(), pod)]);
    if !steps.is_empty() {
        inner.insert("metadata".to_owned(), json!({"labels": {"app": "shop"}}));
    }
    let mut value = Value::Object(inner);
    for step in steps.iter().rev() {
        value = Value::Object(Map::from_iter([((*step).to_owned(), value)]));
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

/// A name that the server is asked to make, or none.
fn rename(object: &mut Value, random: &mut Random) {
    let Some(Value::Object(metadata)) = object.get_mut("metadata") else {
        return;
    };
    metadata.shift_remove("name");
    if random.chance(70) {
        metadata.insert("generateName".to_owned(), "shop-".into());
    }
}
