//! Presence: a condition that proves a field to be there is the first of its conjunction, and the
//! others read the field without a test of their own: `has(e.value) && e.value.startsWith('x')`.
//!
//! Apart because only policies that people read are written so. A pack keeps the order in which
//! cheap conditions decide.

use super::{
    emitter::Emitter,
    expr::Expr,
    typed_expr::{Presence, TypedExpr},
    types::StaticType,
    unsupported::Unsupported,
};
use kubevet_ir::{BinderId, Condition, ConditionId, Descent, Program, TermId, Visitor, Walk};

/// A field that is read more rarely keeps its tests.
const MIN_READS: usize = 2;

impl Emitter<'_, '_> {
    /// The first condition that proves a string to be there that the others read, the string, and
    /// how it is read where it is there.
    pub(super) fn presence_test(
        &mut self,
        conditions: &[ConditionId],
    ) -> Result<Option<(ConditionId, TermId, TypedExpr)>, Unsupported> {
        if !self.context.tests_presence_once || conditions.len() < 2 {
            return Ok(None);
        }
        let program = self.context.program;
        for condition in conditions {
            for term in terms_tested(program, *condition) {
                let others = conditions.iter().filter(|other| *other != condition);
                if self.scope.named(term).is_some() || reads(program, others, term) < MIN_READS {
                    continue;
                }
                let value = self.term(term)?;
                let is_string = value.static_type == StaticType::String && !value.nullable;
                let Some(present) = value.present.clone() else {
                    continue;
                };
                if is_string && value.presence == Presence::Maybe {
                    let value = TypedExpr {
                        present: Some(present.clone()),
                        cel: present,
                        presence: Presence::Always,
                        ..value
                    };
                    return Ok(Some((*condition, term, value)));
                }
            }
        }
        Ok(None)
    }

    /// A condition, and the others under it, which read a term as it is where there is one.
    pub(super) fn under_presence(
        &mut self,
        (test, term, value): (ConditionId, TermId, TypedExpr),
        conditions: &[ConditionId],
    ) -> Result<Expr, Unsupported> {
        let others: Vec<ConditionId> = conditions
            .iter()
            .copied()
            .filter(|other| *other != test)
            .collect();
        let test = self.condition(test)?;
        self.scope.bind(term, value);
        let others = self.conditions(&others);
        self.scope.unbind(term);
        Ok(Expr::all([test, others?]))
    }
}

/// The terms that a short condition tests: it is false where one of them has no value.
fn terms_tested(program: &Program, condition: ConditionId) -> Vec<TermId> {
    match program.condition(condition) {
        Condition::Defined(term) | Condition::HasType(term, _) | Condition::OneOf(term, _) => {
            vec![*term]
        }
        Condition::Compare(_, left, right) => vec![*left, *right],
        _ => Vec::new(),
    }
}

/// How many tests and terms in conditions read a term directly.
fn reads<'c>(
    program: &Program,
    conditions: impl Iterator<Item = &'c ConditionId>,
    term: TermId,
) -> usize {
    let mut reads = Reads {
        program,
        term,
        count: 0,
    };
    let mut walk = Walk::once(program);
    for condition in conditions {
        walk.condition(*condition, &mut reads);
    }
    reads.count
}

struct Reads<'p> {
    program: &'p Program,
    term: TermId,
    count: usize,
}

impl Reads<'_> {
    fn add(&mut self, operands: &[TermId]) {
        self.count += operands.iter().filter(|term| **term == self.term).count();
    }
}

impl Visitor for Reads<'_> {
    fn enter_condition(&mut self, condition: ConditionId, _scope: &[BinderId]) -> Descent {
        self.add(&self.program.condition(condition).operands());
        Descent::Children
    }

    fn enter_term(&mut self, term: TermId, _scope: &[BinderId]) -> Descent {
        self.add(&self.program.term(term).operands());
        Descent::Children
    }
}
