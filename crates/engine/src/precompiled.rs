//! Controls that were compiled before, such as those of the embedded library when kubevet is built.
//!
//! They are used again only where compiling would give the same program: the rule, the shared
//! modules and the types of params are the same. Nothing here compiles or decodes.

use kubevet_ir::{CompiledControl, CompiledRule, Program};
use kubevet_model::{ControlId, KindSelector};
use kubevet_policy::{ControlSource, Library, ModuleSource, ParamSchema};
use std::collections::BTreeMap;

/// Compiled controls, and the sources that they were compiled from. The default has none.
#[derive(Debug, Clone, Default)]
pub struct Precompiled {
    modules: Vec<ModuleSource>,
    params: ParamSchema,
    program: Program,
    controls: BTreeMap<ControlId, (ControlSource, CompiledRule)>,
}

/// The part of a library that need not be compiled again.
#[derive(Default)]
pub(super) struct Reused {
    pub(super) program: Program,
    pub(super) controls: Vec<CompiledControl>,
    /// True if nothing of the library is left to compile or to check.
    pub(super) is_complete: bool,
}

impl Precompiled {
    /// `rules` are those of the library's controls in `program`. Controls that are left out are
    /// compiled again.
    #[must_use]
    pub fn new(
        library: Library,
        program: Program,
        rules: impl IntoIterator<Item = (ControlId, CompiledRule)>,
    ) -> Self {
        let mut rules: BTreeMap<ControlId, CompiledRule> = rules.into_iter().collect();
        let controls = library.controls.into_iter().filter_map(|source| {
            let id = source.control.id.clone();
            let rule = rules.remove(&id)?;
            Some((id, (source, rule)))
        });
        Self {
            controls: controls.collect(),
            modules: library.modules,
            params: library.params,
            program,
        }
    }

    /// Returns what a library has in common with the compiled controls.
    pub(super) fn reuse(mut self, library: &Library) -> Reused {
        if !self.has_same_basis(library) {
            return Reused::default();
        }
        let controls: Vec<CompiledControl> = library
            .controls
            .iter()
            .filter_map(|source| {
                let CompiledRule { applies, clauses } = self.take_rule(source)?;
                Some(CompiledControl {
                    control: source.control.clone(),
                    applies,
                    clauses,
                })
            })
            .collect();
        // All modules of `self` are in the library, so equal numbers mean equal modules.
        let is_complete =
            controls.len() == library.controls.len() && self.modules.len() == library.modules.len();
        Reused {
            program: self.program,
            controls,
            is_complete,
        }
    }

    /// True if the library has all shared modules and params of this one, unchanged.
    fn has_same_basis(&self, library: &Library) -> bool {
        let has_modules = self.modules.iter().all(|module| {
            let mut modules = library.modules.iter();
            modules.any(|other| other.text == module.text)
        });
        let mut params = self.params.iter();
        has_modules && params.all(|spec| library.params.get(&spec.name) == Some(spec))
    }

    /// Returns what the rule of a control was compiled to, if the rule and the kinds are the same.
    fn take_rule(&mut self, source: &ControlSource) -> Option<CompiledRule> {
        let (own, _) = self.controls.get(&source.control.id)?;
        let is_same = own.rule.text == source.rule.text && kinds(own).eq(kinds(source));
        if !is_same {
            return None;
        }
        let (_, rule) = self.controls.remove(&source.control.id)?;
        Some(rule)
    }
}

