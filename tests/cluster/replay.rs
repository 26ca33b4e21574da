//! What a binding would deny, before it denies: of requests that a real API server sent, and of the
//! objects that are in the cluster; with the labels of its namespaces.

use crate::active_webhook::{ActiveWebhook, binding};
use kubevet_testkit::{
    build_output::kubevet_binary, control_plane::ControlPlane, polling::wait_for, process,
};
use serde_json::{Value, json};
use std::{fs, path::Path, process::Command};

const DEPLOYMENT: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: 'nginx:1.29', securityContext: {privileged: true}}]}
";

/// A folder with the bindings to try: those of one label, and those of another.
fn next(dir: &Path, tier: &str) -> String {
    let spec = format!(
        "controls: [C-0057], validationActions: [Deny], \
         matchResources: {{namespaceSelector: {{matchLabels: {{tier: {tier}}}}}}}"
    );
    let file = dir.join(format!("{tier}.yaml"));
    fs::write(&file, binding("next", &spec)).expect("a file can be written");
    file.display().to_string()
}

/// Runs `kubevet review -f json`. Returns the exit code and the report.
fn replay(arguments: &[&str], stdin: &str) -> (i32, Value) {
    let mut command = Command::new(kubevet_binary());
    command.args(["review", "-f", "json"]).args(arguments);
    let output = process::run(&mut command, stdin);
    let report = serde_json::from_str(&output.stdout);
    let report = report.unwrap_or_else(|error| panic!("{error}: {}", output.stderr));
    (output.code, report)
}

#[track_caller]
fn check_denies_the_deployment_alone(report: &Value, namespace: &str, user: &Value) {
    let denials = report["denials"].as_array().expect("a list");
    assert_eq!(denials.len(), 1, "{report:#}");
    let expected = json!({
        "namespace": namespace, "control": "C-0057", "title": denials[0]["title"],
        "severity": "critical", "user": user, "requests": 1, "objects": 1,
        "example": {"kind": "Deployment", "name": "web"},
    });
    assert_eq!(denials[0], expected);
    assert_eq!(report["summary"]["skippedOwned"], 2, "{report:#}");
}

#[test]
fn binding_is_tried_on_the_requests_and_the_objects_of_a_cluster() {
    let Some(cluster) = ControlPlane::shared("replay") else {
        return;
    };
    let shop = cluster.labelled_namespace("shop", &[("tier", "front")]);
    let dir = tempfile::tempdir().expect("a folder can be made");
    let recordings = dir.path().join("recordings").display().to_string();
    let kubeconfig = cluster.kubeconfig().display().to_string();
    let warns = binding("now", "controls: [C-0057], validationActions: [Warn]");
    let webhook = ActiveWebhook::start(cluster, &[&shop], &warns, &["--record", &recordings]);
    cluster
        .kubectl(&["create", "-n", shop.name(), "-f", "-"], DEPLOYMENT)
        .ok();
    // The controllers create the ReplicaSet and the Pod.
    webhook.decision("of the Pod", |decision| decision["kind"] == "Pod");
    wait_for("the recordings", || {
        let count = fs::read_dir(&recordings).map_or(0, Iterator::count);
        if count >= 3 {
            Ok(())
        } else {
            Err(count.to_string())
        }
    });
    let (front, back) = (next(dir.path(), "front"), next(dir.path(), "back"));
    let labels = ["--kubeconfig", &kubeconfig];

    let (code, report) = replay(
        &[&["--bindings", &front, &recordings], &labels[..]].concat(),
        "",
    );
    assert_eq!(code, 1, "{report:#}");
    let user = &report["denials"][0]["user"];
    assert!(user.is_string(), "{report:#}");
    check_denies_the_deployment_alone(&report, shop.name(), user);

    // No namespace of these requests has the other label, so the binding covers nothing.
    let (code, report) = replay(
        &[&["--bindings", &back, &recordings], &labels[..]].concat(),
        "",
    );
    assert_eq!(
        (code, &report["summary"]["checked"]),
        (2, &json!(0)),
        "{report:#}"
    );

    let objects = cluster.kubectl(
        &[
            "get",
            "deployments,replicasets,pods",
            "-n",
            shop.name(),
            "-o",
            "yaml",
        ],
        "",
    );
    let arguments = [&["--bindings", &front], &labels[..], &["-"]].concat();
    let (code, report) = replay(&arguments, &objects.ok());
    assert_eq!(code, 1, "{report:#}");
    check_denies_the_deployment_alone(&report, shop.name(), &Value::Null);

    let deleted = replay_of_a_namespace_that_is_gone(&front, &kubeconfig);
    assert!(
        deleted.contains("the namespace gone is not in the cluster"),
        "{deleted}"
    );
}

fn replay_of_a_namespace_that_is_gone(bindings: &str, kubeconfig: &str) -> String {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: gone}\nspec: {}\n";
    let mut command = Command::new(kubevet_binary());
    command.args(["review", "--bindings", bindings, "--kubeconfig", kubeconfig]);
    let output = process::run(&mut command, pod);
    assert_eq!(output.code, 2, "{}", output.stderr);
    output.stderr
}

/// A cluster that cannot be reached is an error, not one without labels.
#[test]
fn cluster_that_does_not_answer_is_an_error() {
    let dir = tempfile::tempdir().expect("a folder can be made");
    let kubeconfig = dir.path().join("kubeconfig");
    fs::write(
        &kubeconfig,
        "{apiVersion: v1, kind: Config, current-context: none}",
    )
    .expect("a file can be written");
    let next = next(dir.path(), "front");
    let mut command = Command::new(kubevet_binary());
    command.args(["review", "--bindings", &next, "--kubeconfig"]);
    let output = process::run(command.arg(&kubeconfig), DEPLOYMENT);
    assert_eq!((output.code, output.stdout.as_str()), (2, ""));
    let expected = format!("error: {}: ", kubeconfig.display());
    assert!(output.stderr.starts_with(&expected), "{}", output.stderr);
}
