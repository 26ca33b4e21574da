//! ScanRequests against a real API server: created by the command line and by kubectl, answered one
//! after the other, refused with a reason, and deleted after their time.

use crate::operator::{ALONE, WatchedCluster};
use kubevet_testkit::{
    build_output::kubevet_binary,
    polling::wait_for,
    process::{self, ProcessOutput},
};
use serde_json::Value;
use std::{collections::BTreeMap, process::Command};

fn start(test: &str) -> Option<WatchedCluster> {
    let watched = WatchedCluster::start(test)?;
    let mut command = Command::new(kubevet_binary());
    let definition = process::run(command.args(["manifests", "operator-crds"]), "").ok();
    let apply = ["apply", "--server-side", "--validate=strict", "-f", "-"];
    watched.cluster.kubectl(&apply, &definition).ok();
    watched.kubectl(&["wait", "--for=condition=Established", "crd", "--all"]);
    Some(watched)
}

/// Runs kubevet with the rights of the cluster.
fn kubevet(watched: &WatchedCluster, args: &[&str]) -> ProcessOutput {
    let mut command = Command::new(kubevet_binary());
    command
        .args(args)
        .env("KUBECONFIG", watched.cluster.kubeconfig());
    process::run(&mut command, "")
}

fn request(watched: &WatchedCluster, name: &str) -> Value {
    let get = ["get", "scanrequests", name, "-o", "json"];
    let output = watched.cluster.kubectl(&get, "");
    serde_json::from_str(&output.stdout).unwrap_or_default()
}

/// Creates a request with a spec.
fn ask(watched: &WatchedCluster, name: &str, spec: &str) {
    watched.apply(&format!(
        "{{apiVersion: kubevet.io/v1alpha1, kind: ScanRequest, metadata: {{name: {name}}}, spec: {spec}}}"
    ));
}

#[track_caller]
fn wait_for_end(watched: &WatchedCluster, name: &str) -> Value {
    wait_for("the end of a request", || {
        let status = request(watched, name)["status"].take();
        match status["phase"].as_str() {
            Some("Finished" | "Failed") => Ok(status),
            _ => Err(format!("{status:#}")),
        }
    })
}

fn condition<'v>(status: &'v Value, kind: &str) -> &'v str {
    let conditions = status["conditions"].as_array().expect("a list");
    let found = conditions.iter().find(|one| one["type"] == kind);
    found.map_or("", |one| one["status"].as_str().unwrap_or_default())
}

/// The number of objects that fail each control, of a report in JSON.
fn failed(controls: &Value, key: &str) -> BTreeMap<String, u64> {
    let controls = controls.as_array().expect("a list").iter();
    let failed = controls.map(|control| {
        let id = control["id"].as_str().expect("an id").to_owned();
        (id, control[key].as_u64().unwrap_or_default())
    });
    failed.filter(|(_, number)| *number > 0).collect()
}

