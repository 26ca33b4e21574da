//! The bound on what YAML aliases and merge keys copy in one file: a few lines can name billions of
//! nodes.

use crate::outcome::ParseError;

/// The number of nodes that may still be copied or moved.
#[derive(Debug)]
pub(super) struct Expansion {
    left: usize,
    limit: usize,
}

impl Expansion {
    pub(super) fn new(limit: usize) -> Self {
        Self { left: limit, limit }
    }

    /// Counts nodes. The error has the position `at`.
    pub(super) fn add(&mut self, at: usize, nodes: usize) -> Result<(), ParseError> {
        let Some(left) = self.left.checked_sub(nodes) else {
            let limit = self.limit;
            let message = format!(
                "aliases and merge keys of the file add more than {limit} values; write them out"
            );
            return Err(ParseError::new(at, message));
        };
        self.left = left;
        Ok(())
    }
}
