//! Narrowing: conditions on the containers or volumes of a pod that several bodies of a rule have in
//! common become a variable with the elements for which they hold, over which these bodies then loop.
//!
//! Only policies that people read are narrowed. A pack factors the bodies of all controls instead.

use super::{
    definitions::{SUSPECT_CONTAINERS, SUSPECT_VOLUMES},
    emitter::Emitter,
    expr::Expr,
    unsupported::Unsupported,
};
use kubevet_ir::{BinderId, Clause, ConditionId, Descent, Domain, Program, TermId, Visitor, Walk};

/// Conditions of fewer terms are repeated: a name would be longer.
const MIN_TERMS: usize = 20;

/// Conditions on the elements of a loop that several bodies have in common.
pub(super) struct Narrowing {
    /// The loop, which is the outermost of these bodies.
    pub(super) binder: BinderId,
    /// The conditions, at least one, which depend on no other loop.
    pub(super) conditions: Vec<ConditionId>,
}

impl Narrowing {
    /// The first two bodies that have conditions in common decide.
    pub(super) fn of(program: &Program, clauses: &[Clause]) -> Option<Self> {
        clauses.iter().enumerate().find_map(|(index, clause)| {
            let binder = *clause.binders.first()?;
            let is_known = matches!(
                program.binder(binder).domain,
                Domain::Containers(_) | Domain::Volumes
            );
            let mut later = clauses.iter().skip(index + 1).filter(|_| is_known);
            later.find_map(|other| {
                let depends_on_it_alone = |condition: ConditionId| {
                    *program.free_binders_of_condition(condition) == [binder]
                };
                let in_common = clause.when.iter().copied().filter(|condition| {
                    other.when.contains(condition) && depends_on_it_alone(*condition)
                });
                let narrowing = Self {
                    binder,
                    conditions: in_common.collect(),
                };
                let applies = |clause| narrowing.applies(program, clause);
                (narrowing.is_long(program) && applies(clause) && applies(other))
                    .then_some(narrowing)
            })
        })
    }

    /// Defines the variable with the elements for which the conditions hold; it is empty where the
    /// control does not apply.
    pub(super) fn define(
        &self,
        emitter: &mut Emitter<'_, '_>,
        not_applicable: &Expr,
    ) -> Result<Expr, Unsupported> {
        let Some(iteration) = emitter.enter(self.binder)? else {
            return Ok(Expr::empty_list());
        };
        let condition = emitter.conditions(&self.conditions);
        emitter.leave();
        let elements = iteration.filter(condition?);
        let elements = Expr::conditional(not_applicable.clone(), Expr::empty_list(), elements);
        let name = match emitter.context.program.binder(self.binder).domain {
            Domain::Volumes => SUSPECT_VOLUMES,
            _ => SUSPECT_CONTAINERS,
        };
        emitter.variables.define(name, elements);
        Ok(Expr::variable(name))
    }

    /// A body without the conditions; `None` if it does not loop over the elements for which they
    /// hold.
    pub(super) fn rest(&self, program: &Program, clause: &Clause) -> Option<Clause> {
        if !self.applies(program, clause) {
            return None;
        }
        let mut rest = clause.clone();
        rest.when
            .retain(|condition| !self.conditions.contains(condition));
        Some(rest)
    }

    fn is_long(&self, program: &Program) -> bool {
        let mut terms = TermCount(0);
        let mut walk = Walk::once(program);
        for condition in &self.conditions {
            walk.condition(*condition, &mut terms);
        }
        terms.0 >= MIN_TERMS
    }

    /// True if a body loops over the elements for which the conditions hold, and once: another loop
    /// over the same list inside a condition is one over all elements.
    fn applies(&self, program: &Program, clause: &Clause) -> bool {
        let holds = |condition: &ConditionId| clause.when.contains(condition);
        let mut inner = InnerLoop {
            binder: self.binder,
            is_found: false,
        };
        for condition in &clause.when {
            Walk::once(program).condition(*condition, &mut inner);
        }
        clause.binders.first() == Some(&self.binder)
            && self.conditions.iter().all(holds)
            && !inner.is_found
    }
}

/// Counts different terms.
struct TermCount(usize);

impl Visitor for TermCount {
    fn enter_term(&mut self, _term: TermId, _scope: &[BinderId]) -> Descent {
        self.0 += 1;
        Descent::Children
    }
}

/// Looks for a loop inside conditions.
struct InnerLoop {
    binder: BinderId,
    is_found: bool,
}

impl Visitor for InnerLoop {
    fn enter_binder(&mut self, binder: BinderId, _scope: &[BinderId]) -> Descent {
        self.is_found |= binder == self.binder;
        Descent::Children
    }
}
