//! `kubevet scan`: manifests in, a report and an exit code out.

use super::{library_flags::LibraryFlags, terminal};
use anyhow::{Context as _, bail};
use clap::{Args, Subcommand, builder::PossibleValuesParser, builder::TypedValueParser as _};
use kubevet_document::Limits;
use kubevet_engine::Engine;
use kubevet_model::{Control, ControlId, Framework, Problem, ProblemCode, Scan, Scope, Severity};
use kubevet_policy::{Library, Params};
use kubevet_report::{self as report, View};
use kubevet_scan::{self as scan, ObjectFilter, ScanInput, Thresholds};
use kubevet_source::{self as input, Input};
use std::{collections::BTreeSet, path::PathBuf, sync::Arc};

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
  2  the work could not be done: nothing to scan, an unreadable file, an unknown control, a control without an answer"
)]
pub(super) struct ScanCommand {
    #[command(subcommand)]
    by: Option<By>,
    /// Files, folders, patterns such as 'deploy/*.yaml', or - for standard input
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    flags: ScanFlags,
    #[command(flatten)]
    library: LibraryFlags,
}

#[derive(Debug, Subcommand)]
enum By {
    /// Only the controls of these frameworks
    Framework {
        /// Names, with commas between: NSA,MITRE (`kubevet list frameworks` shows them all)
        #[arg(value_name = "NAMES", value_parser = Words::parse)]
        names: Words,
        /// Files, folders, patterns, or - for standard input
        #[arg(value_name = "PATH", required = true)]
        paths: Vec<PathBuf>,
    },
    /// Only these controls
    Control {
        /// Ids, with commas between: C-0057,C-0016 (`kubevet list controls` shows them all)
        #[arg(value_name = "IDS", value_parser = Words::parse)]
        ids: Words,
        /// Files, folders, patterns, or - for standard input
        #[arg(value_name = "PATH", required = true)]
        paths: Vec<PathBuf>,
    },
}

#[derive(Debug, Args)]
struct ScanFlags {
    /// The report's format
    #[arg(short, long, global = true, default_value = "pretty", value_name = "FORMAT", help_heading = "Report",
        value_parser = PossibleValuesParser::new(report::FORMATS.iter().map(|it| it.name)))]
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
        value_parser = PossibleValuesParser::new(View::ALL.map(View::name)).map(|it| view(&it)))]
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
    /// What controls are told (allowed registries and so on): Kubescape's inputs file, or a map of names to lists
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

/// Words with commas between.
#[derive(Debug, Clone)]
struct Words(Vec<String>);

impl Words {
    fn parse(text: &str) -> Result<Self, String> {
        let words: Vec<String> = text
            .split(',')
            .map(str::trim)
            .filter(|it| !it.is_empty())
            .map(str::to_owned)
            .collect();
        if words.is_empty() {
            Err("name at least one".to_owned())
        } else {
            Ok(Self(words))
        }
    }
}

fn view(name: &str) -> View {
    View::ALL
        .into_iter()
        .find(|it| it.name() == name)
        .unwrap_or_default()
}

fn percent(text: &str) -> Result<f64, String> {
    match text.trim_end_matches('%').parse::<f64>() {
        Ok(number) if (0.0..=100.0).contains(&number) => Ok(number),
        _ => Err("write a number from 0 to 100".to_owned()),
    }
}

/// What the words on the command line mean.
struct Choice {
    controls: BTreeSet<ControlId>,
    frameworks: Vec<Arc<Framework>>,
}

impl ScanCommand {
    /// Scans and reports.
    ///
    /// # Errors
    /// Words that mean nothing: an unknown control or framework, a file that cannot be written.
    pub(super) fn run(&self) -> anyhow::Result<u8> {
        let (mut library, mut problems) = self.library.load();
        // What did not load may be the reason why a name is unknown, so it is told first.
        let choice = self.choose(&library).inspect_err(|_| {
            super::complain(&problems);
        })?;
        let mut params = library.params.defaults();
        if let Some(file) = &self.flags.controls_config {
            problems.extend(super::library_flags::configure(
                file,
                &library,
                &mut params,
            )?);
        }
        // What is asked of requests alone is not asked of files, whatever kinds they hold.
        library
            .controls
            .retain(|it| choice.controls.contains(&it.control.id) && is_for_files(&it.control));
        let (engine, faults) = Engine::compile(&library);
        problems.extend(faults);
        super::tell_interpreted(&engine);
        let paths = self.paths();
        let input = read(paths);
        let scan = self.scan(&engine, &library, choice, &params, input, problems);
        let format = report::format(&self.flags.format).context("no such format")?;
        let style = terminal::style(self.flags.view, self.flags.output.is_some());
        terminal::write(self.flags.output.as_deref(), |out| {
            (format.write)(&scan, &style, out)
        })?;
        let thresholds = Thresholds {
            severity: self.flags.severity_threshold,
            compliance: self.flags.compliance_threshold,
            exit_zero: self.flags.exit_zero,
        };
        Ok(scan::status(&scan, &thresholds).exit_code())
    }

