//! `kubevet scan`: reads manifests, prints a report, and exits by the result.
//!
//! | file | is |
//! |---|---|
//! | `selection` | the controls and frameworks that the command line names |

mod selection;

use super::{
    exit_status::ExitStatus,
    kubernetes_version,
    library_flags::{LibraryFlags, apply_controls_config},
    session::Session,
    stderr, terminal,
};
use anyhow::Context as _;
use clap::{Args, builder::PossibleValuesParser, builder::TypedValueParser as _};
use kubevet_document::{Document, Limits, set_namespace};
use kubevet_k8s::schema::Schema;
use kubevet_model::{
    Control, Level, Problem, ProblemCode, Scan, ScanStatus, Severity, Thresholds, count,
    names::is_dns_label,
};
use kubevet_policy::{Library, Params, nearest};
use kubevet_report::{self as report, Style, View};
use kubevet_scan::{self as scan, ObjectFilter, ScanInput, SchemaChecks};
use kubevet_source::{self as source, Input};
use kubevet_validation::{SchemaMode, SchemaOptions};
use selection::{ControlSelection, Selected, SelectionFlags, hint_about_path, is_for_files};
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(
    subcommand_negates_reqs = true,
    after_help = "Examples:
  kubevet scan deploy/                                  the frameworks security and schema, every manifest under deploy/
  kubevet scan deploy/ --all                            every control
  helm template my-chart | kubevet scan -               what a chart renders
  kubevet scan deploy/ --framework NSA,MITRE            two frameworks
  kubevet scan framework cis deploy/ --level L1         level 1 of the newest CIS benchmark
  kubevet scan pod.yaml --control C-0057,C-0016         two controls
  helm template my-chart | kubevet scan - -n shop       as if created in the namespace shop
  kubevet scan deploy/ --severity-threshold high        fail on high and critical defects only
  kubevet scan deploy/ -f json -o report.json           a report for programs

Exit status:
  0  no defect at or over --severity-threshold (without one, no defect at all)
  1  some defect, or a framework under --compliance-threshold (if only that is set, defects do not count)
     or under --fail-coverage-below
  2  the work could not be done: nothing to scan, nothing that a control checks, an unreadable file, an object
     that Kubernetes would refuse, an unknown control, a control without an answer"
)]
pub(super) struct ScanCommand {
    #[command(subcommand)]
    selection: Option<ControlSelection>,
    /// Files, folders, patterns such as 'deploy/*.yaml', or - for standard input
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    choice: SelectionFlags,
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
    /// Show every defect with its source lines and field path
    #[arg(short, long, global = true, help_heading = "Report")]
    verbose: bool,
    /// Defects under this severity do not make the run fail: low, medium, high or critical
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
    /// Fail when fewer than this percentage of a framework's controls can be evaluated: some are not
    /// in this version, or need facts that files do not have
    #[arg(long, global = true, value_name = "PERCENT", help_heading = "Exit status", value_parser = percent)]
    fail_coverage_below: Option<f64>,
    /// Exit with 0 even if there are findings; errors still exit with 2
    #[arg(long, global = true, help_heading = "Exit status")]
    exit_zero: bool,
    /// Only the requirements of this profile level, L1 or L2, of the frameworks that are named; L2
    /// extends L1
    #[arg(long, global = true, value_name = "LEVEL", help_heading = "Controls", value_parser = profile_level)]
    level: Option<Level>,
    /// Parameters for controls, such as allowed registries: a map of names to lists, or
    /// names to lists
    #[arg(long, global = true, value_name = "FILE", help_heading = "Controls")]
    controls_config: Option<PathBuf>,
    /// What to do about objects that Kubernetes would not store as they are written. warn: what a
    /// server refuses (wrong types, removed API versions) is a problem, a field that it drops is a
    /// finding of K-0003; strict: both are problems; off: neither is checked
    #[arg(long, global = true, default_value = "warn", value_name = "MODE", help_heading = "Schema",
        value_parser = PossibleValuesParser::new(SchemaMode::ALL.iter().map(|mode| mode.name())).map(|name| schema_mode(&name)))]
    schema: SchemaMode,
    /// The version of Kubernetes that the objects are for, such as 1.33 (default: the newest known)
    #[arg(long, global = true, value_name = "VERSION", help_heading = "Schema", value_parser = kubernetes_version::parse_minor)]
    kube_version: Option<u8>,
    /// The namespace that objects without one will be created in, as with kubectl apply -n
    #[arg(short, long, global = true, value_name = "NAME", help_heading = "Objects", value_parser = namespace_name)]
    namespace: Option<String>,
    /// Only objects of these namespaces; objects without one belong to --namespace, or to `default`
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

