//! A rule: when it denies, and what it says then.

use super::{BinderId, CondId, Program, TermId};
use kubevet_model::{Control, Position};
use std::sync::Arc;

/// A control that was compiled.
#[derive(Debug, Clone)]
pub(crate) struct Compiled {
    pub(crate) control: Arc<Control>,
    /// One for each body of `deny`, and for each way through a literal list in it.
    pub(crate) denies: Vec<Deny>,
}

/// One body of `deny`: for all elements that its binders reach under its conditions, a finding.
#[derive(Debug, Clone)]
pub(crate) struct Deny {
    /// From the outermost to the innermost.
    pub(crate) binders: Vec<BinderId>,
    /// All must hold. See [`Deny::levels`].
    pub(crate) when: Vec<CondId>,
    /// A text, proved to be one where the conditions hold.
    pub(crate) message: TermId,
    /// Texts, likewise; at least one.
    pub(crate) paths: Vec<TermId>,
    pub(crate) fixes: Vec<FixTemplate>,
    /// Where the body stands in the rule.
    pub(crate) position: Position,
}

/// An edit that mends the finding.
#[derive(Debug, Clone)]
pub(crate) struct FixTemplate {
    /// A text.
    pub(crate) path: TermId,
    /// What to set; `None` removes.
    pub(crate) value: Option<FixValue>,
}

/// What a fix sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FixValue {
    /// JSON text.
    Written(Arc<str>),
    /// Computed, and proved to be defined where the conditions hold.
    Term(TermId),
}

impl Deny {
    /// The conditions by level: first those that need no binder, then those that can be asked once the first binder
    /// stands, and so on. One more than there are binders; nothing is left out.
    pub(crate) fn levels(&self, program: &Program) -> Vec<Vec<CondId>> {
        let mut levels = vec![Vec::new(); self.binders.len() + 1];
        for cond in &self.when {
            let free = program.free_in_cond(*cond);
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
