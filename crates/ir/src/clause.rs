//! A rule: when it denies, and what it says then.

use super::{BinderId, ConditionId, Program, TermId};
use kubevet_model::{Control, ControlId, Position};
use std::sync::Arc;

/// A control that was compiled.
#[derive(Debug, Clone)]
pub struct CompiledControl {
    pub control: Arc<Control>,
    /// One for each body of `deny`, and for each way through a literal list in it.
    pub clauses: Vec<Clause>,
}

/// One body of `deny`: for all elements that its binders reach under its conditions, a finding.
#[derive(Debug, Clone)]
pub struct Clause {
    /// From the outermost to the innermost.
    pub binders: Vec<BinderId>,
    /// All must hold. See [`Clause::levels`].
    pub when: Vec<ConditionId>,
    /// A text, proved to be one where the conditions hold.
    pub message: TermId,
    /// Texts, likewise; at least one.
    pub paths: Vec<TermId>,
    pub fixes: Vec<FixTemplate>,
    /// Where the body stands in the rule.
    pub position: Position,
}

/// An edit that mends the finding.
#[derive(Debug, Clone)]
pub struct FixTemplate {
    /// A text.
    pub path: TermId,
    /// What to set; `None` removes.
    pub value: Option<FixValue>,
}

/// What a fix sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FixValue {
    /// JSON text.
    Written(Arc<str>),
    /// Computed, and proved to be defined where the conditions hold.
    Term(TermId),
}

impl Clause {
    /// The conditions by level: first those that need no binder, then those that can be asked once the first binder
    /// stands, and so on. One more than there are binders; nothing is left out.
    pub fn levels(&self, program: &Program) -> Vec<Vec<ConditionId>> {
        let mut levels = vec![Vec::new(); self.binders.len() + 1];
        for cond in &self.when {
            let free = program.free_binders_of_condition(*cond);
            let level = self
                .binders
                .iter()
                .rposition(|it| free.contains(it))
                .map_or(0, |it| it + 1);
            if let Some(conds) = levels.get_mut(level) {
                conds.push(*cond);
            }
        }
        levels
    }
}

/// Everything that was compiled from one library.
#[derive(Debug, Clone, Default)]
pub struct CompiledLibrary {
    /// The terms and conditions of all controls.
    pub program: Program,
    /// The controls that were compiled, in the order of the library.
    pub controls: Vec<CompiledControl>,
    /// The controls that were not compiled, each with the reason: first those that are interpreted, then those that do
    /// not load.
    pub not_compiled: Vec<(ControlId, String)>,
}

impl CompiledLibrary {
    /// A compiled control; `None` where it is not compiled.
    #[must_use]
    pub fn control(&self, id: &ControlId) -> Option<&CompiledControl> {
        self.controls.iter().find(|it| it.control.id == *id)
    }
}
