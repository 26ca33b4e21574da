//! Separates Kubernetes objects from other documents.
//!
//! An object has an apiVersion and a kind. A document with neither is some other file and is
//! skipped; a document with only one of them is a broken object and a problem.

use super::{Input, discovery::is_chart};
use kubevet_document::{Document, Node, expand_lists};
use kubevet_model::{Problem, ProblemCode, Skipped};
use std::path::Path;

/// Adds each document of a file to the objects, the problems or the skipped documents.
pub(super) fn partition(documents: Vec<Document>, input: &mut Input) {
    let expanded = expand_lists(documents);
    input.problems.extend(expanded.problems);
    for document in expanded.documents {
        let file = || document.file().to_string();
        match classify(document.root(), FileRole::of(document.file())) {
            DocumentClass::Object => input.objects.push(document),
            DocumentClass::Other(reason) => input.skipped.push(Skipped {
                file: file(),
                position: Some(document.position()),
                reason: reason.to_owned(),
            }),
            DocumentClass::Broken(message) => {
                let problem = Problem::at(
                    ProblemCode::InputNotAnObject,
                    file(),
                    document.position(),
                    message,
                );
                input.problems.push(problem);
            }
        }
    }
}

/// The class of a document, with the reason if it is not an object.
enum DocumentClass {
    Object,
    Other(&'static str),
    Broken(&'static str),
}

/// What the name of a file says about documents that do not say it themselves. A Kubernetes object
/// is one in any file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum FileRole {
    Kustomization,
    /// Values of a chart, which may well have a `kind` of their own.
    ChartValues,
    Any,
}

impl FileRole {
    fn of(file: &str) -> Self {
        match file.rsplit('/').next().unwrap_or_default() {
            "kustomization.yaml" | "kustomization.yml" | "Kustomization" => Self::Kustomization,
            name if name.starts_with("values") && is_in_chart(file) => Self::ChartValues,
            _ => Self::Any,
        }
    }
}

fn is_in_chart(file: &str) -> bool {
    Path::new(file).parent().is_some_and(is_chart)
}

/// True if a document is a Kustomization, which may leave its kind and version out.
fn is_kustomization(root: Node<'_>, role: FileRole) -> bool {
    let text = |key: &str| root.get(key).and_then(Node::as_str);
    let is_kind = matches!(text("kind"), None | Some("Kustomization" | "Component"));
    match text("apiVersion") {
        Some(version) => version.starts_with("kustomize.config.k8s.io/"),
        None => is_kind && role == FileRole::Kustomization,
    }
}

fn classify(root: Node<'_>, role: FileRole) -> DocumentClass {
    if is_kustomization(root, role) {
        return DocumentClass::Other("a Kustomization: scan what `kustomize build` prints");
    }
    let is_whole = root.get("apiVersion").is_some() && root.get("kind").is_some();
    if role == FileRole::ChartValues && root.is_map() && !is_whole {
        return DocumentClass::Other("no Kubernetes object (values of a chart)");
    }
    if !root.is_map() {
        return DocumentClass::Other("no Kubernetes object (no map)");
    }
    let message = match (root.get("apiVersion"), root.get("kind")) {
        (None, None) => {
            return DocumentClass::Other("no Kubernetes object (neither apiVersion nor kind)");
        }
        (None, Some(_)) => "an object without apiVersion: add it, such as `apiVersion: v1`",
        (Some(_), None) => "an object without kind: add it, such as `kind: Pod`",
        (Some(version), _) if !is_non_empty_string(version) => {
            "apiVersion must be a non-empty string, such as `apps/v1`"
        }
        (_, Some(kind)) if !is_non_empty_string(kind) => {
            "kind must be a non-empty string, such as `Deployment`"
        }
        (Some(_), Some(_)) => return DocumentClass::Object,
    };
    DocumentClass::Broken(message)
}

fn is_non_empty_string(node: Node<'_>) -> bool {
    node.as_str()
        .is_some_and(|string| !string.trim().is_empty())
}
