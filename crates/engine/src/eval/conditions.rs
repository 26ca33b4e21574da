//! Conditions over one object.

use super::{
    condition_plan::ConditionOperation, evaluator::Evaluator, observer::ConditionObserver,
    value::Value,
};
use kubevet_ir::{BinderId, Comparison, Condition, ConditionId, Term, TermId, ValueType};

impl<O: ConditionObserver> Evaluator<'_, O> {
    /// Decides a condition by its operation, and reports the result to the observer.
    pub(super) fn decide(&mut self, id: ConditionId, operation: &ConditionOperation) -> bool {
        if !self.charge(1) {
            return false;
        }
        let holds = self.compute_condition(id, operation);
        self.observer.decided(id, holds);
        holds
    }

    #[inline]
    fn compute_condition(&mut self, id: ConditionId, operation: &ConditionOperation) -> bool {
        match operation {
            ConditionOperation::All(conditions) => {
                conditions.iter().all(|condition| self.holds(*condition))
            }
            ConditionOperation::AnyOf(conditions) => {
                conditions.iter().any(|condition| self.holds(*condition))
            }
            ConditionOperation::Not(condition) => !self.holds(*condition),
            ConditionOperation::Defined(term) => !self.packed_term(*term).is_undefined(),
            ConditionOperation::Truthy(term) => self.is_truthy(*term),
            ConditionOperation::HasType(term, value_type) => self.has_type(*term, *value_type),
            ConditionOperation::EqualsBool(term, literal) => self.equals_bool(*term, *literal),
            ConditionOperation::EqualsString(term, literal) => {
                let value = self.packed_term(*term);
                self.packed_string(value) == Some(literal)
            }
            ConditionOperation::OneOfStrings(term, literals) => {
                let value = self.packed_term(*term);
                let string = self.packed_string(value);
                string.is_some_and(|string| literals.iter().any(|literal| **literal == *string))
            }
            ConditionOperation::Test(predicate, arguments) => self.test(*predicate, arguments),
            ConditionOperation::Any(binder, body) => self.any(id, *binder, *body),
            ConditionOperation::Other => self.compute_other_condition(id),
        }
    }

    fn is_truthy(&mut self, term: TermId) -> bool {
        let value = self.packed_term(term);
        match value.node() {
            Some(node) => self.node(node).as_bool() != Some(false),
            None => !matches!(value.unpack(), Value::Undefined | Value::Bool(false)),
        }
    }

    fn has_type(&mut self, term: TermId, value_type: ValueType) -> bool {
        let value = self.packed_term(term);
        let Some(node) = value.node().map(|node| self.node(node)) else {
            return self.value_type(value.unpack()) == Some(value_type);
        };
        match value_type {
            ValueType::Null => node.is_null(),
            ValueType::Bool => node.as_bool().is_some(),
            ValueType::Number => node.digits().is_some(),
            ValueType::String => node.is_string(),
            ValueType::List => node.is_list(),
            ValueType::Map => node.is_map(),
        }
    }

    fn equals_bool(&mut self, term: TermId, literal: bool) -> bool {
        let value = self.packed_term(term);
        match value.node() {
            Some(node) => self.node(node).as_bool() == Some(literal),
            None => value.unpack() == Value::Bool(literal),
        }
    }

    /// Decides a condition that is rarer or costs more than a call.
    #[inline(never)]
    fn compute_other_condition(&mut self, id: ConditionId) -> bool {
        let program = self.context.program;
        match program.condition(id) {
            Condition::Compare(comparison, left, right) => {
                match (comparison, program.term(*left), program.term(*right)) {
                    (Comparison::Equal, _, Term::Const(literal)) => {
                        let value = self.term(*left);
                        self.equals_literal(value, literal)
                    }
                    (Comparison::Equal, Term::Const(literal), _) => {
                        let value = self.term(*right);
                        self.equals_literal(value, literal)
                    }
                    _ => {
                        let (left, right) = (self.term(*left), self.term(*right));
                        self.compare(*comparison, left, right)
                    }
                }
            }
            Condition::OneOf(term, literals) => {
                let value = self.term(*term);
                value != Value::Undefined
                    && literals
                        .iter()
                        .any(|literal| self.equals_literal(value, literal))
            }
            Condition::Member(element, collection) => {
                let (element, collection) = (self.term(*element), self.term(*collection));
                self.is_member(element, collection)
            }
            // `compute_condition` has the others.
            _ => false,
        }
    }

    /// Decides whether some element of a binder's domain makes the body true: by one pattern set, by
    /// string sets, by a hash index, or by a loop.
    fn any(&mut self, id: ConditionId, binder: BinderId, body: ConditionId) -> bool {
        let tables = self.context.tables;
        if let Some((param, subject)) = tables.pattern_list_match(id)
            && let Some(holds) = self.matches_any_pattern(param, subject)
        {
            return holds;
        }
        if let Some(position) = tables.string_sets.position(id)
            && let Some(holds) = self.any_by_string_sets(position)
        {
            return holds;
        }
        let join = tables.joins.of_any(id);
        if let Some(holds) = join.and_then(|join| self.any_by_index(join)) {
            return holds;
        }
        let (state_before, steps_before) = (self.loop_state(binder), self.budget.steps());
        let holds = self.each(binder, &mut |evaluator| evaluator.holds(body));
        // Binders of one domain are one binder, so an outer loop may use it: its element, and with
        // it the version on which memos depend, is restored.
        self.restore_loop(binder, state_before);
        if let Some(join) = join {
            self.add_loop_steps(join.build_side, steps_before);
        }
        holds
    }

    /// Matches a string against all patterns of a param at once; `None` if they must be matched one
    /// by one.
    fn matches_any_pattern(&mut self, param: u32, subject: TermId) -> Option<bool> {
        let subject = self.term(subject);
        let Some(subject) = self.string(subject) else {
            return Some(false);
        };
        let (holds, len) = (
            self.context.params.any_pattern_matches(param, subject),
            subject.len(),
        );
        self.charge(len as u64 / 16);
        holds
    }
}
