//! Several bodies of a rule as one condition: loops over the same list become one, and what bodies have in common is
//! asked once. A rule that finds mounted and unmounted volumes alike asks no more than whether there is such a volume.

use kubevet_ir::{Clause, Condition, ConditionId, Program};

/// A condition for each way in which bodies find something; none where they find nothing.
pub(super) fn ways(program: &mut Program, clauses: &[Clause]) -> Vec<ConditionId> {
    let bodies: Vec<ConditionId> = clauses.iter().map(|it| body(program, it)).collect();
    let whole = either(program, bodies);
    match program.condition(whole) {
        Condition::Or(ways) => ways.to_vec(),
        _ => vec![whole],
    }
}

/// That a body finds something.
fn body(program: &mut Program, deny: &Clause) -> ConditionId {
    let mut inside: Option<ConditionId> = None;
    for (depth, mut conds) in deny.levels(program).into_iter().enumerate().rev() {
        conds.extend(inside);
        let all = program.and(conds);
        inside = Some(
            match depth.checked_sub(1).and_then(|it| deny.binders.get(it)) {
                Some(binder) => program.any(*binder, all),
                None => all,
            },
        );
    }
    inside.unwrap_or_else(|| program.always())
}

/// That one of these holds.
fn either(program: &mut Program, conds: Vec<ConditionId>) -> ConditionId {
    let each = conds
        .into_iter()
        .flat_map(|it| match program.condition(it) {
            Condition::Or(conds) => conds.to_vec(),
            _ => vec![it],
        });
    let mut conds: Vec<ConditionId> = each.collect();
    let mut at = 0;
    while let Some(first) = conds.get(at).copied() {
        let rest = conds.iter().skip(at + 1).copied().enumerate();
        let joined = rest
            .clone()
            .find_map(|(place, it)| Some((place, join(program, first, it)?)));
        match joined {
            Some((place, both)) => {
                conds.remove(at + 1 + place);
                if let Some(slot) = conds.get_mut(at) {
                    *slot = both;
                }
            }
            None => at += 1,
        }
    }
    let contrary = |it: &ConditionId| matches!(program.condition(*it), Condition::Not(inner) if conds.contains(inner));
    if conds.iter().any(contrary) {
        program.always()
    } else {
        program.or(conds)
    }
}

/// One condition for two, where they have something in common.
fn join(program: &mut Program, a: ConditionId, b: ConditionId) -> Option<ConditionId> {
    if a == b {
        return Some(a);
    }
    if let (Condition::Any(one, inside), Condition::Any(other, beside)) =
        (program.condition(a), program.condition(b))
        && one == other
    {
        let (binder, inside, beside) = (*one, *inside, *beside);
        let both = either(program, vec![inside, beside]);
        return Some(program.any(binder, both));
    }
    let (of_a, of_b) = (parts(program, a), parts(program, b));
    let (common, rest): (Vec<ConditionId>, Vec<ConditionId>) =
        of_a.into_iter().partition(|it| of_b.contains(it));
    if common.is_empty() {
        return None;
    }
    let beside: Vec<ConditionId> = of_b.into_iter().filter(|it| !common.contains(it)).collect();
    let (rest, beside) = (program.and(rest), program.and(beside));
    let differing = either(program, vec![rest, beside]);
    Some(program.and(common.into_iter().chain([differing])))
}

fn parts(program: &Program, cond: ConditionId) -> Vec<ConditionId> {
    match program.condition(cond) {
        Condition::And(conds) => conds.to_vec(),
        _ => vec![cond],
    }
}