#[test]
fn operator_answers_a_request_as_a_scan_would() {
    let Some(watched) = start("operator-request") else {
        return;
    };
    let operator = watched.operator("only", &[ALONE, &["--store", "none"]].concat());
    operator.wait_for_sweep();
    // A framework that the operator does not evaluate by itself.
    let scan = ["operator", "scan"];
    let args = [
        &scan[..],
        &["configurations", "--framework", "NSA", "--wait"],
    ]
    .concat();
    let answer = kubevet(&watched, &args);
    assert_eq!(answer.code, 0, "{answer:?}\n{}", operator.child.stderr());
    assert!(answer.stdout.contains("\nNSA  "), "{answer:?}");
    let name = answer.stdout.split(':').next().expect("a name").to_owned();
    let args = [&scan[..], &["report", &name, "-f", "json"]].concat();
    let report: Value = serde_json::from_str(&kubevet(&watched, &args).stdout).expect("it is JSON");
    let args = ["scan", "cluster", "--framework", "NSA", "-f", "json"];
    let scanned: Value =
        serde_json::from_str(&kubevet(&watched, &args).stdout).expect("it is JSON");
    let of_request = failed(&report["report"]["controls"], "failedObjects");
    assert!(of_request.contains_key("C-0057"), "{report:#}");
    assert_eq!(of_request, failed(&scanned["controls"], "failed"));
    let compliance = scanned["frameworks"][0]["compliance"]
        .as_f64()
        .expect("a number");
    assert_eq!(
        report["frameworks"][0]["compliance"],
        (compliance * 10.0).round() / 10.0
    );
    assert_eq!(condition(&report, "Complete"), "True");
    assert_eq!(condition(&report, "AllEvaluated"), "True");
    assert_eq!(report["observedGeneration"], 1);
    let args = [&scan[..], &["status"]].concat();
    let status = kubevet(&watched, &args).ok();
    assert!(
        status.contains(&name) && status.contains("Finished"),
        "{status}"
    );
    let row = watched.kubectl(&["get", "scanrequests", &name]);
    assert!(row.contains("Finished") && row.contains("NSA"), "{row}");

    // In one namespace, there is less.
    let args = [
        &scan[..],
        &["configurations", "--namespaces", "shop", "--wait"],
    ]
    .concat();
    let answer = kubevet(&watched, &args);
    assert_eq!(answer.code, 0, "{answer:?}");
    let name = answer.stdout.split(':').next().expect("a name");
    let of_namespace = request(&watched, name)["status"]["objects"].as_u64();
    assert!(
        of_namespace < report["objects"].as_u64(),
        "{of_namespace:?}"
    );
    assert!(of_namespace > Some(0));

    // What cannot be answered says why.
    for (args, expected) in [
        (
            &["--framework", "NSAA"][..],
            "no framework is called `NSAA`",
        ),
        (&["--framework", "NSAA"], "did you mean \"NSA\"?"),
        (
            &["--namespaces", "shopp"],
            "the cluster has no namespace shopp",
        ),
    ] {
        let args = [&scan[..], &["configurations", "--wait"], args].concat();
        let answer = kubevet(&watched, &args);
        assert_eq!(answer.code, 2, "{answer:?}");
        assert!(answer.stderr.contains(expected), "{expected}: {answer:?}");
    }
    let vulnerabilities = kubevet(&watched, &[&scan[..], &["vulnerabilities"]].concat());
    assert_eq!(vulnerabilities.code, 2);
    assert!(
        vulnerabilities.stderr.contains("not available"),
        "{vulnerabilities:?}"
    );
}

#[test]
fn operator_answers_requests_one_after_the_other_and_deletes_them_in_time() {
    let Some(watched) = start("operator-queue") else {
        return;
    };
    // They wait for an operator. One was under way when its leader was lost.
    let names = ["first", "second", "third"];
    for name in names {
        ask(&watched, name, "{frameworks: [NSA], images: true}");
    }
    watched.kubectl(&[
        "patch",
        "scanrequest",
        "first",
        "--subresource=status",
        "--type=merge",
        "-p",
        r#"{"status": {"phase": "Running", "objects": 7, "startTime": "2026-01-01T00:00:00Z"}}"#,
    ]);
    let args = [&["--lease-namespace", "shop"][..], &["--store", "none"]].concat();
    let operator = watched.operator("first", &args);
    let standby = watched.operator("second", &args);
    let mut spans: Vec<(String, String)> = Vec::new();
    for name in names {
        let status = wait_for_end(&watched, name);
        assert_eq!(status["phase"], "Finished", "{status:#}");
        // Images are not scanned, and nothing says that they were.
        assert_eq!(condition(&status, "ImagesScanned"), "False");
        let time = |key: &str| status[key].as_str().expect("a time").to_owned();
        spans.push((time("startTime"), time("completionTime")));
    }
    spans.sort();
    for pair in spans.windows(2) {
        assert!(pair[0].1 <= pair[1].0, "{spans:?}");
    }
    let logs = [operator.child.stderr(), standby.child.stderr()];
    let scans = logs.map(|log| log.matches("a requested scan begins").count());
    assert!(scans == [3, 0] || scans == [0, 3], "{scans:?}");

    // A request does not change, and one that has expired is gone.
    let patch = r#"{"spec": {"frameworks": ["MITRE"]}}"#;
    let args = ["patch", "scanrequest", "third", "--type=merge", "-p", patch];
    let patched = watched.cluster.kubectl(&args, "");
    assert!(patched.stderr.contains("create another one"), "{patched:?}");
    ask(&watched, "short", "{ttlSecondsAfterFinished: 0}");
    wait_for("the end of its time", || {
        let args = ["get", "scanrequests", "-o", "name"];
        let left = watched.kubectl(&args);
        let log = [operator.child.stderr(), standby.child.stderr()].concat();
        if !left.contains("short") && log.contains("request=\"short\"") {
            Ok(())
        } else {
            Err(format!("{left}\n{log}"))
        }
    });
    assert_eq!(request(&watched, "third")["status"]["phase"], "Finished");
}
