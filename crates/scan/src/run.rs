//! One scan from end to end: evaluates the objects on several threads, locates the findings, scores
//! the controls.

use super::{
    fingerprint, misnamed_kind, old_workload, owned, redact, schema_checks::SchemaChecks, score,
    scored_framework::ScoredFramework, status::status,
};
use kubevet_document::Document;
use kubevet_engine::Engine;
use kubevet_k8s::workload;
use kubevet_model::{
    Control, ControlId, EvalRequest, FieldPath, LocatedFinding, NotRun, ObjectId, ObjectResult,
    Problem, ProblemCode, Scan, ScanStatus, Skipped, SourceLine, SourceLocation, Summary,
    Thresholds, UnavailableControl, Verdict, Violation,
};
use kubevet_policy::Params;
use std::{
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// The number of source lines shown before and after a finding.
const CONTEXT_LINES: u32 = 2;

/// The objects to scan, the controls to scan them by, and what happened while they were read.
pub struct ScanInput<'a> {
    /// The engine, compiled from the chosen controls.
    pub engine: &'a Engine,
    /// The objects, in the order of the report.
    pub objects: Vec<Document>,
    /// The params of the controls.
    pub params: &'a Params,
    /// The chosen controls, by id.
    pub controls: Vec<Arc<Control>>,
    /// The checks against the types of Kubernetes.
    pub schema: SchemaChecks,
    /// The frameworks to score.
    pub frameworks: Vec<ScoredFramework>,
    /// The controls of these frameworks that cannot be evaluated in this scan, by id.
    pub unavailable: Vec<UnavailableControl>,
    /// What was not run because nothing was chosen.
    pub not_run: Option<NotRun>,
    /// The thresholds that the scan must meet.
    pub thresholds: Thresholds,
    /// The number of files that were read.
    pub files: usize,
    /// The problems of the library and of reading the files.
    pub problems: Vec<Problem>,
    /// The documents and files that were skipped.
    pub skipped: Vec<Skipped>,
}

/// Evaluates every object. `progress` is called after each object, from several threads.
#[must_use]
pub fn run(input: ScanInput<'_>, progress: &(dyn Fn() + Sync)) -> Scan {
    let (objects, schema_problems) = evaluate_all(&input, progress);
    let (objects, owned) = owned::leave_out_owned(&input.objects, objects);
    let controls = score::score_controls(&input.controls, &objects, input.params);
    let results = controls.iter().map(|result| (&result.control.id, result));
    let results: score::Results<'_> = results.collect();
    let frameworks = input
        .frameworks
        .iter()
        .map(|framework| score::score_framework(framework, &results))
        .collect();
    let mut problems = input.problems;
    problems.extend(schema_problems);
    problems.extend(input.objects.iter().filter_map(misnamed_kind::problem));
    let mut skipped = input.skipped;
    skipped.extend(owned);
    skipped.sort();
    let is_schema_control = |id: &ControlId| input.schema.contains(id);
    let summary = score::summarize(
        input.files,
        &objects,
        &controls,
        &is_schema_control,
        skipped.len(),
    );
    if problems.is_empty() {
        problems.extend(nothing_checked(&objects, &summary));
    }
    problems.sort();
    problems.dedup();
    let mut scan = Scan {
        objects,
        controls,
        unavailable: input.unavailable,
        frameworks,
        not_run: input.not_run,
        problems,
        skipped,
        summary,
        thresholds: input.thresholds,
        status: ScanStatus::Incomplete,
    };
    scan.status = status(&scan);
    scan
}

/// Returns the problem of a scan that checked none of its objects, though nothing failed.
fn nothing_checked(objects: &[ObjectResult], summary: &Summary) -> Option<Problem> {
    let has_errors = objects.iter().any(|object| !object.errors.is_empty());
    if objects.is_empty() || summary.checked > 0 || has_errors {
        return None;
    }
    let kinds: Vec<&str> = summary.not_applicable.keys().map(String::as_str).collect();
    let message = format!(
        "nothing was checked: no control that is chosen and configured checks {}; choose other \
         controls or objects",
        kinds.join(", ")
    );
    Some(Problem::in_file(ProblemCode::InputNotChecked, "", message))
}

