//! Differential testing on generated objects, as `kubevet policy verify` runs it.

use crate::inputs::public_case_objects;
use kubevet_differential::{
    self as differential, ControlReport, DifferentialReport, Lineup, Pipe, RunConfig, SeedObject,
};
use kubevet_document::Limits;
use kubevet_engine::Engine;
use kubevet_k8s::workload::custom::CustomWorkloads;
use kubevet_policy::{self as policy, Library};
use kubevet_source as source;
use kubevet_testkit::{build_output::shared_data, oracle::Oracle};
use std::{env, path::Path, sync::Arc};

/// The controls of connections: their options have no types in the table, so most generated ones are
/// invalid.
const OF_CONNECTIONS: &[&str] = &["K-0001", "K-0002"];
/// Objects for admission that are enough where most are invalid.
const ENOUGH_FOR_ADMISSION: u64 = 150;

/// Controls of objects that no admission policy sees: the API server shows webhook configurations to
/// none, and has no PodSecurityPolicies.
const NOT_FOR_ADMISSION: [&str; 10] = [
    "C-0036", "C-0039", "C-0213", "C-0214", "C-0215", "C-0216", "C-0217", "C-0218", "C-0219",
    "C-0220",
];

/// The number of comparisons without KUBEVET_VERIFY_COUNT.
const COUNT: u64 = 100_000;

struct OraclePipe(Oracle);

impl Pipe for OraclePipe {
    fn exchange(&mut self, lines: &[String]) -> Result<Vec<String>, String> {
        Ok(self.0.send_all(lines))
    }
}

fn count() -> u64 {
    env::var("KUBEVET_VERIFY_COUNT")
        .ok()
        .and_then(|value| value.parse().ok())
        .unwrap_or(COUNT)
}

/// The test data of all controls, the public cases, and the corpus.
fn seeds(test: &str, library: &Library) -> Vec<SeedObject> {
    let mut seeds = Vec::new();
    for source in &library.controls {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(&*source.file);
        for object in policy::read_testdata(folder.parent().expect("a file is in a folder")).0 {
            seeds.extend(differential::seed_object(
                &object.document,
                Some(source.control.id.clone()),
                object.params.clone(),
            ));
        }
    }
    assert!(seeds.len() > 300, "only {} test objects", seeds.len());
    if let Some(folder) = shared_data(test, "facts/cases") {
        let objects = public_case_objects(&folder, library).into_iter();
        seeds.extend(
            objects.filter_map(|(object, _)| differential::seed_object(&object, None, Vec::new())),
        );
    }
    if let Some(folder) = shared_data(test, "corpus") {
        let input = source::read(&[folder], &Limits::default(), &mut |_, _| {});
        seeds.extend(
            input
                .objects
                .iter()
                .filter_map(|object| differential::seed_object(object, None, Vec::new())),
        );
    }
    seeds
}

/// The input of a run.
struct RunInput {
    library: Library,
    seeds: Vec<SeedObject>,
    /// True if the interpreter is a subject, too.
    reference: bool,
    /// True if exported policies are a subject.
    policies: bool,
    count: u64,
}

/// Runs all subjects, OPA first, on the controls that compile; `None` without an oracle.
fn run(test: &str, run_input: RunInput) -> Option<DifferentialReport> {
    let RunInput {
        library,
        seeds,
        reference,
        policies,
        count,
    } = run_input;
    let (engine, problems) = Engine::compile(&library);
    assert!(problems.is_empty(), "{problems:?}");
    let lineup = Lineup {
        library: &library,
        engine: &Arc::new(engine),
        includes_interpreter: reference,
        includes_policies: policies,
    };
    let oracle = || Oracle::start(test).map(OraclePipe).ok_or(()).map(Some);
    let Ok((mut subjects, _)) = lineup.subjects(oracle) else {
        return None;
    };
    let controls = lineup.compiled_controls();
    // Exported policies never get objects that an API server rejects.
    let config = RunConfig {
        controls,
        count,
        seed: 20,
        invalid_objects: !policies,
        max_disagreements: 10,
    };
    let report = differential::run(&config, &library, seeds, &mut subjects, None, &mut |_| {})
        .expect("all voices answer");
    assert_eq!(report.differing, 0, "{:#?}", report.disagreements);
    assert!(report.compared() >= count);
    Some(report)
}

fn shipped(test: &str, policies: bool, count: u64) -> RunInput {
    let (mut library, problems) = policy::embedded();
    // As `kubevet policy verify` loads it: policies leave the kinds of other software out.
    library.set_workloads(CustomWorkloads::shipped());
    assert!(problems.is_empty(), "{problems:?}");
    RunInput {
        seeds: seeds(test, &library),
        library,
        reference: true,
        policies,
        count,
    }
}

/// True if enough of the objects that were compared are for admission.
fn has_enough_for_admission(control: &ControlReport) -> bool {
    let id = control.control.as_str();
    let evaluated = control.compared - control.invalid;
    NOT_FOR_ADMISSION.contains(&id)
        || evaluated > control.invalid
        || evaluated >= ENOUGH_FOR_ADMISSION
        || (OF_CONNECTIONS.contains(&id) && evaluated >= 20)
}

#[test]
fn all_subjects_agree_on_generated_objects() {
    let test = "all_subjects_agree_on_generated_objects";
    let input = shipped(test, true, count());
    let controls = input.library.controls.len();
    let Some(report) = run(test, input) else {
        return;
    };
    let seldom = report.controls.iter();
    let seldom = seldom.filter(|control| !control.is_denied_often_enough());
    let seldom: Vec<String> = seldom
        .map(|control| {
            format!(
                "{} {} of {}",
                control.control, control.denied, control.compared
            )
        })
        .collect();
    assert!(
        seldom.is_empty(),
        "denied too seldom: {}",
        seldom.join(", ")
    );
    let few: Vec<&ControlReport> = report
        .controls
        .iter()
        .filter(|control| !has_enough_for_admission(control))
        .collect();
    assert!(few.is_empty(), "too few objects are for admission: {few:?}");
    assert_eq!(
        report.controls.len(),
        controls,
        "every control has params under which it finds something"
    );
}

#[test]
fn all_subjects_survive_invalid_objects() {
    let test = "all_subjects_survive_invalid_objects";
    run(test, shipped(test, false, count() / 4));
}

#[test]
fn all_subjects_agree_on_every_construct() {
    let (library, seeds) = differential::language_cases();
    let run_input = RunInput {
        library,
        seeds,
        reference: false,
        policies: true,
        count: count() / 5,
    };
    let Some(report) = run("all_subjects_agree_on_every_construct", run_input) else {
        return;
    };
    // `semantics` asserts over all pairs of values that each construct has both results.
    let both = report
        .controls
        .iter()
        .filter(|control| control.denied > 0 && control.denied < control.compared)
        .count();
    assert!(
        report.controls.len() == 78 && both > 68,
        "{both} of {} seen both ways",
        report.controls.len()
    );
}
