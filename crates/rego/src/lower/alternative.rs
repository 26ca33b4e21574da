//! Alternatives: the disjuncts of a body, each a sequence of conditions and loops.

use super::{Lowerer, symbol::Env};
use kubevet_ir::{BinderId, ConditionId};

/// One step of an alternative.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    /// A condition.
    If(ConditionId),
    /// A loop around all later steps.
    For(BinderId),
}

/// One alternative of a body: a disjunct.
#[derive(Clone)]
pub(super) struct Alternative<'a> {
    pub(super) steps: Vec<Step>,
    pub(super) env: Env<'a>,
    /// A statement was refused and left out.
    pub(super) is_incomplete: bool,
}

impl<'a> Alternative<'a> {
    pub(super) fn new(env: Env<'a>) -> Self {
        Self {
            steps: Vec::new(),
            env,
            is_incomplete: false,
        }
    }

    /// The binders of the loops, outermost first.
    pub(super) fn binders(&self) -> Vec<BinderId> {
        self.steps
            .iter()
            .filter_map(|step| match step {
                Step::For(binder) => Some(*binder),
                Step::If(_) => None,
            })
            .collect()
    }

    /// True if no step can fail.
    pub(super) fn is_unconditional(&self, lowerer: &Lowerer<'_, 'a>) -> bool {
        self.steps.iter().all(|step| match step {
            Step::If(condition) => lowerer.program.is_statically_true(*condition),
            Step::For(_) => false,
        })
    }
}
