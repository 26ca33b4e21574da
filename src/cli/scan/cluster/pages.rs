//! The pages of a cluster become a scan: each is evaluated while the next ones are read, and dropped.

use super::{ClusterScan, scanned_cluster};
use crate::cli::terminal;
use kubevet_cluster::{Cluster, ReadEvent, WatchStart};
use kubevet_document::Document;
use kubevet_model::{Problem, ProblemCode, Scan};
use kubevet_operator::Reading;
use kubevet_scan::{self as scan, ClusterOutcome, ScanMemory, ScanOptions, UnreadLog};
use tokio::{runtime::Runtime, sync::mpsc};

/// The number of pages that wait to be evaluated.
const MAX_PAGES: usize = 2;

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
    flag_problems: Vec<Problem>,
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
                failure => reading.record_failure(&failure, &mut unread),
            }
        }
        bar.finish_and_clear();
        let mut problems = command.session.problems.clone();
        problems.extend(flag_problems);
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
