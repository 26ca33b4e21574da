//! The pages of a cluster become a scan: each is evaluated while the next ones are read, and dropped.

use super::{ClusterScan, reading::Reading, scanned_cluster};
use crate::cli::terminal;
use kubevet_cluster::{Cluster, ClusterError, ReadEvent, WatchStart};
use kubevet_document::Document;
use kubevet_model::{Kind, Problem, ProblemCode, Scan};
use kubevet_scan::{self as scan, ClusterOutcome, ScanMemory, ScanOptions, UnreadLog};
use tokio::{runtime::Runtime, sync::mpsc};

/// The number of pages that wait to be evaluated.
const MAX_PAGES: usize = 2;

/// Why objects are not read whose listing is refused.
const NOT_ALLOWED: &str =
    "listing them is not allowed; `kubevet manifests scan-rbac` prints the rights of a scan";

/// What the changes after a scan are followed from.
pub(super) struct Followed {
    pub(super) starts: Vec<WatchStart>,
    pub(super) memory: ScanMemory,
}

/// Reads the objects and evaluates them.
pub(super) fn scan(
    command: &ClusterScan<'_>,
    runtime: &Runtime,
    cluster: &Cluster,
    reading: &Reading,
    options: ScanOptions<'_>,
) -> (Scan, Followed) {
    let kinds = reading.kind_set();
    let mut starts = Vec::new();
    let bar = terminal::spinner();
    let (scan, memory) = scan::run_pages(options, kinds, |add| {
        let (sender, mut events) = mpsc::channel(MAX_PAGES);
        let reader = cluster.clone();
        let request = reading.request.clone();
        runtime.spawn(async move { reader.read_objects(request, sender).await });
        let mut unread = reading.unread.clone();
        let mut counts = vec![0_usize; reading.kinds.len()];
        let mut total = 0;
        while let Some(event) = events.blocking_recv() {
            match event {
                ReadEvent::Page { resource, objects } => {
                    add(&objects);
                    total += objects.len();
                    if let (Some(count), Some(planned)) =
                        (counts.get_mut(resource), reading.kinds.get(resource))
                    {
                        *count += objects.len();
                        bar.set_message(format!("{total} objects; {} {count}", planned.kind));
                    }
                }
                ReadEvent::Listed(start) => starts.push(start),
                failure => record_failure(reading, failure, &mut unread),
            }
        }
        bar.finish_and_clear();
        let mut problems = command.session.problems.clone();
        problems.extend(reading.problems.clone());
        if total == 0 && unread.is_empty() && problems.is_empty() {
            let message = nothing_to_scan(reading);
            problems.push(Problem::in_file(ProblemCode::InputEmpty, "", message));
        }
        ClusterOutcome {
            cluster: scanned_cluster(runtime, cluster),
            unread,
            problems,
        }
    });
    (scan, Followed { starts, memory })
}

/// Evaluates the objects that are given, instead of reading some.
pub(super) fn scan_objects(
    command: &ClusterScan<'_>,
    runtime: &Runtime,
    cluster: &Cluster,
    objects: &[Document],
    options: ScanOptions<'_>,
) -> Scan {
    let kinds = objects.iter().map(|object| object.id().group_kind());
    let (scan, _) = scan::run_pages(options, kinds.collect(), |add| {
        add(objects);
        ClusterOutcome {
            cluster: scanned_cluster(runtime, cluster),
            unread: UnreadLog::default(),
            problems: command.session.problems.clone(),
        }
    });
    scan
}

/// Records what could not be read.
fn record_failure(reading: &Reading, event: ReadEvent, unread: &mut UnreadLog) {
    let kind = |resource: usize| -> Option<&Kind> {
        let planned = reading.kinds.get(resource);
        planned.map(|planned| &planned.kind)
    };
    match event {
        ReadEvent::Page { .. } | ReadEvent::Listed(_) => {}
        ReadEvent::Failed {
            resource,
            namespace,
            error,
        } => {
            let Some(kind) = kind(resource) else { return };
            match namespace {
                Some(namespace) => unread.in_namespace(kind, &namespace, reason(&error)),
                None => unread.everywhere(kind, reason(&error)),
            }
        }
        ReadEvent::OnlyIn {
            resource,
            namespaces,
            error,
        } => {
            let Some(kind) = kind(resource) else { return };
            let cause = if error.is_forbidden() {
                "listing namespaces is not allowed".to_owned()
            } else {
                error.cause()
            };
            let reason = format!("no other namespace is known ({cause}); --namespaces names some");
            unread.in_others(kind, &namespaces, reason);
        }
    }
}

fn reason(error: &ClusterError) -> String {
    if error.is_forbidden() {
        NOT_ALLOWED.to_owned()
    } else {
        error.cause()
    }
}

fn nothing_to_scan(reading: &Reading) -> String {
    let kinds = reading.kinds.len();
    let noun = if kinds == 1 { "kind" } else { "kinds" };
    let place = match reading.request.namespaces.as_slice() {
        [] => "in the cluster".to_owned(),
        names => format!("in {}", names.join(", ")),
    };
    let selected = if reading.request.options.label_selector.is_empty() {
        ""
    } else {
        " with these labels"
    };
    format!(
        "nothing to scan: no object{selected} of the {kinds} {noun} that the chosen controls check {place}"
    )
}
