//! A list or map that is being read. Only `Builder` opens and closes one.

use crate::tape::Kind;

/// A list or map that is being read.
#[derive(Debug)]
pub(super) struct Frame {
    /// The index of its node on the tape.
    pub(super) node: u32,
    pub(super) children: u32,
    pub(super) kind: Kind,
    /// True if it has a YAML merge key.
    pub(super) merges: bool,
    /// True if a bit of `seen` was set twice: a key may be repeated.
    pub(super) may_repeat: bool,
    pub(super) seen: KeyFilter,
}

impl Frame {
    #[inline]
    pub(super) fn new(node: u32, kind: Kind) -> Self {
        Self {
            node,
            children: 0,
            kind,
            merges: false,
            may_repeat: false,
            seen: KeyFilter([0; 4]),
        }
    }
}

/// A Bloom filter of the keys of a map with one hash function and 256 bits. Most maps have no two
/// keys with one bit, and need no search for repeated keys.
#[derive(Debug)]
pub(super) struct KeyFilter([u64; 4]);

impl KeyFilter {
    /// Adds a key by its hash. True if a key with the same bit was added before.
    #[inline]
    pub(super) fn add(&mut self, hash: u16) -> bool {
        let bit = 1 << (hash >> 10);
        let Some(word) = self.0.get_mut(usize::from(hash & 3)) else {
            return true;
        };
        let before = *word;
        *word |= bit;
        before & bit != 0
    }

    /// The filter of 32 bits that [`may_contain`](crate::tape::Raw::may_contain) reads.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "both halves are in")]
    pub(super) fn bloom(&self) -> u32 {
        let all = self.0.iter().fold(0, |all, word| all | word);
        (all | all >> 32) as u32
    }
}
