//! Controls that were compiled before, such as those of the embedded library when kubevet is built.
//!
//! They are used again only where compiling would give the same program: the rule, the shared
//! modules and the types of params are the same. Nothing here compiles or decodes.

use kubevet_ir::{Clause, CompiledControl, Program};
use kubevet_model::{ControlId, KindSelector};
use kubevet_policy::{ControlSource, Library};
use std::collections::BTreeMap;

/// A library, and what its controls compile to. The default has no controls.
#[derive(Debug, Clone, Default)]
pub struct Precompiled {
    library: Library,
    program: Program,
    clauses: BTreeMap<ControlId, Vec<Clause>>,
}

impl Precompiled {
    /// `clauses` are those of the library's controls in `program`. Controls that are left out are
    /// compiled again.
    #[must_use]
    pub fn new(
        library: Library,
        program: Program,
        clauses: impl IntoIterator<Item = (ControlId, Vec<Clause>)>,
    ) -> Self {
        Self {
            library,
            program,
            clauses: clauses.into_iter().collect(),
        }
    }

    /// Returns the program, and the controls of a library that it has.
    pub(super) fn reuse(mut self, library: &Library) -> (Program, Vec<CompiledControl>) {
        if !self.has_same_basis(library) {
            return (Program::default(), Vec::new());
        }
        let reused = library
            .controls
            .iter()
            .filter_map(|source| {
                let clauses = self.clauses_of(source)?;
                Some(CompiledControl {
                    control: source.control.clone(),
                    clauses,
                })
            })
            .collect();
        (self.program, reused)
    }

    /// True if the library has all shared modules and params of this one, unchanged.
    fn has_same_basis(&self, library: &Library) -> bool {
        let has_modules = self.library.modules.iter().all(|module| {
            let mut modules = library.modules.iter();
            modules.any(|other| other.text == module.text)
        });
        has_modules
            && self
                .library
                .params
                .iter()
                .all(|spec| library.params.get(&spec.name) == Some(spec))
    }

    fn clauses_of(&mut self, source: &ControlSource) -> Option<Vec<Clause>> {
        let own = self.library.control(source.control.id.as_str())?;
        // Kinds of other software with pods do not change what a rule compiles to.
        let kinds = |source: &ControlSource| -> Vec<KindSelector> {
            let kinds = source.control.kinds.iter();
            kinds
                .filter(|kind| !matches!(kind, KindSelector::CustomWorkload(_)))
                .cloned()
                .collect()
        };
        let is_same = own.rule.text == source.rule.text && kinds(own) == kinds(source);
        is_same
            .then(|| self.clauses.remove(&source.control.id))
            .flatten()
    }
}
