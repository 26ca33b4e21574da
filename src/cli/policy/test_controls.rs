//! `kubevet policy test`: the files of controls, the profile, and the rules against their own test
//! data.

use crate::cli::{exit_status::ExitStatus, session::Session, terminal};
use anyhow::{Context as _, bail};
use kubevet_conformance::{self as conformance, Mismatch};
use kubevet_model::Problem;
use kubevet_policy::{self as policy, Library};
use kubevet_rego as rego;
use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

/// A control to test.
struct TestedControl {
    id: String,
    folder: PathBuf,
}

/// Tests the controls of a policy folder, of a folder of controls, or of one control's folder.
pub(super) fn run(dir: &Path) -> anyhow::Result<ExitStatus> {
    let is_policy_folder = dir.join("controls").is_dir();
    let (library, problems) = load(dir, is_policy_folder);
    let folders = if is_policy_folder {
        control_folders(&dir.join("controls"))?
    } else {
        control_folders(dir)?
    };
    if folders.is_empty() && problems.is_empty() {
        bail!(
            "{}: no control to test: a control is a folder with a control.yaml",
            dir.display()
        );
    }
    let tested: Vec<TestedControl> = folders
        .into_iter()
        .filter_map(|folder| {
            let id = control_id(&library, &folder)?;
            Some(TestedControl { id, folder })
        })
        .collect();
    let mut session = Session::compile(library, problems);
    let lint_problems = lint(&session, &tested);
    session.problems.extend(lint_problems);
    let outcome = check_testdata(&mut session, &tested);
    session.problems.sort();
    session.problems.dedup();
    terminal::write_escaped(|out| write_outcome(&outcome, tested.len(), out))?;
    let status = ExitStatus::negative_if(!outcome.mismatches.is_empty());
    Ok(session.print_problems().max(status))
}

/// Loads the policy folder, or the embedded library with the controls of `dir` added to it.
fn load(dir: &Path, is_policy_folder: bool) -> (Library, Vec<Problem>) {
    if is_policy_folder {
        return policy::load_folder(dir);
    }
    let (mut library, mut problems) = policy::embedded();
    let (controls, modules, load_problems) = policy::load_custom(dir);
    problems.extend(load_problems);
    // A control of the library that is being changed replaces the embedded one.
    library.controls.retain(|embedded| {
        let mut controls = controls.iter();
        !controls.any(|custom| custom.control.id == embedded.control.id)
    });
    problems.extend(library.add_custom(controls, modules));
    (library, problems)
}

/// Returns the folder itself if it is that of a control, else the control folders directly below
/// it.
fn control_folders(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let is_control = |path: &Path| path.join("control.yaml").is_file();
    if is_control(folder) {
        return Ok(vec![folder.to_owned()]);
    }
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut folders = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if is_control(&path) {
            folders.push(path);
        }
    }
    folders.sort();
    Ok(folders)
}

/// Returns the id of the control that a folder is named after: `ID` or `ID-NAME`. Of several ids
/// that fit, the longest is meant.
fn control_id(library: &Library, folder: &Path) -> Option<String> {
    let folder = fs::canonicalize(folder).ok()?;
    let name = folder.file_name()?.to_string_lossy();
    let controls = library.metadata();
    let ids = controls.iter().map(|control| control.id.as_str());
    ids.filter(|id| name == **id || name.starts_with(&format!("{id}-")))
        .max_by_key(|id| id.len())
        .map(str::to_owned)
}

/// Returns the lint problems of the tested controls, and the reasons why some are interpreted.
fn lint(session: &Session, tested: &[TestedControl]) -> Vec<Problem> {
    let is_tested = |id: &str| tested.iter().any(|control| control.id == id);
    let mut library = session.library.clone();
    library
        .controls
        .retain(|source| is_tested(source.control.id.as_str()));
    let mut problems = rego::lint(&library);
    let interpreted = session.engine.interpreted();
    problems.extend(
        interpreted
            .filter(|(id, _)| is_tested(id.as_str()))
            .map(|(_, reason)| reason.clone()),
    );
    problems
}

/// The outcome of the test data of all tested controls.
struct Outcome {
    /// The number of test objects.
    objects: usize,
    mismatches: Vec<Mismatch>,
}

fn check_testdata(session: &mut Session, tested: &[TestedControl]) -> Outcome {
    let mut outcome = Outcome {
        objects: 0,
        mismatches: Vec::new(),
    };
    for TestedControl { id, folder } in tested {
        let Some(control) = session.library.find(id).cloned() else {
            continue;
        };
        let (testdata, problems) = policy::read_testdata(folder);
        session.problems.extend(problems);
        outcome.objects += testdata.len();
        outcome.mismatches.extend(conformance::check_testdata(
            &session.engine,
            &session.library,
            &control.id,
            &testdata,
        ));
    }
    outcome
}

fn write_outcome(outcome: &Outcome, controls: usize, out: &mut dyn Write) -> io::Result<()> {
    for mismatch in &outcome.mismatches {
        writeln!(out, "{}", mismatch.file)?;
        for line in &mismatch.differences {
            writeln!(out, "    {line}")?;
        }
    }
    writeln!(
        out,
        "{controls} control{}, {} test objects: {} as expected, {} not",
        if controls == 1 { "" } else { "s" },
        outcome.objects,
        outcome.objects.saturating_sub(outcome.mismatches.len()),
        outcome.mismatches.len()
    )
}
