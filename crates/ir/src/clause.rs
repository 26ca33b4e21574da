//! Compiled rules: when a rule finds something, and what the finding says.

use super::{BinderId, ConditionId, Program, TermId};
use kubevet_model::{Control, ControlId, Position};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A control whose rule was compiled.
#[derive(Debug, Clone)]
pub struct CompiledControl {
    /// The control.
    pub control: Arc<Control>,
    /// The condition under which the control applies to an object, without free binders; `None` if
    /// it applies to every object of its kinds. Every clause has it among its conditions.
    pub applies: Option<ConditionId>,
    /// One clause for each alternative of each body of `deny`, in the order of the rule.
    pub clauses: Vec<Clause>,
}

/// What the rule of a control was compiled to, without the control.
#[derive(Serialize, Deserialize, Debug, Clone)]
pub struct CompiledRule {
    /// As [`CompiledControl::applies`].
    pub applies: Option<ConditionId>,
    /// As [`CompiledControl::clauses`].
    pub clauses: Vec<Clause>,
}

impl CompiledControl {
    /// A copy without the control.
    #[must_use]
    pub fn rule(&self) -> CompiledRule {
        CompiledRule {
            applies: self.applies,
            clauses: self.clauses.clone(),
        }
    }
}

/// One alternative of a body of `deny`: a finding for every choice of elements for which the
/// conditions hold.
#[derive(Serialize, Deserialize, Debug, Clone)]
pub struct Clause {
    /// The loops, outermost first.
    pub binders: Vec<BinderId>,
    /// The conditions, all of which must hold. [`Clause::levels`] sorts them into the loops.
    pub when: Vec<ConditionId>,
    /// The message: proved to be a string wherever the conditions hold.
    pub message: TermId,
    /// The paths of the finding, at least one: proved to be strings likewise.
    pub paths: Vec<TermId>,
    /// The edits that remediate the finding.
    pub fixes: Vec<FixTemplate>,
    /// The start of the body in the rule.
    pub position: Position,
}

/// An edit that remediates a finding.
#[derive(Serialize, Deserialize, Debug, Clone)]
pub struct FixTemplate {
    /// The path to edit, a string.
    pub path: TermId,
    /// The value to set; `None` removes the field.
    pub value: Option<FixValue>,
}

/// The value that a fix sets.
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub enum FixValue {
    /// A literal, as JSON.
    Json(Arc<str>),
    /// A computed value, proved to be defined wherever the conditions hold.
    Term(TermId),
}

impl Clause {
    /// The conditions by loop: at index 0 those without a binder, at index `n` those that can be
    /// decided once the first `n` binders are at an element. One list more than there are binders.
    #[must_use]
    pub fn levels(&self, program: &Program) -> Vec<Vec<ConditionId>> {
        let mut levels = vec![Vec::new(); self.binders.len() + 1];
        for condition in &self.when {
            let free = program.free_binders_of_condition(*condition);
            let innermost = self
                .binders
                .iter()
                .rposition(|binder| free.contains(binder));
            let level = innermost.map_or(0, |index| index + 1);
            if let Some(conditions) = levels.get_mut(level) {
                conditions.push(*condition);
            }
        }
        levels
    }
}

/// The result of compiling a library.
#[derive(Debug, Clone, Default)]
pub struct CompiledLibrary {
    /// The terms and conditions of all controls.
    pub program: Program,
    /// The compiled controls, in the order of the library.
    pub controls: Vec<CompiledControl>,
    /// The controls that are not compiled, each with the reason: first those that are interpreted,
    /// then those that do not load.
    pub not_compiled: Vec<(ControlId, String)>,
}

impl CompiledLibrary {
    /// The compiled control of an id; `None` if it is not compiled.
    #[must_use]
    pub fn control(&self, id: &ControlId) -> Option<&CompiledControl> {
        self.controls
            .iter()
            .find(|compiled| compiled.control.id == *id)
    }
}
