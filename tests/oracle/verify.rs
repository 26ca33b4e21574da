//! One verdict, whoever gives it: the proof on generated objects, as `kubevet policy verify` runs it.

use crate::support::{Oracle, shared};
use kubevet::{
    document::{self, Limits},
    engine::Engine,
    input,
    model::{ControlId, Kind},
    policy::{self, Library, Params},
    proof::{self, CelVoice, EngineVoice, OpaVoice, Pipe, Plan, REFERENCE, Report, Seed, Voice},
};
use std::{env, path::Path};

/// How many comparisons, where KUBEVET_VERIFY_COUNT does not say.
const COUNT: u64 = 100_000;

impl Pipe for Oracle {
    fn exchange(&mut self, lines: &[String]) -> Result<Vec<String>, String> {
        Ok(self.ask_all(lines))
    }
}

fn count() -> u64 {
    env::var("KUBEVET_VERIFY_COUNT").ok().and_then(|it| it.parse().ok()).unwrap_or(COUNT)
}

/// The test data of all controls, the public cases, and the corpus.
fn seeds(test: &str, library: &Library) -> Vec<Seed> {
    let mut seeds = Vec::new();
    for source in &library.controls {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(&*source.file);
        for object in policy::read_testdata(folder.parent().expect("a file is in a folder")).0 {
            seeds.extend(proof::seed(&object.document, Some(source.control.id.clone()), object.params.clone()));
        }
    }
    assert!(seeds.len() > 300, "only {} test objects", seeds.len());
    if let Some(folder) = shared(test, "facts/cases") {
        for path in std::fs::read_dir(folder).expect("the cases are there") {
            let (file, problems) = policy::read_cases(&path.expect("a file").path());
            assert!(problems.is_empty(), "{problems:?}");
            for case in file.iter().flat_map(|it| &it.cases) {
                let objects = case.objects.iter().cloned().flat_map(document::unfold);
                seeds.extend(objects.filter_map(|it| proof::seed(&it, None, Vec::new())));
            }
        }
    }
    if let Some(folder) = shared(test, "corpus") {
        let input = input::read(&[folder], &Limits::default(), &mut |_, _| {});
        seeds.extend(input.objects.iter().filter_map(|it| proof::seed(it, None, Vec::new())));
    }
    seeds
}

/// All voices there are, OPA first; `None` without an oracle.
fn run(test: &str, count: u64, wrong: bool) -> Option<Report> {
    let (library, problems) = policy::embedded();
    assert!(problems.is_empty(), "{problems:?}");
    let (engine, problems) = Engine::compile(&library);
    assert!(problems.is_empty(), "{problems:?}");
    let exporting = Engine::compile(&library).0;
    let policy_of = |id: &ControlId, params: &Params| match library.control(id.as_str()) {
        Some(source) => proof::exported(&exporting, &source.control, params),
        None => Err("there is no such control".to_owned()),
    };
    let pack_of =
        |controls: &[ControlId], kind: &Kind, params: &Params| proof::packed(&exporting, controls, kind, params);
    let mut voices: Vec<Box<dyn Voice + '_>> = vec![
        Box::new(OpaVoice::new(Oracle::start(test)?, &library)),
        Box::new(EngineVoice::together("program", engine.into()).0),
        Box::new(EngineVoice::apart(REFERENCE, &library, Engine::compile_reference)),
    ];
    // Exported policies are never shown what no API server lets through.
    if !wrong {
        voices.push(Box::new(CelVoice::new(Oracle::start(test)?, Box::new(policy_of), Box::new(pack_of))));
    }
    let plan = Plan { controls: Vec::new(), count, seed: 20, wrong, keep: 10 };
    let report = proof::run(&plan, &library, seeds(test, &library), &mut voices, None, &mut |_| {});
    Some(report.expect("all voices answer"))
}

#[test]
fn all_voices_give_one_verdict() {
    let Some(report) = run("all_voices_give_one_verdict", count(), false) else { return };
    assert_eq!(report.differing, 0, "{:#?}", report.disagreements);
    assert!(report.compared() >= count());
    for control in &report.controls {
        assert!(control.denied_enough(), "{control:?}");
        // The options of a connection have no types in the table, so most of what is made of them is refused.
        let judged = control.compared - control.invalid;
        let enough = if control.control.as_str().starts_with('K') { judged >= 20 } else { judged > control.invalid };
        assert!(enough, "too few objects are for admission: {control:?}");
    }
    let mute = 36 - report.controls.len();
    assert_eq!(mute, 0, "controls without params under which they speak");
}

#[test]
fn all_voices_survive_what_no_api_server_lets_through() {
    let test = "all_voices_survive_what_no_api_server_lets_through";
    let Some(report) = run(test, count() / 4, true) else { return };
    assert_eq!(report.differing, 0, "{:#?}", report.disagreements);
    assert!(report.compared() >= count() / 4);
}