fn schema_mode(name: &str) -> SchemaMode {
    let mut modes = SchemaMode::ALL.iter().copied();
    modes.find(|mode| mode.name() == name).unwrap_or_default()
}

impl ScanFlags {
    fn schema_options(&self) -> SchemaOptions {
        let default = SchemaOptions::default();
        SchemaOptions {
            mode: self.schema,
            minor: self.kube_version.unwrap_or(default.minor),
        }
    }
}

fn percent(argument: &str) -> Result<f64, String> {
    match argument.trim_end_matches('%').parse::<f64>() {
        Ok(number) if (0.0..=100.0).contains(&number) => Ok(number),
        _ => Err("write a number from 0 to 100".to_owned()),
    }
}

fn profile_level(argument: &str) -> Result<Level, String> {
    argument
        .parse::<Level>()
        .map_err(|_| "write L1 or L2".to_owned())
}

fn namespace_name(argument: &str) -> Result<String, String> {
    if is_dns_label(argument) {
        Ok(argument.to_owned())
    } else {
        Err("write lower-case letters, digits and `-`, at most 63 characters".to_owned())
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
        let selected = Selected::new(
            self.selection.as_ref(),
            &self.choice,
            self.flags.level,
            &library,
        )
        .inspect_err(|_| {
            stderr::print_problems(&problems);
        })?;
        let mut params = library.params.defaults();
        if let Some(file) = &self.flags.controls_config {
            problems.extend(apply_controls_config(file, &library, &mut params)?);
        }
        let mut input = read(self.paths());
        self.add_hints(&library, &mut input.problems);
        // A control for requests alone never applies to a file, whatever kinds the file contains.
        let is_selected =
            |control: &Control| selected.controls.contains(&control.id) && is_for_files(control);
        library
            .controls
            .retain(|source| is_selected(&source.control));
        library
            .builtins
            .retain(|builtin| is_selected(&builtin.control));
        let session = Session::compile(library, problems);
        stderr::print_interpreted(&session.engine);
        let scan = self.scan(session, selected, &params, input);
        self.write(&scan)?;
        Ok(match scan.status {
            ScanStatus::Met => ExitStatus::Success,
            ScanStatus::NotMet => ExitStatus::Negative,
            ScanStatus::Incomplete => ExitStatus::Failure,
        })
    }

    /// Adds hints to the problems of paths that name a control or a framework.
    fn add_hints(&self, library: &Library, problems: &mut [Problem]) {
        for problem in problems {
            let is_given = |path: &PathBuf| path.as_os_str() == problem.file.as_str();
            if problem.position.is_none() && self.paths().iter().any(is_given) {
                let hint = hint_about_path(&problem.file, library);
                problem.message.push_str(&hint);
            }
        }
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
            coverage: self.flags.fail_coverage_below,
            exit_zero: self.flags.exit_zero,
        }
    }

    /// Evaluates the objects that the flags select.
    fn scan(&self, session: Session, selected: Selected, params: &Params, input: Input) -> Scan {
        let filter = ObjectFilter {
            include_namespaces: self.flags.include_namespaces.clone(),
            exclude_namespaces: self.flags.exclude_namespaces.clone(),
            include_kinds: self.flags.include_kinds.clone(),
        };
        let read_objects = input.objects.len();
        let mut objects = input.objects;
        if let Some(namespace) = &self.flags.namespace {
            objects = set_namespace(objects, namespace, is_namespaced);
        }
        let mut problems = session.problems;
        problems.extend(input.problems);
        if !objects.is_empty() {
            problems.extend(self.unknown_kinds(&objects));
        }
        objects.retain(|object| filter.allows(object));
        if objects.is_empty() && problems.is_empty() {
            let message = self.nothing_to_scan(read_objects);
            problems.push(Problem::in_file(ProblemCode::InputEmpty, "", message));
        }
        let bar = terminal::progress_bar("checking");
        bar.set_length(objects.len() as u64);
        let input = ScanInput {
            engine: &session.engine,
            objects,
            params,
            controls: session.library.metadata(),
            schema: SchemaChecks {
                options: self.flags.schema_options(),
                controls: session.library.builtins.clone(),
            },
            frameworks: selected.frameworks,
            unavailable: selected.unavailable,
            not_run: selected.not_run,
            thresholds: self.thresholds(),
            files: input.files,
            problems,
            skipped: input.skipped,
        };
        let scan = scan::run(input, &|| bar.inc(1));
        bar.finish_and_clear();
        scan
    }

    /// Returns a problem for each word of `--include-kinds` that is no kind of Kubernetes and of no
    /// object: most likely it is misspelt, and what was meant is not checked.
    fn unknown_kinds(&self, objects: &[Document]) -> Vec<Problem> {
        let mut problems = Vec::new();
        for word in &self.flags.include_kinds {
            let filter = ObjectFilter {
                include_kinds: vec![word.clone()],
                ..ObjectFilter::default()
            };
            if is_built_in(word) || objects.iter().any(|object| filter.allows(object)) {
                continue;
            }
            let meant = did_you_mean(word).unwrap_or_default();
            let message = format!("--include-kinds: no object has the kind {word:?}{meant}");
            problems.push(Problem::in_file(ProblemCode::InputEmpty, "", message));
        }
        problems
    }

    /// Returns why there is nothing to scan.
    fn nothing_to_scan(&self, read_objects: usize) -> String {
        if read_objects == 0 {
            let names = self.paths().iter().map(|path| path.display().to_string());
            let names: Vec<String> = names.collect();
            return format!(
                "nothing to scan: no Kubernetes object in {}",
                names.join(", ")
            );
        }
        format!(
            "nothing to scan: the flags for namespaces and kinds leave none of {}",
            count(read_objects, "object")
        )
    }

    fn write(&self, scan: &Scan) -> anyhow::Result<()> {
        let format = report::format(&self.flags.format).context("no such format")?;
        let output = self.flags.output.as_deref();
        let style = Style {
            verbose: self.flags.verbose,
            ..terminal::style(self.flags.view, output.is_some())
        };
        terminal::write(output, |out| (format.write)(scan, &style, out))
    }
}

/// False for a kind of Kubernetes that belongs to no namespace. Other kinds are taken to be
/// namespaced: most are, and a manifest does not say.
fn is_namespaced(object: &Document) -> bool {
    let kind = object.id().group_kind();
    Schema::embedded()
        .kind(&kind)
        .is_none_or(|kind| kind.namespaced)
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

/// True for the name of a kind of Kubernetes, with or without an API group before it.
fn is_built_in(word: &str) -> bool {
    let name = word.rsplit('/').next().unwrap_or_default();
    let mut kinds = Schema::embedded().kinds();
    kinds.any(|kind| kind.name.eq_ignore_ascii_case(name))
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
    if name.is_empty() || is_built_in(word) {
        return None;
    }
    let abbreviated = kinds()
        .filter(|kind| kind.to_ascii_lowercase().starts_with(&name))
        .min_by_key(|kind| kind.len());
    let kind = abbreviated.or_else(|| nearest(&name, kinds()))?;
    Some(format!(", did you mean {kind:?}?"))
}
