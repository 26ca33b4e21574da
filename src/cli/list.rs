//! `kubevet list`: the controls and frameworks of the library, and the kinds with pod specs.

use super::{exit_status::ExitStatus, library_flags::LibraryFlags, stderr, terminal};
use anyhow::bail;
use clap::{Args, Subcommand, builder::PossibleValuesParser, builder::TypedValueParser as _};
use kubevet_k8s::workload::WORKLOADS;
use kubevet_model::{Control, Kind};
use kubevet_policy::{Library, ParamValue};
use kubevet_report::{self as report, ListFormat, Param, View, WorkloadEntry};

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
    /// Every control, a line each
    Controls,
    /// Every framework, and how many controls it holds
    Frameworks,
    /// Every kind with pod specs, and where its objects keep them
    Workloads,
    /// One control in full: why it matters, what to do, its params
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
                let controls = library.metadata();
                terminal::write(None, |out| {
                    report::write_controls(&controls, frameworks, format, &style, out)
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
                let Some(control) = library.find(id) else {
                    bail!("no control is called `{id}`{}", library.suggest_control(id));
                };
                let params = described_params(library, control);
                terminal::write(None, |out| {
                    report::write_control(control, frameworks, &params, format, &style, out)
                })?;
                print_shared_rule(library, id, format)
            }
        }
    }
}

/// Prints the Rego that a shared rule becomes with the arguments of a control. Otherwise it is in no
/// file.
fn print_shared_rule(library: &Library, id: &str, format: ListFormat) -> anyhow::Result<()> {
    let source = library.control(id);
    let Some(source) = source.filter(|source| source.shared_rule.is_some()) else {
        return Ok(());
    };
    if format != ListFormat::Pretty {
        return Ok(());
    }
    terminal::write_escaped(|out| {
        writeln!(out, "\nRule ({})\n", source.rule.file)?;
        for line in source.rule.text.lines() {
            writeln!(out, "  {}", line.replace('\t', "    "))?;
        }
        Ok(())
    })
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
