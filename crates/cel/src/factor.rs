//! Factoring: several bodies of a rule as one condition. Loops over the same list are merged, and
//! conjuncts that bodies have in common are factored out: `a && b || a && c` becomes `a && (b ||
//! c)`.
//!
//! Boolean simplification follows from it: a rule that finds mounted and unmounted volumes alike,
//! `m || !m`, becomes the question whether there is a volume.

use kubevet_ir::{Clause, Condition, ConditionId, Program};

/// Conditions under each of which one of the clauses finds something; `[false]` where there is no
/// clause.
pub(super) fn alternatives(program: &mut Program, clauses: &[Clause]) -> Vec<ConditionId> {
    let bodies: Vec<ConditionId> = clauses.iter().map(|clause| body(program, clause)).collect();
    let whole = disjoin(program, bodies);
    match program.condition(whole) {
        Condition::Or(alternatives) => alternatives.to_vec(),
        _ => vec![whole],
    }
}

/// A clause finds something: its loops as nested existential quantifiers, each condition at the
/// outermost level at which its binders are in scope.
fn body(program: &mut Program, clause: &Clause) -> ConditionId {
    let mut inside: Option<ConditionId> = None;
    for (depth, mut conditions) in clause.levels(program).into_iter().enumerate().rev() {
        conditions.extend(inside);
        let all = program.and(conditions);
        // Level 0 is outside of all loops.
        let binder = depth
            .checked_sub(1)
            .and_then(|index| clause.binders.get(index));
        inside = Some(match binder {
            Some(binder) => program.any(*binder, all),
            None => all,
        });
    }
    inside.unwrap_or_else(|| program.always())
}

/// The disjunction, factored: each condition is merged with every later one that has something in
/// common with it.
fn disjoin(program: &mut Program, conditions: Vec<ConditionId>) -> ConditionId {
    let mut conditions: Vec<ConditionId> = conditions
        .into_iter()
        .flat_map(|condition| match program.condition(condition) {
            Condition::Or(parts) => parts.to_vec(),
            _ => vec![condition],
        })
        .collect();
    let mut index = 0;
    while let Some(first) = conditions.get(index).copied() {
        let mut later = conditions.iter().copied().enumerate().skip(index + 1);
        let merged =
            later.find_map(|(other, condition)| Some((other, merge(program, first, condition)?)));
        match merged {
            // The result may have something in common with another condition, so the same index is
            // tried again.
            Some((other, both)) => {
                conditions.remove(other);
                if let Some(slot) = conditions.get_mut(index) {
                    *slot = both;
                }
            }
            None => index += 1,
        }
    }
    // The excluded middle.
    let is_complement = |condition: &ConditionId| matches!(program.condition(*condition), Condition::Not(inner) if conditions.contains(inner));
    if conditions.iter().any(is_complement) {
        program.always()
    } else {
        program.or(conditions)
    }
}

/// One condition for the disjunction of two; `None` where they have nothing in common.
fn merge(program: &mut Program, a: ConditionId, b: ConditionId) -> Option<ConditionId> {
    if a == b {
        return Some(a);
    }
    // Existential quantification distributes over disjunction.
    if let (Condition::Any(of_a, inside_a), Condition::Any(of_b, inside_b)) =
        (program.condition(a), program.condition(b))
        && of_a == of_b
    {
        let (binder, inside_a, inside_b) = (*of_a, *inside_a, *inside_b);
        let both = disjoin(program, vec![inside_a, inside_b]);
        return Some(program.any(binder, both));
    }
    let (conjuncts_a, conjuncts_b) = (program.conjuncts(a), program.conjuncts(b));
    let (common, only_a): (Vec<ConditionId>, Vec<ConditionId>) = conjuncts_a
        .into_iter()
        .partition(|conjunct| conjuncts_b.contains(conjunct));
    if common.is_empty() {
        return None;
    }
    let only_b: Vec<ConditionId> = conjuncts_b
        .into_iter()
        .filter(|conjunct| !common.contains(conjunct))
        .collect();
    let (only_a, only_b) = (program.and(only_a), program.and(only_b));
    let different = disjoin(program, vec![only_a, only_b]);
    Some(program.and(common.into_iter().chain([different])))
}
