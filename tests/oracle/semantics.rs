//! The compiler's translation of each Rego construct against OPA, over every pair of values.

use crate::{
    inputs::rego_sources,
    rego::{engine_findings, opa_findings},
};
use kubevet_differential as differential;
use kubevet_document::{self as document, Limits};
use kubevet_engine::Engine;
use kubevet_model::EvalRequest;
use kubevet_testkit::oracle::Oracle;
use serde_json::{Value, json};
use std::collections::BTreeSet;

#[test]
fn compiled_constructs_agree_with_opa() {
    let Some(mut oracle) = Oracle::start("compiled_constructs_agree_with_opa") else {
        return;
    };
    let (library, seeds) = differential::language_cases();
    let (engine, problems) = Engine::compile(&library);
    assert!(problems.is_empty(), "{problems:#?}");
    let refused: Vec<String> = engine
        .interpreted()
        .map(|(_, why)| why.to_string())
        .collect();
    // The only rule that must not be compiled: a negated call with a possibly undefined argument.
    // The interpreter evaluates it differently from OPA, so it is left out below.
    let lost = refused
        .iter()
        .filter(|refused| refused.contains("`not` is undefined too"))
        .count();
    assert_eq!((refused.len(), lost), (1, 1), "{refused:#?}");
    let modules = rego_sources(&library);
    let params = library.params.defaults();
    let objects: Vec<String> = seeds.iter().map(|seed| seed.object.to_string()).collect();
    let lines: Vec<String> = objects
        .iter()
        .map(|object| {
            let object: Value = serde_json::from_str(object).expect("JSON");
            let input = json!({"object": object, "params": {}, "request": {"operation": "CREATE"}});
            json!({"op": "rego", "regoVersion": "v1", "modules": modules, "query": "data.controls", "input": input})
                .to_string()
        })
        .collect();
    let answers = oracle.send_all(&lines);
    let (mut differences, mut results) =
        (Vec::new(), vec![BTreeSet::new(); library.controls.len()]);
    for (object, answer) in objects.iter().zip(&answers) {
        let answer: Value = serde_json::from_str(answer).expect("JSON");
        assert!(answer.get("error").is_none(), "{object}: {answer}");
        let read = document::read_json(&"object".into(), object.as_bytes(), &Limits::default());
        let verdict = engine.judge(&read.documents[0], &EvalRequest::default(), &params);
        assert!(verdict.errors.is_empty(), "{object}: {:?}", verdict.errors);
        for (index, source) in library.controls.iter().enumerate() {
            if engine.interpreted().any(|(id, _)| *id == source.control.id) {
                results[index].extend([true, false]);
                continue;
            }
            let opa = opa_findings(&answer, &source.control.id);
            let expected = engine_findings(&verdict, &source.control.id);
            results[index].insert(!opa.is_empty());
            if opa != expected {
                let rule = &source.rule.text;
                differences.push(format!(
                    "{rule}\n  {object}\n  OPA {opa:?}\n  engine {expected:?}"
                ));
            }
        }
    }
    assert!(
        differences.is_empty(),
        "{} differences:\n{}",
        differences.len(),
        differences[..differences.len().min(12)].join("\n")
    );
    // A rule with a constant result proves nothing.
    let rules = library.controls.iter().map(|control| &control.rule.text);
    let dull: Vec<_> = rules
        .zip(&results)
        .filter(|(_, results)| results.len() < 2)
        .map(|(rule, _)| rule)
        .collect();
    assert!(dull.is_empty(), "{dull:#?}");
}
