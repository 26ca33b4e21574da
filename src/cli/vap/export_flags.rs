//! What is exported: controls by name, framework and severity, or the bindings of a folder, and how.

use crate::cli::{
    library_flags::{self, LibraryFlags},
    say,
};
use anyhow::bail;
use clap::{Args, ValueEnum};
use kubevet_engine::Engine;
use kubevet_model::{
    Action, ControlId, OnOwned, OnUnevaluated, OnUpdate, Problem, Scope, Severity,
};
use kubevet_policy::{self as policy, Binding, Library};
use kubevet_vap::{self as vap, EXEMPT_NAMESPACES, Export, Options, Packing, ParamsIn};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

/// The oldest minor version of Kubernetes that has ValidatingAdmissionPolicies for good.
const OLDEST: u8 = 30;

/// Which controls, for whom, in what form.
#[derive(Debug, Args)]
pub(super) struct ExportFlags {
    /// Controls and frameworks, such as C-0057 or NSA; all controls that judge objects where none is named
    #[arg(value_name = "CONTROL|FRAMEWORK")]
    names: Vec<String>,
    /// Only controls of this severity or over it: low, medium, high or critical
    #[arg(long, value_name = "SEVERITY", conflicts_with = "bindings")]
    severity: Option<Severity>,
    /// What a finding comes to: Deny, Warn, Audit, with commas between; not Deny together with Warn
    #[arg(long = "action", value_name = "ACTIONS", value_delimiter = ',', default_value = "Warn,Audit",
        value_parser = action, conflicts_with = "bindings")]
    actions: Vec<Action>,
    /// Export these ControlBindings, with their controls, scopes, actions and params, instead of naming controls
    #[arg(long, value_name = "DIR", conflicts_with = "names")]
    bindings: Option<PathBuf>,
    /// As few policies as can be (the default): the API server slows with every policy that looks at an object
    #[arg(long, conflicts_with = "one_per_control")]
    pack: bool,
    /// One policy a control
    #[arg(long)]
    one_per_control: bool,
    /// Where params stand: written into the policies, or in ControlConfiguration objects that can be edited
    #[arg(long, value_enum, default_value_t = ParamsFlag::Written)]
    params: ParamsFlag,
    /// The oldest Kubernetes that must take the policies
    #[arg(long, value_name = "VERSION", default_value = "1.30", value_parser = min_kube)]
    min_kube: u8,
    /// Namespaces that no policy looks at, with commas between; '' for none
    #[arg(long, value_name = "NAMES", value_delimiter = ',', default_values_t = EXEMPT_NAMESPACES.map_owned())]
    exempt_namespaces: Vec<String>,
    /// What controls are told (allowed registries and so on): Kubescape's inputs file, or a map of names to lists
    #[arg(long, value_name = "FILE", help_heading = "Controls")]
    controls_config: Option<PathBuf>,
    /// Fail with 1 where a control that was asked for cannot be exported
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    library: LibraryFlags,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ParamsFlag {
    Written,
    Resource,
}

trait MapOwned {
    fn map_owned(&self) -> Vec<String>;
}

impl MapOwned for &[&str] {
    fn map_owned(&self) -> Vec<String> {
        self.iter().map(|it| (*it).to_owned()).collect()
    }
}

/// A word of `validationActions`.
pub(super) fn action(word: &str) -> Result<Action, String> {
    let found = Action::ALL
        .into_iter()
        .find(|it| it.name().eq_ignore_ascii_case(word));
    found.ok_or_else(|| "Deny, Warn or Audit".to_owned())
}

fn min_kube(text: &str) -> Result<u8, String> {
    let minor = text
        .trim_start_matches('v')
        .strip_prefix("1.")
        .and_then(|it| it.parse::<u8>().ok());
    match minor {
        Some(minor) if minor >= OLDEST => Ok(minor),
        Some(_) => Err(format!(
            "ValidatingAdmissionPolicies are there from Kubernetes 1.{OLDEST} on"
        )),
        None => Err(format!("write it like 1.{OLDEST}")),
    }
}

/// What was selected and exported.
pub(super) struct Selected {
    pub(super) export: Export,
    /// What is wrong with the library or the bindings; nothing should be written then.
    pub(super) problems: Vec<Problem>,
    strict: bool,
}

