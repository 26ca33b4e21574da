//! What monitoring relies on, in a live cluster: each metric of the alerts and dashboards is in a scrape
//! of gate and operator, and new critical findings are Events.

use crate::{
    operator::{WatchedCluster, get},
    operator_install::results_definitions,
    review_requests::{bindings, contains, deployment_in},
};
use kubevet_testkit::{
    polling::wait_for,
    test_dir::TestDir,
    webhook_process::{WebhookProcess, free_port},
};
use regex::Regex;
use serde_json::Value;
use std::collections::BTreeSet;
use tokio::runtime::Runtime;

const FILES: [&str; 4] = [
    "alerts.yaml",
    "operator-alerts.yaml",
    "dashboard.json",
    "operator-dashboard.json",
];

/// Metrics of other programs: of the API server, and of kube-state-metrics.
const FOREIGN: &[&str] = &["apiserver_", "kube_"];

/// Metrics that are not there before something of their kind has happened.
const AFTER_AN_INCIDENT: &[&str] = &[
    "kubevet_certificate_reloads_total",
    "kubevet_refused_requests_total",
    "kubevet_shed_reviews_total",
    "kubevet_operator_result_failures_total",
];

/// The names of the samples in every expression.
fn watched_samples() -> BTreeSet<String> {
    let dir = TestDir::new();
    let written = dir.run(&["manifests", "monitoring", "-o", "."]);
    assert_eq!((written.code, written.stderr.as_str()), (0, ""));
    let sample = Regex::new(r"\b(?:kubevet|kubescape|apiserver|kube)_\w+").expect("it is valid");
    let mut samples = BTreeSet::new();
    for file in FILES {
        let content = dir.read(file);
        let is_expression = |line: &&str| line.contains("expr\": ") || line.contains("expr: ");
        for line in content.lines().filter(is_expression) {
            let found = sample.find_iter(line).map(|found| found.as_str());
            samples.extend(found.map(str::to_owned));
        }
    }
    assert!(samples.len() > 40, "{samples:?}");
    samples
}

/// The samples that a scrape has, and the metrics that it only names.
fn scraped(metrics: &str) -> BTreeSet<String> {
    let lines = metrics.lines().filter(|line| !line.starts_with('#'));
    let names = lines.filter_map(|line| line.split(['{', ' ']).next());
    names.map(str::to_owned).collect()
}

#[test]
fn metrics_of_alerts_and_dashboards_are_scraped() {
    let Some(watched) = WatchedCluster::start("monitoring") else {
        return;
    };
    watched
        .cluster
        .kubectl(
            &["apply", "--server-side", "-f", "-"],
            &results_definitions(),
        )
        .ok();
    watched.kubectl(&["wait", "--for=condition=Established", "crd", "--all"]);
    let port = free_port();
    let store = watched.dir.path().join("store.db");
    let operator = watched.operator(
        "monitored",
        &[
            "--no-leader-election",
            "--events",
            "--results=kubescape",
            &format!("--store={}", store.display()),
            &format!("--metrics-listen=127.0.0.1:{port}"),
        ],
    );
    operator.wait_for_sweep();
    let bad = "{apiVersion: v1, kind: Pod, metadata: {name: bad, namespace: shop}, \
               spec: {containers: [{name: c, image: x, securityContext: {privileged: true}}]}}";
    watched.apply(bad);
    let event = wait_for("an Event", || {
        let events = [
            "get",
            "events.v1.events.k8s.io",
            "-n",
            "shop",
            "--field-selector",
            "reason=CriticalFinding",
            "-o",
            "json",
        ];
        let json = watched.kubectl(&events);
        let list: Value = serde_json::from_str(&json).expect("kubectl prints JSON");
        let items = list["items"].as_array().expect("a list");
        match items.as_slice() {
            [] => Err(format!("{json}\n{}", operator.child.stderr())),
            [event] => Ok(event.clone()),
            _ => panic!("one Event: {json}"),
        }
    });
    // The Deployment of before is not new: the Event is about the Pod.
    assert_eq!(event["regarding"]["name"], "bad", "{event:#}");
    assert_eq!(event["reportingController"], "kubevet.io/operator");
    let note = event["note"].as_str().expect("a text");
    assert!(note.starts_with("C-0057: "), "{note}");

    let gate_dir = tempfile::tempdir().expect("a folder can be made");
    let kubeconfig = watched.cluster.kubeconfig().display().to_string();
    let bindings = bindings(gate_dir.path());
    let gate = WebhookProcess::start(
        &gate_dir.path().join("tls"),
        &["--kubeconfig", &kubeconfig, "--bindings", &bindings],
    )
    .expect("it starts");
    let answer = Runtime::new()
        .expect("a runtime starts")
        .block_on(gate.client().post("/validate", &deployment_in("shop")))
        .expect("the gate answers");
    assert!(contains(&answer.body, "C-0057"), "{answer:?}");
    let metrics = wait_for("the metrics of the operator", || {
        let (_, metrics) = get(port, "/metrics");
        let is_complete = metrics
            .contains("kubevet_operator_oldest_open_finding_timestamp_seconds{")
            && metrics.contains("kubevet_operator_result_writes_total{");
        if is_complete {
            Ok(metrics)
        } else {
            Err(metrics)
        }
    });
    let found = scraped(&(metrics + &gate.metrics()));
    let missing: Vec<String> = watched_samples()
        .into_iter()
        .filter(|sample| !found.contains(sample))
        .filter(|sample| !FOREIGN.iter().any(|prefix| sample.starts_with(prefix)))
        .filter(|sample| !AFTER_AN_INCIDENT.contains(&sample.as_str()))
        .collect();
    assert_eq!(missing, [] as [&str; 0], "{found:#?}");
}
