//! The corpus of generation: real manifests, the values that occur under each key, and for each
//! control the objects that it has denied, grouped by the messages of the denial.

use super::{
    json_path::{self, JsonPath, PathStep},
    rng::Rng,
};
use kubevet_document::Document;
use kubevet_model::{ControlId, Kind};
use kubevet_policy::ParamValue;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The most nodes of an object that is kept: larger ones cost more than they show.
const MAX_OBJECT_NODES: usize = 300;
/// The most nodes of a value that is kept as a part.
const MAX_PART_NODES: usize = 79;
/// The number of different values that are kept for a key.
const MAX_VALUES_PER_KEY: usize = 40;
/// The number of denied objects that are kept for each outcome of a control.
const MAX_OBJECTS_PER_OUTCOME: usize = 12;
/// The number of outcomes that are kept for a control.
const MAX_OUTCOMES_PER_CONTROL: usize = 200;
/// The number of tries to find a random object of a kind that a control selects.
const MAX_KIND_TRIES: usize = 8;

/// An object from which generation starts.
#[derive(Debug, Clone)]
pub struct SeedObject {
    /// The object.
    pub object: Value,
    /// The control whose test object it is, if it is one.
    pub control: Option<ControlId>,
    /// The params of the test object that differ from their defaults.
    pub params: Vec<(String, ParamValue)>,
}

/// Returns a document as a seed object; `None` if its root is not an object.
#[must_use]
pub fn seed_object(
    document: &Document,
    control: Option<ControlId>,
    params: Vec<(String, ParamValue)>,
) -> Option<SeedObject> {
    let mut json = String::new();
    document.root().write_json(&mut json);
    let object = serde_json::from_str(&json).ok().filter(Value::is_object)?;
    Some(SeedObject {
        object,
        control,
        params,
    })
}

/// An object and the index of its params in the run's table.
type ObjectWithParams = (Value, usize);

/// The corpus of a run. It grows by objects that are denied.
#[derive(Debug, Default)]
pub(super) struct Corpus {
    seeds: Vec<(Kind, Value)>,
    /// The test objects of each control.
    test_objects: BTreeMap<ControlId, Vec<ObjectWithParams>>,
    /// The denied objects of each control, by outcome: the messages that were met, as a string.
    denied: BTreeMap<ControlId, BTreeMap<String, Vec<ObjectWithParams>>>,
    /// Parent key → key → the values that occur there.
    children: BTreeMap<String, BTreeMap<String, Vec<Value>>>,
    /// Key of a list → the elements that occur in it.
    elements: BTreeMap<String, Vec<Value>>,
    /// Key → the strings that occur there, or in the list there.
    strings: BTreeMap<String, Vec<String>>,
}

impl Corpus {
    /// Builds a corpus. `params_index` returns the index of a seed's params.
    pub(super) fn new(
        seeds: Vec<SeedObject>,
        mut params_index: impl FnMut(&SeedObject) -> usize,
    ) -> Self {
        let mut corpus = Self::default();
        for seed in seeds {
            corpus.collect_parts(&seed.object);
            if json_path::node_count(&seed.object) > MAX_OBJECT_NODES {
                continue;
            }
            let params = params_index(&seed);
            if let Some(control) = &seed.control {
                corpus
                    .test_objects
                    .entry(control.clone())
                    .or_default()
                    .push((seed.object.clone(), params));
            }
            corpus.seeds.push((kind_of(&seed.object), seed.object));
        }
        corpus
    }

    /// Collects the values of an object by their keys.
    fn collect_parts(&mut self, object: &Value) {
        for path in json_path::all_paths(object) {
            let Some(value) = json_path::get(object, &path)
                .filter(|value| json_path::node_count(value) <= MAX_PART_NODES)
            else {
                continue;
            };
            let (last, parent) = match path.split_last() {
                Some((last, parent)) => (last, json_path::nearest_key(parent)),
                None => continue,
            };
            if let Value::String(string) = value {
                let key = json_path::nearest_key(&path).to_owned();
                insert_bounded(self.strings.entry(key).or_default(), string);
            }
            let known = match last {
                PathStep::Key(key) => self
                    .children
                    .entry(parent.to_owned())
                    .or_default()
                    .entry(key.clone())
                    .or_default(),
                PathStep::Index(_) => self.elements.entry(parent.to_owned()).or_default(),
            };
            insert_bounded(known, value);
        }
    }