impl ExportFlags {
    /// Reads the library and exports from it.
    ///
    /// # Errors
    /// A name that is none, a config that cannot be read.
    pub(super) fn export(&self) -> anyhow::Result<Selected> {
        let (mut library, mut problems) = self.library.load();
        let mut params = library.params.defaults();
        if let Some(file) = &self.controls_config {
            problems.extend(library_flags::configure(file, &library, &mut params)?);
        }
        library.params = library.params.with_defaults(&params);
        let bindings = match &self.bindings {
            Some(folder) => {
                let (bindings, more) = policy::load_bindings(folder, &library);
                problems.extend(more);
                bindings
            }
            None => vec![self.binding(&library)?],
        };
        let options = Options {
            packing: if self.one_per_control {
                Packing::OnePerControl
            } else {
                Packing::Packed
            },
            params: if self.params == ParamsFlag::Resource {
                ParamsIn::Objects
            } else {
                ParamsIn::Policies
            },
            min_kube: self.min_kube,
            exempt: self
                .exempt_namespaces
                .iter()
                .filter(|it| !it.is_empty())
                .cloned()
                .collect(),
            named: self.bindings.is_some(),
            bound: true,
        };
        let (engine, faults) = Engine::compile(&library);
        problems.extend(faults);
        Ok(Selected {
            export: export(&engine, &library, &bindings, &options),
            problems,
            strict: self.strict,
        })
    }

    /// The binding that the flags are.
    fn binding(&self, library: &Library) -> anyhow::Result<Binding> {
        let actions: BTreeSet<Action> = self.actions.iter().copied().collect();
        if actions.is_superset(&BTreeSet::from([Action::Deny, Action::Warn])) {
            bail!(
                "--action Deny,Warn would say everything twice, and the API server takes no such binding: keep one"
            );
        }
        let mut controls: BTreeSet<ControlId> = BTreeSet::new();
        let mut frameworks = Vec::new();
        for name in self
            .names
            .iter()
            .flat_map(|it| it.split(','))
            .filter(|it| !it.is_empty())
        {
            if let Some(framework) = library.framework(name) {
                controls.extend(framework.members.iter().map(|it| it.control.clone()));
                frameworks.push(framework.name.to_ascii_lowercase());
            } else if let Some(source) = library.control(name) {
                controls.insert(source.control.id.clone());
            } else {
                let hint = match library.suggest_control(name) {
                    it if it.is_empty() => library.suggest_framework(name),
                    it => it,
                };
                bail!(
                    "there is no control and no framework {name:?}{hint}: `kubevet list controls` shows all"
                );
            }
        }
        let name = match (self.names.len(), frameworks.len()) {
            (0, _) => "all".to_owned(),
            (names, frameworks_named) if names == frameworks_named => frameworks.join("-"),
            _ => "controls".to_owned(),
        };
        if self.names.is_empty() {
            let judging = library
                .controls
                .iter()
                .filter(|it| it.control.scope.contains(&Scope::Cluster));
            controls.extend(judging.map(|it| it.control.id.clone()));
        }
        if let Some(least) = self.severity {
            controls.retain(|it| {
                library
                    .control(it.as_str())
                    .is_none_or(|it| it.control.severity >= least)
            });
        }
        if controls.is_empty() {
            bail!("no control is of that severity: there would be no policy");
        }
        Ok(plain_binding(name, controls, actions, library))
    }
}

/// A binding for everybody.
pub(super) fn plain_binding(
    name: String,
    controls: BTreeSet<ControlId>,
    actions: BTreeSet<Action>,
    library: &Library,
) -> Binding {
    Binding {
        name,
        controls,
        match_resources: kubevet_k8s::matching::MatchResources::default(),
        actions,
        params: library.params.defaults(),
        on_update: OnUpdate::New,
        on_owned: OnOwned::Warn,
        on_unevaluated: OnUnevaluated::Deny,
    }
}

/// Exports bindings of a library.
pub(super) fn export(
    engine: &Engine,
    library: &Library,
    bindings: &[Binding],
    options: &Options,
) -> Export {
    let controls: BTreeMap<_, _> = library
        .controls
        .iter()
        .map(|it| (it.control.id.clone(), it.control.clone()))
        .collect();
    vap::export(bindings, &controls, options, &|ids, target| {
        kubevet_cel::print(engine.compiled_library(), ids, target)
    })
}

impl Selected {
    /// Says on stderr what is not in the export, and why; the exit code that this comes to.
    pub(super) fn say_left_out(&self) -> u8 {
        for it in &self.export.left_out {
            say(&format!("not exported: {} {}", it.control, it.words));
        }
        u8::from(self.strict && self.export.left_out.iter().any(vap::LeftOut::is_missed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<u8, &str>) {
        assert_eq!(
            min_kube(text).map_err(|it| it.to_string()),
            expected.map_err(str::to_owned)
        );
    }

    #[test]
    fn versions_are_those_that_have_policies() {
        check("1.30", Ok(30));
        check("v1.36", Ok(36));
        check(
            "1.29",
            Err("ValidatingAdmissionPolicies are there from Kubernetes 1.30 on"),
        );
        check("30", Err("write it like 1.30"));
    }
}
