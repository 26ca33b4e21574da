//! Conditions over one object.

use super::{evaluator::Evaluator, observer::ConditionObserver, value::Value};
use kubevet_ir::{BinderId, Comparison, Condition, ConditionId, Term, TermId};

impl<O: ConditionObserver> Evaluator<'_, O> {
    /// Decides a condition and reports the result to the observer.
    pub(super) fn decide(&mut self, id: ConditionId) -> bool {
        if !self.charge(1) {
            return false;
        }
        let holds = self.compute_condition(id);
        self.observer.decided(id, holds);
        holds
    }

    #[inline]
    fn compute_condition(&mut self, id: ConditionId) -> bool {
        let program = self.context.program;
        match program.condition(id) {
            Condition::True => true,
            Condition::And(conditions) => conditions.iter().all(|condition| self.holds(*condition)),
            Condition::Or(conditions) => conditions.iter().any(|condition| self.holds(*condition)),
            Condition::Not(condition) => !self.holds(*condition),
            Condition::Defined(term) => self.term(*term) != Value::Undefined,
            Condition::Truthy(term) => match self.term(*term) {
                Value::Undefined | Value::Bool(false) => false,
                Value::Node(node) => self.node(node).as_bool() != Some(false),
                _ => true,
            },
            Condition::HasType(term, value_type) => {
                let value = self.term(*term);
                self.value_type(value) == Some(*value_type)
            }
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
            Condition::Predicate(predicate, arguments) => self.test(*predicate, arguments),
            Condition::Any(binder, body) => self.any(id, *binder, *body),
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
