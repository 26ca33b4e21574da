//! `kubevet policy verify`: one verdict, whoever gives it. It gathers manifests and voices, runs the proof, and shows what
//! came of it.

use super::oracle::OracleProcess;
use crate::{
    cli::{complain, library::LibraryFlags, terminal},
    document::{self, Document, Limits},
    engine::Engine,
    input,
    model::ControlId,
    policy::{self, Library, Params},
    proof::{self, CelVoice, Disagreement, EngineVoice, OpaVoice, Plan, REFERENCE, Report, Seed, Voice},
};
use anyhow::{Context as _, bail};
use clap::Args;
use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

/// How many sorts of disagreement are made small in a run.
const KEEP: usize = 12;
/// Of every comparison asked for, so many more are made of objects that no API server lets through, in a hundred.
const WRONG_PERCENT: u64 = 25;

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
    /// More manifests to begin from: files and folders; the controls' test data is always among them
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
        let broken = complain(&problems).max(complain(&faults));
        let controls = self.controls.iter().map(|it| known(&library, it)).collect::<anyhow::Result<Vec<_>>>()?;
        let seeds = self.seeds(&library)?;
        let seed = self.seed.unwrap_or_else(fresh_seed);
        let exporting = Engine::compile(&library).0;
        let mut missing: Vec<String> = Vec::new();
        let mut voices: Vec<Box<dyn Voice + '_>> = Vec::new();
        match &self.oracle {
            Some(path) => voices.push(Box::new(OpaVoice::new(OracleProcess::start(path)?, &library))),
            None => missing.push("OPA and CEL: no --oracle is given".to_owned()),
        }
        for (control, why) in engine.interpreted() {
            missing.push(format!("program: {control} is interpreted: {why}"));
        }
        voices.push(Box::new(EngineVoice::together("program", engine)));
        voices.push(Box::new(EngineVoice::apart(REFERENCE, &library, Engine::compile_reference)));
        let plan = Plan { controls, count: self.count, seed, wrong: false, keep: KEEP };
        // Exported policies are never shown what no API server lets through.
        let wrong = Plan { wrong: true, count: (self.count * WRONG_PERCENT).div_ceil(100), ..plan.clone() };
        let refused = self.compare(&wrong, &library, &seeds, &mut voices)?;
        if let Some(path) = &self.oracle {
            let policy_of = |id: &ControlId, params: &Params| match library.control(id.as_str()) {
                Some(source) => proof::exported(&exporting, &source.control, params),
                None => Err("there is no such control".to_owned()),
            };
            voices.push(Box::new(CelVoice::new(OracleProcess::start(path)?, Box::new(policy_of))));
        }
        let admitted = self.compare(&plan, &library, &seeds, &mut voices)?;
        terminal::write(None, |out| {
            writeln!(out, "seed {seed}, {} manifests to begin from\n", seeds.len())?;
            show(&admitted, "objects as an API server may let them through", out)?;
            show(&refused, "objects with wrong types, as no API server lets through", out)?;
            missing.iter().try_for_each(|it| writeln!(out, "missing: {it}"))
        })?;
        let mut differ = false;
        for found in admitted.disagreements.iter().chain(&refused.disagreements) {
            differ = true;
            if let (Some(folder), Some(file)) = (&self.write, &found.regression) {
                write_file(&folder.join(&file.path), &file.text)?;
            }
        }
        let unseen =
            admitted.controls.iter().any(|it| !it.denied_enough() || it.conditions.iter().any(|it| it.held == 0));
        let lacking = self.strict && (!missing.is_empty() || unseen);
        Ok(broken.max(if lacking { 2 } else { u8::from(differ) }))
    }

    fn compare(
        &self,
        plan: &Plan,
        library: &Library,
        seeds: &[Seed],
        voices: &mut [Box<dyn Voice + '_>],
    ) -> anyhow::Result<Report> {
        let bar = terminal::progress("comparing");
        bar.set_length(plan.count);
        let report = proof::run(plan, library, seeds.to_vec(), voices, None, &mut |done| bar.set_position(done));
        bar.finish_and_clear();
        report.context("a voice is gone")
    }

    /// The test data of controls that lie in a folder, and the manifests named.
    fn seeds(&self, library: &Library) -> anyhow::Result<Vec<Seed>> {
        let mut seeds = Vec::new();
        for source in &library.controls {
            let Some(folder) = Path::new(&*source.file).parent().filter(|it| it.is_dir()) else { continue };
            for object in policy::read_testdata(folder).0 {
                let control = Some(source.control.id.clone());
                seeds.extend(proof::seed(&object.document, control, object.params.clone()));
            }
        }
        let limits = Limits::default();
        let read = input::read(&self.objects, &limits, &mut |_, _| {});
        if complain(&read.problems) != 0 && read.objects.is_empty() {
            bail!("no manifest could be read");
        }
        let objects = read.objects.into_iter().flat_map(document::unfold);
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

fn fresh_seed() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |it| u64::from(it.subsec_nanos()) ^ it.as_secs())
}

