//! The flags that select what is exported: controls by name, framework and severity, or the
//! bindings of a folder, and the form of the policies.

use super::deploy_library::export_library;
use crate::cli::{
    exit_status::ExitStatus,
    kubernetes_version,
    library_flags::{LibraryFlags, apply_controls_config},
    session::Session,
    stderr,
};
use anyhow::bail;
use clap::{Args, ValueEnum};
use kubevet_cel::{self as cel, CelBundle, CelTarget, ReadableControl};
use kubevet_k8s::{matching::MatchResources, workload::custom::CustomWorkloads};
use kubevet_model::{
    Action, ControlId, OnOwned, OnUnevaluated, OnUpdate, Problem, Scope, Severity, sha256_hex,
};
use kubevet_policy::{self as policy, Binding, Library, Params, RemarkLevel};
use kubevet_vap::{
    self as vap, EXEMPT_NAMESPACES, EmitCel, Export, ExportOptions, Packing, ParamsIn, Selection,
    SkippedControl,
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

/// The hexadecimal digits that are shown of the hash of a rule.
const RULE_HASH_CHARS: usize = 16;

/// Which controls, for whom, in what form.
#[derive(Debug, Args)]
pub(super) struct ExportFlags {
    /// Controls and frameworks, such as C-0057 or NSA; all controls that check objects if none
    /// is named
    #[arg(value_name = "CONTROL|FRAMEWORK")]
    names: Vec<String>,
    /// Only controls of this severity or over it: low, medium, high or critical
    #[arg(long, value_name = "SEVERITY", conflicts_with = "bindings")]
    severity: Option<Severity>,
    /// What happens to a finding: Deny, Warn, Audit, with commas between; not Deny together with Warn
    /// [default: Warn,Audit; Audit with --style readable]
    #[arg(long = "action", value_name = "ACTIONS", value_delimiter = ',', value_parser = action,
        conflicts_with = "bindings")]
    actions: Vec<Action>,
    /// Export these ControlBindings, with their controls, scopes, actions and params, instead of
    /// naming controls
    #[arg(long, value_name = "FILE|DIR", conflicts_with = "names")]
    bindings: Option<PathBuf>,
    /// How policies are written: for the API server, or for people
    #[arg(long, value_enum, default_value_t = Style::Packed)]
    style: Style,
    /// As few policies as possible (the default): every policy that applies to an object costs time
    /// in the API server
    #[arg(long, conflicts_with = "one_per_control")]
    pack: bool,
    /// One policy a control
    #[arg(long)]
    one_per_control: bool,
    /// Where params are kept: written into the policies, or in ControlConfiguration objects that can
    /// be edited
    #[arg(long, value_enum, default_value_t = ParamsForm::Written)]
    params: ParamsForm,
    /// The oldest version of Kubernetes that must accept the policies
    #[arg(long, value_name = "VERSION", default_value = "1.30", value_parser = kubernetes_version::parse_policy_minor)]
    min_kube: u8,
    /// Namespaces that no policy applies to, with commas between; '' for none
    #[arg(long, value_name = "NAMES", value_delimiter = ',', default_values_t = exempt_namespaces())]
    exempt_namespaces: Vec<String>,
    /// Parameters for controls, such as allowed registries: a map of names to lists, or Kubescape's
    /// inputs file
    #[arg(long, value_name = "FILE", help_heading = "Controls")]
    controls_config: Option<PathBuf>,
    /// Also export policies for the kinds of other software with pods (`kubevet list workloads`),
    /// whether their CRDs are installed or not; --workloads FILE implies it
    #[arg(long)]
    custom_workloads: bool,
    /// Fail with 1 where a control that was asked for cannot be exported
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    library: LibraryFlags,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Style {
    /// Fastest; exempts what the webhook exempts (old findings, Pods of owners that were checked)
    Packed,
    /// One policy a control, one validation a condition; nothing is exempt, so it audits by default
    Readable,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ParamsForm {
    Written,
    Resource,
}

/// Returns the namespaces that are exempt by default.
fn exempt_namespaces() -> Vec<String> {
    EXEMPT_NAMESPACES
        .iter()
        .map(|namespace| (*namespace).to_owned())
        .collect()
}

/// Parses a value of `validationActions`.
pub(super) fn action(argument: &str) -> Result<Action, String> {
    Action::ALL
        .iter()
        .copied()
        .find(|action| action.name().eq_ignore_ascii_case(argument))
        .ok_or_else(|| "Deny, Warn or Audit".to_owned())
}

/// An export, and whether it must be complete.
pub(super) struct Exported {
    pub(super) export: Export,
    strict: bool,
}

/// Printed where a readable policy denies.
const READABLE_DENIES: &str = "warning: a readable policy checks every request as a whole. With the action Deny, the API \
    server also refuses updates of objects that already fail, and new Pods of owners that already fail. \
    The style packed lets both pass with a warning";

impl ExportFlags {
    /// Loads the library and exports from it. Returns `None` if something is wrong with the library
    /// or the bindings; the problems are printed, and nothing should be written then.
    ///
    /// # Errors
    /// A name is unknown, or a config cannot be read.
    pub(super) fn run(&self) -> anyhow::Result<Option<Exported>> {
        let (mut library, mut problems) = self.library.load();
        let defaults = library.params.defaults();
        let mut params = defaults.clone();
        if let Some(file) = &self.controls_config {
            problems.extend(apply_controls_config(file, &library, &mut params)?);
        }
        library.params = library.params.with_defaults(&params);
        let options = self.options(&library)?;
        let bindings = self.bindings(&library, &defaults, &mut problems)?;
        let denies = |binding: &Binding| binding.actions.contains(&Action::Deny);
        let warns = self.style == Style::Readable && bindings.iter().any(denies);
        let Some(session) = Session::compile(library, problems).require_valid() else {
            return Ok(None);
        };
        if warns {
            stderr::print_line(READABLE_DENIES);
        }
        Ok(Some(Exported {
            export: export(&session, &bindings, &options),
            strict: self.strict,
        }))
    }

    /// Exports the whole library of these flags, unbound, as `deploy-library` does. Returns `None`
    /// as [`Self::run`] does.
    pub(super) fn run_library(&self) -> Option<Exported> {
        let session = Session::open(&self.library).require_valid()?;
        Some(Exported {
            export: export_library(&session),
            strict: self.strict,
        })
    }

    fn options(&self, library: &Library) -> anyhow::Result<ExportOptions> {
        let packing = match self.style {
            Style::Readable if self.pack || self.one_per_control => {
                bail!(
                    "--style readable always writes one policy a control: leave --pack and --one-per-control out"
                )
            }
            Style::Readable => Packing::Readable,
            Style::Packed if self.one_per_control => Packing::OnePerControl,
            Style::Packed => Packing::Packed,
        };
        let params = match self.params {
            ParamsForm::Written => ParamsIn::Policies,
            ParamsForm::Resource => ParamsIn::Objects,
        };
        let exempt = self.exempt_namespaces.iter();
        Ok(ExportOptions {
            packing,
            params,
            min_kube: self.min_kube,
            exempt: exempt
                .filter(|namespace| !namespace.is_empty())
                .cloned()
                .collect(),
            custom: self.exported_workloads(library),
            named: self.bindings.is_some(),
            bound: true,
        })
    }

    /// Returns the kinds of other software that are exported.
    fn exported_workloads(&self, library: &Library) -> CustomWorkloads {
        if self.custom_workloads || self.library.workloads_file().is_some() {
            library.workloads.clone()
        } else {
            CustomWorkloads::default()
        }
    }

    /// Returns the actions that are named, else the default ones.
    fn actions(&self) -> BTreeSet<Action> {
        let default: &[Action] = match self.style {
            Style::Packed => &[Action::Warn, Action::Audit],
            Style::Readable => &[Action::Audit],
        };
        let actions = if self.actions.is_empty() {
            default
        } else {
            &self.actions
        };
        actions.iter().copied().collect()
    }

    /// Returns the bindings of the folder, or the one that the other flags describe. `defaults` are
    /// the params without a controls config.
    fn bindings(
        &self,
        library: &Library,
        defaults: &Params,
        problems: &mut Vec<Problem>,
    ) -> anyhow::Result<Vec<Binding>> {
        let Some(folder) = &self.bindings else {
            return Ok(vec![self.binding(library, defaults)?]);
        };
        let loaded = policy::load_bindings(folder, library);
        problems.extend(loaded.problems);
        // What has no effect is not exported, which is reported then.
        let mut notes = loaded.remarks;
        notes.retain(|remark| remark.level == RemarkLevel::Note);
        stderr::print_remarks(&notes);
        Ok(loaded.bindings)
    }

    /// Returns the binding that the flags describe.
    fn binding(&self, library: &Library, defaults: &Params) -> anyhow::Result<Binding> {
        let actions = self.actions();
        if actions.contains(&Action::Deny) && actions.contains(&Action::Warn) {
            bail!(
                "--action Deny,Warn: Deny already reports the finding, and the API server refuses both in one binding: drop Warn"
            );
        }
        let (mut selection, mut controls) = self.named_controls(library)?;
        if let Some(lowest) = self.severity {
            controls.retain(|id| {
                let source = library.control(id.as_str());
                source.is_none_or(|source| source.control.severity >= lowest)
            });
        }
        if controls.is_empty() {
            bail!("no control is of that severity: there would be no policy");
        }
        self.add_filters(&mut selection, changed_params(library, defaults, &controls));
        Ok(unconditional_binding(
            selection.name(),
            controls,
            actions,
            library,
        ))
    }

    /// Returns what the command line names, and its controls; all that apply to a cluster if it
    /// names none.
    fn named_controls(
        &self,
        library: &Library,
    ) -> anyhow::Result<(Selection, BTreeSet<ControlId>)> {
        let mut selection = Selection::default();
        if self.names.is_empty() {
            let controls = library.controls.iter();
            let controls = controls.filter(|source| source.control.scope.contains(&Scope::Cluster));
            let controls = controls.map(|source| source.control.id.clone());
            return Ok((selection, controls.collect()));
        }
        let mut controls: BTreeSet<ControlId> = BTreeSet::new();
        let names = self.names.iter().flat_map(|names| names.split(','));
        for name in names.filter(|name| !name.is_empty()) {
            if let Some(framework) = library.framework(name) {
                let ids = framework.controls().into_iter();
                let exported = ids.filter(|id| library.control(id.as_str()).is_some());
                controls.extend(exported.cloned());
                selection.add_framework(&framework.name);
            } else if let Some(source) = library.control(name) {
                controls.insert(source.control.id.clone());
                selection.add_control(&source.control.id);
            } else if let Some(builtin) = library.builtin(name) {
                bail!(
                    "{} is checked by `kubevet scan` alone: an API server compares fields and versions itself",
                    builtin.control.id
                );
            } else {
                let hint = match library.suggest_control(name) {
                    hint if hint.is_empty() => library.suggest_framework(name),
                    hint => hint,
                };
                bail!(
                    "there is no control and no framework {name:?}{hint}: `kubevet list controls` shows all"
                );
            }
        }
        if controls.is_empty() {
            bail!(
                "`kubevet scan` alone checks what is named: an API server compares fields and versions itself"
            );
        }
        Ok((selection, controls))
    }

    /// Adds what makes the selection another than its names alone do. The actions and the form of
    /// the policies are not part of it: an export with others replaces the one before.
    fn add_filters(&self, selection: &mut Selection, changed_params: BTreeMap<&str, Value>) {
        if let Some(lowest) = self.severity.filter(|lowest| *lowest > Severity::Low) {
            selection.set_filter("severity", lowest.name().to_owned());
        }
        let exempt = self.exempt_namespaces.iter().map(String::as_str);
        let exempt: BTreeSet<&str> = exempt.filter(|namespace| !namespace.is_empty()).collect();
        if exempt != EXEMPT_NAMESPACES.iter().copied().collect() {
            let exempt: Vec<&str> = exempt.into_iter().collect();
            selection.set_filter("exempt-namespaces", exempt.join(","));
        }
        if !changed_params.is_empty() {
            selection.set_filter("params", json!(changed_params).to_string());
        }
    }
}

/// Returns the params of the controls whose values are not the defaults.
fn changed_params<'l>(
    library: &'l Library,
    defaults: &Params,
    controls: &BTreeSet<ControlId>,
) -> BTreeMap<&'l str, Value> {
    let sources = library.controls.iter();
    let sources = sources.filter(|source| controls.contains(&source.control.id));
    let names: BTreeSet<&str> = sources
        .flat_map(|source| source.control.params.iter().map(String::as_str))
        .collect();
    let specs = names
        .into_iter()
        .filter_map(|name| library.params.get(name));
    specs
        .filter(|spec| defaults.get(&spec.name) != Some(&spec.default))
        .map(|spec| (spec.name.as_str(), spec.default.to_json()))
        .collect()
}

