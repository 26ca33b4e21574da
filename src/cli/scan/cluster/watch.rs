//! `--watch`: goes on after the report, and prints what changes.

use super::{ClusterScan, pages::Followed};
use crate::cli::{exit_status::ExitStatus, stderr, terminal};
use anyhow::bail;
use kubevet_cluster::{Cluster, WatchedChange};
use kubevet_model::{Change, Scan, Severity};
use kubevet_operator::Reading;
use kubevet_policy::Params;
use kubevet_report as report;
use kubevet_scan::ChangeTracker;
use std::{
    cmp::Reverse,
    io,
    time::{Duration, Instant},
};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tokio::{runtime::Runtime, sync::mpsc};

/// The number of changes that wait to be evaluated.
const MAX_CHANGES: usize = 64;
/// How long an object waits for its owner, which another watch may bring later.
const OWNER_DELAY: Duration = Duration::from_secs(2);

/// Prints changes until standard output is closed, or the process is ended.
///
/// # Errors
/// Every watch ended, or standard output cannot be written.
pub(super) fn follow(
    command: &ClusterScan<'_>,
    runtime: &Runtime,
    cluster: &Cluster,
    reading: &Reading,
    scan: &Scan,
    followed: Followed,
    params: &Params,
) -> anyhow::Result<ExitStatus> {
    let engine = &command.session.engine;
    let mut tracker = ChangeTracker::new(engine, params, scan, followed.memory);
    let (sender, mut received) = mpsc::channel(MAX_CHANGES);
    let (watcher, request) = (cluster.clone(), reading.request.clone());
    runtime.spawn(async move {
        watcher
            .watch_objects(request, followed.starts, sender)
            .await;
    });
    stderr::print_line("note: watching; only what changes is printed from here on");
    let printer = Printer {
        is_json: command.flags.format == "json",
        lowest: command.flags.severity_threshold.unwrap_or(Severity::Low),
    };
    let mut settled_at = Instant::now();
    let mut warnings = Warnings::default();
    loop {
        let next = async { tokio::time::timeout(OWNER_DELAY, received.recv()).await };
        let mut changes = match runtime.block_on(next) {
            Err(_) => Vec::new(),
            Ok(None) => bail!("every watch ended"),
            Ok(Some(WatchedChange::Changed { object, .. })) => tracker.changed(&object),
            Ok(Some(WatchedChange::Deleted { object, .. })) => tracker.deleted(&object),
            Ok(Some(WatchedChange::Opened { .. })) => Vec::new(),
            Ok(Some(WatchedChange::Relisted { list, uids })) => {
                match reading.kinds.get(list.resource) {
                    Some(planned) => {
                        tracker.relisted(&planned.kind, list.namespace.as_deref(), &uids)
                    }
                    None => Vec::new(),
                }
            }
            Ok(Some(WatchedChange::Failed { error, .. })) => {
                warnings.print(format!("{error}; trying again"));
                Vec::new()
            }
            Ok(Some(WatchedChange::Unreadable { error, .. })) => {
                warnings.print(error.to_string());
                Vec::new()
            }
        };
        if settled_at.elapsed() >= OWNER_DELAY {
            changes.extend(tracker.settle());
            settled_at = Instant::now();
        }
        if !printer.print(&changes)? {
            return Ok(ExitStatus::Success);
        }
    }
}

/// Writes warnings to standard error, those that are repeated once.
#[derive(Default)]
struct Warnings {
    last: String,
}

impl Warnings {
    fn print(&mut self, message: String) {
        if message != self.last {
            stderr::print_line(&format!("warning: {message}"));
            self.last = message;
        }
    }
}

/// Writes changes to standard output.
struct Printer {
    is_json: bool,
    /// The lowest severity that is printed.
    lowest: Severity,
}

impl Printer {
    /// Prints changes. False if nobody reads them any more.
    fn print(&self, changes: &[Change]) -> anyhow::Result<bool> {
        let now = OffsetDateTime::now_utc();
        let now = now.replace_nanosecond(0).unwrap_or(now).format(&Rfc3339)?;
        let shown = changes.iter();
        let mut shown: Vec<&Change> = shown
            .filter(|change| change.severity >= self.lowest)
            .collect();
        shown.sort_by_key(|change| (&change.object, Reverse(change.severity), &change.control));
        let mut is_closed = false;
        terminal::write(None, |out| {
            for change in shown {
                let written = if self.is_json {
                    report::write_change_json(change, &now, out)
                } else {
                    report::write_change(change, &now, out)
                };
                written.inspect_err(|error| is_closed = is_closed || is_broken_pipe(error))?;
            }
            out.flush()
                .inspect_err(|error| is_closed = is_closed || is_broken_pipe(error))
        })?;
        Ok(!is_closed)
    }
}

fn is_broken_pipe(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe
}
