//! The conditions of a program in the form in which they are decided: what a frequent operation
//! needs is in one place, beside the policy of its memo.
//!
//! The plan is made once when rules are compiled. The program keeps the rarer conditions, and
//! remains what rules mean; nothing here sees an object.

use super::memo_plan::{MemoPlan, MemoPolicy};
use kubevet_ir::{
    BinderId, Comparison, Condition, ConditionId, Const, Predicate, Program, Term, TermId,
    ValueType,
};
use std::sync::Arc;

/// The conditions, by index.
#[derive(Debug, Default)]
pub(super) struct ConditionPlan(Vec<PlannedCondition>);

/// A condition.
#[derive(Debug)]
pub(super) struct PlannedCondition {
    pub(super) memo: MemoPolicy,
    pub(super) operation: ConditionOperation,
}

/// How a condition is decided.
#[derive(Debug)]
pub(super) enum ConditionOperation {
    /// All conditions hold.
    All(Box<[ConditionId]>),
    /// One of the conditions holds.
    AnyOf(Box<[ConditionId]>),
    /// The condition does not hold.
    Not(ConditionId),
    /// The term is defined.
    Defined(TermId),
    /// The term is defined and not `false`.
    Truthy(TermId),
    /// The term has the type.
    HasType(TermId, ValueType),
    /// The term is the boolean.
    EqualsBool(TermId, bool),
    /// The term is the string.
    EqualsString(TermId, Arc<str>),
    /// The term is one of the strings.
    OneOfStrings(TermId, Box<[Arc<str>]>),
    /// As [`Condition::Predicate`].
    Test(Predicate, Box<[TermId]>),
    /// As [`Condition::Any`].
    Any(BinderId, ConditionId),
    /// What the program says.
    Other,
}

impl ConditionPlan {
    pub(super) fn new(program: &Program, memos: &MemoPlan) -> Self {
        let planned = program
            .conditions()
            .map(|(id, condition)| PlannedCondition {
                memo: memos.condition(id),
                operation: operation_of(program, condition),
            });
        Self(planned.collect())
    }

    #[inline]
    pub(super) fn get(&self, id: ConditionId) -> Option<&PlannedCondition> {
        self.0.get(id.index())
    }
}

fn operation_of(program: &Program, condition: &Condition) -> ConditionOperation {
    match condition {
        Condition::True => ConditionOperation::All(Box::default()),
        Condition::And(conditions) => ConditionOperation::All(conditions.clone()),
        Condition::Or(conditions) => ConditionOperation::AnyOf(conditions.clone()),
        Condition::Not(condition) => ConditionOperation::Not(*condition),
        Condition::Defined(term) => ConditionOperation::Defined(*term),
        Condition::Truthy(term) => ConditionOperation::Truthy(*term),
        Condition::HasType(term, value_type) => ConditionOperation::HasType(*term, *value_type),
        Condition::Compare(Comparison::Equal, left, right) => equality(program, *left, *right),
        Condition::OneOf(term, literals) => strings_of(literals)
            .map_or(ConditionOperation::Other, |strings| {
                ConditionOperation::OneOfStrings(*term, strings)
            }),
        Condition::Predicate(predicate, arguments) => {
            ConditionOperation::Test(*predicate, arguments.clone())
        }
        Condition::Any(binder, body) => ConditionOperation::Any(*binder, *body),
        Condition::Compare(..) | Condition::Member(..) => ConditionOperation::Other,
    }
}

fn equality(program: &Program, left: TermId, right: TermId) -> ConditionOperation {
    let (term, literal) = match (program.term(left), program.term(right)) {
        (_, Term::Const(literal)) => (left, literal),
        (Term::Const(literal), _) => (right, literal),
        _ => return ConditionOperation::Other,
    };
    match literal {
        Const::Bool(literal) => ConditionOperation::EqualsBool(term, *literal),
        Const::String(literal) => ConditionOperation::EqualsString(term, Arc::clone(literal)),
        _ => ConditionOperation::Other,
    }
}

/// The strings, if all literals are strings.
fn strings_of(literals: &[Const]) -> Option<Box<[Arc<str>]>> {
    let strings = literals.iter().map(|literal| match literal {
        Const::String(string) => Some(Arc::clone(string)),
        _ => None,
    });
    strings.collect()
}
