//! Which terms, conditions and loops depend on params alone, whatever the object is.

use kubevet_ir::{BinderId, Domain, NodeId, Program, Term, TermId};
use std::collections::BTreeSet;

/// True if a node reads nothing but literals, params and, if one is given, the element of a binder.
pub(crate) fn depends_on_params_alone(
    program: &Program,
    node: NodeId,
    binder: Option<BinderId>,
) -> bool {
    let (mut pending, mut seen) = (vec![node], BTreeSet::new());
    while let Some(node) = pending.pop() {
        if !seen.insert(node) {
            continue;
        }
        match node {
            NodeId::Binder(other) if Some(other) == binder => {}
            NodeId::Binder(_) => return false,
            NodeId::Condition(condition) => {
                let condition = program.condition(condition);
                condition.for_each_child(|child| pending.push(child));
            }
            NodeId::Term(term) => {
                let term = program.term(term);
                if reads_object(term) {
                    return false;
                }
                term.for_each_child(|child| pending.push(child));
            }
        }
    }
    true
}

/// True if the term itself reads the object or the request, whatever its operands read.
fn reads_object(term: &Term) -> bool {
    match term {
        Term::Undefined
        | Term::Const(_)
        | Term::Param(_)
        | Term::Key(_)
        | Term::Value(_)
        | Term::Field(..)
        | Term::Index(..)
        | Term::Guard(..)
        | Term::Coalesce(_)
        | Term::Count(_)
        | Term::Concat(_)
        | Term::AsList(_)
        | Term::AsMap(_) => false,
        // A function without arguments is one of the object.
        Term::Call(_, arguments) => arguments.is_empty(),
        _ => true,
    }
}

/// Returns the param that a domain iterates.
pub(super) fn iterated_param(program: &Program, domain: &Domain) -> Option<TermId> {
    match domain {
        Domain::Elements(list) | Domain::List(list)
            if matches!(program.term(*list), Term::Param(_)) =>
        {
            Some(*list)
        }
        _ => None,
    }
}
