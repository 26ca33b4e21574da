//! The tape: the nodes of one file's documents in the order of the text, sixteen bytes each.
//!
//! A map is its node and then key, value, key, value; a list is its node and then its elements. Every length is
//! relative, so a subtree may be copied to another place of the tape as it is. Only `build` writes a tape, only `node`
//! and `expand_lists` read one.

use super::source_map::Source;
use std::sync::Arc;

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    False,
    True,
    /// A number; its text says which.
    Number,
    String,
    List,
    Map,
}

/// The strings of a node are in the side buffer, not in the text.
pub(super) const OWNED_STRING: u8 = 1;
/// A key that a later one of the same name makes void.
pub(super) const OVERRIDDEN_KEY: u8 = 2;
/// A list or map with an index of its children.
pub(super) const INDEXED: u8 = 4;
/// A YAML merge key, until its map is closed.
pub(super) const MERGE: u8 = 8;

/// One node.
#[derive(Debug, Clone, Copy)]
pub(super) struct Raw {
    /// Where it begins, as a byte offset of the text.
    pub(super) at: u32,
    /// Where its string begins; or how many nodes a list or map takes on the tape, its own included.
    pub(super) start: u32,
    /// How many bytes its string has; or how many elements a list has; or the bloom of a map's keys; or, where indexed,
    /// the number of its index.
    pub(super) len: u32,
    /// Of a key: its tag.
    pub(super) tag: u16,
    pub(super) kind: Kind,
    pub(super) flags: u8,
}

/// A bloom that lets every tag through.
pub(super) const BLOOM_ALL: u32 = u32::MAX;

impl Raw {
    /// How many nodes of the tape it takes.
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

    /// Whether a map without index may have a key of this tag. The builder sets a bit for each of its keys.
    #[inline]
    pub(super) fn may_contain(self, tag: u16) -> bool {
        self.len >> (tag >> 10 & 31) & 1 != 0
    }
}

/// Where the children of a long list or map are, as distances from its node: elements in order, or keys in the order
/// of their bytes, shadowed ones left out.
pub(super) type Index = Vec<u32>;

/// What the nodes of one file point into.
#[derive(Debug)]
pub(super) struct Backing {
    pub(super) source: Source,
    /// Strings that do not stand in the text as they read: escapes, folded lines, numbers in another base.
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
    /// As `string`, where nobody asks whether it is text.
    #[inline]
    pub(super) fn bytes(&self, raw: Raw) -> &[u8] {
        let buffer: &str = if raw.is(OWNED_STRING) {
            &self.backing.owned
        } else {
            &self.backing.source.text
        };
        let start = raw.start as usize;
        buffer
            .as_bytes()
            .get(start..start + raw.len as usize)
            .unwrap_or_default()
    }

    /// The string of a string, number or key.
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
