//! The cases of the public library (Kubescape's): the same objects must fail, each at the same
//! paths.
//!
//! The paths of an object are the union of its failed, review, delete and fix paths. Messages and
//! the values of fixes are not compared.

use kubevet_engine::Engine;
use kubevet_k8s::workload::SelectKinds as _;
use kubevet_model::{EvalRequest, ObjectId};
use kubevet_policy::{Case, CaseFile, ControlSource, Difference, Library, Params};
use std::collections::{BTreeMap, BTreeSet};

/// The result of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CaseStatus {
    /// The control gives the expected result.
    Agrees,
    /// The control gives another result, and the reason is on the list of differences.
    DiffersOnPurpose,
    /// The control gives another result for no listed reason, or the expected one although a
    /// difference is listed.
    Unexplained,
}

/// A case and its result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseResult {
    /// The id of the control that was evaluated.
    pub control: String,
    /// The name of the public rule.
    pub rule: String,
    /// The name of the case.
    pub case: String,
    /// The result.
    pub status: CaseStatus,
    /// The differences, a line each; or the listed reason.
    pub lines: Vec<String>,
}

/// The paths at which each failing object fails.
type FailedPaths = BTreeMap<ObjectId, BTreeSet<String>>;

/// Runs the cases of every public rule that a control of the library implements.
#[must_use]
pub fn check_cases(
    engine: &Engine,
    library: &Library,
    files: &[CaseFile],
    known: &[Difference],
) -> Vec<CaseResult> {
    let mut results = Vec::new();
    for source in &library.controls {
        let public_rules = &source.control.public_rules;
        for file in files
            .iter()
            .filter(|file| public_rules.contains(&file.rule))
        {
            let cases = file.cases.iter();
            results.extend(cases.map(|case| check(engine, library, source, file, case, known)));
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
    let (found, mut lines) = evaluate(engine, library, source, case);
    lines.extend(compare(&expected(case), &found));
    let difference = known.iter().find(|difference| {
        difference.control == id && difference.rule == file.rule && difference.case == case.name
    });
    let status = match (lines.is_empty(), difference) {
        (true, None) => CaseStatus::Agrees,
        (false, None) => CaseStatus::Unexplained,
        (false, Some(difference)) => {
            lines = vec![difference.reason.clone()];
            CaseStatus::DiffersOnPurpose
        }
        (true, Some(_)) => {
            lines.push(
                "agrees, although it is listed as a difference: take it off the list".to_owned(),
            );
            CaseStatus::Unexplained
        }
    };
    CaseResult {
        control: id.to_owned(),
        rule: file.rule.clone(),
        case: case.name.clone(),
        status,
        lines,
    }
}

/// Evaluates the objects of a case. Returns the paths at which they fail, and the errors.
fn evaluate(
    engine: &Engine,
    library: &Library,
    source: &ControlSource,
    case: &Case,
) -> (FailedPaths, Vec<String>) {
    let control = &source.control;
    let (params, mut errors) = case_params(library, source, case);
    let mut failed = FailedPaths::new();
    if !params.configures(control) {
        return (failed, errors);
    }
    for object in &case.objects {
        let id = without_namespace(&object.id());
        let kind = id.group_kind();
        if !control.kinds.matches(&kind) {
            continue;
        }
        let verdict = engine.judge(object, &EvalRequest::default(), &params);
        let of_control = verdict.errors.iter().filter(|e| e.control == control.id);
        errors.extend(of_control.map(|error| error.error.to_string()));
        let of_control = verdict
            .violations
            .iter()
            .filter(|f| f.control == control.id);
        for finding in of_control {
            let paths = failed.entry(id.clone()).or_default();
            paths.extend(finding.paths.iter().map(ToString::to_string));
            paths.extend(finding.fixes.iter().map(|fix| fix.path.to_string()));
        }
    }
    (failed, errors)
}

/// Returns the library's default params with those of the case that the control reads, and the
/// errors of setting them.
fn case_params(library: &Library, source: &ControlSource, case: &Case) -> (Params, Vec<String>) {
    let mut params = library.params.defaults();
    let mut errors = Vec::new();
    for (name, value) in &case.params {
        if source.control.params.contains(name)
            && let Err(error) = params.set(&library.params, name, value.clone())
        {
            errors.push(error.to_string());
        }
    }
    (params, errors)
}

/// The public cases identify objects by apiVersion, kind and name alone.
fn without_namespace(id: &ObjectId) -> ObjectId {
    ObjectId {
        namespace: String::new(),
        ..id.clone()
    }
}

fn expected(case: &Case) -> FailedPaths {
    let mut failed = FailedPaths::new();
    for failure in &case.expected {
        for object in &failure.objects {
            let paths = failed.entry(without_namespace(object)).or_default();
            paths.extend(failure.paths().into_iter().map(str::to_owned));
        }
    }
    failed
}

/// Returns a line for each difference.
fn compare(expected: &FailedPaths, found: &FailedPaths) -> Vec<String> {
    let objects: BTreeSet<&ObjectId> = expected.keys().chain(found.keys()).collect();
    let no_paths = BTreeSet::new();
    let mut lines = Vec::new();
    for object in objects {
        match (expected.get(object), found.get(object)) {
            (Some(_), None) => lines.push(format!("{object}: must fail, but passes")),
            (None, Some(_)) => lines.push(format!("{object}: must pass, but fails")),
            _ => {}
        }
        let expected = expected.get(object).unwrap_or(&no_paths);
        let found = found.get(object).unwrap_or(&no_paths);
        let missing = expected.difference(found);
        lines.extend(missing.map(|path| format!("{object}: not found: {path}")));
        let unexpected = found.difference(expected);
        lines.extend(unexpected.map(|path| format!("{object}: found, not expected: {path}")));
    }
    lines
}
