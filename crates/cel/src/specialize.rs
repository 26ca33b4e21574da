//! Specialization by constant params: clauses that can find nothing under params that are literals
//! in the policy are pruned, since the API server would compile and price them for nothing. A
//! control all of whose clauses are pruned always passes.

use super::target::CelTarget;
use kubevet_ir::{
    BinderId, Clause, Comparison, CompiledControl, Condition, Const, Domain, Program, Term,
};
use kubevet_policy::{ParamValue, Params};

/// The control with the clauses that can find something.
pub(super) fn prune_by_constant_params(
    program: &Program,
    control: &CompiledControl,
    target: &CelTarget<'_>,
) -> CompiledControl {
    let mut pruned = control.clone();
    if let Some(params) = target.params.constants() {
        pruned
            .clauses
            .retain(|clause| can_find(program, clause, params));
    }
    pruned
}

/// True unless a loop over a param has no item that satisfies the conditions on the item alone.
fn can_find(program: &Program, clause: &Clause, params: &Params) -> bool {
    clause.binders.iter().all(|binder| {
        let Some(items) = param_items(program, *binder, params) else {
            return true;
        };
        items.iter().any(|item| {
            clause
                .when
                .iter()
                .all(|condition| may_hold(program, program.condition(*condition), *binder, item))
        })
    })
}

/// The items of the param that a binder iterates; `None` where it iterates something else.
fn param_items<'p>(
    program: &Program,
    binder: BinderId,
    params: &'p Params,
) -> Option<&'p [String]> {
    let (Domain::Elements(list) | Domain::List(list)) = program.binder(binder).domain else {
        return None;
    };
    let Term::Param(name) = program.term(list) else {
        return None;
    };
    match params.get(name) {
        Some(ParamValue::List(items)) => Some(items),
        Some(ParamValue::String(_)) => None,
        None => Some(&[]),
    }
}

/// False where a condition compares the element of the binder with a string, and the item decides
/// it as false.
fn may_hold(program: &Program, condition: &Condition, binder: BinderId, item: &str) -> bool {
    let Condition::Compare(comparison, element, other) = condition else {
        return true;
    };
    let (Term::Value(of), Term::Const(Const::String(other))) =
        (program.term(*element), program.term(*other))
    else {
        return true;
    };
    match comparison {
        _ if *of != binder => true,
        Comparison::Equal => item == other.as_ref(),
        Comparison::NotEqual => item != other.as_ref(),
        _ => true,
    }
}
