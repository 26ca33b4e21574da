//! Five ways to one answer: the operator, a scan of the cluster, a scan of the same objects as files, the
//! gate's verdict on an update without a change, and exported policies name the same controls for every
//! object of a simulated cluster.

use crate::{
    active_webhook::{ActiveWebhook, binding},
    cluster_scan::KINDS,
    operator_process::{OperatorProcess, failed_objects, object_name, scan},
};
use kubevet_testkit::{
    build_output::kubevet_binary,
    cluster_simulation::{ClusterSimulation, SERVER_FLAGS},
    control_plane::ControlPlane,
    polling::wait_for,
    process,
    webhook_registration::validating_webhook_configuration,
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

const TEST: &str = "consistency";

/// Kinds that the API server shows to no webhook and no policy, so that none can lock out the owner of
/// the cluster.
const NEVER_SHOWN: &[&str] = &[
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
];

/// The groups of kinds that are exported with `--custom-workloads` alone.
const OTHER_SOFTWARE: &[&str] = &["argoproj.io", "serving.knative.dev"];

/// The namespaces that exported policies leave out by default.
const EXEMPT_NAMESPACES: &[&str] = &["kubevet", "kube-system", "kube-node-lease"];

/// The controls that each object fails, by `Kind namespace/name`. Objects that fail none are absent.
type FailedControls = BTreeMap<String, BTreeSet<String>>;

#[test]
fn operator_scans_gate_and_policies_name_the_same_controls() {
    let dir = tempfile::tempdir().expect("a folder can be made");
    let data = dir.path().join("data");
    let Some(cluster) = ControlPlane::with_server_flags(TEST, &data, SERVER_FLAGS) else {
        return;
    };
    let kubeconfig = cluster.kubeconfig();
    // The API server compiles policies while the cluster is filled.
    apply_policies(&cluster);
    let Some(_simulation) = ClusterSimulation::fill(TEST, &kubeconfig, 600, 5) else {
        return;
    };
    let operator =
        OperatorProcess::start(&kubeconfig, dir.path(), "only", &["--no-leader-election"]);
    operator.wait_for_sweep();

    // Controllers may still be creating Pods.
    let (objects, expected) = wait_for("equal results of operator and scans", || {
        let objects = objects(&cluster);
        let of_cluster = scan(&kubeconfig, None, &[]);
        let of_operator = operator.failed_objects();
        if of_cluster != of_operator || of_cluster != scan_files(&objects) {
            return Err(operator.child.stderr());
        }
        let controls = of_cluster.into_iter();
        let controls = controls.map(|(name, (controls, _))| (name, controls));
        Ok((objects, controls.collect::<FailedControls>()))
    });
    let requested: Vec<&Value> = objects
        .iter()
        .filter(|object| is_requested(object))
        .collect();
    let names: BTreeSet<String> = requested.iter().map(|object| name_of(object)).collect();
    let expected: FailedControls = expected
        .into_iter()
        .filter(|(name, _)| names.contains(name))
        .collect();
    assert!(requested.len() > 200, "{}", requested.len());
    assert!(expected.len() > 40, "{expected:#?}");
    let distinct: BTreeSet<&String> = expected.values().flatten().collect();
    assert!(distinct.len() > 10, "{distinct:?}");

    let gate = start_gate(&cluster);
    replace(&cluster, &requested);
    let last = requested.last().expect("an object");
    gate.decision("of the last object", |decision| {
        name_of_decision(decision) == name_of(last)
    });
    assert_eq!(failed_by_gate(&gate, &names), expected);
    let exported: Vec<&Value> = requested
        .into_iter()
        .filter(|object| !OTHER_SOFTWARE.contains(&group_of(object)))
        .collect();
    let names: BTreeSet<String> = exported.iter().map(|object| name_of(object)).collect();
    let expected: FailedControls = expected
        .into_iter()
        .filter(|(name, _)| names.contains(name))
        .collect();
    wait_for("the same controls of policies", || {
        let before = cluster.audit_log().len();
        replace(&cluster, &exported);
        let failed = failed_by_policies(&cluster, before, &names);
        if failed == expected {
            Ok(())
        } else {
            Err(difference(&failed, &expected))
        }
    });
}

/// Applies the policies of the framework `security`; they only write audit annotations.
fn apply_policies(cluster: &ControlPlane) {
    let mut command = Command::new(kubevet_binary());
    command
        .args(["vap", "apply", "security", "--action", "Audit"])
        .env("KUBECONFIG", cluster.kubeconfig());
    process::run(&mut command, "").ok();
}

/// A gate that audits every request without an effect.
fn start_gate(cluster: &ControlPlane) -> ActiveWebhook<'_> {
    let all = binding("all", "frameworks: [security], validationActions: [Audit]");
    ActiveWebhook::start_with(cluster, &all, &[], |process| {
        let mut configuration =
            validating_webhook_configuration(TEST, &process.url(), &process.ca(), "Fail", &[]);
        let webhook = &mut configuration["webhooks"][0];
        webhook["namespaceSelector"] = json!({});
        webhook["rules"][0]["scope"] = "*".into();
        webhook["matchConditions"] =
            json!([{"name": "dry", "expression": "has(request.dryRun) && request.dryRun"}]);
        configuration
    })
}

/// The objects of the kinds that are checked, as the API server gives them.
fn objects(cluster: &ControlPlane) -> Vec<Value> {
    let kinds = format!("{KINDS},rollouts.argoproj.io,services.serving.knative.dev");
    let list = cluster
        .kubectl(&["get", &kinds, "-A", "-o", "json"], "")
        .ok();
    let mut list: Value = serde_json::from_str(&list).expect("a list is JSON");
    match list["items"].take() {
        Value::Array(items) => items,
        other => panic!("{other}"),
    }
}

