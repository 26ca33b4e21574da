//! `kubevet policy cases`: rules against the cases of the public library, or of the user.

use crate::cli::{
    exit_status::ExitStatus, library_flags::LibraryFlags, session::Session, terminal,
};
use anyhow::{Context as _, bail};
use kubevet_conformance::{self as conformance, CaseResult, CaseStatus};
use kubevet_model::{Problem, ProblemCode};
use kubevet_policy::{self as policy, CaseFile, Difference};
use std::{
    fs,
    io::{self, Write},
    path::Path,
};

/// Runs the case files of a folder. The file `differences` lists the differences on purpose; it may
/// be absent.
pub(super) fn run(
    dir: &Path,
    differences: &Path,
    library: &LibraryFlags,
) -> anyhow::Result<ExitStatus> {
    let mut session = Session::open(library);
    let (files, problems) = read_case_files(dir)?;
    session.problems.extend(problems);
    let (known, problems) = if differences.is_file() {
        policy::read_differences(differences)
    } else {
        (Vec::new(), Vec::new())
    };
    session.problems.extend(problems);
    let results = conformance::check_cases(&session.engine, &session.library, &files, &known);
    let stale = known.iter().filter(|entry| !is_run(entry, &results));
    session.problems.extend(stale.map(|entry| {
        let message = format!(
            "no case `{}` of {} is run for {}",
            entry.case, entry.rule, entry.control
        );
        Problem::in_file(
            ProblemCode::PolicyUnusedDifference,
            differences.to_string_lossy(),
            message,
        )
    }));
    if results.is_empty() && session.problems.is_empty() {
        bail!(
            "{}: no case of a rule that a control replaces",
            dir.display()
        );
    }
    terminal::write_escaped(|out| write_results(&results, out))?;
    let is_unexplained = |result: &CaseResult| result.status == CaseStatus::Unexplained;
    let status = ExitStatus::negative_if(results.iter().any(is_unexplained));
    Ok(session.print_problems().max(status))
}

/// True if the case of a listed difference was run.
fn is_run(difference: &Difference, results: &[CaseResult]) -> bool {
    results.iter().any(|result| {
        result.control == difference.control
            && result.rule == difference.rule
            && result.case == difference.case
    })
}

fn read_case_files(dir: &Path) -> anyhow::Result<(Vec<CaseFile>, Vec<Problem>)> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            paths.push(path);
        }
    }
    paths.sort();
    let (mut files, mut problems) = (Vec::new(), Vec::new());
    for path in paths {
        let (file, file_problems) = policy::read_cases(&path);
        files.extend(file);
        problems.extend(file_problems);
    }
    Ok((files, problems))
}

fn write_results(results: &[CaseResult], out: &mut dyn Write) -> io::Result<()> {
    for result in results {
        let label = match result.status {
            CaseStatus::Agrees => continue,
            CaseStatus::DiffersOnPurpose => "on purpose",
            CaseStatus::Unexplained => "unexplained",
        };
        writeln!(
            out,
            "{label}: {} {} {}",
            result.control, result.rule, result.case
        )?;
        for line in &result.lines {
            writeln!(out, "    {line}")?;
        }
    }
    let count = |status| {
        let results = results.iter();
        results.filter(|result| result.status == status).count()
    };
    writeln!(
        out,
        "{} cases: {} agree, {} different on purpose, {} unexplained",
        results.len(),
        count(CaseStatus::Agrees),
        count(CaseStatus::DiffersOnPurpose),
        count(CaseStatus::Unexplained)
    )
}
