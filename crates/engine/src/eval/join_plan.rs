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

use super::clause_stages::stages_of_clause;
use kubevet_ir::{BinderId, Comparison, CompiledControl, Condition, ConditionId, Program, TermId};
use std::collections::{BTreeSet, VecDeque};

/// The most paths into nested `Any` that are searched for the join of one.
const MAX_SEARCHED_PATHS: usize = 64;
/// The most binders of a build side.
pub(super) const MAX_CHAIN_BINDERS: usize = 4;

/// The number of a [`BuildSide`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct BuildSideId(u32);

impl BuildSideId {
    /// The index in tables over all build sides.
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

/// The elements of nested loops, indexed by the value of a term. Equal build sides are one and
/// share an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BuildSide {
    /// The loops, outermost first.
    pub(super) chain: Box<[ChainLink]>,
    /// The build key. Elements for which it is undefined are left out: an undefined value equals
    /// nothing.
    pub(super) key: TermId,
    /// The binders outside the chain on which domains, filters or key depend. An index is valid
    /// until one of them moves.
    pub(super) outer: Box<[BinderId]>,
}

/// One loop of a build side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ChainLink {
    pub(super) binder: BinderId,
    /// The conditions under which an element is in the index.
    pub(super) filters: Box<[ConditionId]>,
}

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

/// The joins of a program.
#[derive(Debug, Default)]
pub(super) struct JoinPlan {
    build_sides: Vec<BuildSide>,
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
                .map(|clause| stages_of_clause(program, clause, &mut plan))
                .collect();
            plan.stages.push(stages);
        }
        plan
    }

    pub(super) fn build_side_count(&self) -> usize {
        self.build_sides.len()
    }

    pub(super) fn build_side(&self, id: BuildSideId) -> Option<&BuildSide> {
        self.build_sides.get(id.index())
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

    /// Returns the id of a build side; equal ones have one id.
    pub(super) fn intern(&mut self, build_side: BuildSide) -> BuildSideId {
        let known = self
            .build_sides
            .iter()
            .position(|known| *known == build_side);
        let index = known.unwrap_or_else(|| {
            self.build_sides.push(build_side);
            self.build_sides.len() - 1
        });
        BuildSideId(u32::try_from(index).unwrap_or(u32::MAX))
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
        let mut queue = VecDeque::from([(vec![binder], conjuncts(program, body))]);
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
                    conditions.splice(index..=index, conjuncts(program, *body));
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
            build_side: self.intern(build_side),
            probe,
            before: before.into(),
            residual: residual.into(),
        }
    }
}

/// Returns the build side of a chain, and those of the conditions that are not among its filters. A
/// condition is a filter of the innermost binder that it uses, if it depends on nothing but the
/// chain and what the index depends on anyway.
pub(super) fn plan_build_side(
    program: &Program,
    chain: &[BinderId],
    conditions: &[ConditionId],
    key: TermId,
) -> (BuildSide, Vec<ConditionId>) {
    let outer = outer_binders(program, chain, key);
    let mut filters = vec![Vec::new(); chain.len()];
    let mut residual = Vec::new();
    for condition in conditions {
        let free = program.free_binders_of_condition(*condition);
        let is_of_build_side = free
            .iter()
            .all(|binder| chain.contains(binder) || outer.contains(binder));
        let level = chain.iter().rposition(|binder| free.contains(binder));
        match level.and_then(|level| filters.get_mut(level)) {
            Some(filters) if is_of_build_side => filters.push(*condition),
            _ => residual.push(*condition),
        }
    }
    let links = chain
        .iter()
        .zip(filters)
        .map(|(binder, filters)| ChainLink {
            binder: *binder,
            filters: filters.into(),
        });
    let build_side = BuildSide {
        chain: links.collect(),
        key,
        outer: outer.into(),
    };
    (build_side, residual)
}

/// Returns the binders outside a chain on which its domains and the build key depend.
fn outer_binders(program: &Program, chain: &[BinderId], key: TermId) -> Vec<BinderId> {
    let domains = chain
        .iter()
        .flat_map(|binder| program.free_binders_of_domain(&program.binder(*binder).domain));
    let free: BTreeSet<BinderId> = domains
        .chain(program.free_binders_of_term(key))
        .copied()
        .collect();
    let is_outside = |binder: &BinderId| !chain.contains(binder);
    free.into_iter().filter(is_outside).collect()
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

/// Returns the operands of a conjunction, or the condition itself.
fn conjuncts(program: &Program, condition: ConditionId) -> Vec<ConditionId> {
    match program.condition(condition) {
        Condition::And(conditions) => conditions.to_vec(),
        _ => vec![condition],
    }
}
