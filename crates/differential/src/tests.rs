//! Runs with a voice that lies: each lie must be found, made small, and told.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::{Answer, EngineVoice, Found, Plan, Question, Report, Seed, Voice, VoiceError, run};
use kubevet_engine::Engine;
use kubevet_policy::{self as policy, Library};
use serde_json::{Value, json};

/// The engine, but for what `lie` makes of its answers.
struct Liar<F> {
    honest: EngineVoice,
    lie: F,
}

impl<F: Fn(&Value, Answer) -> Answer + Send> Voice for Liar<F> {
    fn name(&self) -> &'static str {
        "program"
    }

    fn ask(&mut self, batch: &[Question]) -> Result<Vec<Vec<Answer>>, VoiceError> {
        let answers = self.honest.ask(batch)?;
        let told = batch.iter().zip(answers).map(|(question, answers)| {
            let object = serde_json::from_str(&question.object).unwrap_or_default();
            answers
                .into_iter()
                .map(|it| (self.lie)(&object, it))
                .collect()
        });
        Ok(told.collect())
    }
}

fn library(id: &str) -> Library {
    let (mut library, problems) = policy::embedded();
    assert!(problems.is_empty(), "{problems:?}");
    library.controls.retain(|it| it.control.id.as_str() == id);
    library
}

fn seeds() -> Vec<Seed> {
    let pod = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "shop"}, "spec": {"template": {
        "metadata": {"labels": {"app": "shop"}},
        "spec": {"containers": [
            {"name": "web", "image": "web:1", "securityContext": {"privileged": true, "capabilities": {"add": ["SYS_ADMIN"]}}},
            {"name": "side", "image": "side:1", "securityContext": {"privileged": false, "capabilities": {"drop": ["ALL"]}}},
        ], "initContainers": [{"name": "first", "image": "first:1"}]},
    }}});
    vec![Seed {
        object: pod,
        control: None,
        params: Vec::new(),
    }]
}

fn lied(
    id: &str,
    count: u64,
    wrong: bool,
    lie: impl Fn(&Value, Answer) -> Answer + Send,
) -> Report {
    let library = library(id);
    let (engine, problems) = Engine::compile(&library);
    assert!(problems.is_empty(), "{problems:?}");
    let right = EngineVoice::together("OPA", Engine::compile_interpreted(&library).0.into()).0;
    let liar = Liar {
        honest: EngineVoice::together("program", engine.into()).0,
        lie,
    };
    let plan = Plan {
        controls: Vec::new(),
        count,
        seed: 7,
        wrong,
        keep: 3,
    };
    run(
        &plan,
        &library,
        seeds(),
        &mut [Box::new(right), Box::new(liar)],
        None,
        &mut |_| {},
    )
    .unwrap()
}

#[test]
fn a_voice_that_tells_the_truth_agrees() {
    let report = lied("C-0057", 2_000, false, |_, answer| answer);
    assert_eq!(
        (report.compared() >= 2_000, report.differing),
        (true, 0),
        "{:?}",
        report.disagreements
    );
    let control = report.controls.first().unwrap();
    assert!(
        control.denied_enough() && control.compared > control.denied,
        "{control:?}"
    );
    assert!(
        control
            .messages
            .iter()
            .take(2)
            .all(super::Condition::seen_both),
        "{:?}",
        control.messages
    );
}

#[test]
fn a_run_repeats_itself() {
    let told = || {
        let report = lied("C-0057", 600, false, |_, _| Answer::Silent);
        report
            .disagreements
            .into_iter()
            .map(|it| (it.yaml, it.answers, it.count))
            .collect::<Vec<_>>()
    };
    let first = told();
    assert!(!first.is_empty());
    assert_eq!(first, told());
}

fn caught(report: &Report, what: &str) {
    let found = report.disagreements.iter().find(|it| it.what == what);
    let found = found.unwrap_or_else(|| panic!("not found: {:?}", report.disagreements));
    assert!(
        found.yaml.lines().count() <= 15,
        "not small:\n{}",
        found.yaml
    );
    assert!(found.regression.is_some());
}

/// As a program would that overlooks init containers.
#[test]
fn a_forgotten_list_is_caught() {
    let report = lied("C-0057", 2_000, false, |_, answer| match answer {
        Answer::Findings(mut all) => {
            all.retain(|it| !it.paths.iter().any(|path| path.contains("initContainers")));
            Answer::Findings(all)
        }
        other => other,
    });
    caught(&report, "verdicts");
}

/// As a program would that takes any text for true: only objects of wrong types show it.
#[test]
fn a_forgotten_question_for_the_type_is_caught() {
    let report = lied("C-0057", 3_000, true, |object, answer| {
        let found = Found {
            message: "it is".to_owned(),
            paths: vec!["spec".to_owned()],
            fixes: Vec::new(),
        };
        if object.to_string().contains(r#""privileged":"true""#) {
            Answer::Findings(vec![found])
        } else {
            answer
        }
    });
    caught(&report, "verdicts");
}
