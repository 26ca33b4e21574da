//! Writes a tape; both readers share it. It enforces the bounds, finds repeated keys and builds the
//! indexes of long lists and maps. It never looks at the syntax of a text.

use super::{
    key_hash,
    limits::Limits,
    outcome::ParseError,
    source_map::SourceText,
    tape::{
        BLOOM_ALL, Backing, INDEXED, Index, Kind, MERGE, OVERRIDDEN_KEY, OWNED_STRING, Raw, Tape,
    },
};
use std::sync::Arc;

/// A map with more keys than this has an index, and so has a list with more than four times as many
/// elements.
const INDEX_FROM: usize = 16;

/// A list or map that is being read.
#[derive(Debug)]
struct Frame {
    node: u32,
    children: u32,
    kind: Kind,
    merges: bool,
    /// True if a bit of `seen` was set twice: a key may be repeated.
    suspect: bool,
    seen: KeyFilter,
}

impl Frame {
    #[inline]
    fn new(node: u32, kind: Kind) -> Self {
        Self {
            node,
            children: 0,
            kind,
            merges: false,
            suspect: false,
            seen: KeyFilter([0; 4]),
        }
    }
}

/// A Bloom filter of the keys of a map with one hash function and 256 bits. Most maps have no two
/// keys with one bit, and need no search for repeated keys.
#[derive(Debug)]
struct KeyFilter([u64; 4]);

impl KeyFilter {
    /// Adds a key by its hash. True if a key with the same bit was added before.
    #[inline]
    fn add(&mut self, hash: u16) -> bool {
        let bit = 1 << (hash >> 10);
        let Some(word) = self.0.get_mut(usize::from(hash & 3)) else {
            return true;
        };
        let before = *word;
        *word |= bit;
        before & bit != 0
    }

    /// The filter of 32 bits that [`Raw::may_contain`] reads.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "both halves are in")]
    fn bloom(&self) -> u32 {
        let all = self.0.iter().fold(0, |all, word| all | word);
        (all | all >> 32) as u32
    }
}

/// A tape that is being written, over a text.
#[derive(Debug)]
pub(super) struct Builder<'t> {
    text: &'t str,
    nodes: Vec<Raw>,
    owned: String,
    indexes: Vec<Index>,
    /// The open lists and maps, the innermost last.
    frames: Vec<Frame>,
    depth_limit: usize,
    node_limit: usize,
    expansion_left: usize,
    expansion_limit: usize,
}

impl<'t> Builder<'t> {
    pub(super) fn new(text: &'t str, limits: &Limits) -> Self {
        Self {
            text,
            // JSON of Kubernetes has about one node in twelve bytes.
            nodes: Vec::with_capacity((text.len() / 10).min(limits.nodes).min(1 << 20) + 8),
            owned: String::new(),
            indexes: Vec::new(),
            frames: Vec::with_capacity(12),
            depth_limit: limits.depth,
            node_limit: limits.nodes,
            expansion_left: limits.expansion,
            expansion_limit: limits.expansion,
        }
    }

    /// The number of nodes so far: the index of the next one.
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Removes the nodes from `from` on, and closes every open list and map: an invalid document is
    /// discarded.
    pub(super) fn discard_from(&mut self, from: usize) {
        self.nodes.truncate(from);
        self.frames.clear();
    }

