//! `kubevet scan`: reads manifests, prints a report, and exits by the result.
//!
//! | file | is |
//! |---|---|
//! | `selection` | the controls and frameworks that the command line names |

mod selection;

use super::{
    exit_status::ExitStatus,
    library_flags::{LibraryFlags, apply_controls_config},
    session::Session,
    stderr, terminal,
};
use anyhow::Context as _;
use clap::{Args, builder::PossibleValuesParser, builder::TypedValueParser as _};
use kubevet_document::Limits;
use kubevet_k8s::schema::Schema;
use kubevet_model::{Framework, Problem, ProblemCode, Scan, Severity};
use kubevet_policy::{Params, nearest};
use kubevet_report::{self as report, View};
use kubevet_scan::{self as scan, ObjectFilter, ScanInput, ScanStatus, Thresholds};
use kubevet_source::{self as source, Input};
use selection::{ControlSelection, Selected, is_for_files};
use std::{path::PathBuf, sync::Arc};

#[derive(Debug, Args)]
#[command(
    subcommand_negates_reqs = true,
    after_help = "Examples:
  kubevet scan deploy/                                  every control, every manifest under deploy/
  helm template my-chart | kubevet scan -               what a chart renders
  kubevet scan framework NSA,MITRE deploy/              two frameworks
  kubevet scan control C-0057,C-0016 pod.yaml           two controls
  kubevet scan deploy/ --severity-threshold high        fail on high and critical findings only
  kubevet scan deploy/ -f json -o report.json           a report for programs

Exit status:
  0  nothing at or over --severity-threshold (without one, no finding at all)
  1  something is, or a framework is under --compliance-threshold (which alone makes findings not count)
  2  the work could not be done: nothing to scan, nothing that a control checks, an unreadable file, an unknown kind,
     an unknown control, a control without an answer"
)]
pub(super) struct ScanCommand {
    #[command(subcommand)]
    selection: Option<ControlSelection>,
    /// Files, folders, patterns such as 'deploy/*.yaml', or - for standard input
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    flags: ScanFlags,
    #[command(flatten)]
    library: LibraryFlags,
}

#[derive(Debug, Args)]
struct ScanFlags {
    /// The report's format
    #[arg(short, long, global = true, default_value = "pretty", value_name = "FORMAT", help_heading = "Report",
        value_parser = PossibleValuesParser::new(report::FORMATS.iter().map(|format| format.name)))]
    format: String,
    /// Write the report to a file instead of standard output
    #[arg(
        short,
        long,
        global = true,
        value_name = "FILE",
        help_heading = "Report"
    )]
    output: Option<PathBuf>,
    /// What the report is ordered by
    #[arg(long, global = true, default_value = "resource", value_name = "VIEW", help_heading = "Report",
        value_parser = PossibleValuesParser::new(View::ALL.iter().map(|view| view.name())).map(|name| name.parse::<View>().unwrap_or_default()))]
    view: View,
    /// Findings under this severity do not make the run fail: low, medium, high or critical
    #[arg(
        long,
        global = true,
        value_name = "SEVERITY",
        help_heading = "Exit status"
    )]
    severity_threshold: Option<Severity>,
    /// Fail when a framework's compliance is under this percentage
    #[arg(long, global = true, value_name = "PERCENT", help_heading = "Exit status", value_parser = percent)]
    compliance_threshold: Option<f64>,
    /// Exit with 0 whatever is found; with 2 still, where the work could not be done
    #[arg(long, global = true, help_heading = "Exit status")]
    exit_zero: bool,
    /// What controls are told (allowed registries and so on): Kubescape's inputs file, or a map of
    /// names to lists
    #[arg(long, global = true, value_name = "FILE", help_heading = "Controls")]
    controls_config: Option<PathBuf>,
    /// Only objects of these namespaces (those without one are of `default`)
    #[arg(
        long,
        global = true,
        value_name = "NAMES",
        value_delimiter = ',',
        help_heading = "Objects"
    )]
    include_namespaces: Vec<String>,
    /// No objects of these namespaces
    #[arg(
        long,
        global = true,
        value_name = "NAMES",
        value_delimiter = ',',
        help_heading = "Objects"
    )]
    exclude_namespaces: Vec<String>,
    /// Only objects of these kinds, such as Deployment or apps/Deployment
    #[arg(
        long,
        global = true,
        value_name = "KINDS",
        value_delimiter = ',',
        help_heading = "Objects"
    )]
    include_kinds: Vec<String>,
}

fn percent(argument: &str) -> Result<f64, String> {
    match argument.trim_end_matches('%').parse::<f64>() {
        Ok(number) if (0.0..=100.0).contains(&number) => Ok(number),
        _ => Err("write a number from 0 to 100".to_owned()),
    }
}

