//! Evaluator cases, each about one construct or one mechanism: a rule, an object and the expected
//! messages.
//!
//! Every case is evaluated three times: as in production, with hash joins from the first element
//! on, and in the interpreter. All must agree.

mod condition_cases;
mod join_cases;
mod limit_cases;
mod loop_cases;
mod memo_cases;
mod param_cases;
mod term_cases;
mod tier_cases;

use crate::{ConditionCounts, Engine};
use kubevet_document::{Document, Limits, read};
use kubevet_model::{Control, ControlId, EvalRequest, Kind, KindSelector, Operation, Verdict};
use kubevet_policy::{self as policy, ControlSource, Library, ModuleSource, Params};
use std::sync::{Arc, LazyLock};

static EMBEDDED: LazyLock<Library> = LazyLock::new(|| policy::embedded().0);

/// A control in test: a part of its id, its kinds, its params and what its module has behind the
/// imports.
struct Rule<'r> {
    number: u32,
    kinds: Vec<KindSelector>,
    params: &'r [&'r str],
    text: String,
}

fn workloads() -> Vec<KindSelector> {
    vec![KindSelector::Workloads]
}

fn kind(group: &str, name: &str) -> Vec<KindSelector> {
    vec![KindSelector::Kind(Kind::new(group, name))]
}

/// The text of a clause of `deny` with these conditions and this message, which is an expression of
/// Rego.
fn clause(conditions: &str, message: &str) -> String {
    format!(
        "deny contains finding if {{\n{conditions}\n\tfinding := {{\"message\": {message}, \
         \"paths\": [\"metadata\"], \"fixes\": []}}\n}}\n"
    )
}

fn library(rules: &[Rule<'_>]) -> Library {
    let template = &*EMBEDDED.controls.first().unwrap().control;
    let controls = rules.iter().map(|rule| {
        let control = Control {
            id: ControlId::from(format!("C-{}", rule.number).as_str()),
            kinds: rule.kinds.clone(),
            params: rule.params.iter().map(ToString::to_string).collect(),
            requires_any_param: Vec::new(),
            ..template.clone()
        };
        let text = format!(
            "package controls.c{}\n\nimport rego.v1\n\nimport data.lib.collections\nimport \
             data.lib.images\nimport data.lib.quantities\nimport data.lib.strings\nimport \
             data.lib.workload\n\n{}",
            rule.number, rule.text
        );
        let file: Arc<str> = format!("c{}.rego", rule.number).into();
        ControlSource {
            control: Arc::new(control),
            rule: ModuleSource {
                file: Arc::clone(&file),
                text: text.into(),
            },
            shared_rule: None,
            file,
            position: kubevet_model::Position::START,
        }
    });
    Library {
        controls: controls.collect(),
        modules: EMBEDDED.modules.clone(),
        params: EMBEDDED.params.clone(),
        workloads: EMBEDDED.workloads.clone(),
        ..Library::default()
    }
}

#[track_caller]
fn compile(rules: &[Rule<'_>]) -> Engine {
    let (engine, problems) = Engine::compile(&library(rules));
    assert_eq!(problems, []);
    let rejected: Vec<String> = engine
        .interpreted()
        .map(|(_, reason)| reason.to_string())
        .collect();
    assert_eq!(rejected, [] as [&str; 0], "every rule is compiled");
    engine
}

#[track_caller]
fn object(yaml: &str) -> Document {
    let parsed = read(&"object.yaml".into(), yaml.as_bytes(), &Limits::default());
    assert_eq!(parsed.problems, []);
    parsed.documents.into_iter().next().unwrap()
}

fn messages(verdict: &Verdict) -> Vec<String> {
    let messages = verdict.violations.iter();
    let errors = verdict.errors.iter();
    messages
        .map(|violation| violation.message.clone())
        .chain(errors.map(|error| format!("error: {}", error.error)))
        .collect()
}

/// Evaluates rules over an object in all three forms.
#[track_caller]
fn check_rules(rules: &[Rule<'_>], params: &Params, yaml: &str, expected: &[&str]) {
    let document = object(yaml);
    let request = EvalRequest {
        operation: Operation::Create,
    };
    let engine = compile(rules);
    let verdict = engine.judge(&document, &request, params);
    assert_eq!(messages(&verdict), expected, "{}", rules[0].text);
    let mut counts = ConditionCounts::with_immediate_hash_joins();
    let joined = engine.judge_observed(&document, &request, params, &mut counts);
    assert_eq!(joined, verdict, "with hash joins: {}", rules[0].text);
    let (interpreter, problems) = Engine::compile_interpreted(&library(rules));
    assert_eq!(problems, []);
    let interpreted = interpreter.judge(&document, &request, params);
    assert_eq!(interpreted, verdict, "interpreted: {}", rules[0].text);
}

/// Evaluates one clause over an object of a kind.
#[track_caller]
fn check(conditions: &str, message: &str, yaml: &str, expected: &[&str]) {
    check_with_helpers("", conditions, message, yaml, expected);
}

#[track_caller]
fn check_with_helpers(
    helpers: &str,
    conditions: &str,
    message: &str,
    yaml: &str,
    expected: &[&str],
) {
    let kinds = if yaml.contains("kind: Pod") {
        workloads()
    } else {
        kind("", "ConfigMap")
    };
    let rule = Rule {
        number: 9001,
        kinds,
        params: &[],
        text: format!("{helpers}\n{}", clause(conditions, message)),
    };
    check_rules(&[rule], &EMBEDDED.params.defaults(), yaml, expected);
}

/// A Pod with these containers.
fn pod(containers: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec: {{containers: [{containers}]}}\n"
    )
}

/// A ConfigMap with these further fields.
fn config_map(fields: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: m}}\n{fields}\n")
}

fn map_engine(conditions: &str) -> Engine {
    compile(&[Rule {
        number: 9001,
        kinds: kind("", "ConfigMap"),
        params: &[],
        text: clause(conditions, "\"found\""),
    }])
}

fn workload_rule(number: u32, text: String) -> Rule<'static> {
    Rule {
        number,
        kinds: workloads(),
        params: &[],
        text,
    }
}
