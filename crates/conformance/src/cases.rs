//! The public library's cases: the same failing objects, and for each the same union of failed, review, delete and fix
//! paths. Messages and the values of fixes are not compared.

use kubevet_document::Document;
use kubevet_engine::{Engine, is_configured, looks_at};
use kubevet_model::{EvalRequest, ObjectId};
use kubevet_policy::{Case, CaseFile, ControlSource, Difference, Library};
use std::collections::{BTreeMap, BTreeSet};

/// How a case came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CaseStatus {
    /// Ours says the same.
    Agrees,
    /// Ours says something else, and why is written down.
    DiffersOnPurpose,
    /// Ours says something else, and nobody knows why; or it agrees although it is listed as a difference.
    Unexplained,
}

/// A case and how it came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseResult {
    /// The control that was asked.
    pub control: String,
    /// The public rule.
    pub rule: String,
    /// The case's name.
    pub case: String,
    /// How it came out.
    pub status: CaseStatus,
    /// What differs, a line each; or the reason written down.
    pub lines: Vec<String>,
}

/// What fails, and at which paths.
type Failing = BTreeMap<ObjectId, BTreeSet<String>>;

/// Runs the cases of every public rule that a control of the library stands for.
#[must_use]
pub fn check_cases(
    engine: &Engine,
    library: &Library,
    files: &[CaseFile],
    known: &[Difference],
) -> Vec<CaseResult> {
    let mut results = Vec::new();
    for source in &library.controls {
        for file in files
            .iter()
            .filter(|it| source.control.public_rules.contains(&it.rule))
        {
            results.extend(
                file.cases
                    .iter()
                    .map(|it| check(engine, library, source, file, it, known)),
            );
        }
    }
    results
}

fn check(
    engine: &Engine,
    library: &Library,
    source: &ControlSource,
    file: &CaseFile,
    case: &Case,
    known: &[Difference],
) -> CaseResult {
    let id = source.control.id.as_str();
    let (found, mut lines) = judge(engine, library, source, case);
    lines.extend(compare(&expected(case), &found));
    let reason = known
        .iter()
        .find(|it| it.control == id && it.rule == file.rule && it.case == case.name);
    let status = match (lines.is_empty(), reason) {
        (true, None) => CaseStatus::Agrees,
        (false, Some(_)) => CaseStatus::DiffersOnPurpose,
        (false, None) => CaseStatus::Unexplained,
        (true, Some(_)) => {
            lines.push(
                "agrees, although it is listed as a difference: take it off the list".to_owned(),
            );
            CaseStatus::Unexplained
        }
    };
    if let (CaseStatus::DiffersOnPurpose, Some(known)) = (status, reason) {
        lines = vec![known.reason.clone()];
    }
    CaseResult {
        control: id.to_owned(),
        rule: file.rule.clone(),
        case: case.name.clone(),
        status,
        lines,
    }
}

fn judge(
    engine: &Engine,
    library: &Library,
    source: &ControlSource,
    case: &Case,
) -> (Failing, Vec<String>) {
    let control = &source.control;
    let mut lines = Vec::new();
    let mut params = library.params.defaults();
    for (name, value) in &case.params {
        if control.params.contains(name)
            && let Err(message) = params.set(&library.params, name, value.clone())
        {
            lines.push(message);
        }
    }
    let mut found = Failing::new();
    if !is_configured(control, &params) {
        return (found, lines);
    }
    for object in &case.objects {
        let id = identity(object);
        if !control
            .kinds
            .iter()
            .any(|it| looks_at(it, &id.group_kind()))
        {
            continue;
        }
        let verdict = engine.judge(object, &EvalRequest::default(), &params);
        lines.extend(
            verdict
                .errors
                .iter()
                .filter(|it| it.control == control.id)
                .map(|it| it.message.clone()),
        );
        for finding in verdict
            .findings
            .iter()
            .filter(|it| it.control == control.id)
        {
            let paths = found.entry(id.clone()).or_default();
            paths.extend(finding.paths.iter().map(ToString::to_string));
            paths.extend(finding.fixes.iter().map(|it| it.path.to_string()));
        }
    }
    (found, lines)
}

/// The public cases name objects by apiVersion, kind and name alone.
fn identity(object: &Document) -> ObjectId {
    ObjectId {
        namespace: String::new(),
        ..object.id()
    }
}

fn expected(case: &Case) -> Failing {
    let mut failing = Failing::new();
    for failure in &case.expected {
        for object in &failure.objects {
            let object = ObjectId {
                namespace: String::new(),
                ..object.clone()
            };
            failing
                .entry(object)
                .or_default()
                .extend(failure.paths().into_iter().map(str::to_owned));
        }
    }
    failing
}

fn compare(expected: &Failing, found: &Failing) -> Vec<String> {
    let objects: BTreeSet<&ObjectId> = expected.keys().chain(found.keys()).collect();
    let none = BTreeSet::new();
    let mut lines = Vec::new();
    for object in objects {
        match (expected.get(object), found.get(object)) {
            (Some(_), None) => lines.push(format!("{object}: must fail, but passes")),
            (None, Some(_)) => lines.push(format!("{object}: must pass, but fails")),
            _ => {}
        }
        let (wanted, got) = (
            expected.get(object).unwrap_or(&none),
            found.get(object).unwrap_or(&none),
        );
        lines.extend(
            wanted
                .difference(got)
                .map(|it| format!("{object}: not found: {it}")),
        );
        lines.extend(
            got.difference(wanted)
                .map(|it| format!("{object}: found, not expected: {it}")),
        );
    }
    lines
}
