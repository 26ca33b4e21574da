//! The last line of every view: what the exit code says, in words.
//!
//! A scan with a gap is never called passed: the line names what is incomplete.

use super::summary::{framework_title, not_checked};
use crate::{
    number_format::{round_percent, severity_words},
    terminal::{TerminalWriter, TextStyle},
};
use kubevet_model::{ControlStatus, FrameworkResult, Kind, Scan, ScanStatus, Severity, count};
use std::{collections::BTreeSet, io};

/// Writes the verdict, and what is incomplete.
pub(super) fn write(scan: &Scan, writer: &mut TerminalWriter<'_>) -> io::Result<()> {
    let (style, verdict) = verdict(scan);
    let line = writer.styled(style, &verdict);
    writer.line(&line)
}

fn verdict(scan: &Scan) -> (TextStyle, String) {
    let gaps = gap_counts(scan).join(", ");
    let with_gaps = |text: String| match gaps.as_str() {
        "" => text,
        gaps => format!("{text}; incomplete: {gaps}"),
    };
    let has_defects = scan.summary.defects.total() > 0;
    if scan.summary.checked == 0 && !has_defects {
        return (TextStyle::Warning, with_gaps(nothing_checked(scan)));
    }
    let failures = failures(scan).join("; ");
    if !failures.is_empty() {
        return (TextStyle::Bad, with_gaps(format!("FAILED: {failures}")));
    }
    let rest = uncounted(scan);
    match scan.status {
        ScanStatus::Met if scan.unread.is_empty() => (
            TextStyle::Good,
            format!("passed: {rest}{}", uncovered(scan)),
        ),
        _ => (
            TextStyle::Warning,
            format!("incomplete: {gaps}; in what was checked: {rest}"),
        ),
    }
}

fn nothing_checked(scan: &Scan) -> String {
    if scan.summary.objects == 0 && scan.cluster.is_some() {
        return "nothing was checked: no object of the cluster was read".to_owned();
    }
    if scan.summary.objects == 0 {
        let files = count(scan.summary.files, "file");
        return format!("nothing was checked: no object to check in {files}");
    }
    let objects = not_checked(scan).unwrap_or_default();
    let controls = count(scan.controls.len(), "control");
    format!("nothing was checked with {controls}: {objects}")
}

/// Returns each threshold that is not met.
fn failures(scan: &Scan) -> Vec<String> {
    let (counts, thresholds) = (scan.summary.defects, &scan.thresholds);
    let lowest = thresholds.severity.unwrap_or(Severity::Low);
    let counted = counts.at_or_over(lowest);
    // The schema of an object is compared even if no control checks what the object does.
    let evaluated = scan.summary.checked.max(scan.summary.failed_objects);
    let mut failures = Vec::new();
    if thresholds.counts_defects() && counted > 0 {
        let defects = count(counted, "defect");
        failures.push(match (thresholds.severity, counts.total() - counted) {
            (None, _) => format!(
                "{defects} ({}) in {} of {}",
                severity_words(counts),
                scan.summary.failed_objects,
                count(evaluated, "object")
            ),
            (Some(lowest), 0) => format!("{defects} at or over {lowest}"),
            (Some(lowest), below) => format!("{defects} at or over {lowest} ({below} below)"),
        });
    }
    if let Some(minimum) = thresholds.compliance.filter(|_| !thresholds.exit_zero) {
        let under = scan.frameworks_under(minimum).into_iter();
        failures.extend(under.map(|result| {
            let percent = round_percent(result.compliance.unwrap_or_default(), 0);
            let title = framework_title(result);
            format!("{title} at {percent}%, under {minimum}%")
        }));
    }
    if let Some(minimum) = thresholds.coverage.filter(|_| !thresholds.exit_zero) {
        let under = scan.frameworks_covered_under(minimum).into_iter();
        failures.extend(under.map(|result| {
            let percent = round_percent(result.coverage.unwrap_or_default(), 0);
            let title = framework_title(result);
            format!("coverage of {title} at {percent}%, under {minimum}%")
        }));
    }
    failures
}

/// Returns what a scan says whose defects do not count, or that has none.
fn uncounted(scan: &Scan) -> String {
    let thresholds = &scan.thresholds;
    let total = scan.summary.defects.total();
    if total == 0 {
        let objects = count(scan.summary.checked, "object");
        let controls = count(scan.controls.len(), "control");
        return format!("no defects in {objects}, {controls}");
    }
    let defects = format!(
        "{} ({})",
        count(total, "defect"),
        severity_words(scan.summary.defects)
    );
    match (thresholds.severity, thresholds.compliance) {
        _ if thresholds.exit_zero => format!("{defects}, not counted (--exit-zero)"),
        (Some(lowest), _) => format!("nothing at or over {lowest} ({total} below)"),
        (None, Some(minimum)) => {
            format!("every framework at or over {minimum}%; {defects}, not counted")
        }
        (None, None) => defects,
    }
}

/// Returns how many controls of the named frameworks cannot be evaluated; empty if all can.
fn uncovered(scan: &Scan) -> String {
    let is_named = scan.frameworks.iter().any(|result| result.is_named);
    match scan.unavailable.len() {
        0 => String::new(),
        _ if !is_named => String::new(),
        number => format!("; {} not evaluated", count(number, "more control")),
    }
}

/// Returns what keeps the scan from being complete, each with its number.
fn gap_counts(scan: &Scan) -> Vec<String> {
    let not_evaluated = scan
        .controls
        .iter()
        .filter(|result| result.status == ControlStatus::NotEvaluated)
        .count();
    let errors: usize = scan.objects.iter().map(|object| object.errors.len()).sum();
    let mut gaps = Vec::new();
    if !scan.problems.is_empty() {
        gaps.push(count(scan.problems.len(), "problem"));
    }
    if !scan.unread.is_empty() {
        let kinds: BTreeSet<&Kind> = scan.unread.iter().map(|unread| &unread.kind).collect();
        gaps.push(format!("{} not read", count(kinds.len(), "kind")));
    }
    if not_evaluated > 0 {
        gaps.push(format!("{} not evaluated", count(not_evaluated, "control")));
    }
    if errors > 0 {
        gaps.push(format!("{} not given", count(errors, "answer")));
    }
    let is_unscored = |result: &&FrameworkResult| result.is_named && result.compliance.is_none();
    let unscored = scan.frameworks.iter().filter(is_unscored).count();
    if unscored > 0 && scan.thresholds.compliance.is_some() {
        gaps.push(format!("{} without a score", count(unscored, "framework")));
    }
    gaps
}
