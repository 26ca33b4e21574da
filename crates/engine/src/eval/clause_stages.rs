//! The loops of a clause, in the order in which they are evaluated: joins first, then what is left.
//!
//! The order may differ from the rule's, since findings are a set. Each condition is decided in the
//! outermost loop in which all of its binders are at an element.

use super::build_side::{BuildSideId, BuildSides, MAX_CHAIN_BINDERS, plan_build_side};
use kubevet_ir::{BinderId, Clause, Comparison, Condition, ConditionId, Program, TermId};
use std::collections::BTreeSet;

/// The elements that a loop of a clause iterates. The order of the variants is the order of loops
/// in a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum LoopSource {
    /// All elements of a binder's domain.
    Each(BinderId),
    /// The elements of a build side whose key equals the probe key.
    Match(BuildSideId, TermId),
}

/// One level of a clause: a loop (none at the first level), and the conditions that are decided in
/// it.
#[derive(Debug, Clone)]
pub(super) struct Stage {
    pub(super) source: Option<LoopSource>,
    pub(super) conditions: Box<[ConditionId]>,
}

/// Returns the stages of a clause. New build sides are added to `build_sides`.
pub(super) fn stages_of_clause(
    program: &Program,
    clause: &Clause,
    build_sides: &mut BuildSides,
) -> Vec<Stage> {
    let mut open = OpenClause {
        program,
        binders: clause.binders.clone(),
        conditions: clause.when.clone(),
    };
    let mut stages = vec![open.stage(None)];
    // Greedy: the join that needs the fewest loops comes next.
    while let Some(join) = open.cheapest_join() {
        for binder in join.probe_binders {
            stages.push(open.loop_over(binder));
        }
        let ready = open.ready(&join.chain);
        let (build_side, _) = plan_build_side(program, &join.chain, &ready, join.key);
        // The index contains only elements for which its filters hold: they are not tested again.
        let filters: BTreeSet<ConditionId> = build_side
            .chain
            .iter()
            .flat_map(|link| link.filters.iter().copied())
            .collect();
        open.conditions
            .retain(|condition| !filters.contains(condition));
        open.binders.retain(|binder| !join.chain.contains(binder));
        let source = LoopSource::Match(build_sides.intern(build_side), join.probe);
        stages.push(open.stage(Some(source)));
    }
    for binder in open.binders.clone() {
        stages.push(open.loop_over(binder));
    }
    stages
}

/// A clause of which a part has become stages.
struct OpenClause<'p> {
    program: &'p Program,
    /// The binders that are in no stage yet.
    binders: Vec<BinderId>,
    /// The conditions that are in no stage yet.
    conditions: Vec<ConditionId>,
}

/// A join of a clause.
struct ClauseJoin {
    /// The binders that the probe key needs: their loops come before the join.
    probe_binders: Vec<BinderId>,
    /// The binders of the build side.
    chain: Vec<BinderId>,
    key: TermId,
    probe: TermId,
}

impl OpenClause<'_> {
    /// Returns a stage with all conditions that can be decided now.
    fn stage(&mut self, source: Option<LoopSource>) -> Stage {
        let ready = self.ready(&[]);
        self.conditions
            .retain(|condition| !ready.contains(condition));
        Stage {
            source,
            conditions: ready.into(),
        }
    }

    fn loop_over(&mut self, binder: BinderId) -> Stage {
        self.binders.retain(|other| *other != binder);
        self.stage(Some(LoopSource::Each(binder)))
    }

    /// Returns the conditions that can be decided once these binders, beside those of the stages so
    /// far, are at an element.
    fn ready(&self, more: &[BinderId]) -> Vec<ConditionId> {
        let is_bound = |binder: &BinderId| !self.binders.contains(binder) || more.contains(binder);
        let is_ready = |condition: &ConditionId| {
            self.program
                .free_binders_of_condition(*condition)
                .iter()
                .all(is_bound)
        };
        self.conditions.iter().copied().filter(is_ready).collect()
    }

    fn cheapest_join(&self) -> Option<ClauseJoin> {
        let joins = self
            .conditions
            .iter()
            .filter_map(|condition| self.join_by(*condition));
        joins.min_by_key(|join| join.probe_binders.len() + join.chain.len())
    }

    /// Returns the join by an equality, if it is one.
    fn join_by(&self, condition: ConditionId) -> Option<ClauseJoin> {
        let Condition::Compare(Comparison::Equal, left, right) = self.program.condition(condition)
        else {
            return None;
        };
        // The position of a term's innermost open binder; `None` if it has none.
        let depth = |term: TermId| {
            let free = self.program.free_binders_of_term(term);
            self.binders
                .iter()
                .rposition(|binder| free.contains(binder))
        };
        // The side that is bound last is the build side, so that the conditions on the other are
        // decided before an index is built.
        let (key, probe) = if depth(*left) > depth(*right) {
            (*left, *right)
        } else {
            (*right, *left)
        };
        let free_in_key = self.program.free_binders_of_term(key);
        let free_in_probe = self.program.free_binders_of_term(probe);
        let open = |is_wanted: &dyn Fn(&BinderId) -> bool| {
            let binders = self.binders.iter().copied();
            binders.filter(is_wanted).collect::<Vec<_>>()
        };
        let probe_binders = open(&|binder| free_in_probe.contains(binder));
        let chain = open(&|binder| free_in_key.contains(binder) && !free_in_probe.contains(binder));
        let probe_moves_alone = free_in_probe
            .iter()
            .any(|binder| !free_in_key.contains(binder));
        let has_chain = (1..=MAX_CHAIN_BINDERS).contains(&chain.len());
        (depth(key) > depth(probe) && probe_moves_alone && has_chain).then_some(ClauseJoin {
            probe_binders,
            chain,
            key,
            probe,
        })
    }
}