    /// Returns an object to mutate for a control, and the index of its params.
    pub(super) fn base_object(
        &self,
        control: &ControlId,
        is_selected: impl Fn(&Kind) -> bool,
        rng: &mut Rng,
    ) -> ObjectWithParams {
        let denied = |rng: &mut Rng| {
            let outcomes: Vec<&Vec<ObjectWithParams>> =
                self.denied.get(control)?.values().collect();
            rng.pick(outcomes.as_slice())
                .and_then(|objects| rng.pick(objects.as_slice()))
                .cloned()
        };
        let test_object = |rng: &mut Rng| {
            rng.pick(self.test_objects.get(control)?.as_slice())
                .cloned()
        };
        let any = |rng: &mut Rng| {
            // If no try finds a selected kind, the control's own test objects are left.
            (0..MAX_KIND_TRIES)
                .find_map(|_| rng.pick(&self.seeds).filter(|(kind, _)| is_selected(kind)))
                .map(|(_, object)| (object.clone(), 0))
        };
        let chosen = match rng.below(100) {
            0..45 => denied(rng)
                .or_else(|| test_object(rng))
                .or_else(|| any(rng)),
            45..75 => test_object(rng).or_else(|| any(rng)),
            _ => any(rng).or_else(|| test_object(rng)),
        };
        chosen.unwrap_or_else(|| (Value::Object(Map::new()), 0))
    }

    /// Keeps an object that a control denied, with its outcome.
    pub(super) fn keep_denied(
        &mut self,
        control: &ControlId,
        outcome: &str,
        object: &Value,
        params: usize,
        rng: &mut Rng,
    ) {
        if json_path::node_count(object) > MAX_OBJECT_NODES {
            return;
        }
        let outcomes = self.denied.entry(control.clone()).or_default();
        if outcomes.len() >= MAX_OUTCOMES_PER_CONTROL && !outcomes.contains_key(outcome) {
            return;
        }
        let objects = outcomes.entry(outcome.to_owned()).or_default();
        if objects.len() < MAX_OBJECTS_PER_OUTCOME {
            objects.push((object.clone(), params));
        } else if rng.chance(10) {
            let index = rng.below(MAX_OBJECTS_PER_OUTCOME);
            if let Some(old) = objects.get_mut(index) {
                *old = (object.clone(), params);
            }
        }
    }

    /// Returns the values that occur under a parent's key, by their keys.
    pub(super) fn children(&self, parent: &str) -> Option<&BTreeMap<String, Vec<Value>>> {
        self.children.get(parent)
    }

    /// Returns the values that occur at such a path in other objects.
    pub(super) fn values(&self, path: &JsonPath) -> &[Value] {
        let found = match path.split_last() {
            Some((PathStep::Key(key), parent)) => self
                .children
                .get(json_path::nearest_key(parent))
                .and_then(|by_key| by_key.get(key)),
            Some((PathStep::Index(_), parent)) => self.elements.get(json_path::nearest_key(parent)),
            None => None,
        };
        found.map_or(&[], Vec::as_slice)
    }

    /// Returns the strings under a key, whatever its parent is.
    pub(super) fn strings(&self, key: &str) -> &[String] {
        self.strings.get(key).map_or(&[], Vec::as_slice)
    }

    /// Returns the elements of lists under a key.
    pub(super) fn elements(&self, key: &str) -> &[Value] {
        self.elements.get(key).map_or(&[], Vec::as_slice)
    }
}

/// Inserts a value if it is new and there is room.
fn insert_bounded<T: Clone + PartialEq>(known: &mut Vec<T>, value: &T) {
    if known.len() < MAX_VALUES_PER_KEY && !known.contains(value) {
        known.push(value.clone());
    }
}

/// Returns the group and kind that an object declares.
pub(super) fn kind_of(object: &Value) -> Kind {
    let string = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
    Kind::new(Kind::group_of(string("apiVersion")), string("kind"))
}
