//! Writes a tape; both readers share it. It bounds nesting and never looks at the syntax of a text.
//!
//! | file | is |
//! |---|---|
//! | `node_buffer` | the nodes and strings so far; the bound on nodes |
//! | `frame` | an open list or map, and the filter of its keys |
//! | `children` | repeated keys, and indexes, when a list or map is closed |
//! | `merge` | YAML merge keys, when a map is closed |
//! | `expansion` | the bound on what aliases and merge keys copy |

mod children;
mod expansion;
mod frame;
mod merge;
mod node_buffer;

use super::{
    key_hash,
    limits::Limits,
    outcome::ParseError,
    source_map::SourceText,
    tape::{BLOOM_ALL, Backing, INDEXED, Index, Kind, MERGE, OWNED_STRING, Raw, Tape},
};
use children::MAX_UNINDEXED_KEYS;
use expansion::Expansion;
use frame::Frame;
use node_buffer::{NodeBuffer, offset};
use std::sync::Arc;

/// A tape that is being written, over a text.
#[derive(Debug)]
pub(super) struct Builder<'t> {
    buffer: NodeBuffer<'t>,
    indexes: Vec<Index>,
    /// The open lists and maps, the innermost last.
    frames: Vec<Frame>,
    depth_limit: usize,
    expansion: Expansion,
}

impl<'t> Builder<'t> {
    pub(super) fn new(text: &'t str, limits: &Limits) -> Self {
        Self {
            buffer: NodeBuffer::new(text, limits.nodes),
            indexes: Vec::new(),
            frames: Vec::with_capacity(12),
            depth_limit: limits.depth,
            expansion: Expansion::new(limits.expansion),
        }
    }

    /// The number of nodes so far: the index of the next one.
    pub(super) fn len(&self) -> usize {
        self.buffer.nodes.len()
    }

    /// Removes the nodes from `from` on, and closes every open list and map: an invalid document is
    /// discarded.
    pub(super) fn discard_from(&mut self, from: usize) {
        self.buffer.nodes.truncate(from);
        self.frames.clear();
    }

    /// True if a node is `null`.
    pub(super) fn is_null(&self, node: usize) -> bool {
        self.buffer
            .nodes
            .get(node)
            .is_none_or(|raw| raw.kind == Kind::Null)
    }

    /// The kind of the innermost open list or map; `Null` where none is open.
    #[inline]
    pub(super) fn open_kind(&self) -> Kind {
        self.frames.last().map_or(Kind::Null, |frame| frame.kind)
    }

    /// Adds a value without text.
    #[inline]
    pub(super) fn scalar(&mut self, at: usize, kind: Kind) -> Result<(), ParseError> {
        self.buffer.push(Raw {
            at: offset(at),
            kind,
            ..Raw::NULL
        })
    }

    /// Adds a string or number that is in the text as it reads, from `start` to `end`.
    #[inline]
    pub(super) fn borrowed(
        &mut self,
        at: usize,
        kind: Kind,
        start: usize,
        end: usize,
    ) -> Result<(), ParseError> {
        let len = offset(end.saturating_sub(start));
        self.buffer.push(Raw {
            at: offset(at),
            start: offset(start),
            len,
            kind,
            ..Raw::NULL
        })
    }

    /// Adds a string or number that is not in the text as it reads.
    pub(super) fn copied(&mut self, at: usize, kind: Kind, text: &str) -> Result<(), ParseError> {
        let start = self.buffer.owned.len();
        self.buffer.owned.push_str(text);
        self.finish_owned(at, kind, start)
    }

    /// The buffer of owned strings, to append a string piece by piece; `finish_owned` adds its
    /// node.
    pub(super) fn owned(&mut self) -> &mut String {
        &mut self.buffer.owned
    }

    /// Adds a string that was appended to the buffer from `start` on.
    pub(super) fn finish_owned(
        &mut self,
        at: usize,
        kind: Kind,
        start: usize,
    ) -> Result<(), ParseError> {
        let len = owned_offset(self.buffer.owned.len().saturating_sub(start));
        self.buffer.push(Raw {
            at: offset(at),
            start: owned_offset(start),
            len,
            kind,
            flags: OWNED_STRING,
            ..Raw::NULL
        })
    }

    /// Marks the last node as a key of the open map. A merge key is marked by `mark_merge_key`
    /// besides.
    pub(super) fn mark_key(&mut self) {
        let Some(raw) = self.buffer.nodes.last().copied() else {
            return;
        };
        let hash = key_hash::hash(self.buffer.string(raw));
        if let Some(raw) = self.buffer.nodes.last_mut() {
            raw.hash = hash;
        }
        self.count_key(hash);
    }

    /// Adds a key of the open map that is in the text from `start` to `end`: `borrowed` and
    /// `mark_key` in one.
    #[inline]
    pub(super) fn borrowed_key(
        &mut self,
        at: usize,
        start: usize,
        end: usize,
    ) -> Result<(), ParseError> {
        let len = end.saturating_sub(start);
        let from = self.buffer.text.as_bytes().get(start..);
        let Some(hash) = from.and_then(|from| key_hash::hash_within(from, len)) else {
            self.borrowed(at, Kind::String, start, end)?;
            self.mark_key();
            return Ok(());
        };
        let (at, start, len) = (offset(at), offset(start), offset(len));
        self.buffer.push(Raw {
            at,
            start,
            len,
            hash,
            kind: Kind::String,
            ..Raw::NULL
        })?;
        self.count_key(hash);
        Ok(())
    }

    #[inline]
    fn count_key(&mut self, hash: u16) {
        if let Some(frame) = self.frames.last_mut() {
            frame.children += 1;
            frame.may_repeat |= frame.seen.add(hash);
        }
    }