/// The kinds that a rule may depend on: those of other software with pods do not change what it
/// compiles to.
fn kinds(source: &ControlSource) -> impl Iterator<Item = &KindSelector> {
    let kinds = source.control.kinds.iter();
    kinds.filter(|kind| !matches!(kind, KindSelector::CustomWorkload(_)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Engine;
    use kubevet_model::Kind;
    use kubevet_policy as policy;
    use std::sync::Arc;

    /// Checks which controls of a changed copy of the embedded library are not used again, and
    /// whether there is anything left to compile or to check.
    #[track_caller]
    fn check(change: impl FnOnce(&mut Library), compiled_again: &[&str], is_complete: bool) {
        let (library, _) = policy::embedded();
        let (engine, problems) = Engine::compile(&library);
        assert_eq!(problems, []);
        let compiled = engine.compiled_library();
        let controls = compiled.controls.iter();
        let rules = controls.map(|compiled| (compiled.control.id.clone(), compiled.rule()));
        let precompiled = Precompiled::new(library.clone(), compiled.program.clone(), rules);
        let mut changed = library;
        change(&mut changed);
        let reused = precompiled.reuse(&changed);
        let again: Vec<&str> = changed
            .controls
            .iter()
            .map(|source| &source.control.id)
            .filter(|id| {
                let mut controls = reused.controls.iter();
                controls.all(|compiled| compiled.control.id != **id)
            })
            .map(ControlId::as_str)
            .collect();
        let all: Vec<&str> = changed
            .controls
            .iter()
            .map(|source| source.control.id.as_str())
            .collect();
        let expected = if compiled_again == ["all"] {
            &all
        } else {
            compiled_again
        };
        assert_eq!(again, expected);
        assert_eq!(reused.is_complete, is_complete);
    }

    fn control<'l>(library: &'l mut Library, id: &str) -> &'l mut ControlSource {
        let mut controls = library.controls.iter_mut();
        controls
            .find(|source| source.control.id.as_str() == id)
            .unwrap()
    }

    fn longer(text: &str) -> Arc<str> {
        format!("{text}\n").into()
    }

    #[test]
    fn unchanged_library_is_not_compiled_again() {
        check(|_| {}, &[], true);
    }

    #[test]
    fn part_of_the_library_is_not_compiled_again() {
        check(|library| library.controls.truncate(3), &[], true);
    }

    #[test]
    fn changed_texts_do_not_matter() {
        check(
            |library| {
                Arc::make_mut(&mut control(library, "C-0057").control)
                    .risk
                    .clear()
            },
            &[],
            true,
        );
    }

    #[test]
    fn changed_rule_is_compiled_again() {
        let change = |library: &mut Library| {
            let rule = &mut control(library, "C-0057").rule;
            rule.text = longer(&rule.text);
        };
        check(change, &["C-0057"], false);
    }

    #[test]
    fn rule_for_other_kinds_is_compiled_again() {
        let change = |library: &mut Library| {
            let control = Arc::make_mut(&mut control(library, "C-0057").control);
            control.kinds = vec![KindSelector::Kind(Kind::new("", "Pod"))];
        };
        check(change, &["C-0057"], false);
    }

    #[test]
    fn custom_workloads_do_not_matter() {
        let workloads = kubevet_k8s::workload::custom::CustomWorkloads::shipped();
        check(|library| library.set_workloads(workloads), &[], true);
    }

    #[test]
    fn added_control_is_compiled() {
        let change = |library: &mut Library| {
            let mut added = control(library, "C-0057").clone();
            Arc::make_mut(&mut added.control).id = "C-9001".into();
            library.controls.push(added);
        };
        check(change, &["C-9001"], false);
    }

    #[test]
    fn added_module_is_checked() {
        let change = |library: &mut Library| {
            library.modules.push(ModuleSource {
                file: "lib/added.rego".into(),
                text: "package lib.added\n".into(),
            });
        };
        check(change, &[], false);
    }

    #[test]
    fn changed_module_compiles_everything_again() {
        let change = |library: &mut Library| {
            let module = library.modules.first_mut().unwrap();
            module.text = longer(&module.text);
        };
        check(change, &["all"], false);
    }

    #[test]
    fn missing_param_compiles_everything_again() {
        check(
            |library| library.params = ParamSchema::default(),
            &["all"],
            false,
        );
    }
}
