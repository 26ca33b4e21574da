//! Expands lists of objects (`kind: List`, `PodList`) into their items.

use super::{
    Document, Node,
    node::Entry,
    tape::{BLOOM_ALL, INDEXED, OVERRIDDEN_KEY, Raw, Tape},
};
use std::sync::Arc;

/// The maximum nesting of lists that is expanded; a deeper list stays a document.
const MAX_LIST_DEPTH: usize = 8;

/// Returns the items of a list (a kind that ends in `List`, with a list `items`), expanded as well;
/// any other document as it is. As in Kubernetes, an item without a kind gets the list's
/// `apiVersion`, and its kind without `List`.
#[must_use]
pub fn expand_lists(document: Document) -> Vec<Document> {
    let mut found = Vec::new();
    // The documents still to expand, the next one last.
    let mut pending = vec![(document, 0)];
    while let Some((document, depth)) = pending.pop() {
        match items(&document) {
            Some(items) if depth < MAX_LIST_DEPTH => {
                pending.extend(items.into_iter().rev().map(|item| (item, depth + 1)))
            }
            _ => found.push(document),
        }
    }
    found
}

/// Returns the items of a document; `None` if it is no list.
fn items(document: &Document) -> Option<Vec<Document>> {
    let root = document.root();
    let kind = root.entry("kind")?;
    let item_kind = kind.value.as_str()?.strip_suffix("List")?;
    let items = root.get("items")?;
    if !items.is_list() {
        return None;
    }
    let version = root
        .entry("apiVersion")
        .filter(|entry| entry.value.as_str().is_some());
    let mut found = Vec::new();
    for item in items.elements() {
        let lacks_kind = item
            .get("kind")
            .and_then(Node::as_str)
            .unwrap_or_default()
            .is_empty();
        found.push(if lacks_kind && item.is_map() && !item_kind.is_empty() {
            completed(document.tape(), item, kind, version)
        } else {
            Document::new(Arc::clone(document.tape()), item.index())
        });
    }
    Some(found)
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
    let item_kind = Raw {
        len: kind_value.len.saturating_sub(4),
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
