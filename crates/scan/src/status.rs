//! The status of a scan under its thresholds. The command line gives each status its exit code.

use kubevet_model::{Scan, ScanStatus, Severity};

/// Compares a scan with its thresholds.
pub(super) fn status(scan: &Scan) -> ScanStatus {
    if is_incomplete(scan) {
        ScanStatus::Incomplete
    } else if fails_by_defects(scan) || fails_by_compliance(scan) || fails_by_coverage(scan) {
        ScanStatus::NotMet
    } else {
        ScanStatus::Met
    }
}

fn is_incomplete(scan: &Scan) -> bool {
    let thresholds = &scan.thresholds;
    let has_errors = scan.objects.iter().any(|object| !object.errors.is_empty());
    // A framework without a score cannot meet a compliance threshold, nor miss it. Among all
    // frameworks, which nobody named, some may well have nothing to evaluate.
    let is_unscored = thresholds.compliance.is_some()
        && scan
            .frameworks
            .iter()
            .any(|framework| framework.is_named && framework.compliance.is_none());
    let is_partial = !scan.unread.is_empty() && !thresholds.allow_partial;
    !scan.problems.is_empty()
        || is_partial
        || scan.summary.checked == 0
        || has_errors
        || (is_unscored && !thresholds.exit_zero)
}

fn fails_by_defects(scan: &Scan) -> bool {
    let lowest = scan.thresholds.severity.unwrap_or(Severity::Low);
    scan.thresholds.counts_defects() && scan.summary.defects.at_or_over(lowest) > 0
}

fn fails_by_compliance(scan: &Scan) -> bool {
    let minimum = scan
        .thresholds
        .compliance
        .filter(|_| !scan.thresholds.exit_zero);
    minimum.is_some_and(|minimum| !scan.frameworks_under(minimum).is_empty())
}

fn fails_by_coverage(scan: &Scan) -> bool {
    let minimum = scan
        .thresholds
        .coverage
        .filter(|_| !scan.thresholds.exit_zero);
    minimum.is_some_and(|minimum| !scan.frameworks_covered_under(minimum).is_empty())
}
