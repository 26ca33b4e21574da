//! The status of a scan under thresholds. The command line gives each status its exit code.

use kubevet_model::{Scan, Severity};

/// The thresholds that a scan must meet.
#[derive(Debug, Clone, Copy, Default)]
pub struct Thresholds {
    /// The lowest severity of a finding that counts; `None`: every finding counts.
    pub severity: Option<Severity>,
    /// The minimum compliance of each framework, in percent.
    pub compliance: Option<f64>,
    /// True if findings and compliance do not count. An incomplete scan still fails.
    pub exit_zero: bool,
}

/// The status of a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ScanStatus {
    /// Every threshold is met.
    Met,
    /// A finding counts, or a framework is under its threshold.
    NotMet,
    /// Something was not read or not evaluated, so the scan proves nothing as a whole.
    Incomplete,
}

/// Compares a scan with the thresholds.
#[must_use]
pub fn status(scan: &Scan, thresholds: &Thresholds) -> ScanStatus {
    if is_incomplete(scan, thresholds) {
        ScanStatus::Incomplete
    } else if !thresholds.exit_zero
        && (fails_by_findings(scan, thresholds) || fails_by_compliance(scan, thresholds))
    {
        ScanStatus::NotMet
    } else {
        ScanStatus::Met
    }
}

fn is_incomplete(scan: &Scan, thresholds: &Thresholds) -> bool {
    let has_errors = scan.objects.iter().any(|object| !object.errors.is_empty());
    // A framework without a score cannot meet a compliance threshold, nor miss it.
    let is_unscored = thresholds.compliance.is_some()
        && scan
            .frameworks
            .iter()
            .any(|framework| framework.compliance.is_none());
    !scan.problems.is_empty()
        || scan.summary.checked == 0
        || has_errors
        || (is_unscored && !thresholds.exit_zero)
}

fn fails_by_findings(scan: &Scan, thresholds: &Thresholds) -> bool {
    let lowest = thresholds.severity.unwrap_or(Severity::Low);
    let counts = scan.summary.findings.worst_first();
    let is_counted = |(severity, number): &(Severity, usize)| *severity >= lowest && *number > 0;
    // A compliance threshold alone replaces the count of findings. With both thresholds, both
    // apply.
    let findings_count = thresholds.severity.is_some() || thresholds.compliance.is_none();
    findings_count && counts.iter().any(is_counted)
}

fn fails_by_compliance(scan: &Scan, thresholds: &Thresholds) -> bool {
    thresholds.compliance.is_some_and(|minimum| {
        scan.frameworks.iter().any(|framework| {
            framework
                .compliance
                .is_some_and(|percent| percent < minimum)
        })
    })
}
