//! The generator of test cases: an object of the corpus, mutated up to six times for a control, with
//! params under which the control is configured.

use super::{
    admission_defaults::apply_defaults,
    corpus::{self, Corpus, SeedObject},
    custom_objects::custom_object,
    dictionary::Dictionary,
    from_schema::SchemaGenerator,
    invalid, json_path,
    mutate::Mutator,
    params_table::ParamsTable,
    rng::Rng,
    test_case::TestCase,
};
use kubevet_k8s::workload::{SelectKinds as _, WORKLOADS, custom::CustomWorkloads};
use kubevet_model::{Control, ControlId, Kind, KindSelector, Operation};
use kubevet_policy::{ControlSource, Library, Params};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::Arc,
};

/// The number of objects that are tried for one case.
const MAX_TRIES: usize = 30;
/// The mutations of one object are fewer than this.
const MUTATIONS_END: usize = 7;
/// The deepest object that is evaluated.
const MAX_DEPTH: usize = 40;
/// One case in this many is evaluated by every control that selects its kind; one in as many as there
/// are controls in a larger library. Otherwise most comparisons would be of objects that were not
/// made for the control.
const MIN_ALL_CONTROLS_INTERVAL: usize = 40;
/// The percentage of objects that are generated from the schema.
const FROM_SCHEMA_PERCENT: usize = 10;
/// The percentage of workloads that become an object of a custom kind.
const CUSTOM_KIND_PERCENT: usize = 8;
/// The percentage of objects that get other params than their own.
const OTHER_PARAMS_PERCENT: usize = 15;

/// Generates test cases. Equal seeds give equal sequences.
pub(super) struct Generator {
    rng: Rng,
    corpus: Corpus,
    params: ParamsTable,
    goals: Vec<Goal>,
    /// The number of cases tried so far, which selects the goal in round-robin order.
    turn: usize,
    /// The hashes of all cases: none is generated twice.
    seen: BTreeSet<u64>,
    /// True if objects hold what no API server accepts.
    generates_invalid: bool,
    /// The custom kinds to which controls of workloads apply.
    workloads: CustomWorkloads,
}

/// A control to generate objects for.
struct Goal {
    control: Arc<Control>,
    dictionary: Dictionary,
    /// The indices of the params under which it is configured.
    params: Vec<usize>,
}

impl Goal {
    fn selects(&self, kind: &Kind) -> bool {
        self.control.kinds.matches(kind)
    }
}

/// A test case with its object as a tree.
#[derive(Clone)]
pub(super) struct GeneratedCase {
    pub(super) object: Value,
    pub(super) case: TestCase,
}

impl Generator {
    /// Returns a generator for the chosen controls of a library.
    pub(super) fn new(
        library: &Library,
        chosen: &[ControlId],
        seeds: Vec<SeedObject>,
        seed: u64,
        generates_invalid: bool,
    ) -> Self {
        let mut rng = Rng::new(seed);
        let mut params = ParamsTable::new(library.params.defaults());
        let corpus = Corpus::new(seeds, |seed| {
            let mut seed_params = library.params.defaults();
            for (name, value) in &seed.params {
                // The params of test data were checked where they were read.
                let _ = seed_params.set_unchecked(&library.params, name, value.clone());
            }
            params.index_of(seed_params)
        });
        let sources: Vec<_> = library
            .controls
            .iter()
            .filter(|source| chosen.contains(&source.control.id))
            .collect();
        for source in &sources {
            params.add_random(source.control.as_ref(), &library.params, &corpus, &mut rng);
        }
        let goal = |source: &&ControlSource| Goal {
            control: source.control.clone(),
            dictionary: Dictionary::new(library, source, params.as_slice()),
            params: params.suitable_for(&source.control),
        };
        let goals = sources.iter().map(goal).collect();
        Self {
            rng,
            corpus,
            params,
            goals,
            turn: 0,
            seen: BTreeSet::new(),
            generates_invalid,
            workloads: library.workloads.clone(),
        }
    }

    /// Returns the next case; `None` if no control can be evaluated at all.
    pub(super) fn next_case(&mut self) -> Option<GeneratedCase> {
        for _ in 0..self.goals.len() {
            self.turn += 1;
            if let Some(generated) = self.case_for_goal(self.turn % self.goals.len()) {
                return Some(generated);
            }
        }
        None
    }

