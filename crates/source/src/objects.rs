//! Which documents are Kubernetes objects: those with an apiVersion and a kind. One with neither is some other file and
//! skipped; one with only one of them is broken.

use kubevet_document::{Document, Node, Value, expand_lists};
use kubevet_model::{Problem, Skipped};

/// Sorts the documents of a file.
pub(super) fn sort(
    documents: Vec<Document>,
    objects: &mut Vec<Document>,
    problems: &mut Vec<Problem>,
    skipped: &mut Vec<Skipped>,
) {
    for document in documents.into_iter().flat_map(expand_lists) {
        let file = || document.file().to_string();
        match wrong(document.root()) {
            Found::Object => objects.push(document),
            Found::Other(reason) => {
                let position = Some(document.position());
                skipped.push(Skipped {
                    file: file(),
                    position,
                    reason: reason.to_owned(),
                });
            }
            Found::Broken(message) => {
                problems.push(Problem::at(file(), document.position(), message))
            }
        }
    }
}

enum Found {
    Object,
    Other(&'static str),
    Broken(String),
}

fn wrong(root: Node<'_>) -> Found {
    if !matches!(root.value(), Value::Map(_)) {
        return Found::Other("no Kubernetes object (no map)");
    }
    match (root.get("apiVersion"), root.get("kind")) {
        (None, None) => Found::Other("no Kubernetes object (neither apiVersion nor kind)"),
        (None, Some(_)) => Found::Broken(
            "an object without apiVersion: add it, such as `apiVersion: v1`".to_owned(),
        ),
        (Some(_), None) => {
            Found::Broken("an object without kind: add it, such as `kind: Pod`".to_owned())
        }
        (Some(version), Some(kind)) => match (text(version), text(kind)) {
            (Some(_), Some(_)) => Found::Object,
            (None, _) => Found::Broken(
                "apiVersion must be a text that is not empty, such as `apps/v1`".to_owned(),
            ),
            (_, None) => Found::Broken(
                "kind must be a text that is not empty, such as `Deployment`".to_owned(),
            ),
        },
    }
}

fn text(node: Node<'_>) -> Option<&str> {
    node.as_str().filter(|it| !it.trim().is_empty())
}
