//! Indexes of one object: what makes a join cost in proportion to the object.
//!
//! Short loops are cheaper than an index, so a join is a loop until it has taken [`LOOP_STEPS`] steps; then its
//! elements are put in the order of their keys' hashes and found by binary search. The hash has a secret, so nobody can
//! write an object whose keys have one hash. An index holds no text, so it outlives the texts that are let go of. Of the
//! objects before, it keeps nothing but a little room.

use super::{
    evaluator::Evaluator,
    join_plan::{Join, Lookup, LookupId, MAX_CHAIN, Over},
    observer::ConditionObserver,
    value::{LoopState, Value},
};
use kubevet_ir::TermId;
use std::mem;

/// Steps that the loops of a join take before an index is made.
pub(crate) const LOOP_STEPS: u64 = 1024;
/// The most elements of an index; with more, the join remains a loop.
const MAX_ROWS: usize = 4 << 20;
/// Elements for which room is kept from object to object.
const KEPT_ROWS: usize = 256;
/// The outermost binder stands in no other.
const NO_PARENT: u32 = u32::MAX;

/// The index of a lookup, or how much it would be worth.
#[derive(Debug, Default)]
pub(super) struct Index {
    state: State,
    /// Where the outer binders stood.
    stamp: u32,
    rows: Vec<Row>,
    /// The hash of each element's key, and its row of the innermost binder; sorted.
    entries: Vec<(u64, u32)>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    /// Nothing is known of this object.
    #[default]
    Unused,
    /// Loops have taken so many steps.
    Looped(u64),
    Built,
    TooLarge,
}

/// Where one binder of the chain stands.
#[derive(Debug, Clone, Copy)]
struct Row {
    standing: LoopState,
    /// The row of the binder before it.
    parent: u32,
}

impl Index {
    /// Forgets the object before; room for a large one is given back.
    pub(super) fn clear(&mut self) {
        if self.state == State::Unused {
            return;
        }
        self.state = State::Unused;
        self.rows.clear();
        self.entries.clear();
        self.rows.shrink_to(KEPT_ROWS);
        self.entries.shrink_to(KEPT_ROWS);
    }
}

