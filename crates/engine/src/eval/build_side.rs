//! The build sides of joins: chains of nested loops whose elements an index finds by a key.
//!
//! The joins of `Any` conditions and those of clauses share them. Nothing here sees an object.

use kubevet_ir::{BinderId, ConditionId, Program, TermId};
use std::collections::BTreeSet;

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

/// The build sides of a program, by id.
#[derive(Debug, Default)]
pub(super) struct BuildSides {
    sides: Vec<BuildSide>,
}

impl BuildSides {
    pub(super) fn count(&self) -> usize {
        self.sides.len()
    }

    #[inline]
    pub(super) fn get(&self, id: BuildSideId) -> Option<&BuildSide> {
        self.sides.get(id.index())
    }

    /// Returns the id of a build side; equal ones have one id.
    pub(super) fn intern(&mut self, build_side: BuildSide) -> BuildSideId {
        let known = self.sides.iter().position(|known| *known == build_side);
        let index = known.unwrap_or_else(|| {
            self.sides.push(build_side);
            self.sides.len() - 1
        });
        BuildSideId(u32::try_from(index).unwrap_or(u32::MAX))
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
pub(super) fn outer_binders(program: &Program, chain: &[BinderId], key: TermId) -> Vec<BinderId> {
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
