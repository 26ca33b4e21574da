//! The loops of a rule's body, in the order that a question about it needs: outermost those whose elements the answer
//! names, inside them those that only have to exist.

use super::{Refused, printer::Printer, text::Cel};
use kubevet_ir::{BinderId, Clause, ConditionId, Program};

/// The loops of one body.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    order: Vec<BinderId>,
    /// How many of them, from the outermost, the answer names.
    kept: usize,
    /// The conditions that can be asked once so many loops are entered.
    levels: Vec<Vec<ConditionId>>,
}

impl Plan {
    /// With these named.
    pub(super) fn naming(program: &Program, deny: &Clause, named: &[BinderId]) -> Self {
        let mut kept: Vec<BinderId> = named.to_vec();
        // What a named loop goes over must stand.
        let mut next = 0;
        while let Some(binder) = kept.get(next) {
            for other in program.free_binders_of_domain(&program.binder(*binder).domain) {
                if !kept.contains(other) {
                    kept.push(*other);
                }
            }
            next += 1;
        }
        let (outer, inner): (Vec<BinderId>, Vec<BinderId>) =
            deny.binders.iter().partition(|it| kept.contains(it));
        let order: Vec<BinderId> = outer.iter().chain(&inner).copied().collect();
        let reordered = Clause {
            binders: order.clone(),
            ..deny.clone()
        };
        Self {
            levels: reordered.levels(program),
            order,
            kept: outer.len(),
        }
    }

    pub(super) fn kept(&self) -> usize {
        self.kept
    }

    /// The innermost loop that is named.
    pub(super) fn innermost(&self) -> Option<BinderId> {
        self.order.get(self.kept.checked_sub(1)?).copied()
    }

    /// The first loop, and what is inside it.
    pub(super) fn split(&self) -> Option<(BinderId, Self)> {
        let (first, rest) = self.order.split_first()?;
        let levels = self.levels.get(1..).unwrap_or_default().to_vec();
        Some((
            *first,
            Self {
                order: rest.to_vec(),
                kept: self.kept.saturating_sub(1),
                levels,
            },
        ))
    }

    /// Takes the conditions that can be asked before the first loop.
    pub(super) fn take_outer(&mut self) -> Vec<ConditionId> {
        self.levels
            .first_mut()
            .map(std::mem::take)
            .unwrap_or_default()
    }
}

impl Printer<'_> {
    /// Whether there is a finding.
    pub(super) fn found(&mut self, mut plan: Plan) -> Result<Cel, Refused> {
        let outer = plan.take_outer();
        let here = self.conds(&outer)?;
        let Some((binder, inner)) = plan.split() else {
            return Ok(here);
        };
        let Some(walk) = self.enter(binder)? else {
            return Ok(Cel::Bool(false));
        };
        let inside = self.found(inner);
        self.leave();
        Ok(Cel::all([here, walk.exists(inside?)]))
    }

    /// A list of what is made of each finding, in lists of lists as deep as the loops that are named; where none is, a
    /// list of one or none.
    pub(super) fn each(
        &mut self,
        mut plan: Plan,
        make: &mut dyn FnMut(&mut Self) -> Result<Cel, Refused>,
    ) -> Result<Cel, Refused> {
        if plan.kept() == 0 {
            let found = self.found(plan)?;
            let made = make(self)?;
            return Ok(Cel::choice(found, Cel::list(&[made]), Cel::atom("[]")));
        }
        let outer = plan.take_outer();
        let here = self.conds(&outer)?;
        let empty = Cel::atom("[]");
        let Some((binder, inner)) = plan.split() else {
            return Ok(empty);
        };
        let Some(walk) = self.enter(binder)? else {
            return Ok(empty);
        };
        let printed = self.inside(inner, make);
        self.leave();
        let (holds, made) = printed?;
        Ok(Cel::choice(here, walk.map(&holds, &made), empty))
    }

    /// Within a named loop: which elements count, and what is made of them.
    fn inside(
        &mut self,
        mut inner: Plan,
        make: &mut dyn FnMut(&mut Self) -> Result<Cel, Refused>,
    ) -> Result<(Cel, Cel), Refused> {
        if inner.kept() == 0 {
            return Ok((self.found(inner)?, make(self)?));
        }
        let conds = inner.take_outer();
        Ok((self.conds(&conds)?, self.each(inner, make)?))
    }
}
