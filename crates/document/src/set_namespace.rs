//! Gives objects without a namespace the one that they would be created in, as
//! `kubectl apply --namespace` does.

use super::{
    Document, key_hash,
    node::Node,
    source_map::SourceText,
    tape::{BLOOM_ALL, Backing, INDEXED, Kind, OVERRIDDEN_KEY, OWNED_STRING, Raw, Tape},
};
use std::sync::Arc;

/// The key that is added to `metadata`.
const KEY: &str = "namespace";

/// Returns the documents, with `metadata.namespace` set where it is missing or empty. Documents for
/// which `is_namespaced` is false, and those without `metadata`, stay as they are. The position of
/// the added field is that of `metadata`.
#[must_use]
pub fn set_namespace(
    documents: Vec<Document>,
    namespace: &str,
    is_namespaced: impl Fn(&Document) -> bool,
) -> Vec<Document> {
    // Documents of one file share its text and buffers, before and after.
    let mut last: Option<(Arc<Backing>, Arc<Backing>)> = None;
    let set = |document: Document| {
        if has_namespace(&document) || !is_namespaced(&document) {
            return document;
        }
        let Some(metadata) = document.root().get("metadata").filter(|node| node.is_map()) else {
            return document;
        };
        let before = &document.tape().backing;
        let after = match &last {
            Some((known, after)) if Arc::ptr_eq(known, before) => Arc::clone(after),
            _ => Arc::new(with_strings(before, namespace)),
        };
        last = Some((Arc::clone(before), Arc::clone(&after)));
        with_entry(&document, metadata, after, namespace)
    };
    documents.into_iter().map(set).collect()
}

/// An empty namespace and `null` are no namespace.
fn has_namespace(document: &Document) -> bool {
    !document.id().namespace.is_empty()
}

/// Copies the buffers of a file, with the key and the namespace at the end of the owned strings.
fn with_strings(backing: &Backing, namespace: &str) -> Backing {
    let source = &backing.source;
    Backing {
        source: SourceText::new(Arc::clone(&source.file), Arc::clone(&source.text)),
        owned: format!("{}{KEY}{namespace}", backing.owned),
        indexes: backing.indexes.clone(),
    }
}

/// Copies a document to a tape of its own, with the namespace as the last entry of `metadata`.
fn with_entry(
    document: &Document,
    metadata: Node<'_>,
    backing: Arc<Backing>,
    namespace: &str,
) -> Document {
    let root = document.root();
    let tape = document.tape();
    let end = root.index() + root.raw().extent();
    let range = tape.nodes.get(root.index()..end).unwrap_or_default();
    let mut nodes = range.to_vec();
    let map = metadata.index() - root.index();
    if let Some(entry) = metadata.entry(KEY)
        && let Some(key) = nodes.get_mut(entry.key_index() - root.index())
    {
        key.flags |= OVERRIDDEN_KEY;
    }
    let offset = backing.owned.len() - namespace.len();
    let at = metadata.raw().at;
    let key = owned_string(at, offset - KEY.len(), KEY.len(), key_hash::hash(KEY));
    let value = owned_string(at, offset, namespace.len(), 0);
    let after_map = map + metadata.raw().extent();
    nodes.splice(after_map..after_map, [key, value]);
    for index in [0, map] {
        if let Some(node) = nodes.get_mut(index) {
            // The new key is in neither the index nor the Bloom filter, and moves what follows it.
            *node = Raw {
                start: node.start.saturating_add(2),
                len: BLOOM_ALL,
                flags: node.flags & !INDEXED,
                ..*node
            };
        }
    }
    Document::new(Arc::new(Tape { backing, nodes }), 0)
}

fn owned_string(at: u32, start: usize, len: usize, hash: u16) -> Raw {
    Raw {
        at,
        start: u32::try_from(start).unwrap_or(u32::MAX),
        len: u32::try_from(len).unwrap_or(0),
        hash,
        kind: Kind::String,
        flags: OWNED_STRING,
    }
}
