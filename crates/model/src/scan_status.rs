//! The thresholds that a scan must meet, and its status under them.

use super::Severity;

/// The thresholds that a scan must meet.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Thresholds {
    /// The lowest severity of a defect that counts; `None`: every defect counts.
    pub severity: Option<Severity>,
    /// The minimum compliance of each framework, in percent.
    pub compliance: Option<f64>,
    /// The minimum coverage of each framework, in percent.
    pub coverage: Option<f64>,
    /// True if defects, compliance and coverage do not count. An incomplete scan still fails.
    pub exit_zero: bool,
    /// True if a scan of a cluster may leave objects unread.
    pub allow_partial: bool,
}

impl Thresholds {
    /// True if defects count. A compliance threshold alone replaces the count of defects. With both
    /// thresholds, both apply.
    #[must_use]
    pub fn counts_defects(&self) -> bool {
        !self.exit_zero && (self.severity.is_some() || self.compliance.is_none())
    }
}

/// The status of a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum ScanStatus {
    /// Every threshold is met.
    Met,
    /// A defect counts, or a framework is under a threshold.
    NotMet,
    /// Something was not read or not evaluated, so the scan proves nothing as a whole.
    #[default]
    Incomplete,
}
