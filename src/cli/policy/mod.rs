//! `kubevet policy`: write controls and see whether they say what is expected of them.

mod explain;
mod external_oracle;
mod verify;
mod verify_report;

use super::{complain, library_flags::LibraryFlags, terminal};
use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use kubevet_conformance::{self as conformance, CaseResult, CaseStatus, Mismatch};
use kubevet_engine::Engine;
use kubevet_model::{ControlId, Problem, ProblemCode};
use kubevet_policy::{self as policy, CaseFile, Library};
use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

#[derive(Debug, Args)]
pub(super) struct PolicyCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Begin a control: a folder with its words, its rule and test data, all of which pass
    New {
        /// The id and a short name, such as C-9001-no-dockerhub
        #[arg(value_name = "ID-NAME")]
        name: String,
        /// The folder that the control's folder is made in
        #[arg(long, value_name = "DIR", default_value = ".")]
        dir: PathBuf,
    },
    /// Check controls: their files, the profile, and their rules against their own test data
    #[command(
        after_help = "Exit status: 0 all is as expected, 1 a rule and its test data differ, 2 something does not load"
    )]
    Test {
        /// A policy folder (with controls/ and lib/), or a control's folder to be judged with the embedded library
        #[arg(value_name = "DIR", default_value = "policies")]
        dir: PathBuf,
    },
    /// Compare rules with cases of the public library, or of your own (policies/README.md tells the form)
    #[command(
        after_help = "Exit status: 0 nothing is unexplained, 1 something is, 2 something does not load"
    )]
    Cases {
        /// A folder of case files, one a rule
        #[arg(value_name = "DIR")]
        dir: PathBuf,
        /// Where differences on purpose are listed with their reasons
        #[arg(long, value_name = "FILE", default_value = "tests/differences.yaml")]
        differences: PathBuf,
        #[command(flatten)]
        library: LibraryFlags,
    },
    /// Prove that every way of judging gives one verdict: OPA, the engine and exported policies, on generated objects
    #[command(
        after_help = "Exit status: 0 all agree, 1 two disagree, 2 something does not load or, with --strict, is missing"
    )]
    Verify(verify::Verify),
    /// Show what became of a rule: compiled or not and why, the program, what it reads, the CEL
    #[command(
        after_help = "Exit status: 0 it is compiled, 1 it is interpreted, 2 it does not load"
    )]
    Explain(explain::Explain),
}

impl PolicyCommand {
    pub(super) fn run(&self) -> anyhow::Result<u8> {
        match &self.what {
            What::New { name, dir } => new(name, dir),
            What::Test { dir } => test(dir),
            What::Verify(verify) => verify.run(),
            What::Explain(explain) => explain.run(),
            What::Cases {
                dir,
                differences,
                library,
            } => cases(dir, differences, library),
        }
    }
}

fn new(name: &str, dir: &Path) -> anyhow::Result<u8> {
    let files = policy::new_control(name, dir)?;
    let folder = dir.join(name);
    terminal::write_shown(|out| {
        for file in &files {
            writeln!(out, "{}", file.display())?;
        }
        writeln!(
            out,
            "\nWrite the rule and its test data, then:\n  kubevet policy test {}",
            folder.display()
        )
    })?;
    Ok(0)
}

fn test(dir: &Path) -> anyhow::Result<u8> {
    let (library, folders, mut problems) = tested(dir)?;
    let (engine, faults) = Engine::compile(&library);
    problems.extend(faults);
    let mut chosen = library.clone();
    chosen
        .controls
        .retain(|it| folders.iter().any(|(id, _)| id == it.control.id.as_str()));
    problems.extend(kubevet_rego::lint(&chosen));
    let is_tested = |id: &ControlId| chosen.control(id.as_str()).is_some();
    problems.extend(
        engine
            .interpreted()
            .filter(|(id, _)| is_tested(id))
            .map(|(_, why)| why.clone()),
    );
    let (mut objects, mut mismatches) = (0, Vec::new());
    for (id, folder) in &folders {
        let Some(source) = library.control(id) else {
            continue;
        };
        let (testdata, faults) = policy::read_testdata(folder);
        problems.extend(faults);
        objects += testdata.len();
        mismatches.extend(conformance::check_testdata(
            &engine,
            &library,
            &source.control.id,
            &testdata,
        ));
    }
    problems.sort();
    problems.dedup();
    terminal::write_shown(|out| show_test(&mismatches, folders.len(), objects, out))?;
    Ok(complain(&problems).max(u8::from(!mismatches.is_empty())))
}

/// The id of a control and its folder.
type Tested = (String, PathBuf);

