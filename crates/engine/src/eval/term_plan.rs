//! The terms of a program in the form in which they are evaluated: what a frequent operation needs
//! is in one place, beside the policy of its memo.
//!
//! The plan is made once when rules are compiled. The program keeps the rarer terms, and remains
//! what rules mean; nothing here sees an object.

use super::{
    memo_plan::{MemoPlan, MemoPolicy},
    value::{PackedValue, Value},
};
use kubevet_document::FieldKey;
use kubevet_ir::{BinderId, ConditionId, Const, Program, Term, TermId};

/// The terms, by index.
#[derive(Debug, Default)]
pub(super) struct TermPlan(Vec<PlannedTerm>);

/// A term.
#[derive(Debug)]
pub(super) struct PlannedTerm {
    pub(super) memo: MemoPolicy,
    pub(super) operation: TermOperation,
}

/// How the value of a term is computed.
#[derive(Debug)]
pub(super) enum TermOperation {
    /// The value under a key.
    Field(FieldBase, FieldKey),
    /// A literal, or undefined.
    Constant(PackedValue),
    /// The key of a binder's element.
    Key(BinderId),
    /// A binder's element.
    Element(BinderId),
    /// As [`Term::Guard`].
    Guard(ConditionId, TermId),
    /// As [`Term::Coalesce`].
    Coalesce(Box<[TermId]>),
    /// What the program says.
    Other,
}

/// The value in which a field is looked up.
#[derive(Debug, Clone, Copy)]
pub(super) enum FieldBase {
    /// The object.
    Object,
    /// The pod spec.
    PodSpec,
    /// A binder's element.
    Element(BinderId),
    /// Another term.
    Term(TermId),
}

impl TermPlan {
    pub(super) fn new(program: &Program, memos: &MemoPlan) -> Self {
        let planned = program.terms().map(|(id, term)| PlannedTerm {
            memo: memos.term(id),
            operation: operation_of(program, id, term),
        });
        Self(planned.collect())
    }

    #[inline]
    pub(super) fn get(&self, id: TermId) -> Option<&PlannedTerm> {
        self.0.get(id.index())
    }
}

fn operation_of(program: &Program, id: TermId, term: &Term) -> TermOperation {
    match term {
        Term::Undefined => TermOperation::Constant(PackedValue::UNDEFINED),
        Term::Const(literal) => TermOperation::Constant(value_of(id, literal).pack()),
        Term::Field(base, name) => {
            TermOperation::Field(base_of(program, *base), FieldKey::new(name))
        }
        Term::Key(binder) => TermOperation::Key(*binder),
        Term::Value(binder) => TermOperation::Element(*binder),
        Term::Guard(condition, operand) => TermOperation::Guard(*condition, *operand),
        Term::Coalesce(operands) => TermOperation::Coalesce(operands.clone()),
        _ => TermOperation::Other,
    }
}

fn base_of(program: &Program, base: TermId) -> FieldBase {
    match program.term(base) {
        Term::Object => FieldBase::Object,
        Term::PodSpec => FieldBase::PodSpec,
        Term::Value(binder) => FieldBase::Element(*binder),
        _ => FieldBase::Term(base),
    }
}

fn value_of(id: TermId, literal: &Const) -> Value {
    match literal {
        Const::Null => Value::Null,
        Const::Bool(boolean) => Value::Bool(*boolean),
        Const::Int(number) => Value::Int(*number),
        Const::String(_) => Value::Constant(u32::try_from(id.index()).unwrap_or(u32::MAX)),
        Const::EmptyList => Value::EmptyList,
        Const::EmptyMap => Value::EmptyMap,
    }
}