impl<W: ConditionObserver> Evaluator<'_, W> {
    /// Puts the binders of a loop on each element, until `found` says so.
    #[inline]
    pub(super) fn over(&mut self, over: Over, found: &mut dyn FnMut(&mut Self) -> bool) -> bool {
        match over {
            Over::Each(binder) => self.each(binder, found),
            Over::Match(lookup, probe) => self.each_match(lookup, probe, found),
        }
    }

    fn each_match(
        &mut self,
        id: LookupId,
        probe: TermId,
        found: &mut dyn FnMut(&mut Self) -> bool,
    ) -> bool {
        let tables = self.tables;
        let Some(lookup) = tables.joins.lookup(id) else {
            return false;
        };
        if self.is_built(id, lookup) {
            return self.each_found(id, lookup, probe, found);
        }
        let before = self.steps();
        let ended = self.each_nested(lookup, 0, found);
        self.add_looped(id, before);
        ended
    }

    /// A `Condition::Any` by its index; `None` where there is none yet.
    pub(super) fn any_by_index(&mut self, join: &Join) -> Option<bool> {
        let tables = self.tables;
        let lookup = tables.joins.lookup(join.lookup)?;
        if !self.is_built(join.lookup, lookup) {
            return None;
        }
        if !join.before.iter().all(|it| self.holds(*it)) {
            return Some(false);
        }
        let before = self.standings(lookup);
        let any = self.each_found(join.lookup, lookup, join.probe, &mut |evaluator| {
            join.rest.iter().all(|it| evaluator.holds(*it))
        });
        self.put_back(lookup, &before);
        Some(any)
    }

    /// The steps of a loop that an index would have saved.
    pub(super) fn add_looped(&mut self, id: LookupId, steps_before: u64) {
        let steps = self.steps().saturating_sub(steps_before);
        if let Some(index) = self.scratch.indexes.get_mut(id.index())
            && let State::Looped(looped) = &mut index.state
        {
            *looped = looped.saturating_add(steps);
        }
    }

    /// As nested loops, filters and all.
    fn each_nested(
        &mut self,
        lookup: &Lookup,
        depth: usize,
        found: &mut dyn FnMut(&mut Self) -> bool,
    ) -> bool {
        let Some(link) = lookup.chain.get(depth) else {
            return found(self);
        };
        self.each(link.binder, &mut |evaluator| {
            if link.filters.iter().all(|it| evaluator.holds(*it)) {
                evaluator.each_nested(lookup, depth + 1, found)
            } else {
                evaluator.stopped().is_some()
            }
        })
    }

    fn each_found(
        &mut self,
        id: LookupId,
        lookup: &Lookup,
        probe: TermId,
        found: &mut dyn FnMut(&mut Self) -> bool,
    ) -> bool {
        let value = self.term(probe);
        if value == Value::Undefined {
            return false;
        }
        // Out of its place meanwhile: nothing that is asked inside can change it.
        let Some(index) = self.scratch.indexes.get_mut(id.index()).map(mem::take) else {
            return false;
        };
        let hash = self.hash(value);
        self.charge(1 + log(index.entries.len()));
        let start = index.entries.partition_point(|(it, _)| Some(*it) < hash);
        let alike = index
            .entries
            .get(start..)
            .unwrap_or_default()
            .iter()
            .take_while(|(it, _)| Some(*it) == hash);
        let mut ended = false;
        for (_, row) in alike {
            if !self.stand_in(lookup, &index.rows, *row) || found(self) {
                ended = true;
                break;
            }
        }
        if let Some(slot) = self.scratch.indexes.get_mut(id.index()) {
            *slot = index;
        }
        ended
    }

    /// Whether the index holds where the outer binders stand now. It is made when it has become worth it.
    fn is_built(&mut self, id: LookupId, lookup: &Lookup) -> bool {
        let stamp = lookup
            .outer
            .iter()
            .map(|it| self.standing(*it).epoch)
            .max()
            .unwrap_or(0);
        let loop_steps = self.loop_steps();
        let Some(index) = self.scratch.indexes.get_mut(id.index()) else {
            return false;
        };
        if index.state == State::Unused || index.stamp != stamp {
            (index.state, index.stamp) = (State::Looped(0), stamp);
        }
        match index.state {
            State::Built => true,
            State::Looped(steps) if steps >= loop_steps => self.build(id, lookup),
            State::Looped(_) | State::TooLarge | State::Unused => false,
        }
    }

    fn build(&mut self, id: LookupId, lookup: &Lookup) -> bool {
        let Some(mut index) = self.scratch.indexes.get_mut(id.index()).map(mem::take) else {
            return false;
        };
        index.rows.clear();
        index.entries.clear();
        let before = self.standings(lookup);
        let whole = !self.gather(lookup, 0, NO_PARENT, &mut index) && self.stopped().is_none();
        self.put_back(lookup, &before);
        if whole {
            // To compare two numbers is far less than a step.
            self.charge(index.entries.len() as u64 * log(index.entries.len()) / 8);
            index.entries.sort_unstable();
        }
        index.state = if whole { State::Built } else { State::TooLarge };
        if let Some(slot) = self.scratch.indexes.get_mut(id.index()) {
            *slot = index;
        }
        whole
    }

    /// Adds all elements; whether they are too many.
    fn gather(&mut self, lookup: &Lookup, depth: usize, parent: u32, index: &mut Index) -> bool {
        let Some(link) = lookup.chain.get(depth) else {
            return false;
        };
        self.each(link.binder, &mut |evaluator| {
            if !link.filters.iter().all(|it| evaluator.holds(*it)) {
                return evaluator.stopped().is_some();
            }
            let Some(row) = u32::try_from(index.rows.len())
                .ok()
                .filter(|_| index.rows.len() < MAX_ROWS)
            else {
                return true;
            };
            index.rows.push(Row {
                standing: evaluator.standing(link.binder),
                parent,
            });
            if depth + 1 < lookup.chain.len() {
                return evaluator.gather(lookup, depth + 1, row, index);
            }
            let key = evaluator.term(lookup.key);
            match evaluator.hash(key) {
                Some(hash) => index.entries.push((hash, row)),
                None => drop(index.rows.pop()),
            }
            evaluator.stopped().is_some()
        })
    }

    /// Puts the binders where a row and those before it stand.
    fn stand_in(&mut self, lookup: &Lookup, rows: &[Row], row: u32) -> bool {
        let mut at = row;
        for link in lookup.chain.iter().rev() {
            let Some(row) = rows.get(at as usize) else {
                return false;
            };
            if !self.stand_at(link.binder, row.standing) {
                return false;
            }
            at = row.parent;
        }
        true
    }

    fn standings(&self, lookup: &Lookup) -> [LoopState; MAX_CHAIN] {
        let mut standings = [LoopState::UNBOUND; MAX_CHAIN];
        for (slot, link) in standings.iter_mut().zip(&lookup.chain) {
            *slot = self.standing(link.binder);
        }
        standings
    }

    fn put_back(&mut self, lookup: &Lookup, standings: &[LoopState; MAX_CHAIN]) {
        for (link, standing) in lookup.chain.iter().zip(standings) {
            if let Some(slot) = self.scratch.standing.get_mut(link.binder.index()) {
                *slot = *standing;
            }
        }
    }
}

/// Steps of a binary search over so many.
fn log(count: usize) -> u64 {
    u64::from(count.checked_ilog2().unwrap_or(0))
}
