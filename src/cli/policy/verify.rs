//! `kubevet policy verify`: differential testing of rules. It gathers manifests and subjects, runs
//! the comparison, and prints its report.

use super::{external_oracle::OracleProcess, verify_report};
use crate::cli::{
    exit_status::ExitStatus, library_flags::LibraryFlags, session::Session, stderr, terminal,
};
use anyhow::{Context as _, bail};
use clap::Args;
use kubevet_differential::{
    self as differential, DifferentialReport, Disagreement, Lineup, RunConfig, SeedObject,
};
use kubevet_document::Limits;
use kubevet_engine::Engine;
use kubevet_model::ControlId;
use kubevet_policy::{self as policy, Library};
use kubevet_source as source;
use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

/// The maximum number of kinds of disagreement that are shrunk in a run.
const MAX_SHRUNK_DISAGREEMENTS: usize = 12;
/// The number of comparisons with objects that no API server admits, in percent of `--count`.
const INVALID_OBJECTS_PERCENT: u64 = 25;
/// The number of comparisons with the constructs of the language, in percent of `--count`.
const CONSTRUCTS_PERCENT: u64 = 20;

#[derive(Debug, Args)]
pub(super) struct VerifyCommand {
    /// Verify these controls only
    #[arg(value_name = "CONTROL")]
    controls: Vec<String>,
    /// How many comparisons to make: a comparison is one object and one control, over all engines
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    count: u64,
    /// Repeat the run of this seed; without it every run is another
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// The oracle, which asks OPA and the API server's CEL (tests/kubernetes/oracle)
    #[arg(long, value_name = "PATH", env = "KUBEVET_ORACLE")]
    oracle: Option<PathBuf>,
    /// More manifests to begin from: files and folders. The controls' test data is among them where
    /// it can be found: in a policy folder, or in a checkout of kubevet
    #[arg(long, value_name = "PATH")]
    objects: Vec<PathBuf>,
    /// Write each disagreement as a test object into this folder
    #[arg(long, value_name = "DIR")]
    write: Option<PathBuf>,
    /// Fail where an engine is missing, a control denied too seldom, or one of its messages was never
    /// met
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    library: LibraryFlags,
}

/// The reports of the three runs.
struct Reports {
    /// The controls over objects that an API server may admit.
    admitted: DifferentialReport,
    /// The controls over objects that no API server admits.
    invalid: DifferentialReport,
    /// The constructs of the language; only where all controls are verified.
    constructs: Option<DifferentialReport>,
}

impl Reports {
    fn disagreements(&self) -> impl Iterator<Item = &Disagreement> {
        [&self.admitted, &self.invalid]
            .into_iter()
            .chain(&self.constructs)
            .flat_map(|report| &report.disagreements)
    }
}

impl VerifyCommand {
    /// Runs the comparisons and prints the report. The status is `Negative` if two subjects
    /// disagree, `Failure` if something does not load or, with `--strict`, is missing.
    pub(super) fn run(&self) -> anyhow::Result<ExitStatus> {
        let session = Session::open(&self.library);
        let load_status = session.print_problems();
        let Session {
            library, engine, ..
        } = session;
        let engine = Arc::new(engine);
        let config = RunConfig {
            controls: self.control_ids(&library)?,
            count: self.count,
            seed: self.seed.unwrap_or_else(seed_from_clock),
            invalid_objects: false,
            max_disagreements: MAX_SHRUNK_DISAGREEMENTS,
        };
        let seeds = self.seeds(&library)?;
        let missing = self.missing_subjects(&engine);
        let reports = self.run_all(&config, &library, &engine, &seeds)?;
        terminal::write_escaped(|out| {
            missing
                .iter()
                .try_for_each(|line| writeln!(out, "{line}"))?;
            writeln!(
                out,
                "seed {}, {} manifests to begin from\n",
                config.seed,
                seeds.len()
            )?;
            write_reports(&reports, out)
        })?;
        self.write_regressions(&reports)?;
        let differs = reports.disagreements().next().is_some();
        if self.strict && (!missing.is_empty() || has_unseen_behaviour(&reports.admitted)) {
            return Ok(ExitStatus::Failure);
        }
        Ok(load_status.max(ExitStatus::negative_if(differs)))
    }

    /// Returns the ids of the controls that the command line names.
    fn control_ids(&self, library: &Library) -> anyhow::Result<Vec<ControlId>> {
        let ids = self.controls.iter();
        ids.map(|id| match library.control(id) {
            Some(source) => Ok(source.control.id.clone()),
            None => bail!("there is no control {id}{}", library.suggest_control(id)),
        })
        .collect()
    }

    /// Returns a line for each that takes no part, and why.
    fn missing_subjects(&self, engine: &Engine) -> Vec<String> {
        let mut missing = Vec::new();
        if self.oracle.is_none() {
            missing.push(
                "only 2 of 4 engines are compared, the program and the interpreter: OPA and the API server's CEL \
                 need --oracle"
                    .to_owned(),
            );
        }
        for (control, reason) in engine.interpreted() {
            missing.push(format!(
                "the program lacks {control}, which is interpreted: {reason}"
            ));
        }
        missing
    }

