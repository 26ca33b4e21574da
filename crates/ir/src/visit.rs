//! The visitor of programs: one traversal of terms, conditions and binders for all analyses.
//!
//! [`Term::for_each_child`](crate::Term::for_each_child) and [`Condition::for_each_child`] alone
//! define which node has which children, so a new kind of node is added to every analysis at once.
//! [`Walk`] traverses depth first, with a call before and one after the children of each node, and
//! keeps the binders in scope.

use super::{BinderId, Clause, Condition, ConditionId, FixValue, NodeId, Program, TermId};
use std::collections::BTreeSet;

/// How a traversal goes on from a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Descent {
    /// Into the children of the node.
    Children,
    /// Past the node: its children are not visited, and `leave_…` is not called.
    Skip,
}

/// An analysis of a program. The methods do nothing by default. `scope` holds the binders around
/// the node, outermost first.
pub trait Visitor {
    /// Called for a term before its children.
    fn enter_term(&mut self, _term: TermId, _scope: &[BinderId]) -> Descent {
        Descent::Children
    }

    /// Called for a term after its children.
    fn leave_term(&mut self, _term: TermId, _scope: &[BinderId]) {}

    /// Called for a condition before its children.
    fn enter_condition(&mut self, _condition: ConditionId, _scope: &[BinderId]) -> Descent {
        Descent::Children
    }

    /// Called for a condition after its children.
    fn leave_condition(&mut self, _condition: ConditionId, _scope: &[BinderId]) {}

    /// Called where a condition or a clause binds a binder, before its domain is visited. With
    /// [`Descent::Skip`] the domain is not visited; the body is in any case.
    fn enter_binder(&mut self, _binder: BinderId, _scope: &[BinderId]) -> Descent {
        Descent::Children
    }
}

/// A depth-first traversal. Children are visited in the order of evaluation.
pub struct Walk<'p> {
    program: &'p Program,
    scope: Vec<BinderId>,
    /// The nodes that were visited; `None` if a shared node is visited at each of its uses.
    visited: Option<BTreeSet<NodeId>>,
}

impl<'p> Walk<'p> {
    /// A traversal that visits each node once, at its first use: linear in the size of the program.
    #[must_use]
    pub fn once(program: &'p Program) -> Self {
        Self {
            program,
            scope: Vec::new(),
            visited: Some(BTreeSet::new()),
        }
    }

    /// A traversal that visits a shared node at each of its uses: it sees the tree that the
    /// program abbreviates, which can be exponentially larger.
    #[must_use]
    pub fn every_use(program: &'p Program) -> Self {
        Self {
            program,
            scope: Vec::new(),
            visited: None,
        }
    }

    /// Visits a clause: binders with their domains, conditions, message, paths and fixes. All
    /// binders of the clause are in scope of everything behind them.
    pub fn clause(&mut self, clause: &Clause, visitor: &mut impl Visitor) {
        self.clause_conditions(clause, visitor);
        let depth = self.scope.len();
        self.scope.extend_from_slice(&clause.binders);
        self.term(clause.message, visitor);
        for path in &clause.paths {
            self.term(*path, visitor);
        }
        for fix in &clause.fixes {
            self.term(fix.path, visitor);
            if let Some(FixValue::Term(value)) = fix.value {
                self.term(value, visitor);
            }
        }
        self.scope.truncate(depth);
    }

    /// Visits what decides whether a clause finds something: its binders and conditions.
    pub fn clause_conditions(&mut self, clause: &Clause, visitor: &mut impl Visitor) {
        let depth = self.scope.len();
        for binder in &clause.binders {
            self.binder(*binder, visitor);
            self.scope.push(*binder);
        }
        for condition in &clause.when {
            self.condition(*condition, visitor);
        }
        self.scope.truncate(depth);
    }

    /// Visits a condition.
    pub fn condition(&mut self, id: ConditionId, visitor: &mut impl Visitor) {
        if self.is_visited(NodeId::Condition(id))
            || visitor.enter_condition(id, &self.scope) == Descent::Skip
        {
            return;
        }
        let program = self.program;
        match program.condition(id) {
            Condition::Any(binder, body) => {
                self.binder(*binder, visitor);
                self.scope.push(*binder);
                self.condition(*body, visitor);
                self.scope.pop();
            }
            other => other.for_each_child(|child| self.child(child, visitor)),
        }
        visitor.leave_condition(id, &self.scope);
    }

    /// Visits a term. The binder of an element is in scope already and not visited again.
    pub fn term(&mut self, id: TermId, visitor: &mut impl Visitor) {
        if self.is_visited(NodeId::Term(id)) || visitor.enter_term(id, &self.scope) == Descent::Skip
        {
            return;
        }
        let program = self.program;
        program
            .term(id)
            .for_each_child(|child| self.child(child, visitor));
        visitor.leave_term(id, &self.scope);
    }

