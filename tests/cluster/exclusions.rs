//! Excluded workloads and subjects on a real control plane: an excluded workload gets its Pods, and
//! nobody else gains anything by the names of those; by the webhook and by exported policies.

use crate::{active_webhook::ActiveWebhook, admission_policies::vap};
use kubevet_testkit::{
    control_plane::ControlPlane, namespace::TestNamespace, polling::wait_for,
    process::ProcessOutput,
};
use serde_json::{Value, json};
use std::{
    fs, thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// The excluded workloads. DaemonSets are not among them: without a node they have no Pod.
const EXCLUDED: &[(&str, &str)] = &[
    ("Deployment", "web"),
    ("StatefulSet", "db"),
    ("ReplicaSet", "alone"),
    ("ReplicationController", "old"),
    ("Job", "import"),
    ("CronJob", "backup"),
];

/// Two bindings: one for `workloads`, which excludes workloads by name, and one for `people`, which
/// excludes the developer.
fn bindings(workloads: &str, people: &str) -> String {
    format!(
        "apiVersion: kubevet.io/v1alpha1
kind: ControlBinding
metadata: {{name: workloads}}
spec:
  controls: [C-0057]
  validationActions: [Deny]
  matchResources:
    namespaces: [{workloads}]
    excludeResourceRules:
    - {{apiGroups: [apps], resources: [deployments], resourceNames: [web]}}
    - {{apiGroups: [apps], resources: [statefulsets, replicasets], resourceNames: [db, alone]}}
    - {{apiGroups: [''], resources: [replicationcontrollers], resourceNames: [old]}}
    - {{apiGroups: [batch], resources: [jobs, cronjobs], resourceNames: [import, backup]}}
---
apiVersion: kubevet.io/v1alpha1
kind: ControlBinding
metadata: {{name: people}}
spec:
  controls: [C-0057]
  validationActions: [Deny]
  matchResources: {{namespaces: [{people}]}}
  excludeSubjects: [{{kind: User, name: developer}}]
"
    )
}

/// A privileged workload.
fn workload(kind: &str, name: &str) -> Value {
    let context = json!({"privileged": true});
    let labels = json!({"app": name});
    let mut template = json!({
        "metadata": {"labels": labels},
        "spec": {"containers": [{"name": "web", "image": "nginx:1.29", "securityContext": context}]},
    });
    let (api_version, spec) = match kind {
        "Job" | "CronJob" => {
            template["spec"]["restartPolicy"] = json!("Never");
            let job = json!({"template": template});
            let spec = match kind {
                "Job" => job,
                _ => json!({"schedule": "* * * * *", "jobTemplate": {"spec": job}}),
            };
            ("batch/v1", spec)
        }
        "ReplicationController" => ("v1", json!({"selector": labels, "template": template})),
        _ => {
            let spec = json!({
                "selector": {"matchLabels": labels}, "template": template, "serviceName": "db",
            });
            ("apps/v1", spec)
        }
    };
    let mut object = json!({
        "apiVersion": api_version, "kind": kind, "metadata": {"name": name}, "spec": spec,
    });
    if kind != "StatefulSet"
        && let Some(fields) = object["spec"].as_object_mut()
    {
        fields.remove("serviceName");
    }
    object
}

fn create(namespace: &TestNamespace<'_>, object: &Value) -> ProcessOutput {
    namespace.kubectl(&["create", "-f", "-"], &object.to_string())
}

#[track_caller]
fn denied(output: &ProcessOutput) {
    assert!(
        output.code != 0 && output.stderr.contains("C-0057"),
        "{output:?}"
    );
}

/// Waits for a Pod with this label.
fn pod_exists(namespace: &TestNamespace<'_>, app: &str) -> Value {
    wait_for(&format!("a Pod of {app}"), || {
        let args = ["get", "pods", "-l", &format!("app={app}"), "-o", "json"];
        let output = namespace.kubectl(&args, "").ok();
        let list: Value = serde_json::from_str(&output).expect("kubectl prints JSON");
        match list["items"].as_array().and_then(|pods| pods.first()) {
            Some(pod) => Ok(pod.clone()),
            None => Err(namespace.kubectl(&["get", "events"], "").stdout),
        }
    })
}

/// The object as a user would write it again.
fn copy_of(mut object: Value) -> Value {
    let metadata = object["metadata"].as_object_mut().expect("a map");
    for key in ["uid", "resourceVersion", "creationTimestamp"] {
        metadata.remove(key);
    }
    object["status"] = json!({});
    object
}

/// Only what the controllers make of the excluded workloads is admitted.
fn check_workloads(namespace: &TestNamespace<'_>) {
    let created_at = SystemTime::now().duration_since(UNIX_EPOCH);
    for (kind, name) in EXCLUDED {
        create(namespace, &workload(kind, name)).ok();
    }
    for kind in ["Deployment", "Job", "CronJob", "ReplicaSet"] {
        denied(&create(namespace, &workload(kind, "other")));
    }
    // The controller creates the first Job at the next minute.
    let seconds = created_at.expect("a time after 1970").as_secs() % 60;
    thread::sleep(Duration::from_secs(60 - seconds));
    for (kind, name) in EXCLUDED {
        let pod = pod_exists(namespace, name);
        // The same Pod by a user is denied, references and labels included.
        denied(&create(namespace, &copy_of(pod)));
        let (resource, made_kind) = match *kind {
            "Deployment" => ("replicasets", "ReplicaSet"),
            "CronJob" => ("jobs", "Job"),
            _ => continue,
        };
        let args = ["get", resource, "-o", "json"];
        let list: Value = serde_json::from_str(&namespace.kubectl(&args, "").ok()).expect("JSON");
        let items = list["items"].as_array().expect("a list").iter();
        let mut made = items.filter(|item| item["metadata"]["ownerReferences"][0]["kind"] == *kind);
        let made = &made.next().expect("what the controller made")["metadata"];
        let mut again = workload(made_kind, made["name"].as_str().expect("a name"));
        again["metadata"]["ownerReferences"] = made["ownerReferences"].clone();
        denied(&create(namespace, &again));
    }
    let manual = ["create", "job", "manual", "--from=cronjob/backup"];
    denied(&namespace.kubectl(&manual, ""));
    // The excluded workload can be changed and scaled, and its Pods can be labelled.
    for args in [
        &["scale", "deployment", "web", "--replicas=2"][..],
        &["set", "image", "deployment/web", "web=nginx:1.30"],
        &["label", "pod", "-l", "app=web", "seen=yes"],
    ] {
        namespace.kubectl(args, "").ok();
    }
}

/// The excluded subject's workload runs: what the controllers create for it is owned.
fn check_people(namespace: &TestNamespace<'_>) {
    let object = workload("Deployment", "robot");
    denied(&create(namespace, &object));
    let created = namespace.kubectl_as_developer(&["create", "-f", "-"], &object.to_string());
    created.ok();
    pod_exists(namespace, "robot");
}

#[test]
fn excluded_workload_gets_its_pods_and_excluded_user_is_admitted() {
    let dir = tempfile::tempdir().expect("a folder can be made");
    let flags = ["--throw-away"];
    let Some(cluster) = ControlPlane::isolated("excluded", &dir.path().join("cluster"), &flags)
    else {
        return;
    };
    let [workloads, people] = ["webhook", "webhook-people"].map(|name| cluster.namespace(name));
    let [by_policy, people_by_policy] =
        ["policies", "policies-people"].map(|name| cluster.namespace(name));
    let folder = dir.path().join("bindings");
    fs::create_dir(&folder).expect("a folder can be made");
    let text = bindings(by_policy.name(), people_by_policy.name());
    fs::write(folder.join("bindings.yaml"), text).expect("a file can be written");
    let kubeconfig = cluster.kubeconfig().display().to_string();
    let folder = folder.display().to_string();
    vap(&["apply", "--bindings", &folder, "--kubeconfig", &kubeconfig]).ok();
    let _guard = ActiveWebhook::start(
        &cluster,
        &[&workloads, &people],
        &bindings(workloads.name(), people.name()),
        &[],
    );
    for namespace in [&workloads, &people, &by_policy, &people_by_policy] {
        wait_for("a denial", || {
            let args = ["create", "--dry-run=server", "-f", "-"];
            let object = workload("Deployment", "other").to_string();
            match namespace.kubectl(&args, &object) {
                output if output.code == 0 => Err(output.stdout),
                _ => Ok(()),
            }
        });
    }
    thread::scope(|scope| {
        for namespace in [&workloads, &by_policy] {
            scope.spawn(|| check_workloads(namespace));
        }
        for namespace in [&people, &people_by_policy] {
            scope.spawn(|| check_people(namespace));
        }
    });
}