    /// Marks the last node as a YAML merge key of the open map.
    pub(super) fn mark_merge_key(&mut self) {
        if let (Some(raw), Some(frame)) = (self.buffer.nodes.last_mut(), self.frames.last_mut()) {
            raw.flags |= MERGE;
            frame.merges = true;
        }
    }

    /// Opens a list or map.
    #[inline]
    pub(super) fn open(&mut self, at: usize, kind: Kind) -> Result<(), ParseError> {
        if self.frames.len() >= self.depth_limit {
            return Err(self.too_deep(at));
        }
        let node = offset(self.buffer.nodes.len());
        self.buffer.push(Raw {
            at: offset(at),
            start: 1,
            kind,
            ..Raw::NULL
        })?;
        self.frames.push(Frame::new(node, kind));
        Ok(())
    }

    /// Closes the innermost list or map.
    #[inline]
    pub(super) fn close(&mut self) -> Result<(), ParseError> {
        let Some(frame) = self.frames.last() else {
            return Ok(());
        };
        let (node, kind, merges) = (frame.node as usize, frame.kind, frame.merges);
        let (mut children, mut may_repeat, mut bloom) =
            (frame.children, frame.may_repeat, frame.seen.bloom());
        self.frames.pop();
        if merges {
            children = merge::resolve_merges(&mut self.buffer, &mut self.expansion, node)?;
            (may_repeat, bloom) = (true, BLOOM_ALL);
        }
        let count = children as usize;
        let (mut len, mut flags) = (children, 0);
        if kind == Kind::Map {
            len = bloom;
            if count > MAX_UNINDEXED_KEYS {
                let index = children::index_keys(&mut self.buffer, node, count);
                (len, flags) = (self.keep_index(index), INDEXED);
            } else if may_repeat {
                children::override_repeated(&mut self.buffer, node);
            }
        } else if count > 4 * MAX_UNINDEXED_KEYS {
            let index = children::index_elements(&self.buffer, node, count);
            (len, flags) = (self.keep_index(index), INDEXED);
        }
        let extent = offset(self.len().saturating_sub(node));
        if let Some(raw) = self.buffer.nodes.get_mut(node) {
            *raw = Raw {
                start: extent,
                len,
                flags,
                ..*raw
            };
        }
        Ok(())
    }

    /// Stores an index, and returns its number.
    fn keep_index(&mut self, index: Index) -> u32 {
        self.indexes.push(index);
        offset(self.indexes.len() - 1)
    }

    /// Returns the subtree of a node, to be repeated later, and its depth. It counts as expansion.
    pub(super) fn subtree(
        &mut self,
        at: usize,
        node: usize,
    ) -> Result<(Vec<Raw>, usize), ParseError> {
        let nodes = self.buffer.subtree(node);
        self.expansion.add(at, nodes.len())?;
        let nodes = nodes.to_vec();
        // The ends of the lists and maps that contain the current node.
        let mut ends: Vec<usize> = Vec::new();
        let mut depth = 0;
        for (place, raw) in nodes.iter().enumerate() {
            while ends.last().is_some_and(|end| *end <= place) {
                ends.pop();
            }
            if raw.is_collection() {
                ends.push(place + raw.extent());
                depth = depth.max(ends.len());
            }
        }
        Ok((nodes, depth))
    }

    /// Repeats a subtree as a value that begins at `at`. It counts as expansion.
    pub(super) fn repeat(
        &mut self,
        at: usize,
        subtree: &[Raw],
        depth: usize,
    ) -> Result<(), ParseError> {
        let Some((root, inside)) = subtree.split_first() else {
            return Ok(());
        };
        self.expansion.add(at, subtree.len())?;
        if self.frames.len() + depth > self.depth_limit {
            let limit = self.depth_limit;
            return Err(ParseError::new(
                at,
                format!(
                    "aliases nest lists and maps more than {limit} deep; kubevet reads no deeper"
                ),
            ));
        }
        self.buffer.push(Raw {
            at: offset(at),
            flags: root.flags & (OWNED_STRING | INDEXED),
            ..*root
        })?;
        self.buffer.check_room(at, inside.len())?;
        self.buffer.nodes.extend_from_slice(inside);
        Ok(())
    }

    /// Removes the nodes from `from` on, inside the open list or map.
    pub(super) fn truncate(&mut self, from: usize) {
        self.buffer.nodes.truncate(from);
    }

    /// The maximum nesting of lists and maps.
    pub(super) fn depth_limit(&self) -> usize {
        self.depth_limit
    }

    /// Returns the tape.
    pub(super) fn finish(self, source: SourceText) -> Tape {
        let NodeBuffer {
            mut nodes, owned, ..
        } = self.buffer;
        if nodes.capacity() - nodes.len() > 4096 {
            nodes.shrink_to_fit();
        }
        Tape {
            backing: Arc::new(Backing {
                source,
                owned,
                indexes: self.indexes,
            }),
            nodes,
        }
    }

    pub(super) fn node(&self, node: usize) -> Option<Raw> {
        self.buffer.nodes.get(node).copied()
    }

    /// Counts the next node as an element of the open list.
    #[inline]
    pub(super) fn count_element(&mut self) {
        if let Some(frame) = self.frames.last_mut() {
            frame.children += 1;
        }
    }

    #[cold]
    fn too_deep(&self, at: usize) -> ParseError {
        let limit = self.depth_limit;
        ParseError::new(
            at,
            format!("lists and maps are nested more than {limit} deep; kubevet reads no deeper"),
        )
    }
}

/// Converts an offset of the buffer of owned strings. One out of range reads as an empty string.
fn owned_offset(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