/// Returns a binding that matches every request.
pub(super) fn unconditional_binding(
    name: String,
    controls: BTreeSet<ControlId>,
    actions: BTreeSet<Action>,
    library: &Library,
) -> Binding {
    Binding {
        name,
        controls,
        match_resources: MatchResources::default(),
        exclude_subjects: Vec::new(),
        actions,
        params: library.params.defaults(),
        on_update: OnUpdate::New,
        on_owned: OnOwned::Warn,
        on_unevaluated: OnUnevaluated::Deny,
    }
}

/// Exports bindings as policies.
pub(super) fn export(session: &Session, bindings: &[Binding], options: &ExportOptions) -> Export {
    let controls = session.library.controls.iter();
    let controls: BTreeMap<_, _> = controls
        .map(|source| (source.control.id.clone(), source.control.clone()))
        .collect();
    vap::export(bindings, &controls, options, &SessionCel(session))
}

/// The CEL of the controls of a session.
struct SessionCel<'s>(&'s Session);

impl EmitCel for SessionCel<'_> {
    fn emit(&self, controls: &[ControlId], target: &CelTarget<'_>) -> CelBundle {
        cel::emit(self.0.engine.compiled_library(), controls, target)
    }

    fn emit_readable(
        &self,
        control: &ControlId,
        target: &CelTarget<'_>,
    ) -> Result<ReadableControl, String> {
        cel::emit_readable(self.0.engine.compiled_library(), control, target)
    }

    fn rule_name(&self, control: &ControlId) -> Option<String> {
        let rule = &self.0.library.control(control.as_str())?.rule;
        // Where the library lies on this machine is nobody's business.
        let mut steps = rule.file.rsplit('/');
        let (file, folder) = (steps.next()?, steps.next());
        let name = folder.map_or_else(|| file.to_owned(), |folder| format!("{folder}/{file}"));
        let hash = sha256_hex(&rule.text);
        Some(format!("{name}, SHA-256 {}", hash.get(..RULE_HASH_CHARS)?))
    }
}

impl Exported {
    /// Prints the controls that are not in the export, and why. The status is `Negative` if the
    /// export is empty, or must be complete and is not.
    pub(super) fn print_skipped(&self) -> ExitStatus {
        for skipped in &self.export.skipped {
            stderr::print_line(&format!(
                "not exported: {} {}",
                skipped.control, skipped.message
            ));
        }
        let is_empty = self.export.objects.is_empty();
        if is_empty {
            stderr::print_line("error: nothing is exported: no policy is left of what was named");
        }
        let is_incomplete = self.export.skipped.iter().any(SkippedControl::is_missed);
        ExitStatus::negative_if(is_empty || self.strict && is_incomplete)
    }
}