    /// True if a node is `null`.
    pub(super) fn is_null(&self, node: usize) -> bool {
        self.nodes
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
        self.push(Raw {
            at: offset(at),
            start: 0,
            len: 0,
            hash: 0,
            kind,
            flags: 0,
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
        self.push(Raw {
            at: offset(at),
            start: offset(start),
            len,
            hash: 0,
            kind,
            flags: 0,
        })
    }

    /// Adds a string or number that is not in the text as it reads.
    pub(super) fn copied(&mut self, at: usize, kind: Kind, text: &str) -> Result<(), ParseError> {
        let start = self.owned.len();
        self.owned.push_str(text);
        self.finish_owned(at, kind, start)
    }

    /// The buffer of owned strings, to append a string piece by piece; `finish_owned` adds its
    /// node.
    pub(super) fn owned(&mut self) -> &mut String {
        &mut self.owned
    }

    /// Adds a string that was appended to the buffer from `start` on.
    pub(super) fn finish_owned(
        &mut self,
        at: usize,
        kind: Kind,
        start: usize,
    ) -> Result<(), ParseError> {
        let len = owned_offset(self.owned.len().saturating_sub(start));
        self.push(Raw {
            at: offset(at),
            start: owned_offset(start),
            len,
            hash: 0,
            kind,
            flags: OWNED_STRING,
        })
    }

    /// Marks the last node as a key of the open map. A merge key is marked by `mark_merge_key`
    /// besides.
    pub(super) fn mark_key(&mut self) {
        let Some(raw) = self.nodes.last().copied() else {
            return;
        };
        let hash = key_hash::hash(self.string(raw));
        if let Some(raw) = self.nodes.last_mut() {
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
        let from = self.text.as_bytes().get(start..);
        let Some(hash) = from.and_then(|from| key_hash::hash_within(from, len)) else {
            self.borrowed(at, Kind::String, start, end)?;
            self.mark_key();
            return Ok(());
        };
        let (at, start, len) = (offset(at), offset(start), offset(len));
        self.push(Raw {
            at,
            start,
            len,
            hash,
            kind: Kind::String,
            flags: 0,
        })?;
        self.count_key(hash);
        Ok(())
    }

    #[inline]
    fn count_key(&mut self, hash: u16) {
        if let Some(frame) = self.frames.last_mut() {
            frame.children += 1;
            frame.suspect |= frame.seen.add(hash);
        }
    }

    /// Marks the last node as a YAML merge key of the open map.
    pub(super) fn mark_merge_key(&mut self) {
        if let (Some(raw), Some(frame)) = (self.nodes.last_mut(), self.frames.last_mut()) {
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
        let node = offset(self.nodes.len());
        self.push(Raw {
            at: offset(at),
            start: 1,
            len: 0,
            hash: 0,
            kind,
            flags: 0,
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
        let (node, kind) = (frame.node as usize, frame.kind);
        let (mut children, mut suspect, mut bloom) =
            (frame.children, frame.suspect, frame.seen.bloom());
        let merges = frame.merges;
        self.frames.pop();
        if merges {
            (children, suspect, bloom) = (self.resolve_merges(node)?, true, BLOOM_ALL);
        }
        let count = children as usize;
        let (mut len, mut flags) = (children, 0);
        if kind == Kind::Map {
            len = bloom;
            if count > INDEX_FROM {
                (len, flags) = (self.index_keys(node, count), INDEXED);
            } else if suspect {
                self.override_repeated(node);
            }
        } else if count > 4 * INDEX_FROM {
            (len, flags) = (self.index_elements(node, count), INDEXED);
        }
        let extent = offset(self.nodes.len().saturating_sub(node));
        if let Some(raw) = self.nodes.get_mut(node) {
            *raw = Raw {
                start: extent,
                len,
                flags,
                ..*raw
            };
        }
        Ok(())
    }

    /// Returns the subtree of a node, to be repeated later, and its depth. It counts as expansion.
    pub(super) fn subtree(
        &mut self,
        at: usize,
        node: usize,
    ) -> Result<(Vec<Raw>, usize), ParseError> {
        let extent = self.nodes.get(node).map_or(0, |raw| raw.extent());
        self.expand(at, extent)?;
        let nodes = self
            .nodes
            .get(node..node + extent)
            .unwrap_or_default()
            .to_vec();
        // The ends of the lists and maps that contain the current node.
        let mut ends: Vec<usize> = Vec::new();
        let mut depth = 0;
        for (place, raw) in nodes.iter().enumerate() {
            while ends.last().is_some_and(|end| *end <= place) {
                ends.pop();
            }
            if matches!(raw.kind, Kind::List | Kind::Map) {
                ends.push(place + raw.extent());
                depth = depth.max(ends.len());
            }
        }
        Ok((nodes, depth))
    }

    /// Removes the nodes from `from` on, inside the open list or map.
    pub(super) fn truncate(&mut self, from: usize) {
        self.nodes.truncate(from);
    }

    /// The maximum nesting of lists and maps.
    pub(super) fn depth_limit(&self) -> usize {
        self.depth_limit
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
        self.expand(at, subtree.len())?;
        if self.frames.len() + depth > self.depth_limit {
            let limit = self.depth_limit;
            return Err(ParseError::new(
                at,
                format!(
                    "aliases nest lists and maps more than {limit} deep; kubevet reads no deeper"
                ),
            ));
        }
        self.push(Raw {
            at: offset(at),
            flags: root.flags & (OWNED_STRING | INDEXED),
            ..*root
        })?;
        if self.nodes.len() + inside.len() > self.node_limit {
            return Err(self.too_many(at));
        }
        self.nodes.extend_from_slice(inside);
        Ok(())
    }

    /// Returns the tape.
    pub(super) fn finish(self, source: SourceText) -> Tape {
        let mut nodes = self.nodes;
        if nodes.capacity() - nodes.len() > 4096 {
            nodes.shrink_to_fit();
        }
        Tape {
            backing: Arc::new(Backing {
                source,
                owned: self.owned,
                indexes: self.indexes,
            }),
            nodes,
        }
    }

    /// The text of a string, number or key.
    pub(super) fn string(&self, raw: Raw) -> &str {
        let buffer = if raw.is(OWNED_STRING) {
            self.owned.as_str()
        } else {
            self.text
        };
        let start = raw.start as usize;
        buffer
            .get(start..start + raw.len as usize)
            .unwrap_or_default()
    }

    pub(super) fn node(&self, node: usize) -> Option<Raw> {
        self.nodes.get(node).copied()
    }

    #[inline]
    fn push(&mut self, raw: Raw) -> Result<(), ParseError> {
        if self.nodes.len() >= self.node_limit {
            return Err(self.too_many(raw.at as usize));
        }
        self.nodes.push(raw);
        Ok(())
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

    #[cold]
    fn too_many(&self, at: usize) -> ParseError {
        let message = format!(
            "the file holds more than {} values; split it, the rest is not read",
            self.node_limit
        );
        ParseError {
            at,
            message,
            last: true,
        }
    }

    fn expand(&mut self, at: usize, nodes: usize) -> Result<(), ParseError> {
        match self.expansion_left.checked_sub(nodes) {
            Some(left) => self.expansion_left = left,
            None => {
                let limit = self.expansion_limit;
                let message = format!(
                    "aliases and merge keys of the file add more than {limit} values; write them out"
                );
                return Err(ParseError::new(at, message));
            }
        }
        Ok(())
    }

    /// Returns the index of a map: the distances of its keys from its node, in the order of their
    /// bytes.
    fn keys(&self, map: usize) -> impl Iterator<Item = u32> {
        let mut next = map + 1;
        std::iter::from_fn(move || {
            let key = next;
            let value = self.nodes.get(key + 1)?;
            next = key + 1 + value.extent();
            Some(offset(key - map))
        })
    }

    fn key(&self, map: usize, distance: u32) -> &str {
        self.nodes
            .get(map + distance as usize)
            .map_or("", |raw| self.string(*raw))
    }

    fn shadow(&mut self, map: usize, distance: u32) {
        if let Some(key) = self.nodes.get_mut(map + distance as usize) {
            key.flags |= OVERRIDDEN_KEY;
        }
    }

    /// Marks repeated keys of a short map, comparing every key with every other.
    #[inline(never)]
    fn override_repeated(&mut self, map: usize) {
        // The distance and the hash of each key.
        let mut keys = [(0, 0); INDEX_FROM];
        let mut count = 0;
        for (slot, distance) in keys.iter_mut().zip(self.keys(map)) {
            *slot = (
                distance,
                self.nodes
                    .get(map + distance as usize)
                    .map_or(0, |raw| raw.hash),
            );
            count += 1;
        }
        let mut left = keys.get(..count).unwrap_or_default();
        while let [(key, hash), later @ ..] = left {
            let same = |other: &&(u32, u16)| other.1 == *hash;
            if later
                .iter()
                .filter(same)
                .any(|other| self.key(map, other.0) == self.key(map, *key))
            {
                self.shadow(map, *key);
            }
            left = later;
        }
    }

    #[inline(never)]
    fn index_keys(&mut self, map: usize, count: usize) -> u32 {
        let mut keys: Index = Vec::with_capacity(count);
        keys.extend(self.keys(map));
        keys.sort_by(|a, b| self.key(map, *a).cmp(self.key(map, *b)).then(b.cmp(a)));
        // The sort is stable and reversed, so of equal keys the last of the text comes first.
        let mut shadowed = Vec::new();
        keys.dedup_by(|later, kept| {
            let repeated = self.key(map, *later) == self.key(map, *kept);
            if repeated {
                shadowed.push(*later);
            }
            repeated
        });
        for key in shadowed {
            self.shadow(map, key);
        }
        self.keep(keys)
    }

    #[inline(never)]
    fn index_elements(&mut self, list: usize, count: usize) -> u32 {
        let mut elements: Index = Vec::with_capacity(count);
        let mut next = list + 1;
        while let Some(raw) = self.nodes.get(next) {
            elements.push(offset(next - list));
            next += raw.extent();
        }
        self.keep(elements)
    }

    fn keep(&mut self, index: Index) -> u32 {
        self.indexes.push(index);
        offset(self.indexes.len() - 1)
    }

    /// Replaces each merge entry by the entries of the maps that it names, and returns the number
    /// of keys. As in Go's reader, the position of a merge decides: it overrides the keys above it
    /// and is overridden by the keys below; of a list of maps, the first wins.
    #[inline(never)]
    fn resolve_merges(&mut self, map: usize) -> Result<u32, ParseError> {
        let at = self.nodes.get(map).map_or(0, |raw| raw.at as usize);
        let inside = map + 1;
        self.expand(at, self.nodes.len().saturating_sub(inside))?;
        let old = self.nodes.split_off(inside.min(self.nodes.len()));
        let mut children = 0_u32;
        let mut next = 0;
        while let (Some(key), Some(value)) = (old.get(next), old.get(next + 1)) {
            let end = next + 1 + value.extent();
            let value_nodes = old.get(next + 1..end).unwrap_or_default();
            if key.is(MERGE) {
                for map in merged_maps(key.at as usize, value_nodes)? {
                    self.expand(at, map.len())?;
                    children = children.saturating_add(self.append_entries(map));
                }
            } else {
                self.nodes.push(*key);
                self.nodes.extend_from_slice(value_nodes);
                children = children.saturating_add(1);
            }
            if self.nodes.len() > self.node_limit {
                return Err(self.too_many(at));
            }
            next = end;
        }
        Ok(children)
    }

    /// Appends the entries of a map that is given with its own node, and returns their number.
    fn append_entries(&mut self, map: &[Raw]) -> u32 {
        let (mut next, mut count) = (1, 0);
        while let (Some(key), Some(value)) = (map.get(next), map.get(next + 1)) {
            let end = next + 1 + value.extent();
            if !key.is(OVERRIDDEN_KEY) {
                self.nodes
                    .extend_from_slice(map.get(next..end).unwrap_or_default());
                count += 1;
            }
            next = end;
        }
        count
    }
}

/// The maps that a merge key names, each before those that it overrides.
fn merged_maps(at: usize, value: &[Raw]) -> Result<Vec<&[Raw]>, ParseError> {
    let wrong = || {
        ParseError::new(
            at,
            "the merge key `<<` needs a map or a list of maps as its value",
        )
    };
    let root = value.first().ok_or_else(wrong)?;
    let mut maps = Vec::new();
    match root.kind {
        Kind::Map => maps.push(value),
        Kind::List => {
            let mut next = 1;
            while let Some(element) = value.get(next) {
                if element.kind != Kind::Map {
                    return Err(wrong());
                }
                maps.push(value.get(next..next + element.extent()).unwrap_or_default());
                next += element.extent();
            }
            maps.reverse();
        }
        _ => return Err(wrong()),
    }
    Ok(maps)
}

/// Converts an offset of the text or the tape to its stored form. The limits keep it in range.
#[inline]
#[expect(
    clippy::cast_possible_truncation,
    reason = "a text has at most 2^30 bytes, a tape 2^28 nodes"
)]
fn offset(value: usize) -> u32 {
    value as u32
}

/// Converts an offset of the buffer of owned strings. One out of range reads as an empty string.
fn owned_offset(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
