//! One scan from end to end.

use super::{redact, score};
use kubevet_document::Document;
use kubevet_engine::Engine;
use kubevet_k8s::workload;
use kubevet_model::{
    Control, EvalRequest, Finding, Framework, LocatedFinding, ObjectResult, Problem, Scan, Skipped,
    Source, SourceLine, Verdict,
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

/// Lines of a source shown before and after the one that a finding is on.
const EXCERPT_LINES: u32 = 2;

/// What to scan, and by what.
pub struct Job<'a> {
    /// The engine, compiled from the chosen controls.
    pub engine: &'a Engine,
    /// The objects, in the order of the report.
    pub objects: Vec<Document>,
    /// What the controls are told.
    pub params: &'a Params,
    /// The chosen controls, by id.
    pub controls: Vec<Arc<Control>>,
    /// The frameworks to score.
    pub frameworks: Vec<Arc<Framework>>,
    /// How many files were read.
    pub files: usize,
    /// What went wrong before.
    pub problems: Vec<Problem>,
    /// What was left out before.
    pub skipped: Vec<Skipped>,
}

/// Judges every object. `seen` is called after each, from several threads.
#[must_use]
pub fn run(job: Job<'_>, seen: &(dyn Fn() + Sync)) -> Scan {
    let results = judge_all(&job, seen);
    let controls = score::controls(&job.controls, &results, job.params);
    let frameworks = job
        .frameworks
        .iter()
        .map(|it| score::framework(it, &controls))
        .collect();
    let mut problems = job.problems;
    problems.sort();
    problems.dedup();
    let mut skipped = job.skipped;
    skipped.sort();
    let summary = score::summary(job.files, &results, &controls, skipped.len());
    Scan {
        objects: results,
        controls,
        frameworks,
        problems,
        skipped,
        summary,
    }
}

/// Threads take the next object that nobody has; the order of the results is that of the objects.
fn judge_all(job: &Job<'_>, seen: &(dyn Fn() + Sync)) -> Vec<ObjectResult> {
    let threads = thread::available_parallelism()
        .map_or(1, NonZeroUsize::get)
        .min(job.objects.len().max(1));
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(document) = job.objects.get(place) else {
                return done;
            };
            done.push((place, judge(job, document)));
            seen();
        }
    };
    let mut results: Vec<(usize, ObjectResult)> = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut results = work();
        for other in others {
            match other.join() {
                Ok(more) => results.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        results
    });
    results.sort_by_key(|(place, _)| *place);
    results.into_iter().map(|(_, result)| result).collect()
}

fn judge(job: &Job<'_>, document: &Document) -> ObjectResult {
    let Verdict {
        judged,
        findings,
        errors,
    } = job
        .engine
        .judge(document, &EvalRequest::default(), job.params);
    let mut findings: Vec<LocatedFinding> = findings
        .into_iter()
        .map(|it| locate(document, it))
        .collect();
    redact::hide_secrets(document, &job.controls, &mut findings);
    findings.sort_by(|a, b| (&a.source, &a.finding).cmp(&(&b.source, &b.finding)));
    let source = Source {
        file: document.file().clone(),
        position: document.position(),
    };
    ObjectResult {
        object: document.id(),
        source,
        judged,
        findings,
        errors,
    }
}

fn locate(document: &Document, finding: Finding) -> LocatedFinding {
    let first = finding.paths.first().cloned().unwrap_or_default();
    let position = document.locate(&first).position;
    let container = workload::container_of(&document.id().group_kind(), &first).map(|path| {
        let name = path
            .segments()
            .iter()
            .try_fold(document.root(), |node, step| {
                step.text()
                    .parse()
                    .ok()
                    .and_then(|place| node.at(place))
                    .or_else(|| node.get(step.text()))
            });
        let name = name
            .and_then(|it| it.get("name"))
            .and_then(|it| it.as_str())
            .filter(|it| !it.is_empty());
        name.map_or_else(|| path.to_string(), str::to_owned)
    });
    let from = position.line.saturating_sub(EXCERPT_LINES).max(1);
    let excerpt = within(
        position.line,
        document.lines(from, position.line.saturating_add(EXCERPT_LINES)),
    );
    let source = Source {
        file: document.file().clone(),
        position,
    };
    LocatedFinding {
        finding,
        source,
        container,
        excerpt,
    }
}

/// The lines around `line` that are of its own document: a neighbour's lines say nothing about this object, and may hold
/// secrets that were looked for in the neighbour only.
fn within(line: u32, lines: Vec<SourceLine>) -> Vec<SourceLine> {
    let ends = |it: &&SourceLine| it.text.starts_with("---") || it.text.starts_with("...");
    let before = lines
        .iter()
        .filter(|it| it.number < line)
        .filter(ends)
        .map(|it| it.number)
        .max()
        .unwrap_or(0);
    let after = lines
        .iter()
        .filter(|it| it.number > line)
        .filter(ends)
        .map(|it| it.number)
        .min()
        .unwrap_or(u32::MAX);
    lines
        .into_iter()
        .filter(|it| it.number > before && it.number < after)
        .collect()
}
