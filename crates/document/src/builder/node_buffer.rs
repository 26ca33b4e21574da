//! The nodes of a tape that is being written, and the strings that are not in its text. It bounds
//! the number of nodes, and knows no open list or map.

use crate::{
    outcome::ParseError,
    tape::{OWNED_STRING, Raw},
};

/// Nodes over a text.
#[derive(Debug)]
pub(super) struct NodeBuffer<'t> {
    pub(super) text: &'t str,
    pub(super) nodes: Vec<Raw>,
    /// The owned strings, one after another.
    pub(super) owned: String,
    limit: usize,
}

impl<'t> NodeBuffer<'t> {
    pub(super) fn new(text: &'t str, limit: usize) -> Self {
        Self {
            text,
            // JSON of Kubernetes has about one node in twelve bytes.
            nodes: Vec::with_capacity((text.len() / 10).min(limit).min(1 << 20) + 8),
            owned: String::new(),
            limit,
        }
    }

    #[inline]
    pub(super) fn push(&mut self, raw: Raw) -> Result<(), ParseError> {
        if self.nodes.len() >= self.limit {
            return Err(self.too_many(raw.at as usize));
        }
        self.nodes.push(raw);
        Ok(())
    }

    /// The error of a buffer that holds `extra` nodes more than it may, if it does.
    pub(super) fn check_room(&self, at: usize, extra: usize) -> Result<(), ParseError> {
        if self.nodes.len() + extra > self.limit {
            return Err(self.too_many(at));
        }
        Ok(())
    }

    pub(super) fn get(&self, node: usize) -> Option<Raw> {
        self.nodes.get(node).copied()
    }

    /// The nodes of a subtree.
    pub(super) fn subtree(&self, node: usize) -> &[Raw] {
        let extent = self.nodes.get(node).map_or(0, |raw| raw.extent());
        self.nodes.get(node..node + extent).unwrap_or_default()
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

    #[cold]
    fn too_many(&self, at: usize) -> ParseError {
        let message = format!(
            "the file holds more than {} values; split it, the rest is not read",
            self.limit
        );
        ParseError {
            at,
            message,
            last: true,
        }
    }
}

/// Converts an offset of the text or the tape to its stored form. The limits keep it in range.
#[inline]
#[expect(
    clippy::cast_possible_truncation,
    reason = "a text has at most 2^30 bytes, a tape 2^28 nodes"
)]
pub(super) fn offset(value: usize) -> u32 {
    value as u32
}
