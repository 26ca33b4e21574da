//! Bodies of rules that can find nothing under params that are written into the policy: they are not printed, since the
//! API server would compile and price them for nothing. A control whose bodies are all left out finds nothing.

use super::{ParamsFrom, Target};
use kubevet_ir::{
    BinderId, Clause, Comparison, CompiledControl, Condition, Const, Domain, Program, Term,
};
use kubevet_policy::{ParamValue, Params};

/// The control with the bodies that can find something.
pub(super) fn narrow(
    program: &Program,
    compiled: &CompiledControl,
    target: &Target<'_>,
) -> CompiledControl {
    let mut narrowed = compiled.clone();
    if let ParamsFrom::Written(params) = target.params {
        narrowed
            .clauses
            .retain(|deny| can_find(program, deny, params));
    }
    narrowed
}

fn can_find(program: &Program, deny: &Clause, params: &Params) -> bool {
    deny.binders
        .iter()
        .all(|binder| match items(program, *binder, params) {
            Some(items) => items.iter().any(|item| {
                deny.when
                    .iter()
                    .all(|it| may_hold(program.condition(*it), program, *binder, item))
            }),
            None => true,
        })
}

/// The texts that a binder goes over, where it goes over a param.
fn items<'p>(program: &Program, binder: BinderId, params: &'p Params) -> Option<&'p [String]> {
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

/// False where a condition compares the element itself with a text and that says no.
fn may_hold(cond: &Condition, program: &Program, binder: BinderId, item: &str) -> bool {
    let Condition::Compare(comparison, element, text) = cond else {
        return true;
    };
    match (program.term(*element), program.term(*text), comparison) {
        (Term::Value(of), Term::Const(Const::String(text)), Comparison::Equal) if *of == binder => {
            item == text.as_ref()
        }
        (Term::Value(of), Term::Const(Const::String(text)), Comparison::NotEqual)
            if *of == binder =>
        {
            item != text.as_ref()
        }
        _ => true,
    }
}
