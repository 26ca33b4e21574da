//! The table of params of a run: the defaults, those of test objects, and random ones.

use super::{corpus::Corpus, rng::Rng};
use kubevet_model::Control;
use kubevet_policy::{ParamSchema, ParamType, ParamValue, Params};

/// The number of random tables for each param of a control.
const RANDOM_TABLES_PER_PARAM: usize = 2;

/// Distinct params, the defaults first.
#[derive(Debug)]
pub(super) struct ParamsTable(Vec<Params>);

impl ParamsTable {
    pub(super) fn new(defaults: Params) -> Self {
        Self(vec![defaults])
    }

    /// Returns the index of params, which are added if they are new.
    pub(super) fn index_of(&mut self, params: Params) -> usize {
        if let Some(known) = self.0.iter().position(|known| *known == params) {
            return known;
        }
        self.0.push(params);
        self.0.len() - 1
    }

    pub(super) fn get(&self, index: usize) -> Option<&Params> {
        self.0.get(index)
    }

    pub(super) fn as_slice(&self) -> &[Params] {
        &self.0
    }

    /// Returns the indices of the params that suit a control: the defaults, and those that differ
    /// from them in a param of the control; of these, all under which the control is configured.
    pub(super) fn suitable_for(&self, control: &Control) -> Vec<usize> {
        let differs = |params: &Params| {
            control
                .params
                .iter()
                .any(|name| params.get(name) != self.0.first().and_then(|first| first.get(name)))
        };
        self.0
            .iter()
            .enumerate()
            .filter(|(index, params)| {
                (*index == 0 || differs(params)) && params.configures(control)
            })
            .map(|(index, _)| index)
            .collect()
    }

    /// Adds random values for the params of a control, so that rules which need some are evaluated
    /// too.
    pub(super) fn add_random(
        &mut self,
        control: &Control,
        schema: &ParamSchema,
        corpus: &Corpus,
        rng: &mut Rng,
    ) {
        for name in &control.params {
            let Some(spec) = schema.get(name) else {
                continue;
            };
            for _ in 0..RANDOM_TABLES_PER_PARAM {
                let strings: Vec<String> = (0..rng.below(3) + 1)
                    .filter_map(|_| random_string(spec.kind, corpus, rng))
                    .collect();
                let value = match (spec.kind, strings.first()) {
                    (ParamType::String, Some(first)) => ParamValue::String(first.clone()),
                    _ => ParamValue::List(strings),
                };
                let mut params = schema.defaults();
                // A value that the param rejects adds no table.
                if params.set(schema, name, value).is_ok() {
                    self.index_of(params);
                }
            }
        }
    }
}

/// Returns a string of the corpus that is likely to matter for a param of this type.
fn random_string(kind: ParamType, corpus: &Corpus, rng: &mut Rng) -> Option<String> {
    let keys: &[(&str, &str)] = match kind {
        ParamType::Quantities => &[
            ("limits", "cpu"),
            ("limits", "memory"),
            ("requests", "cpu"),
            ("requests", "memory"),
        ],
        _ => &[
            ("containers", "image"),
            ("containers", "name"),
            ("labels", "app"),
            ("env", "name"),
            ("env", "value"),
        ],
    };
    let (parent, key) = rng.pick(keys)?;
    let values = corpus.children(parent)?.get(*key)?;
    let string = rng.pick(values)?.as_str()?.to_owned();
    // The first part of an image is a registry.
    let first = string.split(['/', ':']).next().map(str::to_owned);
    if rng.chance(50) { first } else { Some(string) }
}
