//! The loops of a clause as nested comprehensions, in the order that a question needs: outermost
//! the loops whose elements the result names, inside them those for which an element only has to
//! exist.

use super::{emitter::Emitter, expr::Expr, iteration::Iteration, unsupported::Unsupported};
use kubevet_ir::{BinderId, Clause, ConditionId, Program};

/// The loops of a clause, from the outermost to the innermost.
#[derive(Debug, Clone)]
pub(super) struct LoopNest {
    binders: Vec<BinderId>,
    /// The number of loops, from the outermost, whose elements the result names.
    named: usize,
    /// The conditions by the number of loops that must be open for them; one level more than there
    /// are loops.
    levels: Vec<Vec<ConditionId>>,
}

/// What a named loop makes of an element.
type EmitElement<'m, E> = dyn FnMut(&mut E) -> Result<Expr, Unsupported> + 'm;

impl LoopNest {
    /// The loops of a clause, those that are named outermost.
    pub(super) fn naming(program: &Program, clause: &Clause, named: &[BinderId]) -> Self {
        let mut outer: Vec<BinderId> = named.to_vec();
        // A named loop needs the loops that its domain depends on: the transitive closure, by a
        // worklist.
        let mut next = 0;
        while let Some(binder) = outer.get(next) {
            for needed in program.free_binders_of_domain(&program.binder(*binder).domain) {
                if !outer.contains(needed) {
                    outer.push(*needed);
                }
            }
            next += 1;
        }
        // Both groups keep the order of the clause, in which a loop comes after those that it
        // depends on.
        let (outer, inner): (Vec<BinderId>, Vec<BinderId>) = clause
            .binders
            .iter()
            .partition(|binder| outer.contains(binder));
        let binders: Vec<BinderId> = outer.iter().chain(&inner).copied().collect();
        let reordered = Clause {
            binders: binders.clone(),
            ..clause.clone()
        };
        Self {
            levels: reordered.levels(program),
            binders,
            named: outer.len(),
        }
    }

    /// The number of named loops.
    pub(super) fn named(&self) -> usize {
        self.named
    }

    /// The innermost named loop.
    pub(super) fn innermost_named(&self) -> Option<BinderId> {
        self.binders.get(self.named.checked_sub(1)?).copied()
    }

    /// The outermost loop, and what is inside it.
    pub(super) fn split(&self) -> Option<(BinderId, Self)> {
        let (first, inner) = self.binders.split_first()?;
        Some((
            *first,
            Self {
                binders: inner.to_vec(),
                named: self.named.saturating_sub(1),
                levels: self.levels.get(1..).unwrap_or_default().to_vec(),
            },
        ))
    }

    /// Takes the conditions that belong before the outermost loop.
    pub(super) fn take_outer_conditions(&mut self) -> Vec<ConditionId> {
        self.levels
            .first_mut()
            .map(std::mem::take)
            .unwrap_or_default()
    }
}

impl Emitter<'_, '_> {
    /// A bool: true if there is a finding.
    pub(super) fn any_finding(&mut self, mut nest: LoopNest) -> Result<Expr, Unsupported> {
        let outer = nest.take_outer_conditions();
        let condition = self.conditions(&outer)?;
        let condition = self.shared_outer(&outer, condition);
        let Some((binder, mut inner)) = nest.split() else {
            return Ok(condition);
        };
        let Some(iteration) = self.enter(binder)? else {
            return Ok(Expr::Bool(false));
        };
        let iteration = self.with_filter(binder, iteration, &mut inner);
        let inside = self.any_finding(inner);
        self.leave();
        let iteration = iteration?;
        Ok(Expr::all([condition, iteration.exists(inside?)]))
    }

    /// A list of the result for each finding, in lists nested as deep as there are named loops;
    /// without named loops, a list of at most one.
    pub(super) fn each_finding(
        &mut self,
        mut nest: LoopNest,
        emit: &mut EmitElement<'_, Self>,
    ) -> Result<Expr, Unsupported> {
        if nest.named() == 0 {
            let found = self.any_finding(nest)?;
            let result = Expr::List(vec![emit(self)?]);
            return Ok(Expr::conditional(found, result, Expr::empty_list()));
        }
        let outer = nest.take_outer_conditions();
        let condition = self.conditions(&outer)?;
        let condition = self.shared_outer(&outer, condition);
        let Some((binder, mut inner)) = nest.split() else {
            return Ok(Expr::empty_list());
        };
        let Some(iteration) = self.enter(binder)? else {
            return Ok(Expr::empty_list());
        };
        let iteration = self.with_filter(binder, iteration, &mut inner);
        let element = self.each_element(inner, emit);
        self.leave();
        let iteration = iteration?;
        let (filter, result) = element?;
        let results = iteration.map(filter, result);
        Ok(Expr::conditional(condition, results, Expr::empty_list()))
    }

    /// The loop over the elements for which long conditions on them hold, which are taken out of
    /// those inside it.
    fn with_filter(
        &mut self,
        binder: BinderId,
        iteration: Iteration,
        inner: &mut LoopNest,
    ) -> Result<Iteration, Unsupported> {
        match inner.levels.first_mut() {
            Some(conditions) => self.shared_filter(binder, iteration, conditions),
            None => Ok(iteration),
        }
    }

    /// Inside a named loop: which elements count, and the result for each.
    fn each_element(
        &mut self,
        mut inner: LoopNest,
        emit: &mut EmitElement<'_, Self>,
    ) -> Result<(Expr, Expr), Unsupported> {
        if inner.named() == 0 {
            return Ok((self.any_finding(inner)?, emit(self)?));
        }
        let outer = inner.take_outer_conditions();
        Ok((self.conditions(&outer)?, self.each_finding(inner, emit)?))
    }
}