/// The library to test with, and the folder of each control to be tested.
fn tested(dir: &Path) -> anyhow::Result<(Library, Vec<Tested>, Vec<Problem>)> {
    let whole = dir.join("controls").is_dir();
    let (library, problems) = if whole {
        policy::load_folder(dir)
    } else {
        let (mut library, mut problems) = policy::embedded();
        let (controls, modules, more) = policy::load_custom(dir);
        problems.extend(more);
        // A control of the library that is being changed takes the place of the embedded one.
        library
            .controls
            .retain(|it| !controls.iter().any(|own| own.control.id == it.control.id));
        problems.extend(library.add_custom(controls, modules));
        (library, problems)
    };
    let base = if whole {
        dir.join("controls")
    } else {
        dir.to_owned()
    };
    let mut folders = Vec::new();
    let is_control = |it: &Path| it.join("control.yaml").is_file();
    if is_control(&base) {
        folders.push(base);
    } else {
        for entry in
            fs::read_dir(&base).with_context(|| format!("cannot read {}", base.display()))?
        {
            let path = entry?.path();
            if is_control(&path) {
                folders.push(path);
            }
        }
    }
    folders.sort();
    if folders.is_empty() && problems.is_empty() {
        bail!(
            "{}: no control to test: a control is a folder with a control.yaml",
            dir.display()
        );
    }
    let id_of = |folder: &Path| {
        let name = fs::canonicalize(folder)
            .ok()?
            .file_name()?
            .to_string_lossy()
            .into_owned();
        let id = library.controls.iter().map(|it| it.control.id.as_str());
        id.filter(|it| name == **it || name.starts_with(&format!("{it}-")))
            .max_by_key(|it| it.len())
            .map(str::to_owned)
    };
    let folders = folders
        .into_iter()
        .filter_map(|it| Some((id_of(&it)?, it)))
        .collect();
    Ok((library, folders, problems))
}

fn show_test(
    mismatches: &[Mismatch],
    controls: usize,
    objects: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    for mismatch in mismatches {
        writeln!(out, "{}", mismatch.file)?;
        for line in &mismatch.differences {
            writeln!(out, "    {line}")?;
        }
    }
    writeln!(
        out,
        "{controls} control{}, {objects} test objects: {} as expected, {} not",
        if controls == 1 { "" } else { "s" },
        objects.saturating_sub(mismatches.len()),
        mismatches.len()
    )
}

fn cases(dir: &Path, differences: &Path, library: &LibraryFlags) -> anyhow::Result<u8> {
    let (library, mut problems) = library.load();
    let (engine, faults) = Engine::compile(&library);
    problems.extend(faults);
    let (files, faults) = case_files(dir)?;
    problems.extend(faults);
    let (known, faults) = if differences.is_file() {
        policy::read_differences(differences)
    } else {
        (Vec::new(), Vec::new())
    };
    problems.extend(faults);
    let results = conformance::check_cases(&engine, &library, &files, &known);
    for entry in &known {
        let exists = |it: &CaseResult| {
            it.control == entry.control && it.rule == entry.rule && it.case == entry.case
        };
        if !results.iter().any(exists) {
            let message = format!(
                "no case `{}` of {} is run for {}",
                entry.case, entry.rule, entry.control
            );
            problems.push(Problem::in_file(
                ProblemCode::PolicyUnusedDifference,
                differences.to_string_lossy(),
                message,
            ));
        }
    }
    if results.is_empty() && problems.is_empty() {
        bail!(
            "{}: no case of a rule that a control stands for",
            dir.display()
        );
    }
    terminal::write_shown(|out| show_cases(&results, out))?;
    let unexplained = results
        .iter()
        .any(|it| it.status == CaseStatus::Unexplained);
    Ok(complain(&problems).max(u8::from(unexplained)))
}

fn case_files(dir: &Path) -> anyhow::Result<(Vec<CaseFile>, Vec<Problem>)> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|it| it == "json") {
            paths.push(path);
        }
    }
    paths.sort();
    let (mut files, mut problems) = (Vec::new(), Vec::new());
    for path in paths {
        let (file, faults) = policy::read_cases(&path);
        files.extend(file);
        problems.extend(faults);
    }
    Ok((files, problems))
}

fn show_cases(results: &[CaseResult], out: &mut dyn Write) -> io::Result<()> {
    for result in results.iter().filter(|it| it.status != CaseStatus::Agrees) {
        let word = if result.status == CaseStatus::Unexplained {
            "unexplained"
        } else {
            "on purpose"
        };
        writeln!(
            out,
            "{word}: {} {} {}",
            result.control, result.rule, result.case
        )?;
        for line in &result.lines {
            writeln!(out, "    {line}")?;
        }
    }
    let count = |status| results.iter().filter(|it| it.status == status).count();
    writeln!(
        out,
        "{} cases: {} agree, {} different on purpose, {} unexplained",
        results.len(),
        count(CaseStatus::Agrees),
        count(CaseStatus::DiffersOnPurpose),
        count(CaseStatus::Unexplained)
    )
}
