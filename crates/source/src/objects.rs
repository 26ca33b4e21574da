//! Separates Kubernetes objects from other documents.
//!
//! An object has an apiVersion and a kind. A document with neither is some other file and is
//! skipped; a document with only one of them is a broken object and a problem.

use super::Input;
use kubevet_document::{Document, Node, expand_lists};
use kubevet_model::{Problem, ProblemCode, Skipped};

/// Adds each document of a file to the objects, the problems or the skipped documents.
pub(super) fn partition(documents: Vec<Document>, input: &mut Input) {
    let expanded = expand_lists(documents);
    input.problems.extend(expanded.problems);
    for document in expanded.documents {
        let file = || document.file().to_string();
        match classify(document.root()) {
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

/// The class of a document, with the reason if it is no object.
enum DocumentClass {
    Object,
    Other(&'static str),
    Broken(&'static str),
}

fn classify(root: Node<'_>) -> DocumentClass {
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
            "apiVersion must be a text that is not empty, such as `apps/v1`"
        }
        (_, Some(kind)) if !is_non_empty_string(kind) => {
            "kind must be a text that is not empty, such as `Deployment`"
        }
        (Some(_), Some(_)) => return DocumentClass::Object,
    };
    DocumentClass::Broken(message)
}

fn is_non_empty_string(node: Node<'_>) -> bool {
    node.as_str()
        .is_some_and(|string| !string.trim().is_empty())
}
