//! Gives an object another `apiVersion`, for readers that know the object under that one alone.

use super::{
    Document,
    source_map::SourceText,
    tape::{Backing, Kind, OWNED_STRING, Raw, Tape},
};
use std::sync::Arc;

/// Returns an object with another `apiVersion`, at the position of the one that it has. An object
/// without one stays as it is.
#[must_use]
pub fn set_api_version(document: &Document, api_version: &str) -> Document {
    let root = document.root();
    let Some(value) = root.get("apiVersion").filter(|value| value.is_string()) else {
        return document.clone();
    };
    let tape = document.tape();
    let end = root.index() + root.raw().extent();
    let range = tape.nodes.get(root.index()..end).unwrap_or_default();
    let mut nodes = range.to_vec();
    let (Ok(start), Ok(len)) = (
        u32::try_from(tape.backing.owned.len()),
        u32::try_from(api_version.len()),
    ) else {
        return document.clone();
    };
    if let Some(node) = nodes.get_mut(value.index() - root.index()) {
        *node = Raw {
            start,
            len,
            kind: Kind::String,
            flags: OWNED_STRING,
            ..*node
        };
    }
    let source = &tape.backing.source;
    let backing = Arc::new(Backing {
        source: SourceText::new(Arc::clone(&source.file), Arc::clone(&source.text)),
        owned: format!("{}{api_version}", tape.backing.owned),
        indexes: tape.backing.indexes.clone(),
    });
    Document::new(Arc::new(Tape { backing, nodes }), 0)
}
