//! Objects, their reviews as an API server sends them, and the binding that denies.

use hyper::body::Bytes;
use kubevet_testkit::build_output::kubevet_binary;
use serde_json::{Value, json};
use std::{fs, path::Path, process::Command};

/// The uid of every review in this module.
pub(crate) const UID: &str = "705ab4f5-6393-11e8-b7cc-42010a800002";

/// Creates a folder below `dir` with one binding, which denies privileged containers everywhere,
/// and returns its path.
pub(crate) fn bindings(dir: &Path) -> String {
    let folder = dir.join("bindings");
    fs::create_dir(&folder).expect("a folder can be made");
    bind(dir, "privileged");
    folder.display().to_string()
}

/// Renames that binding; the file is replaced atomically, as in a mounted ConfigMap.
pub(crate) fn bind(dir: &Path, name: &str) {
    let binding = json!({
        "apiVersion": "kubevet.io/v1alpha1", "kind": "ControlBinding", "metadata": {"name": name},
        "spec": {"controls": ["C-0057"], "validationActions": ["Deny"]},
    });
    replace(dir, &binding.to_string());
}

/// Replaces the content of that binding.
pub(crate) fn replace(dir: &Path, content: &str) {
    let new = dir.join("new");
    fs::write(&new, content).expect("a file can be written");
    fs::rename(new, dir.join("bindings/binding.yaml")).expect("a file can be renamed");
}

/// A Pod that complies with the strictest Pod Security profile, or is privileged.
pub(crate) fn pod(name: &str, privileged: bool) -> String {
    let strict = json!({
        "runAsNonRoot": true, "runAsUser": 1000, "allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    });
    let context = if privileged {
        json!({"privileged": true})
    } else {
        strict
    };
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
        "spec": {"containers": [{"name": "web", "image": "nginx:1.29", "securityContext": context}]},
    })
    .to_string()
}

/// A Service; some control applies to its kind.
pub(crate) fn service() -> Bytes {
    let object = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]},
    });
    review("", "Service", "services", "shop", &object)
}

pub(crate) fn config_map() -> Bytes {
    let object = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web", "namespace": "shop"}, "data": {"a": "b"},
    });
    review("", "ConfigMap", "configmaps", "shop", &object)
}

/// A Deployment that is privileged (C-0057) and runs as root (C-0013).
pub(crate) fn deployment_in(namespace: &str) -> Bytes {
    let object = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": namespace},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "web", "image": "nginx:1.29", "securityContext": {"privileged": true}}]},
        }},
    });
    review("apps", "Deployment", "deployments", namespace, &object)
}

fn review(group: &str, kind: &str, resource: &str, namespace: &str, object: &Value) -> Bytes {
    let review = json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": UID,
            "kind": {"group": group, "version": "v1", "kind": kind},
            "resource": {"group": group, "version": "v1", "resource": resource},
            "name": "web", "namespace": namespace, "operation": "CREATE", "userInfo": {"username": "developer"},
            "object": object, "oldObject": null, "dryRun": false,
        },
    });
    review.to_string().into()
}

pub(crate) fn contains(body: &[u8], content: &str) -> bool {
    body.windows(content.len())
        .any(|part| part == content.as_bytes())
}

/// The objects that `kubevet manifests` prints, each as YAML.
pub(crate) fn manifests() -> Vec<String> {
    let output = Command::new(kubevet_binary())
        .arg("manifests")
        .output()
        .expect("it runs");
    assert!(output.status.success(), "{output:?}");
    let content = String::from_utf8(output.stdout).expect("it prints text");
    content.split("\n---\n").map(str::to_owned).collect()
}

pub(crate) fn custom_resource_definition() -> String {
    let found = manifests()
        .into_iter()
        .find(|manifest| manifest.contains("kind: CustomResourceDefinition\n"));
    found.expect("it is part of the installation")
}
