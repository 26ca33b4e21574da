//! The JSON report validates against its published schema, and the schema rejects invalid reports.

use crate::fixture;
use kubevet_model::Scan;
use kubevet_report::{self as report, Style, View};
use serde_json::{Value, json};

fn validator() -> jsonschema::Validator {
    let schema: Value =
        serde_json::from_str(include_str!("../../schemas/scan-report.v1.json")).unwrap();
    jsonschema::meta::validate(&schema).unwrap();
    jsonschema::draft202012::new(&schema).unwrap()
}

fn report(scan: &Scan) -> Value {
    let mut out = Vec::new();
    let style = Style {
        view: View::Resource,
        color: true,
        width: None,
        verbose: false,
    };
    (report::format("json").unwrap().write)(scan, &style, &mut out).unwrap();
    serde_json::from_slice(&out).unwrap()
}

#[test]
fn every_report_validates_against_the_schema() {
    let validator = validator();
    let scans = [
        fixture::full(),
        fixture::passed(),
        fixture::not_evaluated(),
        fixture::hostile(),
        Scan::default(),
    ];
    for scan in scans {
        let report = report(&scan);
        let errors: Vec<String> = validator
            .iter_errors(&report)
            .map(|error| format!("{}: {error}", error.instance_path))
            .collect();
        assert!(errors.is_empty(), "{errors:#?}");
    }
}

#[test]
fn invalid_report_is_rejected_by_the_schema() {
    let validator = validator();
    let good = report(&fixture::full());
    for (pointer, broken) in [
        ("/kind", json!("Scan")),
        ("/findings/0/severity", json!("severe")),
        ("/findings/0/source/line", json!(0)),
        (
            "/findings/0/fixes/0",
            json!({"path": "a", "value": 1, "remove": true}),
        ),
        ("/findings/0/fixes/0", json!({"path": "a"})),
        ("/findings/0/fixes/0", json!({"path": "a", "remove": false})),
        ("/findings/0/container", json!(null)),
        ("/controls/0/status", json!("skipped")),
        ("/frameworks/0/compliance", json!(101)),
        (
            "/problems/0",
            json!({"file": "a", "message": "m", "line": 1}),
        ),
        ("/summary", json!({})),
    ] {
        let mut report = good.clone();
        match report.pointer_mut(pointer) {
            Some(path) => *path = broken.clone(),
            // a field that is absent from the good report: add it
            None => {
                let (parent, key) = pointer.rsplit_once('/').unwrap();
                report.pointer_mut(parent).unwrap()[key] = broken.clone();
            }
        }
        assert!(
            !validator.is_valid(&report),
            "{pointer} = {broken} was let through"
        );
    }
    let mut extra = good;
    extra["clusterName"] = json!("prod");
    assert!(!validator.is_valid(&extra));
}
