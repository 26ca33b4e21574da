//! `kubevet list`: the controls and frameworks of the library, and the kinds with pod specs.

use super::{
    exit_status::ExitStatus, kubernetes_version::MIN_SUPPORTED_MINOR, library_flags::LibraryFlags,
    session::Session, stderr, terminal,
};
use anyhow::bail;
use clap::{Args, Subcommand, builder::PossibleValuesParser, builder::TypedValueParser as _};
use kubevet_cel::{CelTarget, ParamsFrom, emit_readable};
use kubevet_document::{YamlStyle, to_yaml};
use kubevet_k8s::workload::{SelectKinds as _, WORKLOADS};
use kubevet_model::{Control, Kind};
use kubevet_policy::{Library, ParamValue};
use kubevet_report::{
    self as report, ControlCatalog, ControlDetails, ListFormat, Param, View, WorkloadEntry,
};
use kubevet_vap::readable_checks;
use serde_json::json;

#[derive(Debug, Args)]
pub(super) struct ListCommand {
    #[command(subcommand)]
    target: ListTarget,
    /// The list's format
    #[arg(short, long, global = true, default_value = "pretty", value_name = "FORMAT",
        value_parser = PossibleValuesParser::new(ListFormat::ALL.iter().map(|format| format.name())).map(|name| name.parse::<ListFormat>().unwrap_or_default()))]
    format: ListFormat,
    #[command(flatten)]
    library: LibraryFlags,
}

#[derive(Debug, Subcommand)]
enum ListTarget {
    /// Every control, one line each; and those of the public library that cannot be evaluated yet
    Controls,
    /// Every framework, and how many requirements and controls it has
    Frameworks,
    /// Every kind with pod specs, and where its objects keep them
    Workloads,
    /// One control in full: why it matters, what to do, its params, frameworks, Rego and CEL
    Control {
        /// The id, such as C-0057
        id: String,
    },
}

impl ListCommand {
    /// Prints the list. The status is `Failure` if something is wrong with the library.
    ///
    /// # Errors
    /// The control is unknown, or the output cannot be written.
    pub(super) fn run(&self) -> anyhow::Result<ExitStatus> {
        let (library, problems) = self.library.load();
        self.print(&library)?;
        Ok(stderr::print_problems(&problems))
    }

    fn print(&self, library: &Library) -> anyhow::Result<()> {
        let style = terminal::style(View::Resource, false);
        let (format, frameworks) = (self.format, &library.frameworks);
        match &self.target {
            ListTarget::Controls => {
                let catalog = ControlCatalog {
                    controls: &library.metadata(),
                    absent: &library.absent_controls(),
                    frameworks,
                };
                terminal::write(None, |out| {
                    report::write_controls(catalog, format, &style, out)
                })
            }
            ListTarget::Frameworks => terminal::write(None, |out| {
                report::write_frameworks(frameworks, format, &style, out)
            }),
            ListTarget::Workloads => {
                let workloads = workload_entries(library);
                terminal::write(None, |out| {
                    report::write_workloads(&workloads, format, &style, out)
                })
            }
            ListTarget::Control { id } => {
                if let Some(absent) = library.absent_control(id) {
                    return terminal::write(None, |out| {
                        report::write_absent_control(absent, frameworks, format, &style, out)
                    });
                }
                let Some(control) = library.find(id) else {
                    bail!("no control is called `{id}`{}", library.suggest_control(id));
                };
                let rego = library
                    .control(id)
                    .map(|source| source.rule.text.to_string());
                let details = ControlDetails {
                    params: described_params(library, control),
                    cel: rego.is_some().then(|| cel_of(library, control)),
                    rego,
                };
                terminal::write(None, |out| {
                    report::write_control(control, frameworks, &details, format, &style, out)
                })
            }
        }
    }
}

/// Returns the kinds with pod specs: those of Kubernetes first.
fn workload_entries(library: &Library) -> Vec<WorkloadEntry> {
    let built_in = WORKLOADS.iter().map(|workload| {
        let kind = Kind::new(workload.group, workload.name);
        WorkloadEntry {
            resource: library.workloads.resource(&kind),
            pods: vec![workload.pod_spec.join(".")],
            kind,
        }
    });
    let custom = library.workloads.rows().iter().map(|row| WorkloadEntry {
        kind: row.kind.clone(),
        resource: row.resource.clone(),
        pods: row.pods.iter().map(|pod| pod.path().to_string()).collect(),
    });
    built_in.chain(custom).collect()
}

/// Returns the variables and validations of a control as a ValidatingAdmissionPolicy for people, as
/// `vap generate --style readable` writes them.
///
/// # Errors
/// The reason why it is not exported.
fn cel_of(library: &Library, control: &Control) -> Result<String, String> {
    let kinds: Vec<Kind> = control.kinds.object_kinds();
    if kinds.is_empty() {
        return Err("it checks requests that create no object".to_owned());
    }
    let session = Session::compile(library.clone(), Vec::new());
    let params = session.library.params.defaults();
    let target = CelTarget {
        min_kube: MIN_SUPPORTED_MINOR,
        params: ParamsFrom::Variables(&params),
        kinds: &kinds,
        custom: &[],
    };
    let readable = emit_readable(session.engine.compiled_library(), &control.id, &target)?;
    let (variables, validations) = readable_checks(&readable);
    let mut policy = json!({"validations": validations});
    if !variables.is_empty() {
        policy = json!({"variables": variables, "validations": validations});
    }
    Ok(to_yaml(&policy, &YamlStyle::READABLE))
}

/// Returns the params that a control reads, with their descriptions and defaults.
fn described_params(library: &Library, control: &Control) -> Vec<Param> {
    let names = control.params.iter();
    let specs = names.filter_map(|name| library.params.get(name));
    specs
        .map(|spec| Param {
            name: spec.name.clone(),
            description: spec.description.clone(),
            default: match &spec.default {
                ParamValue::List(values) => values.clone(),
                ParamValue::String(value) => vec![value.clone()],
            },
        })
        .collect()
}
