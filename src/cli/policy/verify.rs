//! `kubevet policy verify`: one verdict, whoever gives it. It gathers manifests and voices, runs the proof, and shows what
//! came of it.

use super::{external_oracle::OracleProcess, verify_report};
use crate::cli::{complain, library_flags::LibraryFlags, terminal};
use anyhow::{Context as _, bail};
use clap::Args;
use kubevet_differential::{self as proof, Panel, Plan, Report, Seed};
use kubevet_document::{self as document, Document, Limits};
use kubevet_engine::Engine;
use kubevet_model::ControlId;
use kubevet_policy::{self as policy, Library};
use kubevet_source as input;
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

/// How many sorts of disagreement are made small in a run.
const KEEP: usize = 12;
/// Of every comparison asked for, so many more are made of objects that no API server lets through, in a hundred.
const WRONG_PERCENT: u64 = 25;
/// And so many of the language's constructs, whichever controls use them.
const CONSTRUCTS_PERCENT: u64 = 20;

#[derive(Debug, Args)]
pub(super) struct Verify {
    /// Verify these controls only
    #[arg(value_name = "CONTROL")]
    controls: Vec<String>,
    /// How many comparisons to make: a comparison is one object and one control, over all voices
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    count: u64,
    /// Repeat the run of this seed; without it every run is another
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// The oracle, which asks OPA and the API server's CEL (tests/kubernetes/oracle)
    #[arg(long, value_name = "PATH", env = "KUBEVET_ORACLE")]
    oracle: Option<PathBuf>,
    /// More manifests to begin from: files and folders. The controls' test data is among them where it can be found: in
    /// the folder of --policies, or in a checkout of kubevet
    #[arg(long, value_name = "PATH")]
    objects: Vec<PathBuf>,
    /// Write each disagreement as a test object into this folder
    #[arg(long, value_name = "DIR")]
    write: Option<PathBuf>,
    /// Fail where a voice is missing, a control denied too seldom, or one of its messages was never met
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    library: LibraryFlags,
}

impl Verify {
    pub(super) fn run(&self) -> anyhow::Result<u8> {
        let (library, problems) = self.library.load();
        let (engine, faults) = Engine::compile(&library);
        let engine = Arc::new(engine);
        let broken = complain(&problems).max(complain(&faults));
        let controls = self
            .controls
            .iter()
            .map(|it| known(&library, it))
            .collect::<anyhow::Result<Vec<_>>>()?;
        let seeds = self.seeds(&library)?;
        let seed = self.seed.unwrap_or_else(fresh_seed);
        let mut missing: Vec<String> = Vec::new();
        if self.oracle.is_none() {
            missing.push("OPA and CEL: no --oracle is given".to_owned());
        }
        for (control, why) in engine.interpreted() {
            missing.push(format!("program: {control} is interpreted: {why}"));
        }
        let plan = Plan {
            controls,
            count: self.count,
            seed,
            wrong: false,
            keep: KEEP,
        };
        let panel = Panel {
            library: &library,
            engine: &engine,
            reference: true,
            policies: true,
        };
        let admitted = self.compare(&plan, &panel, &seeds)?;
        // Exported policies are never shown what no API server lets through.
        let wrong = Plan {
            wrong: true,
            count: percent(self.count, WRONG_PERCENT),
            ..plan.clone()
        };
        let refused = self.compare(
            &wrong,
            &Panel {
                policies: false,
                ..panel
            },
            &seeds,
        )?;
        let constructs = if self.controls.is_empty() {
            Some(self.constructs(&plan)?)
        } else {
            None
        };
        terminal::write_shown(|out| {
            writeln!(
                out,
                "seed {seed}, {} manifests to begin from\n",
                seeds.len()
            )?;
            verify_report::show(
                &admitted,
                "objects as an API server may let them through",
                out,
            )?;
            verify_report::show(
                &refused,
                "objects with wrong types, as no API server lets through",
                out,
            )?;
            if let Some(constructs) = &constructs {
                verify_report::show_constructs(constructs, out)?;
            }
            missing
                .iter()
                .try_for_each(|it| writeln!(out, "missing: {it}"))
        })?;
        let mut differ = false;
        let all = [Some(&admitted), Some(&refused), constructs.as_ref()];
        for found in all.into_iter().flatten().flat_map(|it| &it.disagreements) {
            differ = true;
            if let (Some(folder), Some(file)) = (&self.write, &found.regression) {
                write_file(&folder.join(&file.path), &file.text)?;
            }
        }
        let unseen = admitted
            .controls
            .iter()
            .any(|it| !it.denied_enough() || it.messages.iter().any(|it| it.held == 0));
        let lacking = self.strict && (!missing.is_empty() || unseen);
        Ok(broken.max(if lacking { 2 } else { u8::from(differ) }))
    }

    /// Every construct of the language that the compiler takes.
    fn constructs(&self, plan: &Plan) -> anyhow::Result<Report> {
        let (library, seeds) = proof::constructs();
        let (engine, faults) = Engine::compile(&library);
        complain(&faults);
        // What compiles is never interpreted, and the interpreter has its own ways with some of it.
        let panel = Panel {
            library: &library,
            engine: &Arc::new(engine),
            reference: false,
            policies: true,
        };
        let (controls, count) = (panel.compiled(), percent(plan.count, CONSTRUCTS_PERCENT));
        self.compare(
            &Plan {
                controls,
                count,
                ..plan.clone()
            },
            &panel,
            &seeds,
        )
    }

    fn compare(&self, plan: &Plan, panel: &Panel<'_>, seeds: &[Seed]) -> anyhow::Result<Report> {
        let (mut voices, watcher) =
            panel.voices(|| self.oracle.as_deref().map(OracleProcess::start).transpose())?;
        let bar = terminal::progress("comparing");
        bar.set_length(plan.count);
        let told = &mut |done| bar.set_position(done);
        let report = proof::run(
            plan,
            panel.library,
            seeds.to_vec(),
            &mut voices,
            Some(&watcher),
            told,
        );
        bar.finish_and_clear();
        report.context("a voice is gone")
    }

    /// The test data of controls that lie in a folder, and the manifests named.
    fn seeds(&self, library: &Library) -> anyhow::Result<Vec<Seed>> {
        let mut seeds = Vec::new();
        for source in &library.controls {
            let Some(folder) = Path::new(&*source.file).parent().filter(|it| it.is_dir()) else {
                continue;
            };
            for object in policy::read_testdata(folder).0 {
                let control = Some(source.control.id.clone());
                seeds.extend(proof::seed(
                    &object.document,
                    control,
                    object.params.clone(),
                ));
            }
        }
        let limits = Limits::default();
        let read = input::read(&self.objects, &limits, &mut |_, _| {});
        if complain(&read.problems) != 0 && read.objects.is_empty() {
            bail!("no manifest could be read");
        }
        let objects = read.objects.into_iter().flat_map(document::expand_lists);
        seeds.extend(objects.filter_map(|it: Document| proof::seed(&it, None, Vec::new())));
        Ok(seeds)
    }
}

fn known(library: &Library, id: &str) -> anyhow::Result<ControlId> {
    match library.control(id) {
        Some(source) => Ok(source.control.id.clone()),
        None => bail!("there is no control {id}{}", library.suggest_control(id)),
    }
}

fn percent(count: u64, percent: u64) -> u64 {
    (count * percent).div_ceil(100)
}

fn fresh_seed() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |it| u64::from(it.subsec_nanos()) ^ it.as_secs())
}

fn write_file(path: &Path, text: &str) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
