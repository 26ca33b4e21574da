//! The memory of an evaluation. It is reused from object to object, so an object that passes
//! allocates nothing.

use super::{
    budget::MAX_SCRATCH_BYTES,
    hash_index::HashIndex,
    judged_lists::JudgedLists,
    side_tables::SideTables,
    value::{LoopState, PackedValue},
};
use kubevet_ir::BinderId;
use std::hash::RandomState;

/// The buffer is recycled when it holds more bytes than this. The threshold doubles with each
/// recycling up to [`MAX_RECYCLE_ABOVE_BYTES`]: strings of outer elements are computed again after
/// each, however long they are, and doubling keeps that work linear.
pub(super) const RECYCLE_ABOVE_BYTES: usize = 64 << 10;
pub(super) const MAX_RECYCLE_ABOVE_BYTES: usize = MAX_SCRATCH_BYTES / 2;

/// Memos, loop states and computed strings.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    /// The memos of terms, each with the version at which it was computed. By
    /// [`kubevet_ir::TermId::index`].
    pub(super) terms: Vec<(u32, PackedValue)>,
    /// The memos of conditions, likewise.
    pub(super) conditions: Vec<(u32, bool)>,
    /// The element of each binder.
    pub(super) loops: Vec<LoopState>,
    /// The version of each binder's element again, close together for memos; the first is 0, and
    /// that of binder 0 comes after it.
    pub(super) versions: Vec<u32>,
    /// Computed strings, one after the other. [`Value::Scratch`] names ranges of it.
    pub(super) strings: String,
    /// The hash indexes of joins, by lookup.
    pub(super) indexes: Vec<HashIndex>,
    /// The secret of the hash function of join keys: no object can be written whose keys collide.
    pub(super) hasher: RandomState,
    /// The results of the checks of a loop plan.
    pub(super) holds: Vec<bool>,
    /// The clauses that need no further check, by number: they fire, or the params rule them out.
    pub(super) closed: Vec<bool>,
    /// The clauses that fire, by number.
    pub(super) fired: Vec<u32>,
    /// The controls that judged the object, by index.
    pub(super) judged: Vec<usize>,
    /// The ids of the controls that judged earlier objects.
    pub(super) judged_lists: JudgedLists,
    /// The version of the last move or invalidation. It only grows while memos are kept, so a memo
    /// of an earlier object is never current.
    clock: u32,
}

impl Scratch {
    /// Makes the memory fit a program. Memos are not cleared: their versions are out of date.
    pub(super) fn prepare(&mut self, tables: &SideTables) {
        let (terms, conditions, binders) = tables.sizes;
        self.strings.clear();
        // Above half of its range the clock is reset between objects, so that it cannot wrap within
        // one: an object takes at most 200 million steps, and each tick is a step.
        let is_of_other_program = self.terms.len() != terms || self.conditions.len() != conditions;
        if self.clock > u32::MAX / 2 || is_of_other_program {
            *self = Self::default();
            self.terms.resize(terms, (0, PackedValue::UNDEFINED));
            self.conditions.resize(conditions, (0, false));
        }
        if self.indexes.len() != tables.joins.build_side_count() {
            self.indexes
                .resize_with(tables.joins.build_side_count(), HashIndex::default);
        }
        self.indexes.iter_mut().for_each(HashIndex::clear);
        self.loops.clear();
        self.loops.resize(binders, LoopState::UNBOUND);
        self.versions.clear();
        self.versions.resize(binders + 1, 0);
    }

    /// Sets the element of a binder.
    #[inline]
    pub(super) fn set_loop(&mut self, binder: BinderId, state: LoopState) {
        if let Some(slot) = self.loops.get_mut(binder.index()) {
            *slot = state;
        }
        if let Some(slot) = self.versions.get_mut(binder.index() + 1) {
            *slot = state.version;
        }
    }

    /// Returns a new version, later than all before.
    pub(super) fn tick(&mut self) -> u32 {
        self.clock += 1;
        self.clock
    }

    /// Gives back the memory that a large object took.
    pub(super) fn shrink(&mut self) {
        self.indexes.iter_mut().for_each(HashIndex::clear);
        self.strings.clear();
        self.strings.shrink_to(RECYCLE_ABOVE_BYTES);
    }
}