    fn paths(&self) -> &[PathBuf] {
        match &self.by {
            Some(By::Framework { paths, .. } | By::Control { paths, .. }) => paths,
            None => &self.paths,
        }
    }

    fn scan(
        &self,
        engine: &Engine,
        library: &Library,
        choice: Choice,
        params: &Params,
        input: Input,
        mut problems: Vec<Problem>,
    ) -> Scan {
        let filter = ObjectFilter {
            include_namespaces: self.flags.include_namespaces.clone(),
            exclude_namespaces: self.flags.exclude_namespaces.clone(),
            include_kinds: self.flags.include_kinds.clone(),
        };
        let read = input.objects.len();
        let objects: Vec<_> = input
            .objects
            .into_iter()
            .filter(|it| filter.allows(it))
            .collect();
        problems.extend(input.problems);
        if objects.is_empty() && problems.is_empty() {
            problems.push(Problem::in_file(
                ProblemCode::InputEmpty,
                "",
                nothing(read, self.paths()),
            ));
        }
        let controls: Vec<Arc<Control>> = library
            .controls
            .iter()
            .map(|it| it.control.clone())
            .collect();
        let bar = terminal::progress("judging");
        bar.set_length(objects.len() as u64);
        let job = ScanInput {
            engine,
            objects,
            params,
            controls,
            frameworks: choice.frameworks,
            files: input.files,
            problems,
            skipped: input.skipped,
        };
        let scan = scan::run(job, &|| bar.inc(1));
        bar.finish_and_clear();
        scan
    }

    /// The controls and frameworks asked for; all of them where nothing is.
    fn choose(&self, library: &Library) -> anyhow::Result<Choice> {
        match &self.by {
            None => {
                let controls = library
                    .controls
                    .iter()
                    .map(|it| it.control.id.clone())
                    .collect();
                Ok(Choice {
                    controls,
                    frameworks: library.frameworks.clone(),
                })
            }
            Some(By::Framework { names, .. }) => {
                let mut frameworks: Vec<Arc<Framework>> = Vec::new();
                for name in &names.0 {
                    let Some(framework) = library.framework(name) else {
                        bail!(
                            "no framework is called `{name}`{}",
                            library.suggest_framework(name)
                        );
                    };
                    if !frameworks.iter().any(|it| it.name == framework.name) {
                        frameworks.push(framework.clone());
                    }
                }
                let members = frameworks.iter().flat_map(|it| &it.members);
                Ok(Choice {
                    controls: members.map(|it| it.control.clone()).collect(),
                    frameworks,
                })
            }
            Some(By::Control { ids, .. }) => {
                let mut controls = BTreeSet::new();
                for id in &ids.0 {
                    let Some(source) = library.control(id) else {
                        bail!("no control is called `{id}`{}", library.suggest_control(id));
                    };
                    if !is_for_files(&source.control) {
                        bail!(
                            "{} is not asked of files: its scope is {}",
                            source.control.id,
                            scopes(&source.control)
                        );
                    }
                    controls.insert(source.control.id.clone());
                }
                Ok(Choice {
                    controls,
                    frameworks: Vec::new(),
                })
            }
        }
    }
}

fn is_for_files(control: &Control) -> bool {
    control.scope.contains(&Scope::File)
}

fn scopes(control: &Control) -> String {
    let words: Vec<&str> = control.scope.iter().map(|it| it.name()).collect();
    words.join(", ")
}

fn read(paths: &[PathBuf]) -> Input {
    let bar = terminal::progress("reading");
    let input = input::read(paths, &Limits::default(), &mut |done, total| {
        bar.set_length(total as u64);
        bar.set_position(done as u64);
    });
    bar.finish_and_clear();
    input
}

fn nothing(read: usize, paths: &[PathBuf]) -> String {
    if read > 0 {
        return format!(
            "nothing to scan: none of {read} objects is of the namespaces and kinds asked for"
        );
    }
    let names: Vec<String> = paths.iter().map(|it| it.display().to_string()).collect();
    format!(
        "nothing to scan: no Kubernetes object in {}",
        names.join(", ")
    )
}