/// Evaluates the objects on all processors. Each thread takes the next object that none has taken;
/// the results are in the order of the objects. Also returns why a server would refuse some.
fn evaluate_all(
    input: &ScanInput<'_>,
    progress: &(dyn Fn() + Sync),
) -> (Vec<ObjectResult>, Vec<Problem>) {
    let threads = thread::available_parallelism()
        .map_or(1, NonZeroUsize::get)
        .min(input.objects.len().max(1));
    let next = AtomicUsize::new(0);
    let work = || {
        let mut results = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(document) = input.objects.get(index) else {
                return results;
            };
            results.push((index, evaluate(input, document)));
            progress();
        }
    };
    let mut results: Vec<(usize, (ObjectResult, Vec<Problem>))> = thread::scope(|scope| {
        let workers: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut results = work();
        for worker in workers {
            match worker.join() {
                Ok(more) => results.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        results
    });
    results.sort_by_key(|(index, _)| *index);
    let (objects, problems): (Vec<_>, Vec<_>) =
        results.into_iter().map(|(_, result)| result).unzip();
    (objects, problems.into_iter().flatten().collect())
}

/// Evaluates one object, and locates its findings in the source. Also returns why a server would
/// refuse it.
fn evaluate(input: &ScanInput<'_>, document: &Document) -> (ObjectResult, Vec<Problem>) {
    let present = old_workload::in_present_group(document);
    let Verdict {
        mut judged,
        violations,
        errors,
    } = input
        .engine
        .judge(&present, &EvalRequest::default(), input.params);
    let object = Arc::new(document.id());
    let mut findings: Vec<LocatedFinding> = violations
        .into_iter()
        .map(|violation| locate(input, &present, &object, violation))
        .collect();
    let schema = input.schema.check(document);
    judged.extend(schema.judged);
    judged.sort();
    for (violation, severity) in schema.violations {
        let mut located = locate(input, &present, &object, violation);
        located.finding.severity = severity.unwrap_or(located.finding.severity);
        findings.push(located);
    }
    redact::redact_credentials(document, &input.controls, &mut findings);
    findings.sort_by(|a, b| sort_key(a).cmp(&sort_key(b)));
    let result = ObjectResult {
        object,
        origin: document.origin(),
        judged,
        findings,
        errors,
    };
    (result, schema.problems)
}

/// Returns the order of the findings of an object: by position, then as in the verdict.
fn sort_key(located: &LocatedFinding) -> impl Ord {
    let finding = &located.finding;
    (
        &located.source,
        &finding.rule,
        finding.paths(),
        &finding.message,
        finding.fixes(),
    )
}

/// Adds the source position of the first path, the container that it is in, and the lines around
/// it.
fn locate(
    input: &ScanInput<'_>,
    document: &Document,
    object: &Arc<ObjectId>,
    violation: Violation,
) -> LocatedFinding {
    let control = input
        .controls
        .iter()
        .find(|control| control.id == violation.control)
        .map(AsRef::as_ref);
    let path = violation.paths.first().cloned().unwrap_or_default();
    let position = document.resolve(&path).position;
    let first_line = position.line.saturating_sub(CONTEXT_LINES).max(1);
    let last_line = position.line.saturating_add(CONTEXT_LINES);
    let excerpt = within_document(position.line, document.lines(first_line, last_line));
    let source = SourceLocation {
        file: document.file().clone(),
        position,
    };
    LocatedFinding {
        container: container_name(input.engine, document, &path),
        finding: fingerprint::finding(document, object, control, violation),
        source,
        excerpt,
    }
}

/// Returns the name of the container that a path is in, or the container's path if it has no name.
fn container_name(engine: &Engine, document: &Document, path: &FieldPath) -> Option<String> {
    let kind = document.id().group_kind();
    let container = workload::container_of(&kind, path)
        .or_else(|| engine.workloads().container_of(&kind, path))?;
    let name = document
        .resolve(&container)
        .value
        .and_then(|node| node.get("name"))
        .and_then(|name| name.as_str())
        .filter(|name| !name.is_empty());
    Some(name.map_or_else(|| container.to_string(), str::to_owned))
}

/// Keeps the lines that are in the same YAML document as `line`. The lines of a neighbour say
/// nothing about this object, and may show credentials, which are masked in their own document
/// only.
fn within_document(line: u32, lines: Vec<SourceLine>) -> Vec<SourceLine> {
    let is_boundary = |candidate: &&SourceLine| {
        candidate.text.starts_with("---") || candidate.text.starts_with("...")
    };
    let boundaries = || lines.iter().filter(is_boundary).map(|line| line.number);
    let before = boundaries().filter(|number| *number < line).max();
    let after = boundaries().filter(|number| *number > line).min();
    let (before, after) = (before.unwrap_or(0), after.unwrap_or(u32::MAX));
    lines
        .into_iter()
        .filter(|line| line.number > before && line.number < after)
        .collect()
}
