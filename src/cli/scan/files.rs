//! A scan of files: reads the paths, and evaluates the objects that the flags select.

use super::{
    kind_names::{did_you_mean, is_built_in},
    scan_flags::ScanFlags,
    selection::hint_about_path,
};
use crate::cli::{session::Session, terminal};
use kubevet_document::{Document, Limits, set_namespace};
use kubevet_k8s::schema::Schema;
use kubevet_model::{Problem, ProblemCode, Scan};
use kubevet_policy::Library;
use kubevet_scan::{self as scan, FileObjects, ObjectFilter, ScanOptions};
use kubevet_source::{self as source, Input};
use std::path::PathBuf;

/// Reads the paths. A path that does not exist but names a control or a framework gets a hint.
pub(super) fn read(paths: &[PathBuf], library: &Library) -> Input {
    let bar = terminal::progress_bar("reading");
    let mut input = source::read(paths, &Limits::default(), &mut |read, total| {
        bar.set_length(total as u64);
        bar.set_position(read as u64);
    });
    bar.finish_and_clear();
    for problem in &mut input.problems {
        let is_given = |path: &PathBuf| path.as_os_str() == problem.file.as_str();
        if problem.position.is_none() && paths.iter().any(is_given) {
            let hint = hint_about_path(&problem.file, library);
            problem.message.push_str(&hint);
        }
    }
    input
}

/// Evaluates the objects that the flags select.
pub(super) fn scan(
    paths: &[PathBuf],
    flags: &ScanFlags,
    session: &Session,
    options: ScanOptions<'_>,
    input: Input,
) -> Scan {
    let filter = flags.filter();
    let read_objects = input.objects.len();
    let mut objects = input.objects;
    if let Some(namespace) = &flags.namespace {
        objects = set_namespace(objects, namespace, is_namespaced);
    }
    let mut problems = session.problems.clone();
    problems.extend(input.problems);
    if !objects.is_empty() {
        problems.extend(unknown_kinds(
            "--include-kinds",
            &flags.include_kinds,
            &objects,
        ));
        problems.extend(unknown_kinds(
            "--exclude-kinds",
            &flags.exclude_kinds,
            &objects,
        ));
    }
    objects.retain(|object| filter.allows(object));
    if objects.is_empty() && problems.is_empty() {
        let message = nothing_to_scan(paths, read_objects);
        problems.push(Problem::in_file(ProblemCode::InputEmpty, "", message));
    }
    let bar = terminal::progress_bar("checking");
    bar.set_length(objects.len() as u64);
    let input = FileObjects {
        objects,
        files: input.files,
        problems,
        skipped: input.skipped,
    };
    let scan = scan::run(options, input, &|| bar.inc(1));
    bar.finish_and_clear();
    scan
}

/// Returns a problem for each word of a flag that is no kind of Kubernetes and of no object: most
/// likely it is misspelt, and what was meant is not checked, or is.
fn unknown_kinds(flag: &str, words: &[String], objects: &[Document]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for word in words {
        let filter = ObjectFilter {
            include_kinds: vec![word.clone()],
            ..ObjectFilter::default()
        };
        if is_built_in(word) || objects.iter().any(|object| filter.allows(object)) {
            continue;
        }
        let meant = did_you_mean(word).unwrap_or_default();
        let message = format!("{flag}: no object has the kind {word:?}{meant}");
        problems.push(Problem::in_file(ProblemCode::InputEmpty, "", message));
    }
    problems
}

/// Returns why there is nothing to scan.
fn nothing_to_scan(paths: &[PathBuf], read_objects: usize) -> String {
    if read_objects == 0 {
        let names = paths.iter().map(|path| path.display().to_string());
        let names: Vec<String> = names.collect();
        return format!(
            "nothing to scan: no Kubernetes object in {}",
            names.join(", ")
        );
    }
    let noun = if read_objects == 1 {
        "object"
    } else {
        "objects"
    };
    format!(
        "nothing to scan: the flags for namespaces and kinds leave none of {read_objects} {noun}"
    )
}

/// False for a kind of Kubernetes that belongs to no namespace. Other kinds are taken to be
/// namespaced: most are, and a manifest does not say.
fn is_namespaced(object: &Document) -> bool {
    let kind = object.id().group_kind();
    Schema::embedded()
        .kind(&kind)
        .is_none_or(|kind| kind.namespaced)
}
