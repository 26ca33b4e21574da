//! Runs with a faulty subject: each fault must be found, shrunk and reported.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::{
    DifferentialReport, EngineSubject, RunConfig, SeedObject, Subject, SubjectAnswer, SubjectError,
    SubjectFinding, TestCase, run,
};
use kubevet_engine::Engine;
use kubevet_policy::{self as policy, Library};
use serde_json::{Value, json};

/// The engine with a fault: a function that changes its answers.
struct FaultySubject<F> {
    engine: EngineSubject,
    fault: F,
}

impl<F: Fn(&Value, SubjectAnswer) -> SubjectAnswer + Send> Subject for FaultySubject<F> {
    fn name(&self) -> &'static str {
        "program"
    }

    fn evaluate(&mut self, batch: &[TestCase]) -> Result<Vec<Vec<SubjectAnswer>>, SubjectError> {
        let answers = self.engine.evaluate(batch)?;
        let faulty = batch.iter().zip(answers).map(|(case, answers)| {
            let object = serde_json::from_str(&case.object).unwrap_or_default();
            answers
                .into_iter()
                .map(|answer| (self.fault)(&object, answer))
                .collect()
        });
        Ok(faulty.collect())
    }
}

fn library(id: &str) -> Library {
    let (mut library, problems) = policy::embedded();
    assert!(problems.is_empty(), "{problems:?}");
    library
        .controls
        .retain(|source| source.control.id.as_str() == id);
    library
}

fn seeds() -> Vec<SeedObject> {
    let pod = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "shop"}, "spec": {"template": {
        "metadata": {"labels": {"app": "shop"}},
        "spec": {"containers": [
            {"name": "web", "image": "web:1", "securityContext": {"privileged": true, "capabilities": {"add": ["SYS_ADMIN"]}}},
            {"name": "side", "image": "side:1", "securityContext": {"privileged": false, "capabilities": {"drop": ["ALL"]}}},
        ], "initContainers": [{"name": "first", "image": "first:1"}]},
    }}});
    vec![SeedObject {
        object: pod,
        control: None,
        params: Vec::new(),
    }]
}

/// Compares the interpreter, as the trusted subject, with an engine that has a fault.
fn run_with_fault(
    id: &str,
    count: u64,
    invalid_objects: bool,
    fault: impl Fn(&Value, SubjectAnswer) -> SubjectAnswer + Send,
) -> DifferentialReport {
    let library = library(id);
    let (engine, problems) = Engine::compile(&library);
    assert!(problems.is_empty(), "{problems:?}");
    let trusted = EngineSubject::combined("OPA", Engine::compile_interpreted(&library).0.into()).0;
    let faulty = FaultySubject {
        engine: EngineSubject::combined("program", engine.into()).0,
        fault,
    };
    let config = RunConfig {
        controls: Vec::new(),
        count,
        seed: 7,
        invalid_objects,
        max_disagreements: 3,
    };
    run(
        &config,
        &library,
        seeds(),
        &mut [Box::new(trusted), Box::new(faulty)],
        None,
        &mut |_| {},
    )
    .unwrap()
}

#[test]
fn faultless_subject_agrees() {
    let report = run_with_fault("C-0057", 2_000, false, |_, answer| answer);
    assert_eq!(
        (report.compared() >= 2_000, report.differing),
        (true, 0),
        "{:?}",
        report.disagreements
    );
    let control = report.controls.first().unwrap();
    assert!(
        control.is_denied_often_enough() && control.compared > control.denied,
        "{control:?}"
    );
    assert!(
        control
            .messages
            .iter()
            .take(2)
            .all(super::ObservedCondition::has_both_outcomes),
        "{:?}",
        control.messages
    );
}

#[test]
fn equal_seeds_give_equal_runs() {
    let run = || {
        let report = run_with_fault("C-0057", 600, false, |_, _| SubjectAnswer::Missing);
        report
            .disagreements
            .into_iter()
            .map(|found| (found.yaml, found.answers, found.count))
            .collect::<Vec<_>>()
    };
    let first = run();
    assert!(!first.is_empty());
    assert_eq!(first, run());
}

#[track_caller]
fn check_found(report: &DifferentialReport, difference: &str) {
    let found = report
        .disagreements
        .iter()
        .find(|found| found.difference == difference);
    let found = found.unwrap_or_else(|| panic!("not found: {:?}", report.disagreements));
    assert!(
        found.yaml.lines().count() <= 15,
        "not small:\n{}",
        found.yaml
    );
    assert!(found.regression.is_some());
}

/// The fault of a program that ignores init containers.
#[test]
fn ignored_container_list_is_found() {
    let report = run_with_fault("C-0057", 2_000, false, |_, answer| match answer {
        SubjectAnswer::Findings(mut findings) => {
            findings.retain(|finding| {
                !finding
                    .paths
                    .iter()
                    .any(|path| path.contains("initContainers"))
            });
            SubjectAnswer::Findings(findings)
        }
        other => other,
    });
    check_found(&report, "verdicts");
}

/// The fault of a program that treats any string as true. Only objects with wrong types show it.
#[test]
fn missing_type_check_is_found() {
    let report = run_with_fault("C-0057", 6_000, true, |object, answer| {
        let finding = SubjectFinding {
            message: "it is".to_owned(),
            paths: vec!["spec".to_owned()],
            fixes: Vec::new(),
        };
        if object.to_string().contains(r#""privileged":"true""#) {
            SubjectAnswer::Findings(vec![finding])
        } else {
            answer
        }
    });
    check_found(&report, "verdicts");
}
