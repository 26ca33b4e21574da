//! Alert rules and dashboard name metrics by hand; here they are held to those that `kubevet serve` has.

use super::{Gauges, Registry, WebhookMetrics, serve};
use kubevet_manifests::{self as manifests, InstallOptions};
use regex::Regex;
use std::collections::{BTreeMap, BTreeSet};

/// What others measure: the API server, and kube-state-metrics.
const OF_OTHERS: &[&str] = &[
    "apiserver_admission_webhook_fail_open_count",
    "apiserver_admission_webhook_rejection_count",
    "kube_deployment_spec_replicas",
    "kube_deployment_status_replicas_available",
];

/// Names as they are registered, with the type where it can be seen: families show theirs once they hold something.
fn registered() -> BTreeMap<String, String> {
    let mut registry = Registry::default();
    let metrics = WebhookMetrics::new(&mut registry, BTreeSet::new());
    metrics.set_state(1, 0, 1, 0);
    let _ = (
        Gauges::register(&mut registry),
        serve::ServerMetrics::register(&mut registry),
    );
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
    let name = Regex::new(r#"name: "(\w+)""#).unwrap();
    let debug = format!("{registry:?}");
    let mut found: BTreeMap<String, String> = name
        .captures_iter(&debug)
        .map(|it| (it[1].to_owned(), String::new()))
        .collect();
    let typed = Regex::new(r"# TYPE (\w+) (\w+)").unwrap();
    found.extend(
        typed
            .captures_iter(&text)
            .map(|it| (it[1].to_owned(), it[2].to_owned())),
    );
    found
}

#[track_caller]
fn check(word: &str, registered: &BTreeMap<String, String>) {
    if let Some(kind) = registered.get(word) {
        assert!(
            kind.is_empty() || kind == "gauge",
            "{word} is a {kind}: its samples have a suffix"
        );
        return;
    }
    let (name, suffix) = word.rsplit_once('_').unwrap_or((word, ""));
    let kind = registered
        .get(name)
        .unwrap_or_else(|| panic!("there is no metric {word}"));
    let expected = match suffix {
        "total" => "counter",
        "bucket" | "sum" | "count" => "histogram",
        _ => panic!("there is no metric {word}"),
    };
    assert!(kind.is_empty() || kind == expected, "{word} is a {kind}");
}

#[test]
fn every_metric_that_is_watched_is_there() {
    let registered = registered();
    assert!(registered.len() > 10, "{registered:?}");
    let options = InstallOptions::new("kubevet", BTreeSet::new());
    let word = Regex::new(r"\b(?:kubevet|apiserver|kube)_\w+").unwrap();
    let mut watched = BTreeSet::new();
    for (file, text) in manifests::monitoring(&options).unwrap() {
        for line in text
            .lines()
            .filter(|it| it.contains("expr\": ") || it.contains("expr: "))
        {
            let found: Vec<_> = word
                .find_iter(line)
                .map(|it| it.as_str().to_owned())
                .collect();
            assert!(!found.is_empty(), "{file}: {line}");
            watched.extend(found);
        }
    }
    assert!(watched.len() > 10, "{watched:?}");
    watched
        .iter()
        .filter(|it| !OF_OTHERS.contains(&it.as_str()))
        .for_each(|it| check(it, &registered));
}
