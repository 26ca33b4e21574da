//! `kubevet policy test`: the files of controls, the profile, and the rules against their own test
//! data.

use crate::cli::{
    exit_status::ExitStatus, library_flags::LibraryFlags, session::Session, stderr, terminal,
};
use anyhow::bail;
use clap::Args;
use kubevet_conformance::{self as conformance, Mismatch};
use kubevet_engine::Explanation;
use kubevet_model::{ControlId, Problem, count};
use kubevet_policy::{self as policy, Library};
use kubevet_rego as rego;
use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

#[derive(Debug, Args)]
#[command(
    after_help = "Exit status: 0 all is as expected, 1 a rule and its test data differ, 2 something does not load or, with \
--strict, is outside the profile"
)]
pub(super) struct TestCommand {
    /// A policy folder, a control's folder, a folder of them, or one .rego file with a METADATA
    /// block. They are tested with the built-in library, unless the folder has its shared modules
    #[arg(id = "what", value_name = "FILE|DIR", default_value = "policies")]
    path: PathBuf,
    /// Fail where a rule is outside the profile, and so is interpreted and cannot be exported
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    library: LibraryFlags,
}

impl TestCommand {
    /// Tests the controls of a folder or file.
    pub(super) fn run(&self) -> anyhow::Result<ExitStatus> {
        let (base, mut problems) = self.library.load();
        let edited = policy::load_edited(&self.path, &base);
        problems.extend(edited.problems);
        if edited.ids.is_empty() && problems.is_empty() {
            bail!(
                "{}: no control to test: a control is a folder with a control.yaml",
                self.path.display()
            );
        }
        let mut session = Session::compile(edited.library, problems);
        let controls = edited.ids.len();
        // A rule that does not load finds nothing: its test data would only repeat that.
        let loaded: Vec<ControlId> = edited
            .ids
            .into_iter()
            .filter(|id| loads(&session, id))
            .collect();
        let notes = profile_notes(&session, &loaded);
        let outcome = check_testdata(&mut session, &loaded);
        if self.strict {
            session.problems.extend(notes);
        } else {
            print_notes(&notes);
        }
        session.problems.sort();
        session.problems.dedup();
        let broken = controls - loaded.len();
        terminal::write_escaped(|out| write_outcome(&outcome, loaded.len(), broken, out))?;
        let status = ExitStatus::negative_if(!outcome.mismatches.is_empty());
        Ok(session.print_problems().max(status))
    }
}

/// True if a control can be tested: it has no rule, or its rule loads.
fn loads(session: &Session, id: &ControlId) -> bool {
    let has_rule = session.library.control(id.as_str()).is_some();
    let explanation = session.engine.explain(id);
    !has_rule || !matches!(explanation, None | Some(Explanation::Broken(_)))
}

/// Returns the reasons why controls are interpreted, and their lint problems, sorted; one for each
/// line of a rule, since one statement may break several rules for one cause.
fn profile_notes(session: &Session, controls: &[ControlId]) -> Vec<Problem> {
    let mut library = session.library.clone();
    library
        .controls
        .retain(|source| controls.contains(&source.control.id));
    let mut notes = Vec::new();
    for id in controls {
        if let Some(Explanation::Interpreted(reasons)) = session.engine.explain(id) {
            notes.extend(reasons);
        }
    }
    notes.extend(rego::lint(&library));
    // The sort is stable, so that of one line a reason of the compiler stays.
    let line = |note: &Problem| note.position.map(|position| position.line);
    notes.sort_by(|a, b| (&a.file, line(a)).cmp(&(&b.file, line(b))));
    notes.dedup_by(|a, b| a.file == b.file && line(a).is_some() && line(a) == line(b));
    notes
}

fn print_notes(notes: &[Problem]) {
    for note in notes {
        stderr::print_line(&format!("note: {note}"));
    }
}

/// The outcome of the test data of all tested controls.
struct Outcome {
    /// The number of test objects.
    objects: usize,
    mismatches: Vec<Mismatch>,
}

fn check_testdata(session: &mut Session, controls: &[ControlId]) -> Outcome {
    let mut outcome = Outcome {
        objects: 0,
        mismatches: Vec::new(),
    };
    for id in controls {
        let Some(folder) = testdata_folder(&session.library, id) else {
            continue;
        };
        let (testdata, problems) = policy::read_testdata(&folder);
        session.problems.extend(problems);
        outcome.objects += testdata.len();
        outcome.mismatches.extend(conformance::check_testdata(
            &session.engine,
            &session.library,
            id,
            &testdata,
        ));
    }
    outcome
}

/// The folder of a control; `None` for a control in one file, which has no test data.
fn testdata_folder(library: &Library, id: &ControlId) -> Option<PathBuf> {
    let with_rule = library.control(id.as_str()).map(|source| &source.file);
    let file = with_rule.or_else(|| library.builtin(id.as_str()).map(|builtin| &builtin.file))?;
    let path = Path::new(&**file);
    let is_folder = path.file_name().is_some_and(|name| name == "control.yaml");
    path.parent().filter(|_| is_folder).map(Path::to_owned)
}

fn write_outcome(
    outcome: &Outcome,
    tested: usize,
    broken: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    for mismatch in &outcome.mismatches {
        writeln!(out, "{}", mismatch.file)?;
        for line in &mismatch.differences {
            writeln!(out, "    {line}")?;
        }
    }
    let not_loaded = match broken {
        0 => String::new(),
        broken => format!("; {} not tested", count(broken, "control")),
    };
    let controls = count(tested, "control");
    if tested == 0 {
        // The problems say everything.
        return Ok(());
    }
    if outcome.objects == 0 {
        let verb = if tested == 1 { "loads" } else { "load" };
        return writeln!(
            out,
            "{controls} {verb}; no test data: only a control's folder can have it, in testdata/pass/ and testdata/fail/\
             {not_loaded}"
        );
    }
    writeln!(
        out,
        "{controls}, {}: {} as expected, {} not{not_loaded}",
        count(outcome.objects, "test object"),
        outcome.objects.saturating_sub(outcome.mismatches.len()),
        outcome.mismatches.len()
    )
}
