//! The hash index of a build side, as it is kept in the scratch memory.
//!
//! An index holds numbers only and no strings, so it stays valid when the scratch buffer is
//! recycled. `hash_join` fills it and looks keys up.

use super::value::LoopState;

/// The least and the most steps that the loops of a join take before an index is built. Between
/// them it is as many as the index before had rows: to build an index takes longer than that, and
/// the next elements of the outer binders may be probed less often.
const INDEX_THRESHOLD_STEPS: (u64, u64) = (64, 1024);
/// The most elements of an index. With more, the join stays a loop.
pub(super) const MAX_INDEX_ROWS: usize = 4 << 20;
/// The elements for which memory is kept from object to object.
const KEPT_INDEX_ROWS: usize = 256;

/// The index of a build side, or the steps that it would have saved so far.
#[derive(Debug, Default)]
pub(super) struct HashIndex {
    pub(super) state: IndexState,
    /// The version of the outer binders for which the state holds.
    pub(super) version: u32,
    pub(super) rows: Vec<Row>,
    /// The hash of each element's key and its row of the innermost binder, sorted.
    pub(super) entries: Vec<(u64, u32)>,
}

/// The state of an index, for the present elements of the outer binders.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum IndexState {
    /// The join was not reached in this object.
    #[default]
    Unused,
    /// Loops have taken this many steps.
    Looped(u64),
    Built,
    /// The build side has more than [`MAX_INDEX_ROWS`], or a limit was exceeded.
    TooLarge,
}

/// An element of one binder of a chain. Rows form a tree: each points to the element of the binder
/// around it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub(super) state: LoopState,
    /// The row of the binder before it in the chain.
    pub(super) parent: u32,
}

impl HashIndex {
    /// The steps that loops take before the index is built.
    pub(super) fn threshold_steps(&self) -> u64 {
        let (least, most) = INDEX_THRESHOLD_STEPS;
        (self.rows.len() as u64).clamp(least, most)
    }

    /// Forgets the last object and gives back the memory of a large one.
    pub(super) fn clear(&mut self) {
        if self.state == IndexState::Unused {
            return;
        }
        self.state = IndexState::Unused;
        self.rows.clear();
        self.entries.clear();
        self.rows.shrink_to(KEPT_INDEX_ROWS);
        self.entries.shrink_to(KEPT_INDEX_ROWS);
    }
}