    fn run_all(
        &self,
        config: &RunConfig,
        library: &Library,
        engine: &Arc<Engine>,
        seeds: &[SeedObject],
    ) -> anyhow::Result<Reports> {
        let lineup = Lineup {
            library,
            engine,
            includes_interpreter: true,
            includes_policies: true,
        };
        let admitted = self.compare(config, &lineup, seeds)?;
        // Exported policies are never evaluated for an object that no API server admits.
        let lineup = Lineup {
            includes_policies: false,
            ..lineup
        };
        let invalid_config = RunConfig {
            invalid_objects: true,
            count: percent_of(self.count, INVALID_OBJECTS_PERCENT),
            ..config.clone()
        };
        let invalid = self.compare(&invalid_config, &lineup, seeds)?;
        let constructs = if self.controls.is_empty() {
            Some(self.compare_constructs(config)?)
        } else {
            None
        };
        Ok(Reports {
            admitted,
            invalid,
            constructs,
        })
    }

    /// Compares every construct of the language that the compiler accepts.
    fn compare_constructs(&self, config: &RunConfig) -> anyhow::Result<DifferentialReport> {
        let (library, seeds) = differential::language_cases();
        let session = Session::compile(library, Vec::new());
        session.print_problems();
        // The interpreter takes no part: it deviates from OPA in some constructs, and a rule that
        // compiles is never interpreted.
        let lineup = Lineup {
            library: &session.library,
            engine: &Arc::new(session.engine),
            includes_interpreter: false,
            includes_policies: true,
        };
        let config = RunConfig {
            controls: lineup.compiled_controls(),
            count: percent_of(config.count, CONSTRUCTS_PERCENT),
            ..config.clone()
        };
        self.compare(&config, &lineup, &seeds)
    }

    fn compare(
        &self,
        config: &RunConfig,
        lineup: &Lineup<'_>,
        seeds: &[SeedObject],
    ) -> anyhow::Result<DifferentialReport> {
        let start_oracle = || self.oracle.as_deref().map(OracleProcess::start).transpose();
        let (mut subjects, recorder) = lineup.subjects(start_oracle)?;
        let bar = terminal::progress_bar("comparing");
        bar.set_length(config.count);
        let report = differential::run(
            config,
            lineup.library,
            seeds.to_vec(),
            &mut subjects,
            Some(&recorder),
            &mut |done| bar.set_position(done),
        );
        bar.finish_and_clear();
        report.context("the comparison stopped")
    }

    /// Returns the objects to begin from: the test data of controls that are in a folder, and the
    /// manifests that the command line names.
    fn seeds(&self, library: &Library) -> anyhow::Result<Vec<SeedObject>> {
        let mut seeds = Vec::new();
        for source in &library.controls {
            let Some(folder) = Path::new(&*source.file).parent() else {
                continue;
            };
            if !folder.is_dir() {
                continue;
            }
            for object in policy::read_testdata(folder).0 {
                let control = Some(source.control.id.clone());
                let params = object.params.clone();
                seeds.extend(differential::seed_object(&object.document, control, params));
            }
        }
        let input = source::read(&self.objects, &Limits::default(), &mut |_, _| {});
        if stderr::print_problems(&input.problems) != ExitStatus::Success
            && input.objects.is_empty()
        {
            bail!("no manifest could be read");
        }
        let objects = input.objects.iter();
        seeds.extend(
            objects.filter_map(|object| differential::seed_object(object, None, Vec::new())),
        );
        Ok(seeds)
    }

    /// Writes each disagreement as a test object, if a folder is named.
    fn write_regressions(&self, reports: &Reports) -> anyhow::Result<()> {
        let Some(folder) = &self.write else {
            return Ok(());
        };
        let disagreements = reports.disagreements();
        for regression in disagreements.filter_map(|found| found.regression.as_ref()) {
            write_file(&folder.join(&regression.path), &regression.content)?;
        }
        Ok(())
    }
}

fn write_reports(reports: &Reports, out: &mut dyn Write) -> io::Result<()> {
    let admitted = "objects that an API server may admit";
    verify_report::write_controls(&reports.admitted, admitted, out)?;
    let invalid = "objects with wrong types, which no API server admits";
    verify_report::write_controls(&reports.invalid, invalid, out)?;
    if let Some(constructs) = &reports.constructs {
        verify_report::write_constructs(constructs, out)?;
    }
    Ok(())
}

/// True if a control denied too few objects, or one of its messages never occurred.
fn has_unseen_behaviour(report: &DifferentialReport) -> bool {
    report.controls.iter().any(|control| {
        let mut messages = control.messages.iter();
        !control.is_denied_often_enough() || messages.any(|message| message.held == 0)
    })
}

fn percent_of(count: u64, percent: u64) -> u64 {
    (count * percent).div_ceil(100)
}

fn seed_from_clock() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| u64::from(time.subsec_nanos()) ^ time.as_secs())
}

fn write_file(path: &Path, content: &str) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    fs::write(path, content).with_context(|| format!("cannot write {}", path.display()))
}
