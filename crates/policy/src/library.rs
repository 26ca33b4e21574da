//! The control library: controls, modules, frameworks and params that are used together.

use super::{
    builtin::BuiltinControl, control_id, did_you_mean::did_you_mean, module_source::ModuleSource,
    params::ParamSchema, shared_rule::SharedRule,
};
use kubevet_k8s::workload::custom::CustomWorkloads;
use kubevet_model::{
    Control, ControlId, Framework, FrameworkMember, KindSelector, Position, PublicControl,
    Requirement, Scope,
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, sync::Arc};

/// A control and its rule.
#[derive(Debug, Serialize, Deserialize, Clone, PartialEq)]
pub struct ControlSource {
    /// The metadata.
    pub control: Arc<Control>,
    /// The rule: one module of the package `controls.<id>`.
    pub rule: ModuleSource,
    /// The name of the shared rule that the rule was made from.
    pub shared_rule: Option<String>,
    /// The file with the metadata.
    pub file: Arc<str>,
    /// The position of the id in that file.
    pub position: Position,
}

/// Controls, the modules that their rules import, the frameworks that list them and the params that
/// they read.
///
/// A control with an error is left out and is a problem. A framework still lists it, so that an
/// evaluation of the framework shows that a member is missing.
#[derive(Debug, Serialize, Deserialize, Clone, PartialEq, Default)]
pub struct Library {
    /// The controls with rules, by id.
    pub controls: Vec<ControlSource>,
    /// The controls without rules, by id.
    pub builtins: Vec<BuiltinControl>,
    /// The modules that rules may import: `lib/*.rego`.
    pub modules: Vec<ModuleSource>,
    /// The rules that controls share: `rules/*.rego`.
    pub rules: Vec<SharedRule>,
    /// The frameworks, by file name.
    pub frameworks: Vec<Arc<Framework>>,
    /// The controls of the public library, by id. Those that are here are among `controls` or
    /// `builtins`, too.
    pub public_controls: Vec<PublicControl>,
    /// The ids of the controls that did not load.
    pub broken: Vec<ControlId>,
    /// The params.
    pub params: ParamSchema,
    /// The kinds of other software to which controls of workloads apply: see
    /// [`Library::set_workloads`].
    #[serde(skip)]
    pub workloads: CustomWorkloads,
}

impl Library {
    /// The metadata of all controls, those without rules included, by id.
    #[must_use]
    pub fn metadata(&self) -> Vec<Arc<Control>> {
        let with_rules = self.controls.iter().map(|source| &source.control);
        let builtins = self.builtins.iter().map(|builtin| &builtin.control);
        let mut all: Vec<Arc<Control>> = with_rules.chain(builtins).cloned().collect();
        all.sort_by(|a, b| a.id.cmp(&b.id));
        all
    }

