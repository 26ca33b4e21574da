//! Alert rules and dashboard name metrics by hand; the test compares them with the metrics that
//! `kubevet serve` and `kubevet operator` register.

use super::cluster_watches::ClusterGauges;
use crate::cli::operator::SinkMetrics;
use kubevet_manifests::{self as manifests, InstallOptions};
use kubevet_operator::OperatorMetrics;
use kubevet_server::ServerMetrics;
use kubevet_webhook::WebhookMetrics;
use prometheus_client::registry::Registry;
use regex::Regex;
use std::collections::{BTreeMap, BTreeSet};

/// Metrics of other programs: of the API server, and of kube-state-metrics.
const FOREIGN_METRICS: &[&str] = &[
    "apiserver_admission_webhook_fail_open_count",
    "apiserver_admission_webhook_rejection_count",
    "kube_deployment_spec_replicas",
    "kube_deployment_status_replicas_available",
];

/// Returns the registered metrics by name, with their type. The type is empty where it is not
/// known: a family is encoded only once it has a member.
fn registered() -> BTreeMap<String, String> {
    let mut registry = Registry::default();
    let metrics = WebhookMetrics::new(&mut registry, BTreeSet::new());
    metrics.set_state(1, 0, 1, 0);
    let _ = (
        ClusterGauges::register(&mut registry),
        ServerMetrics::register(&mut registry),
        OperatorMetrics::register(&mut registry),
        SinkMetrics::register(&mut registry),
    );
    let mut encoded = String::new();
    prometheus_client::encoding::text::encode(&mut encoded, &registry).unwrap();
    let name = Regex::new(r#"name: "(\w+)""#).unwrap();
    let debug = format!("{registry:?}");
    let mut registered: BTreeMap<String, String> = name
        .captures_iter(&debug)
        .map(|found| (found[1].to_owned(), String::new()))
        .collect();
    let typed = Regex::new(r"# TYPE (\w+) (\w+)").unwrap();
    let typed = typed.captures_iter(&encoded);
    registered.extend(typed.map(|found| (found[1].to_owned(), found[2].to_owned())));
    registered
}

/// Checks that a sample of a registered metric has this name.
#[track_caller]
fn check(sample: &str, registered: &BTreeMap<String, String>) {
    if let Some(kind) = registered.get(sample) {
        assert!(
            kind.is_empty() || kind == "gauge",
            "{sample} is a {kind}: its samples have a suffix"
        );
        return;
    }
    let (name, suffix) = sample.rsplit_once('_').unwrap_or((sample, ""));
    let kind = registered
        .get(name)
        .unwrap_or_else(|| panic!("there is no metric {sample}"));
    let expected = match suffix {
        "total" => "counter",
        "bucket" | "sum" | "count" => "histogram",
        _ => panic!("there is no metric {sample}"),
    };
    assert!(kind.is_empty() || kind == expected, "{sample} is a {kind}");
}

#[test]
fn every_metric_of_alerts_and_dashboard_is_registered() {
    let registered = registered();
    assert!(registered.len() > 10, "{registered:?}");
    let options = InstallOptions::new("kubevet", BTreeSet::new());
    let sample = Regex::new(r"\b(?:kubevet|kubescape|apiserver|kube)_\w+").unwrap();
    let mut watched = BTreeSet::new();
    for (file, content) in manifests::monitoring(&options).unwrap() {
        let is_expression = |line: &&str| line.contains("expr\": ") || line.contains("expr: ");
        for line in content.lines().filter(is_expression) {
            let samples = sample.find_iter(line);
            let samples: Vec<_> = samples.map(|found| found.as_str().to_owned()).collect();
            assert!(!samples.is_empty(), "{file}: {line}");
            watched.extend(samples);
        }
    }
    assert!(watched.len() > 10, "{watched:?}");
    for sample in &watched {
        if !FOREIGN_METRICS.contains(&sample.as_str()) {
            check(sample, &registered);
        }
    }
}