    fn case_for_goal(&mut self, goal_index: usize) -> Option<GeneratedCase> {
        let goal = self.goals.get(goal_index)?;
        for _ in 0..MAX_TRIES {
            let (mut object, mut params_index) =
                self.corpus
                    .base_object(&goal.control.id, |kind| goal.selects(kind), &mut self.rng);
            if self.rng.chance(FROM_SCHEMA_PERCENT) {
                object = object_from_schema(&self.corpus, goal, &mut self.rng).unwrap_or(object);
            }
            // Drawn first: a short circuit would skip a random number.
            let takes_other_params = self.rng.chance(OTHER_PARAMS_PERCENT);
            if takes_other_params || !goal.params.contains(&params_index) {
                params_index = self.rng.pick(&goal.params).copied()?;
            }
            change_object(
                &mut object,
                &self.corpus,
                goal,
                self.generates_invalid,
                &mut self.rng,
            );
            if !self.workloads.rows().is_empty()
                && goal.control.kinds.contains(&KindSelector::Workloads)
                && self.rng.chance(CUSTOM_KIND_PERCENT)
            {
                let custom = custom_object(&object, &self.workloads, &mut self.rng);
                object = custom.unwrap_or(object);
            }
            let json = object.to_string();
            let kind = corpus::kind_of(&object);
            if !goal.selects(&kind)
                || json_path::depth(&object) > MAX_DEPTH
                || !self.seen.insert(case_hash(&json, params_index, goal_index))
            {
                continue;
            }
            let params = self.params.get(params_index)?.clone();
            let interval = MIN_ALL_CONTROLS_INTERVAL.max(self.goals.len());
            let controls = if self.rng.below(interval) == 0 {
                self.controls_for(&kind, &params)
            } else {
                vec![goal.control.id.clone()]
            };
            let case = TestCase {
                object: json.into(),
                params_index,
                params,
                operation: Operation::Create,
                controls,
            };
            return Some(GeneratedCase { object, case });
        }
        None
    }

    /// Returns the controls that select a kind and are configured.
    fn controls_for(&self, kind: &Kind, params: &Params) -> Vec<ControlId> {
        self.goals
            .iter()
            .filter(|goal| goal.selects(kind) && params.configures(&goal.control))
            .map(|goal| goal.control.id.clone())
            .collect()
    }

    /// Records that a control denied an object, and with which outcome.
    pub(super) fn record_denied(
        &mut self,
        control: &ControlId,
        outcome: &str,
        generated: &GeneratedCase,
    ) {
        self.corpus.keep_denied(
            control,
            outcome,
            &generated.object,
            generated.case.params_index,
            &mut self.rng,
        );
    }

    /// Returns the controls that are configured under no params of the run.
    pub(super) fn unconfigured_controls(&self) -> Vec<ControlId> {
        self.goals
            .iter()
            .filter(|goal| goal.params.is_empty())
            .map(|goal| goal.control.id.clone())
            .collect()
    }
}

/// Generates an object of a kind that the goal's control selects.
fn object_from_schema(corpus: &Corpus, goal: &Goal, rng: &mut Rng) -> Option<Value> {
    let kind = match rng.pick(&goal.control.kinds) {
        Some(KindSelector::Kind(kind)) => Some(kind.clone()),
        _ => rng
            .pick(WORKLOADS)
            .map(|workload| Kind::new(workload.group, workload.name)),
    };
    let generator = SchemaGenerator {
        corpus,
        dictionary: &goal.dictionary,
    };
    generator.object(&kind?, rng)
}

/// Mutates an object, and then corrupts it or applies the API server's defaults.
fn change_object(object: &mut Value, corpus: &Corpus, goal: &Goal, corrupts: bool, rng: &mut Rng) {
    let mutator = Mutator {
        corpus,
        dictionary: &goal.dictionary,
    };
    for _ in 0..rng.below(MUTATIONS_END) {
        mutator.mutate(object, rng);
    }
    if corrupts {
        for _ in 0..=rng.below(3) {
            invalid::corrupt(object, rng);
        }
    } else {
        apply_defaults(object);
    }
}

fn case_hash(json: &str, params_index: usize, goal_index: usize) -> u64 {
    let mut hasher = DefaultHasher::new();
    (json, params_index, goal_index).hash(&mut hasher);
    hasher.finish()
}