    /// The metadata of the control of an id, with a rule or without; case is ignored.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<&Arc<Control>> {
        let with_rule = self.control(id).map(|source| &source.control);
        with_rule.or_else(|| self.builtin(id).map(|builtin| &builtin.control))
    }

    /// The control without a rule of an id; case is ignored.
    #[must_use]
    pub fn builtin(&self, id: &str) -> Option<&BuiltinControl> {
        self.builtins
            .iter()
            .find(|builtin| builtin.control.id.as_str().eq_ignore_ascii_case(id))
    }

    /// The control with a rule of an id; case is ignored.
    #[must_use]
    pub fn control(&self, id: &str) -> Option<&ControlSource> {
        self.controls
            .iter()
            .find(|source| source.control.id.as_str().eq_ignore_ascii_case(id))
    }

    /// The framework of a name; case is ignored.
    #[must_use]
    pub fn framework(&self, name: &str) -> Option<&Arc<Framework>> {
        self.frameworks
            .iter()
            .find(|framework| framework.name.eq_ignore_ascii_case(name))
    }

    /// The newest framework of a family: that of the highest version whose name is the family's and
    /// `-v` and a version, such as `cis-v1.12.0` for `cis`; case is ignored.
    #[must_use]
    pub fn newest_framework(&self, family: &str) -> Option<&Arc<Framework>> {
        let version = |framework: &Arc<Framework>| {
            let name = framework.name.to_ascii_lowercase();
            let version = name.strip_prefix(&family.to_ascii_lowercase())?;
            version_numbers(version.strip_prefix("-v")?)
        };
        let versions = self
            .frameworks
            .iter()
            .filter_map(|framework| Some((version(framework)?, framework)));
        let newest = versions.max_by(|(a, _), (b, _)| a.cmp(b));
        newest.map(|(_, framework)| framework)
    }

    /// The control of the public library of an id that is not here; case is ignored.
    #[must_use]
    pub fn absent_control(&self, id: &str) -> Option<&PublicControl> {
        if self.find(id).is_some() {
            return None;
        }
        self.public_controls
            .iter()
            .find(|control| control.id.as_str().eq_ignore_ascii_case(id))
    }

    /// The controls of the public library that are not here, by id.
    #[must_use]
    pub fn absent_controls(&self) -> Vec<&PublicControl> {
        let controls = self.metadata();
        let ids: BTreeSet<&ControlId> = controls.iter().map(|control| &control.id).collect();
        let absent = self.public_controls.iter();
        absent
            .filter(|control| !ids.contains(&control.id))
            .collect()
    }

    /// Gives the framework of all controls every control of objects that is here, and those of the
    /// public library that are not. Controls of connections must be named one by one: a binding of
    /// all controls that denies must not forbid `kubectl exec` by accident.
    pub(super) fn fill_in(&self, framework: &mut Framework) {
        if !framework.has_all_controls {
            return;
        }
        let controls = self.metadata();
        let of_objects = controls
            .iter()
            .filter(|control| control.scope.iter().any(|scope| *scope != Scope::Admission));
        let here = of_objects.map(|control| &control.id);
        let absent = self.absent_controls().into_iter();
        let ids: BTreeSet<&ControlId> = here.chain(absent.map(|control| &control.id)).collect();
        let member = |id: &ControlId| FrameworkMember {
            control: id.clone(),
            reason: String::new(),
        };
        framework.requirements = vec![Requirement {
            controls: ids.into_iter().map(member).collect(),
            ..Requirement::default()
        }];
    }

    /// As [`Library::fill_in`], for every framework of the library.
    pub(super) fn fill_in_frameworks(&mut self) {
        let mut frameworks = std::mem::take(&mut self.frameworks);
        for framework in frameworks
            .iter_mut()
            .filter(|framework| framework.has_all_controls)
        {
            self.fill_in(Arc::make_mut(framework));
        }
        self.frameworks = frameworks;
    }

    /// Half a sentence for an unknown control: `, did you mean "C-0057"?`, or nothing.
    #[must_use]
    pub fn suggest_control(&self, id: &str) -> String {
        // `C-57` is C-0057, though several digits apart.
        let padded = id.split_once('-').and_then(|(prefix, number)| {
            Some(format!("{prefix}-{:04}", number.parse::<u16>().ok()?))
        });
        if let Some(control) = padded.and_then(|id| self.find(&id)) {
            return format!(", did you mean {:?}?", control.id.as_str());
        }
        let controls = self.metadata();
        let ids = || controls.iter().map(|control| control.id.as_str());
        match ids().find(|known| control_id::is_same_number(id, known)) {
            Some(known) => did_you_mean(known, [known]),
            None => did_you_mean(id, ids()),
        }
    }

    /// Half a sentence for an unknown framework, as [`Library::suggest_control`].
    #[must_use]
    pub fn suggest_framework(&self, name: &str) -> String {
        did_you_mean(
            name,
            self.frameworks
                .iter()
                .map(|framework| framework.name.as_str()),
        )
    }

    /// Extends all controls of workloads to kinds of other software. Controls that are added later
    /// are not extended.
    pub fn set_workloads(&mut self, workloads: CustomWorkloads) {
        for source in &mut self.controls {
            let control = Arc::make_mut(&mut source.control);
            control
                .kinds
                .retain(|selector| !matches!(selector, KindSelector::CustomWorkload(_)));
            if control.kinds.contains(&KindSelector::Workloads) {
                let kinds = workloads.rows().iter().map(|row| row.kind.clone());
                control
                    .kinds
                    .extend(kinds.map(KindSelector::CustomWorkload));
            }
        }
        self.workloads = workloads;
    }
}

/// The numbers of a version: `[1, 12, 0]` for `1.12.0`; `None` if it has anything else.
fn version_numbers(version: &str) -> Option<Vec<u32>> {
    let numbers = version.split('.').map(|number| number.parse().ok());
    numbers.collect()
}
