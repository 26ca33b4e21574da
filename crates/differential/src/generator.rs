//! Objects for a control: one that the pool has, changed up to six times, with params under which the control speaks.

use super::{
    admission_defaults::arrive,
    corpus::{self, ParamTable, Pool, Seed},
    dictionary::Words,
    from_schema::Filler,
    invalid, json_path,
    mutate::Sources,
    rng::Random,
    subject::Question,
};
use kubevet_engine::{is_configured, looks_at};
use kubevet_k8s::workload::WORKLOADS;
use kubevet_model::{Control, ControlId, Kind, KindSelector, Operation};
use kubevet_policy::{Library, ParamSchema, ParamType, ParamValue, Params};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::Arc,
};

/// How often an object that is no use is given up for another.
const TRIES: usize = 30;
/// One object in so many is asked of every control that looks at it.
const ALL: usize = 40;
/// How many objects in a hundred are made from types alone.
const GROWN: usize = 10;
/// How many tables of params are made up for each param of a control.
const MADE_UP: usize = 2;

/// Makes questions; equal seeds make equal rows of them.
pub(super) struct Generator {
    random: Random,
    pool: Pool,
    params: ParamTable,
    aims: Vec<Aim>,
    turn: usize,
    seen: BTreeSet<u64>,
    wrong: bool,
}

/// A control to make objects for.
struct Aim {
    control: Arc<Control>,
    words: Words,
    /// The tables of params under which it speaks.
    params: Vec<usize>,
}

/// A question, and what it was made for.
pub(super) struct Made {
    pub(super) object: Value,
    pub(super) question: Question,
}

impl Generator {
    /// For the controls of a library that are chosen. With `wrong` objects hold what no API server lets through.
    pub(super) fn new(
        library: &Library,
        chosen: &[ControlId],
        seeds: Vec<Seed>,
        seed: u64,
        wrong: bool,
    ) -> Self {
        let mut random = Random::new(seed);
        let mut params = ParamTable(vec![library.params.defaults()]);
        let pool = Pool::new(seeds, |it| {
            let mut own = library.params.defaults();
            for (name, value) in &it.params {
                // What test data says of params was checked where it was read.
                let _ = own.set_unchecked(&library.params, name, value.clone());
            }
            params.number(own)
        });
        let sources: Vec<_> = library
            .controls
            .iter()
            .filter(|it| chosen.contains(&it.control.id))
            .collect();
        for source in &sources {
            make_up_params(
                source.control.as_ref(),
                &library.params,
                &pool,
                &mut params,
                &mut random,
            );
        }
        let speaks = |control: &Control| {
            let differs = |it: &Params| {
                control
                    .params
                    .iter()
                    .any(|name| it.get(name) != params.0.first().and_then(|it| it.get(name)))
            };
            let all = params.0.iter().enumerate();
            all.filter(|(at, it)| (*at == 0 || differs(it)) && is_configured(control, it))
                .map(|(at, _)| at)
                .collect()
        };
        let aim = |source: &&kubevet_policy::ControlSource| Aim {
            control: source.control.clone(),
            words: Words::of(library, source, &params.0),
            params: speaks(&source.control),
        };
        let aims = sources.iter().map(aim).collect();
        Self {
            random,
            pool,
            params,
            aims,
            turn: 0,
            seen: BTreeSet::new(),
            wrong,
        }
    }

    /// The next question; `None` where no control can be asked at all.
    pub(super) fn make(&mut self) -> Option<Made> {
        for _ in 0..self.aims.len() {
            self.turn += 1;
            if let Some(made) = self.make_for(self.turn % self.aims.len()) {
                return Some(made);
            }
        }
        None
    }

