//! The rules under OPA and under the engine: equal findings on every object of the test data, of
//! the public cases and of the corpus.

use crate::{
    comparison::Comparison,
    inputs::{
        compiled_library, json_of, params_with, public_case_objects, rego_sources, sources_by_file,
    },
};
use kubevet_document::{self as document, Document, Limits};
use kubevet_engine::Engine;
use kubevet_k8s::workload::SelectKinds as _;
use kubevet_model::{ControlId, EvalRequest, FixAction, Verdict, Violation};
use kubevet_policy::{self as policy, Library, Params};
use kubevet_source as source;
use kubevet_testkit::{build_output::shared_data, oracle::Oracle};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

struct Engines {
    oracle: Oracle,
    library: Library,
    engine: Engine,
    modules: Value,
    comparison: Comparison,
}

impl Engines {
    fn new(test: &str) -> Option<Self> {
        let oracle = Oracle::start(test)?;
        let (library, engine) = compiled_library();
        let modules = rego_sources(&library);
        Some(Self {
            oracle,
            library,
            engine,
            modules,
            comparison: Comparison::default(),
        })
    }

    /// Compares all controls that apply to the object.
    fn compare(&mut self, document: &Document, params: &Params) {
        let verdict = self.engine.judge(document, &EvalRequest::default(), params);
        let position = format!("{}:{}", document.file(), document.position());
        self.comparison.differences.extend(
            verdict
                .errors
                .iter()
                .map(|error| format!("{position}: {}: {}", error.control, error.error)),
        );
        if verdict.judged.is_empty() {
            return;
        }
        let input = json!({"object": json_of(document), "params": params.to_json(), "request": {"operation": "CREATE"}});
        let answer = self.oracle.send(&json!({
            "op": "rego", "regoVersion": "v1", "modules": self.modules, "query": "data.controls", "input": input,
        }));
        assert!(answer.get("error").is_none(), "{position}: {answer}");
        for source in &self.library.controls {
            let control = &source.control;
            if !self.engine.has_applies(&control.id)
                || !control.kinds.matches(&document.id().group_kind())
            {
                continue;
            }
            let opa = opa_rule(&answer, &control.id, "applies") == &json!(true);
            if opa != verdict.judged.contains(&control.id) {
                self.comparison
                    .differences
                    .push(format!("{position}: {}: OPA: applies: {opa}", control.id));
            }
        }
        for control in &verdict.judged {
            let opa = opa_findings(&answer, control);
            let expected = engine_findings(&verdict, control);
            self.comparison.compared += 1;
            if opa != expected {
                self.comparison.differences.push(format!(
                    "{position}: {control}:\n  OPA    {opa:?}\n  engine {expected:?}"
                ));
            }
        }
    }
}

/// JSON with sorted keys, so that equal values have equal strings.
fn canonical(value: &Value) -> String {
    fn sorted(value: &Value) -> Value {
        match value {
            Value::Object(fields) => {
                let fields: BTreeMap<_, _> = fields
                    .iter()
                    .map(|(key, value)| (key.clone(), sorted(value)))
                    .collect();
                Value::Object(fields.into_iter().collect())
            }
            Value::Array(items) => items.iter().map(sorted).collect(),
            other => other.clone(),
        }
    }
    sorted(value).to_string()
}

/// The findings of a control in OPA's answer, as canonical JSON.
pub(crate) fn opa_findings(answer: &Value, control: &ControlId) -> BTreeSet<String> {
    let deny = opa_rule(answer, control, "deny").as_array();
    deny.into_iter().flatten().map(canonical).collect()
}

/// The value of a rule of a control in OPA's answer.
fn opa_rule<'a>(answer: &'a Value, control: &ControlId, rule: &str) -> &'a Value {
    let package = policy::package_of(control.as_str());
    let name = package.trim_start_matches("controls.");
    &answer["result"][name][rule]
}

/// The findings of a control in a verdict, as canonical JSON.
pub(crate) fn engine_findings(verdict: &Verdict, control: &ControlId) -> BTreeSet<String> {
    verdict
        .violations
        .iter()
        .filter(|violation| violation.control == *control)
        .map(|violation| canonical(&finding(violation)))
        .collect()
}

