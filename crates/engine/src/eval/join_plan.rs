//! The equality joins of a program, found once when rules are compiled.
//!
//! A rule that iterates `volume × container × mount` under `mount.name == volume.name` is a join:
//! the mounts can be found by their name, so the work is in proportion to volumes plus mounts
//! instead of their product. A join has two sides. The build side is a chain of nested loops whose
//! elements are put into an index by the value of a term, the build key. The probe side gives the
//! value to look up, the probe key.
//!
//! A join only says where to look. The equality remains among the conditions and is decided for
//! each element that was found, so an index may find too many elements, never too few. Nothing here
//! sees an object.

use super::{
    build_side::{
        BuildSide, BuildSideId, BuildSides, MAX_CHAIN_BINDERS, outer_binders, plan_build_side,
    },
    clause_stages::{Stage, stages_of_clause},
};
use kubevet_ir::{BinderId, Comparison, CompiledControl, Condition, ConditionId, Program, TermId};
use std::collections::VecDeque;

/// The most paths into nested `Any` that are searched for the join of one.
const MAX_SEARCHED_PATHS: usize = 64;

/// A `Condition::Any` that an index can decide.
#[derive(Debug, Clone)]
pub(super) struct SemiJoin {
    pub(super) build_side: BuildSideId,
    /// The probe key.
    pub(super) probe: TermId,
    /// The conditions without a binder of the chain. They are decided once, before the lookup.
    pub(super) before: Box<[ConditionId]>,
    /// The conditions to decide for each element that was found, the equality among them.
    pub(super) residual: Box<[ConditionId]>,
}

/// The joins of a program.
#[derive(Debug, Default)]
pub(super) struct JoinPlan {
    build_sides: BuildSides,
    /// By index of the condition.
    semi_joins: Vec<Option<SemiJoin>>,
    /// The stages of each clause of each compiled control.
    stages: Vec<Vec<Vec<Stage>>>,
}

impl JoinPlan {
    pub(super) fn new(program: &Program, controls: &[CompiledControl]) -> Self {
        let mut plan = Self::default();
        for (_, condition) in program.conditions() {
            let semi_join = match condition {
                Condition::Any(binder, body) => plan.plan_semi_join(program, *binder, *body),
                _ => None,
            };
            plan.semi_joins.push(semi_join);
        }
        for control in controls {
            let clauses = control.clauses.iter();
            let stages = clauses
                .map(|clause| stages_of_clause(program, clause, &mut plan.build_sides))
                .collect();
            plan.stages.push(stages);
        }
        plan
    }

    pub(super) fn build_side_count(&self) -> usize {
        self.build_sides.count()
    }

    pub(super) fn build_side(&self, id: BuildSideId) -> Option<&BuildSide> {
        self.build_sides.get(id)
    }

    /// The join of a `Condition::Any`.
    #[inline]
    pub(super) fn of_any(&self, condition: ConditionId) -> Option<&SemiJoin> {
        self.semi_joins.get(condition.index())?.as_ref()
    }

    /// The stages of a clause, by the index of its control among the compiled ones and its index in
    /// the control.
    pub(super) fn stages(&self, control: usize, clause: usize) -> &[Stage] {
        self.stages
            .get(control)
            .and_then(|clauses| clauses.get(clause))
            .map_or(&[], Vec::as_slice)
    }

    /// Finds the join of an `Any`: a breadth-first search through the `Any`s directly inside it for
    /// an equality that a chain of them can be indexed by. The first one found has the shortest
    /// chain.
    fn plan_semi_join(
        &mut self,
        program: &Program,
        binder: BinderId,
        body: ConditionId,
    ) -> Option<SemiJoin> {
        // Each entry: the chain of binders, and the conjuncts that hold for its innermost elements.
        let mut queue = VecDeque::from([(vec![binder], program.conjuncts(body))]);
        for _ in 0..MAX_SEARCHED_PATHS {
            let (chain, conditions) = queue.pop_front()?;
            for condition in &conditions {
                if let Some((key, probe)) = join_keys(program, *condition, &chain) {
                    return Some(self.semi_join(program, &chain, &conditions, key, probe));
                }
            }
            for (index, condition) in conditions.iter().enumerate() {
                if let (Condition::Any(binder, body), true) = (
                    program.condition(*condition),
                    chain.len() < MAX_CHAIN_BINDERS,
                ) {
                    // `any b: (A and any c: B)` is `any b, c: (A and B)`: the inner body takes the
                    // place of the `Any`.
                    let mut conditions = conditions.clone();
                    conditions.splice(index..=index, program.conjuncts(*body));
                    let mut chain = chain.clone();
                    chain.push(*binder);
                    queue.push_back((chain, conditions));
                }
            }
        }
        None
    }

    fn semi_join(
        &mut self,
        program: &Program,
        chain: &[BinderId],
        conditions: &[ConditionId],
        key: TermId,
        probe: TermId,
    ) -> SemiJoin {
        let uses_chain = |condition: &ConditionId| {
            program
                .free_binders_of_condition(*condition)
                .iter()
                .any(|binder| chain.contains(binder))
        };
        let (of_chain, before): (Vec<ConditionId>, Vec<ConditionId>) =
            conditions.iter().copied().partition(uses_chain);
        let (build_side, residual) = plan_build_side(program, chain, &of_chain, key);
        SemiJoin {
            build_side: self.build_sides.intern(build_side),
            probe,
            before: before.into(),
            residual: residual.into(),
        }
    }
}

/// Returns the build and the probe key of an equality, if it can be one of a chain: the build key
/// uses the chain, the probe key does not, and the probe key moves while an index is valid.
/// Otherwise each probe would need an index of its own.
fn join_keys(
    program: &Program,
    condition: ConditionId,
    chain: &[BinderId],
) -> Option<(TermId, TermId)> {
    let Condition::Compare(Comparison::Equal, left, right) = program.condition(condition) else {
        return None;
    };
    let candidates = [(*left, *right), (*right, *left)];
    candidates.into_iter().find(|(key, probe)| {
        let outer = outer_binders(program, chain, *key);
        let free_in_key = program.free_binders_of_term(*key);
        let free_in_probe = program.free_binders_of_term(*probe);
        free_in_key.iter().any(|binder| chain.contains(binder))
            && !free_in_probe.iter().any(|binder| chain.contains(binder))
            && free_in_probe.iter().any(|binder| !outer.contains(binder))
    })
}
