//! The alerts and dashboards of `kubevet manifests monitoring`, by Prometheus' own `promtool` (Debian's
//! package `prometheus`): the rules are valid, each alert fires when it should and stays quiet when it
//! should, and every expression of the dashboards is PromQL.

#![allow(
    clippy::disallowed_methods,
    reason = "tests start programs and read files"
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use kubevet_document::{self as document, Limits};
use kubevet_testkit::{process::run, skip::not_run, test_dir::TestDir};
use serde_json::{Value, json};
use std::{collections::BTreeSet, fs, process::Command};

/// A test of promtool for each alert.
const ALERT_TESTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/monitoring/alerts");
/// The files with rules.
const RULE_FILES: [&str; 2] = ["alerts.yaml", "operator-alerts.yaml"];
/// The files with dashboards.
const DASHBOARDS: [&str; 2] = ["dashboard.json", "operator-dashboard.json"];

/// The files that are written, if promtool is there.
fn monitoring(test: &str) -> Option<TestDir> {
    if Command::new("promtool").arg("--version").output().is_err() {
        not_run(
            test,
            "promtool is not installed (Debian's package `prometheus`)",
        );
        return None;
    }
    let dir = TestDir::new();
    let written = dir.run(&["manifests", "monitoring", "-o", "."]);
    assert_eq!((written.code, written.stderr.as_str()), (0, ""));
    Some(dir)
}

/// The only object of a YAML file.
fn parse_yaml(yaml: &str) -> Value {
    let parsed = document::read_yaml(&"x".into(), yaml.as_bytes(), &Limits::default());
    assert!(parsed.problems.is_empty(), "{:?}", parsed.problems);
    let mut json = String::new();
    parsed.documents[0].root().write_json(&mut json);
    serde_json::from_str(&json).expect("it is JSON")
}

/// The groups of rules of all files, as a rule file of Prometheus.
fn rules(dir: &TestDir) -> Value {
    let groups = RULE_FILES.iter().flat_map(|file| {
        let object = parse_yaml(&dir.read(file));
        let groups = object["spec"]["groups"].as_array().expect("a list");
        groups.clone()
    });
    json!({"groups": groups.collect::<Vec<_>>()})
}

/// The rules of a rule file.
fn each_rule(rules: &mut Value, mut change: impl FnMut(&mut Value)) {
    let groups = rules["groups"].as_array_mut().expect("a list");
    for group in groups {
        for rule in group["rules"].as_array_mut().expect("a list") {
            change(rule);
        }
    }
}

#[track_caller]
fn promtool(dir: &TestDir, args: &[&str]) {
    let mut command = Command::new("promtool");
    let output = run(command.current_dir(dir.path()).args(args), "");
    assert_eq!(output.code, 0, "{}{}", output.stdout, output.stderr);
}

#[test]
fn rules_are_valid() {
    let Some(dir) = monitoring("valid rules") else {
        return;
    };
    let rules = rules(&dir).to_string();
    let dir = dir.file("rules.yaml", &rules);
    promtool(&dir, &["check", "rules", "rules.yaml"]);
}

#[test]
fn every_alert_fires_and_stays_quiet() {
    let Some(dir) = monitoring("alerts") else {
        return;
    };
    let mut rules = rules(&dir);
    let mut alerts = BTreeSet::new();
    each_rule(&mut rules, |rule| {
        let name = rule["alert"].as_str().expect("it is an alert");
        alerts.insert(name.to_owned());
        // A test would have to repeat all texts.
        rule.as_object_mut().expect("a map").remove("annotations");
    });
    let mut dir = dir.file("rules.yaml", rules.to_string());
    let mut tests = BTreeSet::new();
    for entry in fs::read_dir(ALERT_TESTS).expect("a folder") {
        let path = entry.expect("a file").path();
        let alert = path.file_stem().expect("a name").display().to_string();
        let test = fs::read_to_string(&path).expect("a text");
        assert!(
            test.contains("exp_alerts: []") && test.contains("exp_labels"),
            "{alert}: a test in which it fires, and one in which it does not"
        );
        let named = test.matches("alertname: ").count();
        assert_eq!(
            test.matches(&format!("alertname: {alert}\n")).count(),
            named
        );
        dir = dir.file(&format!("{alert}.yaml"), &test);
        tests.insert(alert);
    }
    assert_eq!(tests, alerts, "{ALERT_TESTS} has a file for each alert");
    let files: Vec<String> = tests.iter().map(|alert| format!("{alert}.yaml")).collect();
    let files = files.iter().map(String::as_str);
    let args: Vec<&str> = ["test", "rules"].into_iter().chain(files).collect();
    promtool(&dir, &args);
}

/// promtool parses expressions of rules: each expression of a panel becomes one.
#[test]
fn expressions_of_dashboards_are_valid() {
    let Some(dir) = monitoring("expressions of dashboards") else {
        return;
    };
    let mut rules = Vec::new();
    for file in DASHBOARDS {
        let dashboard: Value = serde_json::from_str(&dir.read(file)).expect("it is JSON");
        let panels = dashboard["panels"].as_array().expect("a list");
        for panel in panels {
            for target in panel["targets"].as_array().expect("a list") {
                let record = format!("panel:{}", rules.len());
                rules.push(json!({"record": record, "expr": target["expr"]}));
            }
        }
    }
    assert!(rules.len() > 40, "{}", rules.len());
    let check =
        |rules: &[Value]| json!({"groups": [{"name": "panels", "rules": rules}]}).to_string();
    let dir = dir.file("panels.yaml", check(&rules));
    promtool(&dir, &["check", "rules", "panels.yaml"]);
    // The check is not vacuous.
    rules.push(json!({"record": "panel:wrong", "expr": "sum(rate(x[5m])"}));
    let dir = dir.file("panels.yaml", check(&rules));
    let mut command = Command::new("promtool");
    let args = ["check", "rules", "panels.yaml"];
    let output = run(command.current_dir(dir.path()).args(args), "");
    assert_ne!(output.code, 0, "{}", output.stdout);
}
