//! What generation begins from and takes parts of: real manifests, what stands under which key in them, and for each
//! control objects that it denied, one family for each way in which it did.

use super::{
    json_path::{self, Place, Step},
    rng::Random,
};
use kubevet_document::Document;
use kubevet_model::{ControlId, Kind};
use kubevet_policy::{ParamValue, Params};
use serde_json::Value;
use std::collections::BTreeMap;

/// Larger objects cost more than they show.
const LARGEST: usize = 300;
/// How many different values are kept for a key.
const DONORS: usize = 40;
/// How many objects are kept for each way in which a control denies.
const FAMILY: usize = 12;
/// How many ways are kept for a control.
const FAMILIES: usize = 200;

/// An object to begin from.
#[derive(Debug, Clone)]
pub struct Seed {
    /// The object.
    pub object: Value,
    /// The control whose test object it is, where it is one.
    pub control: Option<ControlId>,
    /// Params that differ from their defaults, as the test object says.
    pub params: Vec<(String, ParamValue)>,
}

/// A document as a seed; `None` where it is no object.
#[must_use]
pub fn seed(
    document: &Document,
    control: Option<ControlId>,
    params: Vec<(String, ParamValue)>,
) -> Option<Seed> {
    let mut text = String::new();
    document.root().write_json(&mut text);
    let object = serde_json::from_str(&text).ok().filter(Value::is_object)?;
    Some(Seed {
        object,
        control,
        params,
    })
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Pool {
    seeds: Vec<(Kind, Value)>,
    /// For each control, objects made for it, with the number of their params.
    own: BTreeMap<ControlId, Vec<(Value, usize)>>,
    /// For each control and way of denying, objects that it denied.
    denied: BTreeMap<ControlId, BTreeMap<String, Vec<(Value, usize)>>>,
    /// Parent key → key → values found there.
    children: BTreeMap<String, BTreeMap<String, Vec<Value>>>,
    /// Key of a list → elements found in it.
    elements: BTreeMap<String, Vec<Value>>,
    /// Key → texts found there, or in the list there.
    texts: BTreeMap<String, Vec<String>>,
}

impl Pool {
    /// `number` gives the place of a seed's params in the table of params.
    pub(super) fn new(seeds: Vec<Seed>, mut number: impl FnMut(&Seed) -> usize) -> Self {
        let mut pool = Self::default();
        for seed in seeds {
            pool.learn(&seed.object);
            if json_path::size(&seed.object) > LARGEST {
                continue;
            }
            let params = number(&seed);
            if let Some(control) = &seed.control {
                pool.own
                    .entry(control.clone())
                    .or_default()
                    .push((seed.object.clone(), params));
            }
            pool.seeds.push((kind_of(&seed.object), seed.object));
        }
        pool
    }

    /// Remembers what stands where.
    fn learn(&mut self, object: &Value) {
        for place in json_path::places(object) {
            let Some(value) = json_path::at(object, &place).filter(|it| json_path::size(it) < 80)
            else {
                continue;
            };
            let (last, parent) = match place.split_last() {
                Some((last, parent)) => (last, json_path::key_of(parent)),
                None => continue,
            };
            if let Value::String(text) = value {
                let known = self
                    .texts
                    .entry(json_path::key_of(&place).to_owned())
                    .or_default();
                if known.len() < DONORS && !known.contains(text) {
                    known.push(text.clone());
                }
            }
            let known = match last {
                Step::Key(key) => self
                    .children
                    .entry(parent.to_owned())
                    .or_default()
                    .entry(key.clone())
                    .or_default(),
                Step::Index(_) => self.elements.entry(parent.to_owned()).or_default(),
            };
            if known.len() < DONORS && !known.contains(value) {
                known.push(value.clone());
            }
        }
    }

    /// An object to change for a control, and the number of its params.
    pub(super) fn base(
        &self,
        control: &ControlId,
        looks: impl Fn(&Kind) -> bool,
        random: &mut Random,
    ) -> (Value, usize) {
        let families = self.denied.get(control);
        let kept = |random: &mut Random| {
            let families: Vec<&Vec<(Value, usize)>> = families?.values().collect();
            random
                .pick(families.as_slice())
                .and_then(|it| random.pick(it.as_slice()))
                .cloned()
        };
        let own = |random: &mut Random| random.pick(self.own.get(control)?.as_slice()).cloned();
        let any = |random: &mut Random| {
            // A few tries find a kind that the control looks at; where there is none, its own objects are left.
            (0..8)
                .find_map(|_| random.pick(&self.seeds).filter(|(kind, _)| looks(kind)))
                .map(|(_, it)| (it.clone(), 0))
        };
        let chosen = match random.below(100) {
            0..45 => kept(random).or_else(|| own(random)).or_else(|| any(random)),
            45..75 => own(random).or_else(|| any(random)),
            _ => any(random).or_else(|| own(random)),
        };
        chosen.unwrap_or_else(|| (Value::Object(serde_json::Map::new()), 0))
    }

    /// Keeps an object that a control denied, under the way in which it did.
    pub(super) fn keep(
        &mut self,
        control: &ControlId,
        way: &str,
        object: &Value,
        params: usize,
        random: &mut Random,
    ) {
        if json_path::size(object) > LARGEST {
            return;
        }
        let families = self.denied.entry(control.clone()).or_default();
        if families.len() >= FAMILIES && !families.contains_key(way) {
            return;
        }
        let family = families.entry(way.to_owned()).or_default();
        if family.len() < FAMILY {
            family.push((object.clone(), params));
        } else if random.chance(10) {
            let place = random.below(FAMILY);
            if let Some(old) = family.get_mut(place) {
                *old = (object.clone(), params);
            }
        }
    }

    /// What elsewhere stands under a parent's key: keys and values.
    pub(super) fn children(&self, parent: &str) -> Option<&BTreeMap<String, Vec<Value>>> {
        self.children.get(parent)
    }

    /// What elsewhere stands at such a place.
    pub(super) fn values(&self, place: &Place) -> &[Value] {
        let found = match place.split_last() {
            Some((Step::Key(key), parent)) => self
                .children
                .get(json_path::key_of(parent))
                .and_then(|it| it.get(key)),
            Some((Step::Index(_), parent)) => self.elements.get(json_path::key_of(parent)),
            None => None,
        };
        found.map_or(&[], Vec::as_slice)
    }

    /// Texts under a key, whatever it is in.
    pub(super) fn texts(&self, key: &str) -> &[String] {
        self.texts.get(key).map_or(&[], Vec::as_slice)
    }

    /// Elements of lists under a key.
    pub(super) fn elements(&self, key: &str) -> &[Value] {
        self.elements.get(key).map_or(&[], Vec::as_slice)
    }
}

/// The kind that an object says it is.
pub(super) fn kind_of(object: &Value) -> Kind {
    let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
    Kind::new(Kind::group_of(text("apiVersion")), text("kind"))
}

/// Tables of params without repetition: the defaults first.
#[derive(Debug)]
pub(super) struct ParamTable(pub(super) Vec<Params>);

impl ParamTable {
    pub(super) fn number(&mut self, params: Params) -> usize {
        if let Some(known) = self.0.iter().position(|it| *it == params) {
            return known;
        }
        self.0.push(params);
        self.0.len() - 1
    }
}
