//! Objects as text: one stream, a folder for Kustomize, a folder that the API server reads itself.

use super::{export::Object, yaml};
use serde_json::{Value, json};

/// What the names of objects end in that the API server reads from files (Kubernetes 1.36).
const STATIC_SUFFIX: &str = ".static.k8s.io";

/// All objects as one stream of YAML.
#[must_use]
pub fn stream(objects: &[Object]) -> String {
    let documents: Vec<String> = objects.iter().map(|it| yaml::document(&it.body)).collect();
    documents.join("---\n")
}

/// The files of a folder for Kustomize, by name.
#[must_use]
pub fn kustomization(objects: &[Object]) -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = objects
        .iter()
        .map(|it| {
            (
                format!("{}-{}.yaml", it.short_kind(), it.name),
                yaml::document(&it.body),
            )
        })
        .collect();
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    let list = json!({
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": names,
    });
    let text = yaml_list(&list);
    files.insert(0, ("kustomization.yaml".to_owned(), text));
    files
}

/// Kustomize's list, a line an entry.
fn yaml_list(list: &Value) -> String {
    let mut text = String::new();
    for (key, value) in list.as_object().into_iter().flatten() {
        match value {
            Value::Array(items) => {
                text.push_str(&format!("{key}:\n"));
                for item in items.iter().filter_map(Value::as_str) {
                    text.push_str(&format!("  - {item}\n"));
                }
            }
            other => text.push_str(&format!("{key}: {}\n", other.as_str().unwrap_or_default())),
        }
    }
    text
}

/// The objects as the API server reads them from a file (`staticManifestsDir`), in one stream.
///
/// # Errors
/// An object that the API server takes from no file: params, and policies that read them.
pub fn static_manifests(objects: &[Object]) -> Result<String, String> {
    let mut documents = Vec::new();
    for object in objects {
        let mut body = object.body.clone();
        let reads = |key: &str| body.get("spec").is_some_and(|it| it.get(key).is_some());
        if !object.is_admission() || reads("paramKind") || reads("paramRef") {
            return Err(format!(
                "{} {}: the API server takes no params from files: write them into the policies (--params written)",
                object.kind, object.name
            ));
        }
        for path in ["/metadata/name", "/spec/policyName"] {
            if let Some(name) = body.pointer_mut(path) {
                *name = json!(format!(
                    "{}{STATIC_SUFFIX}",
                    name.as_str().unwrap_or_default()
                ));
            }
        }
        documents.push(yaml::document(&body));
    }
    Ok(documents.join("---\n"))
}