fn write_file(path: &Path, text: &str) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn show(report: &Report, of: &str, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{} comparisons of {of}", report.compared())?;
    for voice in &report.voices {
        let seconds = voice.took.as_secs_f64();
        #[allow(clippy::cast_precision_loss, reason = "a rate to look at")]
        let rate = voice.answers as f64 / seconds.max(0.001);
        write!(out, "  {:<10} {} answers in {seconds:.1} s, {rate:.0} a second", voice.name, voice.answers)?;
        writeln!(
            out,
            "{}",
            if voice.invalid > 0 { format!("; {} not for admission", voice.invalid) } else { String::new() }
        )?;
        for (control, why) in &voice.abstains {
            writeln!(out, "             does not speak for {control}: {why}")?;
        }
    }
    writeln!(out, "\n  {:<8} {:>9} {:>7}  messages seen and not seen", "control", "compared", "denied")?;
    for control in &report.controls {
        let both = control.conditions.iter().filter(|it| it.seen_both()).count();
        let percent = control.denied * 100 / control.compared.max(1);
        let few = if control.denied_enough() { "" } else { "  denied too seldom" };
        writeln!(
            out,
            "  {:<8} {:>9} {percent:>5} %  {both} of {}{few}",
            control.control.as_str(),
            control.compared,
            control.conditions.len()
        )?;
        for condition in control.conditions.iter().filter(|it| !it.seen_both()) {
            let never = if condition.held == 0 { "never" } else { "always" };
            writeln!(out, "           {never}: {}", condition.what)?;
        }
    }
    writeln!(out)?;
    for (name, count) in &report.known {
        let reason = proof::DEVIATIONS.iter().find(|it| it.name == *name).map_or("", |it| it.reason);
        writeln!(out, "known of the reference tier: {name}, {count} times: {reason}")?;
    }
    for found in &report.disagreements {
        disagreement(found, out)?;
    }
    match report.differing {
        0 => writeln!(out, "no disagreement\n"),
        some => writeln!(out, "{some} disagreements, {} sorts shown\n", report.disagreements.len()),
    }
}

fn disagreement(found: &Disagreement, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}: {} differ, {} times; the smallest object:", found.control, found.what, found.count)?;
    for line in found.yaml.lines() {
        writeln!(out, "    {line}")?;
    }
    for (voice, answer) in &found.answers {
        for (place, line) in answer.lines().enumerate() {
            writeln!(out, "  {:<10} {line}", if place == 0 { voice.as_str() } else { "" })?;
        }
    }
    if let Some(file) = &found.regression {
        writeln!(out, "  as a test object, {}:", file.path)?;
        for line in file.text.lines().take_while(|it| it.starts_with('#')) {
            writeln!(out, "    {line}")?;
        }
    }
    writeln!(out)
}
