//! Hash joins over one object: the work becomes proportional to the two lists instead of their
//! product.
//!
//! Short lists are cheaper to iterate than to index, so a join starts as nested loops. Once those
//! have taken `HashIndex::threshold_steps`, the elements of the build side are sorted by the hash of
//! their key, and each probe finds its matches by binary search. The hash function has a random
//! secret: no object can be written whose keys all collide.

use super::{
    build_side::{BuildSide, BuildSideId, MAX_CHAIN_BINDERS},
    clause_stages::LoopSource,
    evaluator::Evaluator,
    hash_index::{HashIndex, IndexState, MAX_INDEX_ROWS, Row},
    join_plan::SemiJoin,
    observer::ConditionObserver,
    value::{LoopState, Value},
};
use kubevet_ir::TermId;
use std::mem;

/// The parent of rows of the outermost binder.
const NO_PARENT: u32 = u32::MAX;

impl<O: ConditionObserver> Evaluator<'_, O> {
    /// Moves the binders of a loop to each of its elements until `visit` returns true; returns
    /// whether it did.
    #[inline]
    pub(super) fn iterate(
        &mut self,
        source: LoopSource,
        visit: &mut dyn FnMut(&mut Self) -> bool,
    ) -> bool {
        match source {
            LoopSource::Each(binder) => self.each(binder, visit),
            LoopSource::Match(build_side, probe) => self.each_match(build_side, probe, visit),
        }
    }

    fn each_match(
        &mut self,
        id: BuildSideId,
        probe: TermId,
        visit: &mut dyn FnMut(&mut Self) -> bool,
    ) -> bool {
        let tables = self.context.tables;
        let Some(build_side) = tables.joins.build_side(id) else {
            return false;
        };
        if self.has_index(id, build_side) {
            return self.probe_index(id, build_side, probe, visit);
        }
        let steps_before = self.budget.steps();
        let is_ended = self.each_of_chain(build_side, 0, visit);
        self.add_loop_steps(id, steps_before);
        is_ended
    }

    /// Decides a `Condition::Any` by the index of its join; `None` if there is no index yet.
    pub(super) fn any_by_index(&mut self, join: &SemiJoin) -> Option<bool> {
        let tables = self.context.tables;
        let build_side = tables.joins.build_side(join.build_side)?;
        if !self.has_index(join.build_side, build_side) {
            return None;
        }
        if !join.before.iter().all(|condition| self.holds(*condition)) {
            return Some(false);
        }
        let states = self.chain_states(build_side);
        let holds = self.probe_index(join.build_side, build_side, join.probe, &mut |evaluator| {
            let mut residual = join.residual.iter();
            residual.all(|condition| evaluator.holds(*condition))
        });
        self.restore_chain(build_side, &states);
        Some(holds)
    }

    /// Adds the steps of a loop that an index would have saved.
    pub(super) fn add_loop_steps(&mut self, id: BuildSideId, steps_before: u64) {
        let steps = self.budget.steps().saturating_sub(steps_before);
        if let Some(index) = self.scratch.indexes.get_mut(id.index())
            && let IndexState::Looped(looped) = &mut index.state
        {
            *looped = looped.saturating_add(steps);
        }
    }

    /// Iterates the build side as nested loops with their filters. The join's equality is decided
    /// by `visit`.
    fn each_of_chain(
        &mut self,
        build_side: &BuildSide,
        depth: usize,
        visit: &mut dyn FnMut(&mut Self) -> bool,
    ) -> bool {
        let Some(link) = build_side.chain.get(depth) else {
            return visit(self);
        };
        self.each(link.binder, &mut |evaluator| {
            if link.filters.iter().all(|filter| evaluator.holds(*filter)) {
                evaluator.each_of_chain(build_side, depth + 1, visit)
            } else {
                evaluator.aborted().is_some()
            }
        })
    }

    /// Iterates the elements of the index whose key has the hash of the probe key.
    fn probe_index(
        &mut self,
        id: BuildSideId,
        build_side: &BuildSide,
        probe: TermId,
        visit: &mut dyn FnMut(&mut Self) -> bool,
    ) -> bool {
        let value = self.term(probe);
        if value == Value::Undefined {
            return false;
        }
        // The index is moved out of the scratch memory, because `visit` borrows the evaluator. No
        // evaluation inside `visit` uses this index: its binders are bound already.
        let Some(index) = self.scratch.indexes.get_mut(id.index()).map(mem::take) else {
            return false;
        };
        let hash = self.hash(value);
        self.charge(1 + binary_search_steps(index.entries.len()));
        let start = index
            .entries
            .partition_point(|(entry_hash, _)| Some(*entry_hash) < hash);
        let matches = index
            .entries
            .get(start..)
            .unwrap_or_default()
            .iter()
            .take_while(|(entry_hash, _)| Some(*entry_hash) == hash);
        let mut is_ended = false;
        for (_, row) in matches {
            if !self.bind_row(build_side, &index.rows, *row) || visit(self) {
                is_ended = true;
                break;
            }
        }
        if let Some(slot) = self.scratch.indexes.get_mut(id.index()) {
            *slot = index;
        }
        is_ended
    }

    /// Returns true if the index is valid for the present elements of the outer binders. Builds it
    /// once loops have cost enough.
    fn has_index(&mut self, id: BuildSideId, build_side: &BuildSide) -> bool {
        // The elements in the index depend on the outer binders. A binder that moves gets a version
        // above all others, so the greatest one identifies the elements of all outer binders.
        let version = build_side
            .outer
            .iter()
            .map(|binder| self.loop_state(*binder).version)
            .max()
            .unwrap_or(0);
        let is_immediate = self.observer.has_immediate_hash_joins();
        let Some(index) = self.scratch.indexes.get_mut(id.index()) else {
            return false;
        };
        if index.state == IndexState::Unused || index.version != version {
            (index.state, index.version) = (IndexState::Looped(0), version);
        }
        match index.state {
            IndexState::Built => true,
            IndexState::Looped(steps) if is_immediate || steps >= index.threshold_steps() => {
                self.build_index(id, build_side)
            }
            IndexState::Looped(_) | IndexState::TooLarge | IndexState::Unused => false,
        }
    }

    /// Builds the index; returns false if it would be too large.
    fn build_index(&mut self, id: BuildSideId, build_side: &BuildSide) -> bool {
        let Some(mut index) = self.scratch.indexes.get_mut(id.index()).map(mem::take) else {
            return false;
        };
        index.rows.clear();
        index.entries.clear();
        let states = self.chain_states(build_side);
        let is_whole =
            !self.collect_rows(build_side, 0, NO_PARENT, &mut index) && self.aborted().is_none();
        self.restore_chain(build_side, &states);
        if is_whole {
            // Comparing two numbers while sorting is far less work than a step.
            let entries = index.entries.len();
            self.charge(entries as u64 * binary_search_steps(entries) / 8);
            index.entries.sort_unstable();
        }
        index.state = if is_whole {
            IndexState::Built
        } else {
            IndexState::TooLarge
        };
        if let Some(slot) = self.scratch.indexes.get_mut(id.index()) {
            *slot = index;
        }
        is_whole
    }

    /// Adds the elements of the chain from `depth` on; returns true if they are too many or a limit
    /// was exceeded.
    fn collect_rows(
        &mut self,
        build_side: &BuildSide,
        depth: usize,
        parent: u32,
        index: &mut HashIndex,
    ) -> bool {
        let Some(link) = build_side.chain.get(depth) else {
            return false;
        };
        self.each(link.binder, &mut |evaluator| {
            if !link.filters.iter().all(|filter| evaluator.holds(*filter)) {
                return evaluator.aborted().is_some();
            }
            let row = u32::try_from(index.rows.len()).ok();
            let Some(row) = row.filter(|_| index.rows.len() < MAX_INDEX_ROWS) else {
                return true;
            };
            index.rows.push(Row {
                state: evaluator.loop_state(link.binder),
                parent,
            });
            if depth + 1 < build_side.chain.len() {
                return evaluator.collect_rows(build_side, depth + 1, row, index);
            }
            let key = evaluator.term(build_side.key);
            match evaluator.hash(key) {
                Some(hash) => index.entries.push((hash, row)),
                // No probe can find an element whose key is undefined.
                None => drop(index.rows.pop()),
            }
            evaluator.aborted().is_some()
        })
    }

    /// Moves the binders of a chain to a row and the rows above it; returns false once a limit is
    /// exceeded.
    fn bind_row(&mut self, build_side: &BuildSide, rows: &[Row], innermost: u32) -> bool {
        let mut number = innermost;
        for link in build_side.chain.iter().rev() {
            let Some(row) = rows.get(number as usize) else {
                return false;
            };
            if !self.bind(link.binder, row.state) {
                return false;
            }
            number = row.parent;
        }
        true
    }

    fn chain_states(&self, build_side: &BuildSide) -> [LoopState; MAX_CHAIN_BINDERS] {
        let mut states = [LoopState::UNBOUND; MAX_CHAIN_BINDERS];
        for (slot, link) in states.iter_mut().zip(&build_side.chain) {
            *slot = self.loop_state(link.binder);
        }
        states
    }

    fn restore_chain(&mut self, build_side: &BuildSide, states: &[LoopState; MAX_CHAIN_BINDERS]) {
        for (link, state) in build_side.chain.iter().zip(states) {
            self.restore_loop(link.binder, *state);
        }
    }
}

/// The steps of a binary search: the logarithm of the number of entries.
fn binary_search_steps(entries: usize) -> u64 {
    u64::from(entries.checked_ilog2().unwrap_or(0))
}
