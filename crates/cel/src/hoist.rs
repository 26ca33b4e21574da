//! Hoisting: a long term or condition that depends on no loop becomes a variable of the policy, which
//! every expression of its controls can read. What the API server evaluates for a variable it
//! remembers.

use super::{
    emitter::Emitter,
    expr::Expr,
    iteration::Iteration,
    typed_expr::{Presence, TypedExpr},
    types::StaticType,
    unsupported::Unsupported,
    variables::{CONDITION, LIST, TEXT, is_numbered},
};
use kubevet_ir::{BinderId, ConditionId, Domain, Term, TermId};
use std::mem;

/// A string of fewer characters is repeated.
const MIN_TEXT_CHARS: usize = 600;
/// A condition of fewer characters that reads such a string.
const MIN_CONDITION_CHARS: usize = 150;
/// A condition of fewer characters on a container.
const MIN_FILTER_CHARS: usize = 300;

impl Emitter<'_, '_> {
    /// A term as the variable that holds it, if it is a long string that depends on no loop.
    pub(super) fn shared_term(&mut self, id: TermId, value: TypedExpr) -> TypedExpr {
        let program = self.context.program;
        let is_candidate = matches!(
            program.term(id),
            Term::Call(..) | Term::Coalesce(_) | Term::Concat(_)
        ) && value.presence == Presence::Always
            && value.static_type == StaticType::String
            && !value.nullable
            && !self.scope.has_terms()
            && program.free_binders_of_term(id).is_empty();
        if !is_candidate || value.cel.to_string().len() < MIN_TEXT_CHARS {
            return value;
        }
        let variable = Expr::variable(self.variables.numbered(TEXT, value.cel));
        let value = TypedExpr {
            present: Some(variable.clone()),
            cel: variable,
            ..value
        };
        self.hoisted.insert(id, value.clone());
        value
    }

    /// A condition as the variable that holds it, if it is long and depends on no loop.
    pub(super) fn shared_condition(&mut self, id: ConditionId, condition: Expr) -> Expr {
        let is_candidate = self.context.hoists_conditions
            && !self.scope.has_terms()
            && self
                .context
                .program
                .free_binders_of_condition(id)
                .is_empty()
            && condition.is_bool()
            && reads_text(&condition);
        if !is_candidate || condition.to_string().len() < MIN_CONDITION_CHARS {
            return condition;
        }
        Expr::variable(self.variables.numbered(CONDITION, condition))
    }

    /// The conditions of a body that depend on none of its loops, as the variable that holds them.
    pub(super) fn shared_outer(&mut self, conditions: &[ConditionId], emitted: Expr) -> Expr {
        let program = self.context.program;
        let is_closed =
            |condition: &ConditionId| program.free_binders_of_condition(*condition).is_empty();
        let is_candidate = self.context.hoists_conditions
            && !self.scope.has_terms()
            && conditions.iter().all(is_closed)
            && emitted.is_bool()
            && reads_text(&emitted);
        if !is_candidate || emitted.to_string().len() < MIN_CONDITION_CHARS {
            return emitted;
        }
        Expr::variable(self.variables.numbered(CONDITION, emitted))
    }

    /// A loop over containers with the conditions on its element alone taken out, if they are long:
    /// a variable holds the containers for which they hold. Controls without a long text have short
    /// bodies, in which it is not worth a variable.
    pub(super) fn shared_filter(
        &mut self,
        binder: BinderId,
        iteration: Iteration,
        conditions: &mut Vec<ConditionId>,
    ) -> Result<Iteration, Unsupported> {
        let program = self.context.program;
        let is_loop = matches!(program.binder(binder).domain, Domain::Containers(_));
        if !is_loop || self.narrowed.is_some() || self.hoisted.is_empty() {
            return Ok(iteration);
        }
        // Outside of all that is in scope here: so the text is the same wherever it is needed.
        let scope = mem::take(&mut self.scope);
        let filtered = self.filtered(binder, conditions);
        self.scope = scope;
        let Some((elements, others)) = filtered? else {
            return Ok(iteration);
        };
        *conditions = others;
        let name = self.variables.numbered(LIST, elements);
        Ok(iteration.over(Expr::variable(name)))
    }

    /// The elements of a loop for which the long conditions on them alone hold, and the other
    /// conditions; `None` if there is no long one.
    fn filtered(
        &mut self,
        binder: BinderId,
        conditions: &[ConditionId],
    ) -> Result<Option<(Expr, Vec<ConditionId>)>, Unsupported> {
        let Some(iteration) = self.enter(binder)? else {
            return Ok(None);
        };
        let split = self.long_conditions(binder, conditions);
        self.leave();
        let (filter, others) = split?;
        Ok((!filter.is_empty()).then(|| (iteration.filter(Expr::all(filter)), others)))
    }

    /// The long conditions on the element of a loop alone, and the others.
    fn long_conditions(
        &mut self,
        binder: BinderId,
        conditions: &[ConditionId],
    ) -> Result<(Vec<Expr>, Vec<ConditionId>), Unsupported> {
        let program = self.context.program;
        let (mut long, mut others) = (Vec::new(), Vec::new());
        for condition in conditions {
            if *program.free_binders_of_condition(*condition) == [binder] {
                let emitted = self.conditions(&[*condition])?;
                if emitted.to_string().len() >= MIN_FILTER_CHARS {
                    long.push(emitted);
                    continue;
                }
            }
            others.push(*condition);
        }
        Ok((long, others))
    }
}

/// True if an expression reads such a variable.
fn reads_text(cel: &Expr) -> bool {
    cel.contains(&|part| matches!(part, Expr::Variable(name) if is_numbered(name)))
}
