//! Objects as YAML: one stream of documents, a folder for Kustomize, a file that the API server
//! reads itself.

use super::exported_object::ExportedObject;
use kubevet_document::{YamlStyle, to_yaml};
use serde_json::{Value, json};

/// The end of the name of every object that the API server reads from a file (Kubernetes 1.36).
const STATIC_SUFFIX: &str = ".static.k8s.io";

/// An object that the API server accepts from no file: params, or a policy that reads them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{kind} {name}: the API server takes no params from files: write them into the policies (--params written)"
)]
pub struct StaticManifestError {
    /// The kind of the object.
    pub kind: String,
    /// Its name.
    pub name: String,
}

/// All objects as one stream of YAML documents, with a comment at its beginning.
#[must_use]
pub fn to_multi_doc(objects: &[ExportedObject], header: &str) -> String {
    let documents: Vec<String> = objects
        .iter()
        .map(|object| yaml(&object.body, &object.comment))
        .collect();
    format!("{}{}", header_lines(header), documents.join("---\n"))
}

fn yaml(body: &Value, comment: &str) -> String {
    let body = to_yaml(body, &YamlStyle::READABLE);
    format!("{}{body}", comment_lines(comment))
}

/// The comment at the beginning of a file, apart from that of its first object.
fn header_lines(header: &str) -> String {
    match header {
        "" => String::new(),
        _ => format!("{}\n", comment_lines(header)),
    }
}

/// Lines as comments.
fn comment_lines(text: &str) -> String {
    let line = |line: &str| match line {
        "" => "#\n".to_owned(),
        _ => format!("# {line}\n"),
    };
    text.lines().map(line).collect()
}

/// The files of a folder for Kustomize, by name, each with a comment at its beginning.
#[must_use]
pub fn kustomization(objects: &[ExportedObject], header: &str) -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = objects
        .iter()
        .map(|object| {
            let name = format!("{}-{}.yaml", object.short_kind(), object.name);
            let file = to_multi_doc(std::slice::from_ref(object), header);
            (name, file)
        })
        .collect();
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    let list = json!({
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": names,
    });
    let list = to_yaml(&list, &YamlStyle::BLOCK);
    let list = format!("{}{list}", header_lines(header));
    files.insert(0, ("kustomization.yaml".to_owned(), list));
    files
}

/// The objects as the API server reads them from a file (`staticManifestsDir`), in one stream with a
/// comment at its beginning.
///
/// # Errors
/// The first object that the API server accepts from no file.
pub fn static_manifests(
    objects: &[ExportedObject],
    header: &str,
) -> Result<String, StaticManifestError> {
    let mut documents = Vec::new();
    for object in objects {
        let mut body = object.body.clone();
        let reads = |key: &str| body.get("spec").is_some_and(|spec| spec.get(key).is_some());
        if !object.is_admission() || reads("paramKind") || reads("paramRef") {
            return Err(StaticManifestError {
                kind: object.kind.clone(),
                name: object.name.clone(),
            });
        }
        for path in ["/metadata/name", "/spec/policyName"] {
            if let Some(name) = body.pointer_mut(path) {
                *name = json!(format!(
                    "{}{STATIC_SUFFIX}",
                    name.as_str().unwrap_or_default()
                ));
            }
        }
        documents.push(yaml(&body, &object.comment));
    }
    Ok(format!(
        "{}{}",
        header_lines(header),
        documents.join("---\n")
    ))
}
