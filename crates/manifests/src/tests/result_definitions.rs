//! The definitions of results are those of the kinds that are written.

use super::parse_objects;
use crate::{ResultCrds, results_crds};
use kubevet_model::ResultKind;
use serde_json::Value;
use std::collections::BTreeSet;

const ALL: &[ResultCrds] = &[
    ResultCrds::OpenReports,
    ResultCrds::PolicyReports,
    ResultCrds::Kubescape,
];

#[test]
fn every_kind_has_one_definition() {
    let twice = [ALL, ALL].concat();
    let definitions = parse_objects(&results_crds(&twice));
    let found: Vec<String> = definitions
        .iter()
        .map(|definition| {
            let spec = &definition["spec"];
            let version = &spec["versions"][0];
            assert_eq!(version["served"], true);
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let (group, plural) = (text(&spec["group"]), text(&spec["names"]["plural"]));
            assert_eq!(definition["metadata"]["name"], format!("{plural}.{group}"));
            format!(
                "{group}/{} {} {plural} {}",
                text(&version["name"]),
                text(&spec["names"]["kind"]),
                text(&spec["scope"])
            )
        })
        .collect();
    let expected = ResultKind::ALL.iter().map(|kind| {
        let scope = if kind.is_namespaced() {
            "Namespaced"
        } else {
            "Cluster"
        };
        format!(
            "{} {} {} {scope}",
            kind.api_version(),
            kind.name(),
            kind.plural()
        )
    });
    assert_eq!(found, expected.collect::<Vec<_>>());
}

#[test]
fn schema_is_structural_and_complete() {
    let definitions = parse_objects(&results_crds(ALL));
    for definition in &definitions {
        let schema = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        let name = definition["metadata"]["name"].as_str().unwrap();
        check_typed(name, schema);
    }
    let short_names: Vec<&Value> = definitions
        .iter()
        .map(|definition| &definition["spec"]["names"]["shortNames"][0])
        .collect();
    let distinct: BTreeSet<String> = short_names.iter().map(|name| name.to_string()).collect();
    assert_eq!(distinct.len(), short_names.len());
}

/// Each part of a structural schema has a type, and a list its items.
fn check_typed(path: &str, schema: &Value) {
    let part_type = schema["type"].as_str();
    assert!(part_type.is_some(), "{path}: no type: {schema}");
    assert_eq!(
        part_type == Some("array"),
        schema.get("items").is_some(),
        "{path}"
    );
    for inner in ["items", "additionalProperties"] {
        if let Some(inner_schema) = schema.get(inner) {
            check_typed(&format!("{path}.{inner}"), inner_schema);
        }
    }
    for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
        check_typed(&format!("{path}.{name}"), inner);
    }
}