    /// Visits a binder and its domain where it is bound.
    fn binder(&mut self, id: BinderId, visitor: &mut impl Visitor) {
        if visitor.enter_binder(id, &self.scope) == Descent::Skip {
            return;
        }
        if let Some(collection) = self.program.binder(id).domain.collection() {
            self.term(collection, visitor);
        }
    }

    fn child(&mut self, child: NodeId, visitor: &mut impl Visitor) {
        match child {
            NodeId::Term(term) => self.term(term, visitor),
            NodeId::Condition(condition) => self.condition(condition, visitor),
            NodeId::Binder(_) => {}
        }
    }

    fn is_visited(&mut self, node: NodeId) -> bool {
        self.visited
            .as_mut()
            .is_some_and(|visited| !visited.insert(node))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Const, ContainerList, Domain, Term};

    /// Notes every call, a line each.
    struct Trace<'p> {
        program: &'p Program,
        calls: Vec<String>,
    }

    impl Visitor for Trace<'_> {
        fn enter_term(&mut self, term: TermId, scope: &[BinderId]) -> Descent {
            let shown = self.program.term_to_string(term);
            self.calls.push(format!("term {shown} in {}", scope.len()));
            match self.program.term(term) {
                Term::Field(_, name) if &**name == "opaque" => Descent::Skip,
                _ => Descent::Children,
            }
        }

        fn enter_condition(&mut self, condition: ConditionId, scope: &[BinderId]) -> Descent {
            let shown = self.program.condition_to_string(condition);
            self.calls
                .push(format!("condition {shown} in {}", scope.len()));
            Descent::Children
        }

        fn leave_condition(&mut self, condition: ConditionId, _scope: &[BinderId]) {
            let shown = self.program.condition_to_string(condition);
            self.calls.push(format!("leave {shown}"));
        }

        fn enter_binder(&mut self, _binder: BinderId, scope: &[BinderId]) -> Descent {
            self.calls.push(format!("binder in {}", scope.len()));
            Descent::Children
        }
    }

    fn trace(
        build: impl FnOnce(&mut Program) -> ConditionId,
        walk: for<'p> fn(&'p Program) -> Walk<'p>,
    ) -> Vec<String> {
        let mut program = Program::default();
        let condition = build(&mut program);
        let mut trace = Trace {
            program: &program,
            calls: Vec::new(),
        };
        walk(&program).condition(condition, &mut trace);
        trace.calls
    }

    #[test]
    fn body_of_any_is_visited_inside_its_binder() {
        let calls = trace(
            |program| {
                let domain = Domain::Containers(ContainerList::All);
                let binder = program.intern_binder(domain, &[]);
                let container = program.intern_term(Term::Value(binder));
                let is_truthy = program.truthy(container);
                program.any(binder, is_truthy)
            },
            |program| Walk::once(program),
        );
        let expected = [
            "condition any container in containers: container in 0",
            "binder in 0",
            "condition container in 1",
            "term container in 1",
            "leave container",
            "leave any container in containers: container",
        ];
        assert_eq!(calls, expected);
    }

    #[test]
    fn shared_term_is_visited_once_or_at_every_use() {
        fn build(program: &mut Program) -> ConditionId {
            let object = program.intern_term(Term::Object);
            let (one, two) = (
                program.constant(Const::Int(1)),
                program.constant(Const::Int(2)),
            );
            let kind = program.field(object, "kind");
            let not = |program: &mut Program, value| {
                let comparison = crate::Comparison::NotEqual;
                program.intern_condition(Condition::Compare(comparison, kind, value))
            };
            let conditions = [not(program, one), not(program, two)];
            program.and(conditions)
        }
        let count = |calls: Vec<String>| {
            let of_kind = |call: &&String| call.starts_with("term object.kind ");
            calls.iter().filter(of_kind).count()
        };
        assert_eq!(count(trace(build, |program| Walk::once(program))), 1);
        assert_eq!(count(trace(build, |program| Walk::every_use(program))), 2);
    }

    #[test]
    fn skipped_term_hides_its_operands() {
        let calls = trace(
            |program| {
                let object = program.intern_term(Term::Object);
                let opaque = program.field(object, "opaque");
                program.truthy(opaque)
            },
            |program| Walk::once(program),
        );
        let expected = [
            "condition object.opaque in 0",
            "term object.opaque in 0",
            "leave object.opaque",
        ];
        assert_eq!(calls, expected);
    }
}
