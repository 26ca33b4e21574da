//! The tape: the nodes of one file's documents in the order of the text, sixteen bytes each.
//!
//! A map is its node, then key, value, key, value; a list is its node, then its elements. Every
//! length is relative, so that a subtree can be copied to another position as it is. Only `builder`
//! and `expand_lists` write a tape, only `node` and `expand_lists` read one.

use super::source_map::SourceText;
use std::sync::Arc;

/// The kind of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    False,
    True,
    /// A number; its digits are in the text.
    Number,
    String,
    List,
    Map,
}

/// The string of the node is in the buffer of owned strings, not in the text.
pub(super) const OWNED_STRING: u8 = 1;
/// A key that a later key of the same name overrides.
pub(super) const OVERRIDDEN_KEY: u8 = 2;
/// A list or map with an index of its children.
pub(super) const INDEXED: u8 = 4;
/// A YAML merge key, until its map is closed.
pub(super) const MERGE: u8 = 8;

/// One node. `start` and `len` depend on the kind:
///
/// | kind | `start` | `len` |
/// |---|---|---|
/// | string, number, key | offset of its text | bytes of its text |
/// | list | nodes of its subtree | elements |
/// | map | nodes of its subtree | Bloom filter of its keys |
/// | list or map with the flag `INDEXED` | nodes of its subtree | number of its index |
/// | other | 0 | 0 |
#[derive(Debug, Clone, Copy)]
pub(super) struct Raw {
    /// The byte offset of its beginning in the text.
    pub(super) at: u32,
    /// See the table. A subtree includes its own node.
    pub(super) start: u32,
    /// See the table.
    pub(super) len: u32,
    /// The hash of a key; 0 for other nodes.
    pub(super) hash: u16,
    pub(super) kind: Kind,
    pub(super) flags: u8,
}

/// The Bloom filter that contains every hash.
pub(super) const BLOOM_ALL: u32 = u32::MAX;

impl Raw {
    /// A `null`; also what a reader sees where there is no node.
    pub(super) const NULL: Self = Self {
        at: 0,
        start: 0,
        len: 0,
        hash: 0,
        kind: Kind::Null,
        flags: 0,
    };

    /// The number of nodes of its subtree, its own included.
    #[inline]
    pub(super) fn extent(self) -> usize {
        match self.kind {
            Kind::List | Kind::Map => self.start as usize,
            _ => 1,
        }
    }

    #[inline]
    pub(super) fn is(self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    #[inline]
    pub(super) fn is_collection(self) -> bool {
        matches!(self.kind, Kind::List | Kind::Map)
    }

    /// True if a map without index may have a key of this hash: a Bloom filter has false positives
    /// and no false negatives.
    #[inline]
    pub(super) fn may_contain(self, hash: u16) -> bool {
        self.len >> (hash >> 10 & 31) & 1 != 0
    }
}

/// The index of a long list or map: the distances of its children from its node. Elements are in
/// order; keys are in the order of their bytes, without overridden ones.
pub(super) type Index = Vec<u32>;

/// The text and buffers of one file.
#[derive(Debug)]
pub(super) struct Backing {
    pub(super) source: SourceText,
    /// The owned strings: strings with escapes, folded lines, numbers in another base.
    pub(super) owned: String,
    pub(super) indexes: Vec<Index>,
}

/// The nodes of all documents of one file.
#[derive(Debug)]
pub(super) struct Tape {
    pub(super) backing: Arc<Backing>,
    pub(super) nodes: Vec<Raw>,
}

impl Tape {
    /// The bytes that contain the text of a string, number or key.
    #[inline]
    pub(super) fn buffer(&self, raw: Raw) -> &[u8] {
        let buffer: &str = if raw.is(OWNED_STRING) {
            &self.backing.owned
        } else {
            &self.backing.source.text
        };
        buffer.as_bytes()
    }

    /// The text of a string, number or key.
    #[inline]
    pub(super) fn string(&self, raw: Raw) -> &str {
        let buffer: &str = if raw.is(OWNED_STRING) {
            &self.backing.owned
        } else {
            &self.backing.source.text
        };
        let start = raw.start as usize;
        buffer
            .get(start..start + raw.len as usize)
            .unwrap_or_default()
    }
}
