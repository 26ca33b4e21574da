//! Several bodies of a rule as one condition: loops over the same list become one, and what bodies have in common is
//! asked once. A rule that finds mounted and unmounted volumes alike asks no more than whether there is such a volume.

use kubevet_ir::{Cond, CondId, Deny, Program};

/// A condition for each way in which bodies find something; none where they find nothing.
pub(super) fn ways(program: &mut Program, denies: &[Deny]) -> Vec<CondId> {
    let bodies: Vec<CondId> = denies.iter().map(|it| body(program, it)).collect();
    let whole = either(program, bodies);
    match program.cond(whole) {
        Cond::Or(ways) => ways.to_vec(),
        _ => vec![whole],
    }
}

/// That a body finds something.
fn body(program: &mut Program, deny: &Deny) -> CondId {
    let mut inside: Option<CondId> = None;
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
fn either(program: &mut Program, conds: Vec<CondId>) -> CondId {
    let each = conds.into_iter().flat_map(|it| match program.cond(it) {
        Cond::Or(conds) => conds.to_vec(),
        _ => vec![it],
    });
    let mut conds: Vec<CondId> = each.collect();
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
    let contrary =
        |it: &CondId| matches!(program.cond(*it), Cond::Not(inner) if conds.contains(inner));
    if conds.iter().any(contrary) {
        program.always()
    } else {
        program.or(conds)
    }
}

/// One condition for two, where they have something in common.
fn join(program: &mut Program, a: CondId, b: CondId) -> Option<CondId> {
    if a == b {
        return Some(a);
    }
    if let (Cond::Any(one, inside), Cond::Any(other, beside)) = (program.cond(a), program.cond(b))
        && one == other
    {
        let (binder, inside, beside) = (*one, *inside, *beside);
        let both = either(program, vec![inside, beside]);
        return Some(program.any(binder, both));
    }
    let (of_a, of_b) = (parts(program, a), parts(program, b));
    let (common, rest): (Vec<CondId>, Vec<CondId>) =
        of_a.into_iter().partition(|it| of_b.contains(it));
    if common.is_empty() {
        return None;
    }
    let beside: Vec<CondId> = of_b.into_iter().filter(|it| !common.contains(it)).collect();
    let (rest, beside) = (program.and(rest), program.and(beside));
    let differing = either(program, vec![rest, beside]);
    Some(program.and(common.into_iter().chain([differing])))
}

fn parts(program: &Program, cond: CondId) -> Vec<CondId> {
    match program.cond(cond) {
        Cond::And(conds) => conds.to_vec(),
        _ => vec![cond],
    }
}