fn finding(finding: &Violation) -> Value {
    let fixes: Vec<Value> = finding
        .fixes
        .iter()
        .map(|fix| match &fix.action {
            FixAction::Remove => json!({"path": fix.path.to_string(), "remove": true}),
            FixAction::Set(json) => {
                let value: Value = serde_json::from_str(json).expect("a fix's value is JSON");
                json!({"path": fix.path.to_string(), "value": value})
            }
        })
        .collect();
    let paths: Vec<String> = finding.paths.iter().map(ToString::to_string).collect();
    json!({"message": finding.message, "paths": paths, "fixes": fixes})
}

#[test]
fn opa_and_engine_agree_on_test_data() {
    let Some(mut engines) = Engines::new("opa_and_engine_agree_on_test_data") else {
        return;
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders =
        |value: &str| std::fs::read_dir(root.join(value)).expect("the controls are there");
    for folder in folders("policies/controls").chain(folders("tests/regressions")) {
        let (objects, problems) = policy::read_testdata(&folder.expect("a folder").path());
        assert!(problems.is_empty(), "{problems:?}");
        for object in objects {
            let params = params_with(&engines.library, &object.params);
            engines.compare(&object.document, &params);
        }
    }
    engines.comparison.finish(10_000);
}

#[test]
fn opa_and_engine_agree_on_public_cases() {
    let test = "opa_and_engine_agree_on_public_cases";
    let (Some(folder), Some(mut engines)) = (shared_data(test, "facts/cases"), Engines::new(test))
    else {
        return;
    };
    for (object, params) in public_case_objects(&folder, &engines.library) {
        engines.compare(&object, &params);
    }
    engines.comparison.finish(2_000);
}

#[test]
fn opa_and_engine_agree_on_the_corpus() {
    let test = "opa_and_engine_agree_on_the_corpus";
    let (Some(folder), Some(mut engines)) = (shared_data(test, "corpus"), Engines::new(test))
    else {
        return;
    };
    let input = source::read(&[folder], &Limits::default(), &mut |_, _| {});
    assert!(input.problems.is_empty(), "{:?}", input.problems);
    let params = engines.library.params.defaults();
    for object in &input.objects {
        engines.compare(object, &params);
    }
    engines.comparison.finish(1_500);
}

/// The table of image references, which every implementation must match.
#[test]
fn image_library_matches_its_table() {
    let Some(mut oracle) = Oracle::start("image_library_matches_its_table") else {
        return;
    };
    let table = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/lib/testdata/images.yaml");
    let bytes = std::fs::read(table).expect("the table is there");
    let parsed = document::read(&"images.yaml".into(), &bytes, &Limits::default());
    let table = json_of(&parsed.documents[0]);
    let (library, _) = policy::embedded();
    let modules = sources_by_file(library.modules.iter());
    let questions = "registry(i), data.lib.images.repository(i), data.lib.images.tag(i), data.lib.images.digest(i), \
                     data.lib.images.effective_tag(i)";
    let mut compared = 0;
    for row in table["references"].as_array().expect("a list") {
        let row = row.as_array().expect("a row");
        let query = format!("[x | i := input.image; x := [data.lib.images.{questions}]][0]");
        let request =
            json!({"op": "rego", "modules": modules, "query": query, "input": {"image": row[0]}});
        let answer = oracle.send(&request);
        assert_eq!(
            answer["result"].as_array().map(Vec::as_slice),
            row.get(1..),
            "{}",
            row[0]
        );
        compared += 1;
    }
    for row in table["within"].as_array().expect("a list") {
        let request = json!({"op": "rego", "modules": modules,
            "query": "[1 | data.lib.images.within(input.image, input.place)]",
            "input": {"image": row[0], "place": row[1]}});
        let found = !oracle.send(&request)["result"]
            .as_array()
            .expect("a list")
            .is_empty();
        assert_eq!(json!(found), row[2], "{row}");
        compared += 1;
    }
    assert!(compared > 35);
}

/// The built-in controls comply with the profile, and the lint reports rules that do not.
#[test]
fn built_in_controls_comply_with_the_profile() {
    let (library, _) = policy::embedded();
    assert_eq!(kubevet_rego::lint(&library), Vec::new());
}
