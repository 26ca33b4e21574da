//! What one layer has: its paths, its links and removals, and the facts about its files. It depends on
//! the content of the layer alone, so it can be kept by diff id and used in every image of the layer.

use super::digest::BlobDigest;
use serde::{Deserialize, Serialize};

/// A layer after its pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerContent<F> {
    /// The digest of the tar: what the layer is, however it is compressed.
    pub(super) diff_id: BlobDigest,
    /// The bytes of the tar.
    pub(super) size: u64,
    pub(super) paths: PathTable,
    /// One for each path, in the order of the tar.
    pub(super) nodes: Vec<LayerNode>,
    /// What was found in files.
    pub(super) facts: Vec<F>,
    /// Why files could not be read.
    pub(super) reasons: Vec<String>,
}

impl<F> LayerContent<F> {
    /// An empty layer.
    pub(super) fn new() -> Self {
        Self {
            diff_id: BlobDigest::of(b""),
            size: 0,
            paths: PathTable::default(),
            nodes: Vec::new(),
            facts: Vec::new(),
            reasons: Vec::new(),
        }
    }

    /// The digest of the layer's tar.
    pub fn diff_id(&self) -> BlobDigest {
        self.diff_id
    }

    /// The bytes of the layer's tar.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The number of entries, removals among them.
    pub fn entry_count(&self) -> usize {
        self.nodes.len()
    }

    pub(super) fn push(&mut self, path: &str, node: LayerNode) {
        self.paths.push(path);
        self.nodes.push(node);
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = (&str, &LayerNode)> {
        self.paths.iter().zip(&self.nodes)
    }

    /// Whether the parts fit together: a kept layer may be damaged.
    pub(super) fn is_consistent(&self) -> bool {
        let is_inside = |found: Found| match found {
            Found::Skipped | Found::Nothing => true,
            Found::Facts(index) => (index as usize) < self.facts.len(),
            Found::Unread(index) => (index as usize) < self.reasons.len(),
        };
        self.paths.is_consistent()
            && self.paths.len() == self.nodes.len()
            && self.nodes.iter().all(|node| match node {
                LayerNode::File { found, .. } => is_inside(*found),
                LayerNode::HardLink { found, .. } => found.is_none_or(is_inside),
                _ => true,
            })
    }
}

/// An entry of a layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum LayerNode {
    Directory,
    File {
        size: u64,
        mode: u32,
        found: Found,
    },
    /// A second name of a file.
    HardLink {
        /// The path of the file.
        target: Box<str>,
        /// Bytes and permissions of the file; 0 where it is in a lower layer.
        size: u64,
        mode: u32,
        /// What was found in the file under this name; `None` where the file is in a lower layer.
        found: Option<Found>,
        /// Whether the inspector wants a file of this name.
        is_wanted: bool,
    },
    Symlink {
        target: Box<str>,
    },
    Other,
    /// What lower layers have at the path is removed.
    Whiteout,
    /// What lower layers have in the folder is removed.
    Opaque,
}

/// What was found in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Found {
    /// The file was not wanted.
    Skipped,
    /// There is nothing of interest in it.
    Nothing,
    /// The facts with this number.
    Facts(u32),
    /// The reason with this number.
    Unread(u32),
}

/// Many paths in one allocation.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct PathTable {
    text: String,
    /// Where each path ends.
    ends: Vec<u64>,
}

impl PathTable {
    pub(super) fn push(&mut self, path: &str) {
        self.text.push_str(path);
        self.ends.push(self.text.len() as u64);
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn get(&self, index: usize) -> &str {
        let end = |index: usize| {
            let end = self.ends.get(index).copied().unwrap_or_default();
            usize::try_from(end).unwrap_or_default()
        };
        let start = index.checked_sub(1).map_or(0, end);
        self.text.get(start..end(index)).unwrap_or_default()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|index| self.get(index))
    }

    fn is_consistent(&self) -> bool {
        let is_boundary =
            |end: &u64| usize::try_from(*end).is_ok_and(|end| self.text.is_char_boundary(end));
        self.ends.is_sorted()
            && self.ends.iter().all(is_boundary)
            && self.ends.last().copied().unwrap_or_default() == self.text.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_kept_in_order() {
        let mut table = PathTable::default();
        for path in ["a", "", "a/ü"] {
            table.push(path);
        }
        assert_eq!(table.iter().collect::<Vec<_>>(), ["a", "", "a/ü"]);
        assert!(table.is_consistent());
        assert_eq!(table.get(3), "");
    }

    #[track_caller]
    fn check(change: fn(&mut LayerContent<u8>), is_consistent: bool) {
        let mut layer = LayerContent::new();
        layer.facts.push(1);
        let found = Found::Facts(0);
        layer.push(
            "ü",
            LayerNode::File {
                size: 0,
                mode: 0,
                found,
            },
        );
        change(&mut layer);
        assert_eq!(layer.is_consistent(), is_consistent);
    }

    #[test]
    fn damaged_layer_is_seen() {
        check(|_| {}, true);
        check(|layer| layer.facts.clear(), false);
        check(|layer| layer.nodes.clear(), false);
        check(|layer| layer.paths.ends.push(1), false);
        check(|layer| layer.paths.ends[0] = 1, false);
        check(|layer| layer.paths.text.push('x'), false);
    }
}