impl ScanCommand {
    /// Scans and reports.
    ///
    /// # Errors
    /// A control or framework is unknown, or a file cannot be read or written.
    pub(super) fn run(&self) -> anyhow::Result<ExitStatus> {
        let (mut library, mut problems) = self.library.load();
        // A name may be unknown because its file did not load, so the problems are printed first.
        let selected = Selected::new(self.selection.as_ref(), &library).inspect_err(|_| {
            stderr::print_problems(&problems);
        })?;
        let mut params = library.params.defaults();
        if let Some(file) = &self.flags.controls_config {
            problems.extend(apply_controls_config(file, &library, &mut params)?);
        }
        // A control for requests alone never applies to a file, whatever kinds the file contains.
        library.controls.retain(|source| {
            selected.controls.contains(&source.control.id) && is_for_files(&source.control)
        });
        let session = Session::compile(library, problems);
        stderr::print_interpreted(&session.engine);
        let input = read(self.paths());
        let scan = self.scan(session, selected.frameworks, &params, input);
        self.write(&scan)?;
        Ok(match scan::status(&scan, &self.thresholds()) {
            ScanStatus::Met => ExitStatus::Success,
            ScanStatus::NotMet => ExitStatus::Negative,
            ScanStatus::Incomplete => ExitStatus::Failure,
        })
    }

    fn paths(&self) -> &[PathBuf] {
        match &self.selection {
            Some(selection) => selection.paths(),
            None => &self.paths,
        }
    }

    fn thresholds(&self) -> Thresholds {
        Thresholds {
            severity: self.flags.severity_threshold,
            compliance: self.flags.compliance_threshold,
            exit_zero: self.flags.exit_zero,
        }
    }

    /// Evaluates the objects that the flags select.
    fn scan(
        &self,
        session: Session,
        frameworks: Vec<Arc<Framework>>,
        params: &Params,
        input: Input,
    ) -> Scan {
        let filter = ObjectFilter {
            include_namespaces: self.flags.include_namespaces.clone(),
            exclude_namespaces: self.flags.exclude_namespaces.clone(),
            include_kinds: self.flags.include_kinds.clone(),
        };
        let read_objects = input.objects.len();
        let mut objects = input.objects;
        objects.retain(|object| filter.allows(object));
        let mut problems = session.problems;
        problems.extend(input.problems);
        if objects.is_empty() && problems.is_empty() {
            let message = self.nothing_to_scan(read_objects);
            problems.push(Problem::in_file(ProblemCode::InputEmpty, "", message));
        }
        let bar = terminal::progress_bar("judging");
        bar.set_length(objects.len() as u64);
        let controls = session.library.controls.iter();
        let input = ScanInput {
            engine: &session.engine,
            objects,
            params,
            controls: controls.map(|source| source.control.clone()).collect(),
            frameworks,
            files: input.files,
            problems,
            skipped: input.skipped,
        };
        let scan = scan::run(input, &|| bar.inc(1));
        bar.finish_and_clear();
        scan
    }

    /// Returns why there is nothing to scan, and the kinds that were meant.
    fn nothing_to_scan(&self, read_objects: usize) -> String {
        if read_objects == 0 {
            let names = self.paths().iter().map(|path| path.display().to_string());
            let names: Vec<String> = names.collect();
            return format!(
                "nothing to scan: no Kubernetes object in {}",
                names.join(", ")
            );
        }
        let noun = if read_objects == 1 {
            "object"
        } else {
            "objects"
        };
        let meant: String = self
            .flags
            .include_kinds
            .iter()
            .filter_map(|kind| did_you_mean(kind))
            .collect();
        format!(
            "nothing to scan: the namespaces and kinds asked for leave none of {read_objects} {noun}{meant}"
        )
    }

    fn write(&self, scan: &Scan) -> anyhow::Result<()> {
        let format = report::format(&self.flags.format).context("no such format")?;
        let output = self.flags.output.as_deref();
        let style = terminal::style(self.flags.view, output.is_some());
        terminal::write(output, |out| (format.write)(scan, &style, out))
    }
}

fn read(paths: &[PathBuf]) -> Input {
    let bar = terminal::progress_bar("reading");
    let input = source::read(paths, &Limits::default(), &mut |read, total| {
        bar.set_length(total as u64);
        bar.set_position(read as u64);
    });
    bar.finish_and_clear();
    input
}

/// Returns half a sentence with the built-in kind that a word abbreviates or misspells; `None` if it
/// is one, or resembles none.
fn did_you_mean(word: &str) -> Option<String> {
    let name = word
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    let kinds = || Schema::embedded().kinds().map(|kind| kind.name);
    if name.is_empty() || kinds().any(|kind| kind.eq_ignore_ascii_case(&name)) {
        return None;
    }
    let abbreviated = kinds()
        .filter(|kind| kind.to_ascii_lowercase().starts_with(&name))
        .min_by_key(|kind| kind.len());
    let kind = abbreviated.or_else(|| nearest(&name, kinds()))?;
    Some(format!(", did you mean {kind:?}?"))
}