fn scan_files(objects: &[Value]) -> crate::operator_process::FailedObjects {
    let mut command = Command::new(kubevet_binary());
    command.args(["scan", "-", "--framework", "security", "--format", "json"]);
    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
    failed_objects(&process::run(&mut command, &list.to_string()))
}

/// True if gate and policies see an object. One that a controller made is reported at its
/// owner by operator and scans.
fn is_requested(object: &Value) -> bool {
    let metadata = &object["metadata"];
    let mut owners = metadata["ownerReferences"].as_array().into_iter().flatten();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let namespace = text(&metadata["namespace"]);
    !owners.any(|owner| owner["controller"] == true)
        && !NEVER_SHOWN.contains(&&*text(&object["kind"]))
        && !EXEMPT_NAMESPACES.contains(&&*namespace)
}

fn group_of(object: &Value) -> &str {
    let version = object["apiVersion"].as_str().unwrap_or_default();
    version.split_once('/').map_or("", |(group, _)| group)
}

fn name_of(object: &Value) -> String {
    let metadata = &object["metadata"];
    let place = json!({
        "kind": object["kind"], "namespace": metadata["namespace"], "name": metadata["name"],
    });
    object_name(&place)
}

/// The name of the object of a decision, whose kind has its group: `apps/Deployment`.
fn name_of_decision(decision: &Value) -> String {
    let kind = decision["kind"].as_str().unwrap_or_default();
    let kind = kind.rsplit('/').next().unwrap_or_default();
    let place = json!({
        "kind": kind, "namespace": decision["namespace"], "name": decision["name"],
    });
    object_name(&place)
}

/// Replaces objects by themselves, without an effect.
fn replace(cluster: &ControlPlane, objects: &[&Value]) {
    let items = objects.iter().map(|object| {
        let mut object = (*object).clone();
        if let Some(metadata) = object["metadata"].as_object_mut() {
            // A status that changes meanwhile is no conflict.
            metadata.remove("resourceVersion");
        }
        object
    });
    let list = json!({"apiVersion": "v1", "kind": "List", "items": items.collect::<Vec<_>>()});
    let args = ["replace", "--dry-run=server", "-o", "name", "-f", "-"];
    cluster.kubectl(&args, &list.to_string()).ok();
}

/// The controls that the gate found in its first decision on each object.
fn failed_by_gate(gate: &ActiveWebhook<'_>, names: &BTreeSet<String>) -> FailedControls {
    let mut failed = FailedControls::new();
    for decision in gate.decisions() {
        let name = name_of_decision(&decision);
        assert_eq!(decision["unevaluated"], json!([]), "{decision}");
        let findings = decision["findings"].as_array().into_iter().flatten();
        let controls: BTreeSet<String> = findings
            .filter_map(|finding| finding["control"].as_str().map(str::to_owned))
            .collect();
        if names.contains(&name) && !controls.is_empty() {
            failed.insert(name, controls);
        }
    }
    failed
}

/// The controls that policies have written into the audit log after a position: new findings and old
/// ones. Ids are those of `failed` and `excused`, and nothing may be left unchecked.
fn failed_by_policies(
    cluster: &ControlPlane,
    after: usize,
    names: &BTreeSet<String>,
) -> FailedControls {
    let log = cluster.audit_log();
    let mut failed = FailedControls::new();
    let lines = log.get(after..).unwrap_or_default();
    let complete = lines.split_inclusive('\n');
    for line in complete.filter(|line| line.ends_with('\n') && line.contains("kubevet-security-")) {
        let entry: Value = serde_json::from_str(line).expect("a line is JSON");
        let object = &entry["objectRef"];
        let annotations = entry["annotations"].as_object().into_iter().flatten();
        for (key, ids) in annotations.filter(|(key, _)| key.starts_with("kubevet-security-")) {
            assert!(!key.ends_with("/unjudged"), "{entry}");
            let resource = object["resource"].as_str().unwrap_or_default();
            let Some(name) = names
                .iter()
                .find(|name| is_resource(name, resource, object))
            else {
                continue;
            };
            let ids = ids.as_str().unwrap_or_default().split(", ");
            let controls = failed.entry(name.clone()).or_default();
            controls.extend(ids.map(str::to_owned));
        }
    }
    failed
}

/// True if a name, `Kind namespace/name`, is that of the object of a request.
fn is_resource(name: &str, resource: &str, object: &Value) -> bool {
    let text = |key: &str| object[key].as_str().unwrap_or_default();
    let place = format!("{}/{}", text("namespace"), text("name"));
    let is_kind = |kind: &str| {
        let kind = kind.to_lowercase();
        resource == format!("{kind}s")
            || resource == format!("{kind}es")
            || kind
                .strip_suffix('y')
                .map(|stem| format!("{stem}ies"))
                .as_deref()
                == Some(resource)
    };
    name.split_once(' ')
        .is_some_and(|(kind, of)| of == place && is_kind(kind))
}

/// What only one of two results has, for a message.
fn difference(found: &FailedControls, expected: &FailedControls) -> String {
    let only = |of: &FailedControls, other: &FailedControls| -> Vec<String> {
        let differing = of
            .iter()
            .filter(|(name, ids)| other.get(*name) != Some(ids));
        differing
            .take(10)
            .map(|(name, ids)| format!("{name}: {ids:?}"))
            .collect()
    };
    format!(
        "of the policies: {:#?}\nof the scan: {:#?}",
        only(found, expected),
        only(expected, found)
    )
}
