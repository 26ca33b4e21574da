//! `kubevet scan`: reads manifests or a cluster, prints a report, and exits by the result.
//!
//! | file | is |
//! |---|---|
//! | `selection` | the controls and frameworks that the command line names |
//! | `scan_flags` | the flags that files and clusters share |
//! | `files` | a scan of files |
//! | `cluster/` | a scan of a cluster, or of one object in it |
//! | `kind_names` | the names of kinds that users write |

mod cluster;
mod files;
mod kind_names;
mod scan_flags;
mod selection;

use super::{
    exit_status::ExitStatus,
    library_flags::{LibraryFlags, apply_controls_config},
    session::Session,
    stderr,
};
use anyhow::bail;
use clap::Args;
use cluster::{ClusterFlags, ClusterTarget};
use kubevet_model::{Control, Scope};
use kubevet_policy::Params;
use kubevet_scan::{ScanOptions, SchemaChecks};
use scan_flags::ScanFlags;
use selection::Subcommand;

pub(super) use scan_flags::namespace_name;
pub(super) use selection::{Selected, SelectionFlags, is_in_scope};
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubevet scan deploy/                                  the frameworks security and schema, every manifest under deploy/
  kubevet scan deploy/ --all                            every control
  helm template my-chart | kubevet scan -               what a chart renders
  kubevet scan deploy/ --framework NSA,MITRE            two frameworks
  kubevet scan framework cis deploy/ --level L1         level 1 of the newest CIS benchmark
  kubevet scan pod.yaml --control C-0057,C-0016         two controls
  helm template my-chart | kubevet scan - -n shop       as if created in the namespace shop
  kubevet scan deploy/ --severity-threshold high        fail on high and critical defects only
  kubevet scan deploy/ -f json -o report.json           a report for programs
  kubevet scan cluster                                  the cluster of the current context
  kubevet scan cluster --namespaces shop,web            two namespaces of it
  kubevet scan workload deployment/cart -n shop         one object of it

Exit status:
  0  no defect at or over --severity-threshold (without one, no defect at all)
  1  some defect, or a framework under --compliance-threshold (if only that is set, defects do not count) \
     or under --fail-coverage-below
  2  the work could not be done: nothing to scan, nothing that a control checks, an unreadable file, an object \
     that Kubernetes would refuse, an unknown control, a control without an answer, a part of a cluster that could \
     not be read (unless --allow-partial)")]
pub(super) struct ScanCommand {
    #[command(subcommand)]
    subcommand: Option<Subcommand>,
    /// Files, folders, patterns such as 'deploy/*.yaml', or - for standard input; without one, the
    /// cluster of the kubeconfig, or of the Pod
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    choice: SelectionFlags,
    #[command(flatten)]
    flags: ScanFlags,
    #[command(flatten)]
    cluster: ClusterFlags,
    #[command(flatten)]
    library: LibraryFlags,
}

/// What is scanned.
enum Target<'a> {
    Files(&'a [PathBuf]),
    Cluster(ClusterTarget),
}

impl ScanCommand {
    /// Scans and reports.
    ///
    /// # Errors
    /// A control or framework is unknown, a file cannot be read or written, or a cluster cannot be
    /// reached.
    pub(super) fn run(&self) -> anyhow::Result<ExitStatus> {
        let target = self.target()?;
        let scope = match target {
            Target::Files(_) => Scope::File,
            Target::Cluster(_) => Scope::Cluster,
        };
        let (mut library, mut problems) = self.library.load();
        // A name may be unknown because its file did not load, so the problems are printed first.
        let selected = Selected::new(
            self.subcommand.as_ref(),
            &self.choice,
            self.flags.level,
            scope,
            &library,
        )
        .inspect_err(|_| {
            stderr::print_problems(&problems);
        })?;
        let mut params = library.params.defaults();
        if let Some(file) = &self.flags.controls_config {
            problems.extend(apply_controls_config(file, &library, &mut params)?);
        }
        let input = match &target {
            Target::Files(paths) => Some((*paths, files::read(paths, &library))),
            Target::Cluster(_) => None,
        };
        // A control for requests alone never applies to a file, whatever kinds the file contains.
        let is_selected = |control: &Control| {
            selected.controls.contains(&control.id) && is_in_scope(control, scope)
        };
        library
            .controls
            .retain(|source| is_selected(&source.control));
        library
            .builtins
            .retain(|builtin| is_selected(&builtin.control));
        let session = Session::compile(library, problems);
        stderr::print_interpreted(&session.engine);
        let options = self.options(&session, selected, &params);
        match (input, target) {
            (Some((paths, input)), _) => {
                let scan = files::scan(paths, &self.flags, &session, options, input);
                self.flags.report(&scan)
            }
            (None, Target::Cluster(target)) => {
                let command = cluster::ClusterScan {
                    flags: &self.flags,
                    cluster: &self.cluster,
                    session: &session,
                };
                command.run(&target, options)
            }
            (None, Target::Files(_)) => bail!("no path was read"),
        }
    }

    /// Returns what the command line names; the cluster where it names nothing and there is one.
    fn target(&self) -> anyhow::Result<Target<'_>> {
        let paths = match &self.subcommand {
            Some(Subcommand::Cluster) => &[],
            Some(Subcommand::Workload { object }) => {
                return Ok(Target::Cluster(ClusterTarget::Object(object.clone())));
            }
            Some(subcommand) => subcommand.paths(),
            None => self.paths.as_slice(),
        };
        if !paths.is_empty() {
            self.cluster.refuse_for_files()?;
            return Ok(Target::Files(paths));
        }
        if !matches!(self.subcommand, Some(Subcommand::Cluster)) && !self.cluster.has_access() {
            bail!(
                "nothing to scan: name files or folders, - for standard input, or a cluster with \
                 --kubeconfig FILE"
            );
        }
        Ok(Target::Cluster(ClusterTarget::Everything))
    }

    fn options<'a>(
        &self,
        session: &'a Session,
        selected: Selected,
        params: &'a Params,
    ) -> ScanOptions<'a> {
        ScanOptions {
            engine: &session.engine,
            params,
            controls: session.library.metadata(),
            schema: SchemaChecks {
                options: self.flags.schema_options(),
                controls: session.library.builtins.clone(),
            },
            frameworks: selected.frameworks,
            unavailable: selected.unavailable,
            not_run: selected.not_run,
            thresholds: self.flags.thresholds(self.cluster.allow_partial),
        }
    }
}