    fn make_for(&mut self, turn: usize) -> Option<Made> {
        let aim = self.aims.get(turn)?;
        let looks = |kind: &Kind| aim.control.kinds.iter().any(|it| looks_at(it, kind));
        for _ in 0..TRIES {
            let (mut object, mut number) = self.pool.base(&aim.control.id, looks, &mut self.random);
            if self.random.chance(GROWN) {
                let kind = match self.random.pick(&aim.control.kinds) {
                    Some(KindSelector::Kind(kind)) => Some(kind.clone()),
                    _ => self
                        .random
                        .pick(WORKLOADS)
                        .map(|it| Kind::new(it.group, it.name)),
                };
                let filler = Filler {
                    pool: &self.pool,
                    words: &aim.words,
                };
                object = kind
                    .and_then(|it| filler.object(&it, &mut self.random))
                    .unwrap_or(object);
            }
            let other = self.random.chance(15) || !aim.params.contains(&number);
            if other {
                number = self.random.pick(&aim.params).copied()?;
            }
            let sources = Sources {
                pool: &self.pool,
                words: &aim.words,
            };
            for _ in 0..self.random.below(7) {
                sources.change(&mut object, &mut self.random);
            }
            if self.wrong {
                for _ in 0..=self.random.below(3) {
                    invalid::spoil(&mut object, &mut self.random);
                }
            } else {
                arrive(&mut object);
            }
            let text = object.to_string();
            let mut hasher = DefaultHasher::new();
            (&text, number, turn).hash(&mut hasher);
            if !looks(&corpus::kind_of(&object))
                || json_path::depth(&object) > 40
                || !self.seen.insert(hasher.finish())
            {
                continue;
            }
            let params = self.params.0.get(number)?.clone();
            let controls = if self.random.below(ALL) == 0 {
                self.all_that_look(&corpus::kind_of(&object), &params)
            } else {
                vec![aim.control.id.clone()]
            };
            let operation = Operation::Create;
            let question = Question {
                object: text.into(),
                params_number: number,
                params,
                operation,
                controls,
            };
            return Some(Made { object, question });
        }
        None
    }

    fn all_that_look(&self, kind: &Kind, params: &Params) -> Vec<ControlId> {
        let looks = |it: &&Aim| {
            it.control.kinds.iter().any(|it| looks_at(it, kind))
                && is_configured(&it.control, params)
        };
        self.aims
            .iter()
            .filter(looks)
            .map(|it| it.control.id.clone())
            .collect()
    }

    /// Learns that a control denied an object, and in which way.
    pub(super) fn denied(&mut self, control: &ControlId, way: &str, made: &Made) {
        self.pool.keep(
            control,
            way,
            &made.object,
            made.question.params_number,
            &mut self.random,
        );
    }

    /// Controls that have no params under which they speak.
    pub(super) fn mute(&self) -> Vec<ControlId> {
        self.aims
            .iter()
            .filter(|it| it.params.is_empty())
            .map(|it| it.control.id.clone())
            .collect()
    }
}

/// Other values for the params of a control, so that rules that need some are asked too.
fn make_up_params(
    control: &Control,
    schema: &ParamSchema,
    pool: &Pool,
    table: &mut ParamTable,
    random: &mut Random,
) {
    for name in &control.params {
        let Some(spec) = schema.get(name) else {
            continue;
        };
        for _ in 0..MADE_UP {
            let texts: Vec<String> = (0..random.below(3) + 1)
                .filter_map(|_| text_for(spec.kind, pool, random))
                .collect();
            let value = match (spec.kind, texts.first()) {
                (ParamType::String, Some(first)) => ParamValue::String(first.clone()),
                _ => ParamValue::List(texts),
            };
            let mut params = schema.defaults();
            // A value that the param does not take is a table less.
            if params.set(schema, name, value).is_ok() {
                table.number(params);
            }
        }
    }
}

fn text_for(kind: ParamType, pool: &Pool, random: &mut Random) -> Option<String> {
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
    let (parent, key) = random.pick(keys)?;
    let values = pool.children(parent)?.get(*key)?;
    let text = random.pick(values)?.as_str()?.to_owned();
    // The first part of an image is a registry.
    let first = text.split(['/', ':']).next().map(str::to_owned);
    if random.chance(50) { first } else { Some(text) }
}
