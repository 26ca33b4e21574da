//! One scan from end to end: evaluates the objects, counts them, scores the controls. Of files all
//! objects are given at once; those of a cluster come page by page, and are dropped once they are
//! counted.

use super::{
    accounting::{Accounting, Keep, Totals},
    changes::ScanMemory,
    evaluate::{Evaluator, ObjectSource},
    misnamed_kind,
    owned::Ownership,
    schema_checks::SchemaChecks,
    score,
    scored_framework::ScoredFramework,
    status::status,
    unread::UnreadLog,
};
use kubevet_document::Document;
use kubevet_engine::Engine;
use kubevet_model::{
    Control, ControlId, Kind, NotRun, Problem, ProblemCode, Scan, ScanStatus, ScannedCluster,
    Skipped, Summary, Thresholds, UnavailableControl, Unread,
};
use kubevet_policy::Params;
use std::{collections::BTreeSet, sync::Arc};

/// The controls of a scan, and what its result is compared with.
pub struct ScanOptions<'a> {
    /// The engine, compiled from the chosen controls.
    pub engine: &'a Engine,
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
}

/// The objects of files, and what happened while they were read.
pub struct FileObjects {
    /// The objects, in the order of the report.
    pub objects: Vec<Document>,
    /// The number of files that were read.
    pub files: usize,
    /// The problems of the library and of reading the files.
    pub problems: Vec<Problem>,
    /// The documents and files that were skipped.
    pub skipped: Vec<Skipped>,
}

/// Evaluates the objects of files. `progress` is called after each object, from several threads.
#[must_use]
pub fn run(options: ScanOptions<'_>, input: FileObjects, progress: &(dyn Fn() + Sync)) -> Scan {
    let evaluator = evaluator(&options, ObjectSource::Files);
    let (results, schema_problems) = evaluator.evaluate_all(&input.objects, progress);
    let is_schema_control = schema_controls(&options);
    let mut accounting = Accounting::new(Keep::All, &is_schema_control);
    for (document, result) in input.objects.iter().zip(results) {
        accounting.add(Ownership::of(document), result);
    }
    let (totals, owned, _, _) = accounting.finish();
    let mut problems = input.problems;
    problems.extend(schema_problems);
    problems.extend(input.objects.iter().filter_map(misnamed_kind::problem));
    let mut skipped = input.skipped;
    skipped.extend(owned);
    skipped.sort();
    let outcome = Outcome {
        cluster: None,
        files: input.files,
        problems,
        skipped_number: skipped.len(),
        skipped,
        unread: Vec::new(),
    };
    finish(options, totals, outcome)
}

/// What a scan of a cluster ends with, besides its objects.
pub struct ClusterOutcome {
    /// The cluster.
    pub cluster: ScannedCluster,
    /// The objects that could not be read.
    pub unread: UnreadLog,
    /// The problems of the library and of the flags.
    pub problems: Vec<Problem>,
}

/// Evaluates the objects of a cluster: `read` gets a function that takes the objects of one page,
/// and returns what could not be read. `kinds` are the kinds of all objects that it will read. Also
/// returns what the changes after the scan are compared with.
#[must_use]
pub fn run_pages(
    options: ScanOptions<'_>,
    kinds: BTreeSet<Kind>,
    read: impl FnOnce(&mut dyn FnMut(&[Document])) -> ClusterOutcome,
) -> (Scan, ScanMemory) {
    let evaluator = evaluator(&options, ObjectSource::Cluster);
    let is_schema_control = schema_controls(&options);
    let mut accounting = Accounting::new(Keep::Reported(kinds.clone()), &is_schema_control);
    let outcome = read(&mut |page| {
        // The API server has accepted the objects: it has nothing to refuse.
        let (results, _) = evaluator.evaluate_all(page, &|| ());
        for (document, result) in page.iter().zip(results) {
            accounting.add(Ownership::of(document), result);
        }
    });
    let (totals, skipped, skipped_number, findings) = accounting.finish();
    let outcome = Outcome {
        cluster: Some(outcome.cluster),
        files: 0,
        problems: outcome.problems,
        skipped,
        skipped_number,
        unread: outcome.unread.into_unread(&options.controls),
    };
    let memory = ScanMemory { findings, kinds };
    (finish(options, totals, outcome), memory)
}

/// What is known of a scan besides its objects.
struct Outcome {
    cluster: Option<ScannedCluster>,
    files: usize,
    problems: Vec<Problem>,
    skipped: Vec<Skipped>,
    /// The number of what was skipped; several objects of a cluster are one entry.
    skipped_number: usize,
    unread: Vec<Unread>,
}

fn evaluator<'a>(options: &'a ScanOptions<'_>, source: ObjectSource) -> Evaluator<'a> {
    Evaluator {
        engine: options.engine,
        params: options.params,
        controls: &options.controls,
        schema: &options.schema,
        source,
    }
}

/// Returns which controls compare fields with the types of Kubernetes; none where only such controls
/// are chosen: then they count as checks.
fn schema_controls(options: &ScanOptions<'_>) -> impl Fn(&ControlId) -> bool + use<> {
    let schema = options.schema.clone();
    let mut controls = options.controls.iter();
    let has_rules = controls.any(|control| !schema.contains(&control.id));
    move |id| has_rules && schema.contains(id)
}

/// Scores controls and frameworks, and compares the result with the thresholds.
fn finish(options: ScanOptions<'_>, totals: Totals, outcome: Outcome) -> Scan {
    let evidence = score::Evidence {
        tallies: &totals.tallies,
        kinds: &totals.kinds,
        params: options.params,
        unread: &outcome.unread,
    };
    let controls = score::score_controls(&options.controls, &evidence);
    let results = controls.iter().map(|result| (&result.control.id, result));
    let results: score::Results<'_> = results.collect();
    let frameworks = options
        .frameworks
        .iter()
        .map(|framework| score::score_framework(framework, &results))
        .collect();
    let summary = Summary {
        files: outcome.files,
        controls: controls.iter().map(|result| result.status).collect(),
        skipped: outcome.skipped_number,
        ..totals.summary
    };
    let mut problems = outcome.problems;
    if problems.is_empty() && outcome.unread.is_empty() {
        problems.extend(nothing_checked(&totals.objects, &summary));
    }
    problems.sort();
    problems.dedup();
    let mut scan = Scan {
        cluster: outcome.cluster,
        objects: totals.objects,
        controls,
        unavailable: options.unavailable,
        frameworks,
        not_run: options.not_run,
        problems,
        skipped: outcome.skipped,
        unread: outcome.unread,
        summary,
        thresholds: options.thresholds,
        status: ScanStatus::Incomplete,
    };
    scan.status = status(&scan);
    scan
}

/// Returns the problem of a scan that checked none of its objects, though nothing failed.
fn nothing_checked(objects: &[kubevet_model::ObjectResult], summary: &Summary) -> Option<Problem> {
    let has_errors = objects.iter().any(|object| !object.errors.is_empty());
    if summary.objects == 0 || summary.checked > 0 || has_errors {
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
