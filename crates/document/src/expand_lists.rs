//! Expands lists of objects (`kind: List`, `PodList`, anything with `items`) into their items.

use super::{
    Document, Node, ParsedFile,
    node::Entry,
    tape::{BLOOM_ALL, INDEXED, OVERRIDDEN_KEY, Raw, Tape},
};
use kubevet_model::{Problem, ProblemCode};
use std::sync::Arc;

/// The maximum nesting of lists that is expanded; a deeper list is a problem.
const MAX_LIST_DEPTH: usize = 8;

/// The end of a list's kind.
const LIST: &str = "List";

/// Expands every list among the documents, and the lists in it; any other document stays as it is.
///
/// As to kubectl, a list is an object with a list `items`, whatever its kind. An array of objects,
/// and a map without a kind that has them as its `items`, are lists too, though kubectl refuses
/// them. As in Kubernetes, an item without a kind gets the list's `apiVersion`, and its kind without
/// `List`.
#[must_use]
pub fn expand_lists(documents: Vec<Document>) -> ParsedFile {
    let mut expanded = ParsedFile::default();
    // The documents still to expand, the next one last.
    let mut pending: Vec<_> = documents.into_iter().rev().map(|root| (root, 0)).collect();
    while let Some((document, depth)) = pending.pop() {
        match items(&document) {
            Items::NoList => expanded.documents.push(document),
            Items::Of(_) if depth >= MAX_LIST_DEPTH => expanded.problems.push(problem(
                &document,
                ProblemCode::InputSyntax,
                &format!("lists are nested more than {MAX_LIST_DEPTH} deep; take the objects out of the outer lists"),
            )),
            Items::Of(items) => {
                let (objects, others) = items.into_iter().partition::<Vec<_>, _>(may_be_object);
                expanded.problems.extend(others.iter().map(not_an_object));
                pending.extend(objects.into_iter().rev().map(|item| (item, depth + 1)));
            }
            Items::Malformed => expanded.problems.push(problem(
                &document,
                ProblemCode::InputNotAnObject,
                "`items` makes an object a list of objects, and must be a list",
            )),
        }
    }
    expanded
}

/// Returns the items of a list as an API server sends it, each with its kind; `None` if the document
/// is no list. Unlike [`expand_lists`], it takes each item as an object, even one with `items`.
#[must_use]
pub fn list_items(document: &Document) -> Option<Vec<Document>> {
    let kind = document.root().get("kind").and_then(Node::as_str)?;
    match items(document) {
        Items::Of(items) => Some(items),
        // A list without items may say nothing of them.
        Items::NoList if kind.ends_with(LIST) => Some(Vec::new()),
        Items::NoList | Items::Malformed => None,
    }
}

/// The items of a document.
enum Items {
    /// The document is not a list.
    NoList,
    Of(Vec<Document>),
    /// The document is an object with `items` that are no list, which kubectl refuses.
    Malformed,
}

fn items(document: &Document) -> Items {
    let root = document.root();
    let Some(items) = items_node(root) else {
        return Items::NoList;
    };
    let is_object = has_identity(root);
    if is_object && !items.is_list() {
        return Items::Malformed;
    }
    // Any other file may have lists, and even `items`: it is one of objects if one is in it.
    if !is_object && !contains_object(items) {
        return Items::NoList;
    }
    let kind = root
        .entry("kind")
        .filter(|entry| !item_kind(*entry).is_empty());
    let version = root
        .entry("apiVersion")
        .filter(|entry| entry.value.as_str().is_some());
    let item = |item: Node<'_>| match kind {
        Some(kind) if item.is_map() && !has_kind(item) => {
            completed(document.tape(), item, kind, version)
        }
        _ => Document::new(Arc::clone(document.tape()), item.index()),
    };
    Items::Of(items.elements().map(item).collect())
}

/// The value that has the items, if the value is a list of objects: an array itself, or `items`.
fn items_node(node: Node<'_>) -> Option<Node<'_>> {
    if node.is_list() {
        return Some(node);
    }
    node.get("items").filter(|items| !items.is_null())
}

/// True if a list has an object in it, or in a list in it.
fn contains_object(list: Node<'_>) -> bool {
    let mut pending = vec![list];
    while let Some(list) = pending.pop() {
        for element in list.elements() {
            if has_identity(element) {
                return true;
            }
            pending.extend(items_node(element));
        }
    }
    false
}

/// True if a value claims to be a Kubernetes object.
fn has_identity(node: Node<'_>) -> bool {
    node.is_map() && (node.get("apiVersion").is_some() || node.get("kind").is_some())
}

fn has_kind(item: Node<'_>) -> bool {
    item.get("kind")
        .and_then(Node::as_str)
        .is_some_and(|kind| !kind.is_empty())
}

/// The kind of the items of a list that say none; empty if the list does not tell.
fn item_kind<'a>(kind: Entry<'a>) -> &'a str {
    let kind = kind.value.as_str().unwrap_or_default();
    kind.strip_suffix(LIST).unwrap_or(kind)
}

fn may_be_object(item: &Document) -> bool {
    let root = item.root();
    has_identity(root) || items_node(root).is_some_and(contains_object)
}

fn not_an_object(item: &Document) -> Problem {
    let message = "an item of a list that is not an object: add apiVersion and kind, or remove it";
    problem(item, ProblemCode::InputNotAnObject, message)
}

fn problem(document: &Document, code: ProblemCode, message: &str) -> Problem {
    let file = document.file().as_ref();
    Problem::at(code, file, document.position(), message)
}

/// Copies an item to a tape of its own, with the list's kind and version as its last two entries.
fn completed(
    tape: &Arc<Tape>,
    item: Node<'_>,
    kind: Entry<'_>,
    version: Option<Entry<'_>>,
) -> Document {
    let end = item.index() + item.raw().extent();
    let mut nodes = tape
        .nodes
        .get(item.index()..end)
        .unwrap_or_default()
        .to_vec();
    for entry in item.entries() {
        let overridden = entry.key == "kind" || entry.key == "apiVersion" && version.is_some();
        if overridden && let Some(key) = nodes.get_mut(entry.key_index() - item.index()) {
            key.flags |= OVERRIDDEN_KEY;
        }
    }
    let kind_value = kind.value.raw();
    let kind_name = kind.value.as_str().unwrap_or_default();
    let suffix = kind_name.len() - item_kind(kind).len();
    let item_kind = Raw {
        len: kind_value
            .len
            .saturating_sub(u32::try_from(suffix).unwrap_or(0)),
        ..kind_value
    };
    nodes.extend(
        version
            .iter()
            .flat_map(|entry| [entry.key_raw(), entry.value.raw()]),
    );
    nodes.extend([kind.key_raw(), item_kind]);
    if let (Ok(extent), Some(root)) = (u32::try_from(nodes.len()), nodes.first_mut()) {
        // The new keys are in neither the index nor the Bloom filter.
        *root = Raw {
            start: extent,
            len: BLOOM_ALL,
            flags: root.flags & !INDEXED,
            ..*root
        };
    }
    Document::new(
        Arc::new(Tape {
            backing: Arc::clone(&tape.backing),
            nodes,
        }),
        0,
    )
}
