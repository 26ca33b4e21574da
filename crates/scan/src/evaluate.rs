//! One object → its result: the verdict of all controls, with each finding located in the source.
//!
//! An object knows nothing of the others here; [`super::accounting`] counts them.

use super::{fingerprint, old_workload, redact, schema_checks::SchemaChecks};
use kubevet_document::{Document, Node};
use kubevet_engine::Engine;
use kubevet_k8s::workload;
use kubevet_model::{
    Control, EvalRequest, FieldPath, LocatedFinding, ObjectId, ObjectResult, Origin, Problem,
    SourceLine, SourceLocation, Verdict, Violation,
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

/// Where the objects of a scan come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ObjectSource {
    /// Files: a finding has a position and an excerpt.
    Files,
    /// An API server: what it sends has no lines that a person has written.
    Cluster,
}

/// What every object is evaluated by.
pub(super) struct Evaluator<'a> {
    pub(super) engine: &'a Engine,
    pub(super) params: &'a Params,
    pub(super) controls: &'a [Arc<Control>],
    pub(super) schema: &'a SchemaChecks,
    pub(super) source: ObjectSource,
}

impl Evaluator<'_> {
    /// Evaluates the objects on all processors. Each thread takes the next object that none has
    /// taken; the results are in the order of the objects. Also returns why a server would refuse
    /// some. `progress` is called after each object, from several threads.
    pub(super) fn evaluate_all(
        &self,
        objects: &[Document],
        progress: &(dyn Fn() + Sync),
    ) -> (Vec<ObjectResult>, Vec<Problem>) {
        let threads = thread::available_parallelism()
            .map_or(1, NonZeroUsize::get)
            .min(objects.len().max(1));
        let next = AtomicUsize::new(0);
        let work = || {
            let mut results = Vec::new();
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(document) = objects.get(index) else {
                    return results;
                };
                results.push((index, self.evaluate(document)));
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

    /// Evaluates one object, and locates its findings in the source. Also returns why a server
    /// would refuse it.
    pub(super) fn evaluate(&self, document: &Document) -> (ObjectResult, Vec<Problem>) {
        let present = old_workload::in_present_group(document);
        let Verdict {
            judged,
            violations,
            errors,
        } = self
            .engine
            .judge(&present, &EvalRequest::default(), self.params);
        let object = Arc::new(document.id());
        let origin = self.origin(document);
        let mut findings: Vec<LocatedFinding> = violations
            .into_iter()
            .map(|violation| self.locate(&present, &object, &origin, violation))
            .collect();
        let schema = self.schema.check(document);
        let mut judged = judged.to_vec();
        judged.extend(schema.judged);
        judged.sort();
        for (violation, severity) in schema.violations {
            let mut located = self.locate(&present, &object, &origin, violation);
            located.finding.severity = severity.unwrap_or(located.finding.severity);
            findings.push(located);
        }
        redact::redact_credentials(document, self.controls, &mut findings);
        findings.sort_by(|a, b| sort_key(a).cmp(&sort_key(b)));
        let result = ObjectResult {
            object,
            origin,
            judged,
            findings,
            errors,
        };
        (result, schema.problems)
    }

    fn origin(&self, document: &Document) -> Origin {
        match self.source {
            ObjectSource::Files => document.origin(),
            ObjectSource::Cluster => {
                let metadata = document.root().get("metadata");
                let text = |key| {
                    metadata
                        .and_then(|node| node.get(key))
                        .and_then(Node::as_str)
                };
                Origin::Cluster {
                    uid: text("uid").unwrap_or_default().into(),
                    resource_version: text("resourceVersion").unwrap_or_default().into(),
                }
            }
        }
    }

    /// Adds the source position of the first path, the container that it is in, and the lines around
    /// it.
    fn locate(
        &self,
        document: &Document,
        object: &Arc<ObjectId>,
        origin: &Origin,
        violation: Violation,
    ) -> LocatedFinding {
        let control = self
            .controls
            .iter()
            .find(|control| control.id == violation.control)
            .map(AsRef::as_ref);
        let path = violation.paths.first().cloned().unwrap_or_default();
        let (source, excerpt) = match self.source {
            ObjectSource::Files => {
                let source = source_location(document, &path);
                let line = source.position.line;
                (Some(source), excerpt(document, line))
            }
            ObjectSource::Cluster => (None, Vec::new()),
        };
        LocatedFinding {
            container: container_name(self.engine, document, &path),
            finding: fingerprint::finding(document, object, origin, control, violation),
            source,
            excerpt,
        }
    }
}

fn source_location(document: &Document, path: &FieldPath) -> SourceLocation {
    SourceLocation {
        file: document.file().clone(),
        position: document.resolve(path).position,
    }
}

fn excerpt(document: &Document, line: u32) -> Vec<SourceLine> {
    let first_line = line.saturating_sub(CONTEXT_LINES).max(1);
    let last_line = line.saturating_add(CONTEXT_LINES);
    within_document(line, document.lines(first_line, last_line))
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
